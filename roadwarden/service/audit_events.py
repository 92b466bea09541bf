"""Records against their leaves: events with what they give, and moves of model aliases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from roadwarden.errors import LedgerError
from roadwarden.ledger.faults import Fault, FaultKind, differences, place_of, place_of_leaf
from roadwarden.ledger.leaves import Draft, Json, LeafKind, Source, draft_of_move, drafts_of_event, read_leaf
from roadwarden.models.history import Entry
from roadwarden.service.ledger import MODEL_NAME, kept_event
from roadwarden.storage.ledger_store import LeafRow, LedgerStore

LEAVES_AT_ONCE = 4096


def event_faults(store: LedgerStore, erased: AbstractSet[int]) -> Iterator[Fault]:
    """Every event up to the last one that is in the log, in the order of their positions."""
    last, newest = store.newest(Source.EVENTS), store.newest_event()
    if newest < last:
        gone = [leaf for leaf in _leaves_between(store, newest + 1, last) if leaf.kind == LeafKind.EVENT]
        if gone:
            cases = sorted({str(leaf.case) for leaf in gone})
            more = f" and {len(cases) - 5} more" if len(cases) > 5 else ""
            detail = (
                f"the last {len(gone)} are gone, from position {newest + 1} on: of cases {', '.join(cases[:5])}{more}"
            )
            yield Fault(FaultKind.TRUNCATED, "events", detail)
    for first in range(1, min(last, newest) + 1, LEAVES_AT_ONCE):
        until = min(first + LEAVES_AT_ONCE - 1, last, newest)
        yield from _between(store, first, until, erased)


def move_faults(store: LedgerStore, moves: Sequence[Entry], erased: AbstractSet[int]) -> Iterator[Fault]:
    """The registry's history against its leaves."""
    drafts = {(entry.number, 0): draft_of_move(MODEL_NAME, entry) for entry in moves}
    leaves = {(leaf.position, leaf.part): leaf for leaf in store.leaves_of_source(Source.REGISTRY)}
    logged = max((position for position, _ in leaves), default=0)
    for key in sorted(drafts.keys() | leaves.keys()):
        draft, leaf = drafts.get(key), leaves.get(key)
        if leaf is None and draft is not None and draft.position > logged:
            continue  # not in the log yet
        yield from _compare(store, draft, leaf, erased)


def _between(store: LedgerStore, first: int, last: int, erased: AbstractSet[int]) -> Iterator[Fault]:
    drafts: dict[tuple[int, int], Draft] = {}
    for row in store.events_between(first, last):
        try:
            drafts |= {(one.position, one.part): one for one in drafts_of_event(kept_event(row))}
        except LedgerError as exc:
            where = f"event of case {row.case_id} version {row.version} (position {row.position})"
            yield Fault(FaultKind.CHANGED, where, str(exc))
    leaves = {(leaf.position, leaf.part): leaf for leaf in _leaves_between(store, first, last)}
    for key in sorted(drafts.keys() | leaves.keys()):
        yield from _compare(store, drafts.get(key), leaves.get(key), erased)


def _compare(
    store: LedgerStore, draft: Draft | None, leaf: LeafRow | None, erased: AbstractSet[int]
) -> Iterator[Fault]:
    if leaf is None:
        if draft is not None:
            yield Fault(FaultKind.INSERTED, place_of(draft), "the log has nothing of it, though it has what came later")
        return
    body = read_leaf(leaf.body.encode(), f"leaf {leaf.number}")
    where = place_of_leaf(body, leaf.number, leaf.position)
    if (leaf.kind, leaf.case) != (body.get("kind"), body.get("case")):
        yield Fault(FaultKind.CHANGED, f"leaf {leaf.number}", "its columns are not what its body says")
    if draft is None:
        yield _gone(store, body, leaf, where)
        return
    if body["kind"] == LeafKind.EVENT and _identity(draft.public) != _identity(body):
        yield _moved(store, draft, body, leaf, where)
        return
    if draft.kind != body["kind"]:
        yield Fault(FaultKind.CHANGED, where, f"what stands there now is {place_of(draft)}")
        return
    found = tuple(differences(draft, body, leaf.salt, leaf.number in erased))
    if found:
        yield Fault(FaultKind.CHANGED, where, "; ".join(found))


def _gone(store: LedgerStore, body: Json, leaf: LeafRow, where: str) -> Fault:
    if body["kind"] == LeafKind.EVENT:
        now = store.position_of(str(body["case"]), int(body["version"]))
        if now is not None:
            return Fault(FaultKind.REORDERED, where, f"it stands at position {now} now")
    return Fault(FaultKind.DELETED, where, f"the log has it as leaf {leaf.number}, the database has it no more")


def _moved(store: LedgerStore, draft: Draft, body: Json, leaf: LeafRow, where: str) -> Fault:
    now = store.position_of(str(body["case"]), int(body["version"]))
    if now is not None and now != leaf.position:
        return Fault(FaultKind.REORDERED, where, f"it stands at position {now} now, and in its place {place_of(draft)}")
    return Fault(FaultKind.DELETED, where, f"in its place stands {place_of(draft)}")


def _identity(said: Mapping[str, Any]) -> tuple[Any, Any]:
    return said.get("case"), said.get("version")


def _leaves_between(store: LedgerStore, first: int, last: int) -> Sequence[LeafRow]:
    return store.leaves_at(Source.EVENTS, first, last)
