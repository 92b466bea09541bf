"""What an audit finds, by its kind, and how a record is compared with its leaf."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from roadwarden.ledger.leaves import ERASED, Draft, Json, LeafKind, seal


class FaultKind(StrEnum):
    """What was done."""

    CHANGED = "changed"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    SWAPPED = "swapped"  # a picture's file holds another picture of the log
    UNSIGNED = "unsigned"  # a checkpoint without a good signature


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was."""

    kind: FaultKind
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.detail}"

    def as_json(self) -> Json:
        """For machines."""
        return {"kind": self.kind.value, "where": self.where, "detail": self.detail}


def place_of(draft: Draft) -> str:
    """A record for people."""
    said = draft.public
    if draft.kind is LeafKind.EVENT:
        return f"event {said['type']} of case {said['case']} version {said['version']} (position {draft.position})"
    if draft.kind is LeafKind.EVIDENCE:
        return f"evidence {said['number']} of case {said['case']} event {said['seq']}"
    if draft.kind is LeafKind.ASSESSMENT:
        return f"assessment of case {said['case']} event {said['seq']}"
    if draft.kind is LeafKind.ALIAS_MOVE:
        return f"alias move {draft.position} of {said.get('model')}"
    return f"{draft.kind} {draft.position}"


def place_of_leaf(body: Json, number: int, position: int) -> str:
    """The record that a leaf is about, where that is gone."""
    kind, case = body.get("kind"), body.get("case")
    if kind == LeafKind.EVENT:
        return f"event {body.get('type')} of case {case} version {body.get('version')} (position {position})"
    if kind in (LeafKind.EVIDENCE, LeafKind.ASSESSMENT):
        return f"{kind} of case {case} event {body.get('seq')}"
    return f"{kind} {position} (leaf {number})"


def differences(draft: Draft, body: Json, salt: bytes | None, erased: bool) -> Iterator[str]:
    """In what a record is not what its leaf says, in words; ``erased``: the log says that its salt was thrown away."""
    logged = {name: value for name, value in body.items() if name not in ("v", "kind", "personal")}
    yield from _public(draft.public, logged)
    seals: Mapping[str, str] = body.get("personal", {})
    if draft.personal.keys() != seals.keys():
        odd = sorted(draft.personal.keys() ^ seals.keys())
        yield f"{odd[0]} was {'added' if odd[0] in draft.personal else 'removed'}"
        return
    if salt is None and not erased and seals:
        yield "its salt is gone, and the log has no erasure that says so"
        return
    for path, value in draft.personal.items():
        if erased and value != ERASED:
            yield f"{path} was erased, and says something else now"
        if not erased and salt is not None and seal(salt, path, value) != seals[path]:
            yield f"{path} is not what the log has sealed"


def _public(said: Json, logged: Json, above: str = "") -> Iterator[str]:
    for name in sorted(said.keys() | logged.keys()):
        now, then = said.get(name), logged.get(name)
        if isinstance(now, dict) and isinstance(then, dict):
            yield from _public(now, then, f"{above}{name}.")
        elif now != then or (name in said) != (name in logged):
            yield f"{above}{name} is {_word(now)}, the log has {_word(then)}"


def _word(value: object) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)[:80]
