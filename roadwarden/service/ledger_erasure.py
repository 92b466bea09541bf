"""Personal data of events is erased: from the database, and by throwing the salts away also from what the log can tell.

The log stays whole. It gets a leaf that says which leaves were erased, when, why and by whom, so that an audit can tell
an erasure from tampering. What was sent outside, lies in backups or in bundles is not reached from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from roadwarden.errors import LedgerError, UnknownCase
from roadwarden.ledger.leaves import (
    ERASED,
    Draft,
    Erased,
    Json,
    LeafKind,
    Source,
    draft_of_erasure,
    drafts_of_event,
    joined,
)
from roadwarden.service.ledger import Ledger, kept_event
from roadwarden.storage.engine import writing
from roadwarden.storage.event_erasure import overwrite_events
from roadwarden.storage.ledger_store import LeafRow, LedgerStore


@dataclass(frozen=True, slots=True)
class Erasure:
    """Whose request it is, and what is wanted."""

    case: str
    seqs: frozenset[int] | None  # events of the case; None: all
    by: str
    reason: str
    rows: Json = field(default_factory=dict)  # what the leaf says besides, such as the rule of retention


@dataclass(frozen=True, slots=True)
class ErasedEvents:
    """What came of it."""

    positions: tuple[int, ...]  # of the events among all events; those that were erased before are left out
    leaf: int | None  # that says so; None where there was nothing to erase


def erase(ledger: Ledger, wanted: Erasure, now: datetime) -> ErasedEvents:
    """Erases what is personal in events of a case; what was erased before is passed over.

    Raises UnknownCase where the log has none of them, LedgerError where one was tampered with: audit first.
    """
    ledger.follow()
    with writing(ledger.engine, durably=True) as connection:
        store = LedgerStore(connection)
        leaves = [leaf for leaf in store.leaves_of_case(wanted.case) if leaf.kind == LeafKind.EVENT]
        drafts = {leaf.number: _draft(store, leaf) for leaf in leaves}
        chosen = [leaf for leaf in leaves if wanted.seqs is None or drafts[leaf.number].public["seq"] in wanted.seqs]
        if not chosen:
            raise UnknownCase(f"the log has no such event of case {wanted.case}")
        todo = [leaf for leaf in chosen if leaf.salt is not None]
        if not todo:
            return ErasedEvents((), None)
        number = _erase(ledger, store, todo, [drafts[leaf.number] for leaf in todo], wanted, now)
        overwrite_events(connection, {leaf.position: _marked(drafts[leaf.number]) for leaf in todo})
        return ErasedEvents(tuple(leaf.position for leaf in todo), number)


def _erase(
    ledger: Ledger,
    store: LedgerStore,
    leaves: Sequence[LeafRow],
    drafts: Sequence[Draft],
    wanted: Erasure,
    now: datetime,
) -> int:
    for leaf, draft in zip(leaves, drafts, strict=True):
        if draft.sealed(leaf.salt or b"").decode() != leaf.body:
            raise LedgerError(f"leaf {leaf.number} is not what the database says: run 'roadwarden ledger audit' first")
    numbers = [leaf.number for leaf in leaves]
    number = store.newest(Source.ERASURES) + 1
    erased = Erased(numbers, rows=wanted.rows)
    ledger.append([draft_of_erasure(number, erased, wanted.by, wanted.reason, now, wanted.case)], store)
    store.erase_salts(numbers)
    return store.size() - 1


def _draft(store: LedgerStore, leaf: LeafRow) -> Draft:
    rows = store.events_between(leaf.position, leaf.position)
    if not rows:
        raise LedgerError(f"the event of leaf {leaf.number} is gone: run 'roadwarden ledger audit'")
    return drafts_of_event(kept_event(rows[0]))[0]


def _marked(draft: Draft) -> tuple[str, dict[str, object]]:
    whole = joined(draft.public, dict.fromkeys(draft.personal, ERASED))
    return str(whole["actor"]), dict(whole["data"])
