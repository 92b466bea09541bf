"""Checkpoints against the keys, against each other, and against what witnesses keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from roadwarden.errors import LedgerError
from roadwarden.ledger.checkpoint import Checkpoint, KeyRing
from roadwarden.ledger.faults import Fault, FaultKind
from roadwarden.ledger.witness import Witnessed
from roadwarden.storage.ledger_store import CheckpointRow


def checkpoint_faults(
    rows: Sequence[CheckpointRow], ring: KeyRing, witnessed: Mapping[str, Sequence[Witnessed]]
) -> Iterator[Fault]:
    """Faults of the database's checkpoints, and of the witnesses'."""
    yield from _own(rows, ring)
    for name, kept in witnessed.items():
        yield from _against(rows, kept, name, ring)


def head_or_none(note: str, ring: KeyRing) -> Checkpoint | None:
    """The checkpoint, or None where no believed key has signed it."""
    try:
        return ring.checkpoint(note)
    except LedgerError:
        return None


def _own(rows: Sequence[CheckpointRow], ring: KeyRing) -> Iterator[Fault]:
    size = expected = 0
    for row in rows:
        where = f"checkpoint {row.number} of {row.size} leaves"
        for missing in range(expected + 1, row.number):
            yield Fault(FaultKind.DELETED, f"checkpoint {missing}", "it is missing between its neighbours")
        expected = row.number
        head = head_or_none(row.note, ring)
        if head is None:
            yield Fault(FaultKind.UNSIGNED, where, "no key that you trust has signed it: it was changed or inserted")
            continue
        if head.size != row.size:
            yield Fault(FaultKind.CHANGED, where, f"its note is of {head.size} leaves")
        if head.size < size:
            yield Fault(FaultKind.REORDERED, where, f"it stands behind one of {size} leaves")
        size = max(size, head.size)


def _against(rows: Sequence[CheckpointRow], kept: Sequence[Witnessed], name: str, ring: KeyRing) -> Iterator[Fault]:
    """A witness takes them in order and none is passed over, so its list is the beginning of ours."""
    ours = [row.note for row in rows]
    theirs = [one.note for one in kept]
    for number, note in enumerate(theirs, start=1):
        head = head_or_none(note, ring)
        if head is None:
            yield Fault(
                FaultKind.UNSIGNED, f"witness {name}: checkpoint {number}", "no key that you trust has signed it"
            )
        elif note not in ours:
            behind = not any(other in ours for other in theirs[number:])
            kind = FaultKind.TRUNCATED if behind else FaultKind.DELETED
            yield Fault(kind, f"checkpoint of {head.size} leaves", f"witness {name} has it, the database has it not")
    known = set(theirs)
    common = [ours.index(note) for note in theirs if note in ours]
    if common != sorted(common):
        yield Fault(FaultKind.REORDERED, "checkpoints", f"witness {name} took them in another order")
    for row in rows[: max(common, default=-1)]:
        if row.note not in known:
            where = f"checkpoint {row.number} of {row.size} leaves"
            yield Fault(FaultKind.INSERTED, where, f"witness {name} has later ones and was never shown it")
