"""Compares the whole database with the log, the log with its checkpoints, and those with the witness's.

Three walks, each piece by piece, in memory that does not grow with the log: the leaves against the tree's hashes and
every checkpoint's root; the records against their leaves; the checkpoints against the keys and the witnesses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from roadwarden.errors import LedgerError
from roadwarden.ledger.checkpoint import KeyRing
from roadwarden.ledger.faults import Fault, FaultKind
from roadwarden.ledger.leaves import Json, Source
from roadwarden.ledger.note import SignedNote
from roadwarden.ledger.witness import Witness, Witnessed
from roadwarden.models.history import Entry
from roadwarden.service.audit_assessments import assessment_faults
from roadwarden.service.audit_checkpoints import checkpoint_faults
from roadwarden.service.audit_events import event_faults, move_faults
from roadwarden.service.audit_tree import TreeWalk
from roadwarden.storage.engine import reading
from roadwarden.storage.ledger_store import LedgerStore

MOST_FAULTS = 1000
"""Named; a log that was exchanged has millions."""

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found."""

    leaves: int
    checkpoints: int
    witnesses: tuple[str, ...]
    waiting: int  # events that are not in the log yet
    waiting_since: datetime | None
    unsigned_leaves: int  # behind the newest checkpoint
    erased: int  # leaves whose salts were thrown away, as the log says
    faults: tuple[Fault, ...]

    def lag(self, now: datetime) -> timedelta:
        """For how long the oldest event has waited to be logged."""
        return timedelta(0) if self.waiting_since is None else now - self.waiting_since

    def as_json(self, now: datetime) -> Json:
        """For machines."""
        return {
            "clean": not self.faults,
            "leaves": self.leaves,
            "checkpoints": self.checkpoints,
            "witnesses": list(self.witnesses),
            "waiting": self.waiting,
            "lag_s": self.lag(now).total_seconds(),
            "unsigned_leaves": self.unsigned_leaves,
            "erased": self.erased,
            "faults": [fault.as_json() for fault in self.faults],
        }


def audit(
    engine: Engine,
    ring: KeyRing,
    witnesses: Sequence[Witness] = (),
    moves: Sequence[Entry] | None = None,
    tell: Tell = lambda done, total: None,
) -> Audit:
    """Reads everything in one snapshot; ``moves``: the registry's history where that is to be compared too.

    Raises StorageAway where a database does not answer. What somebody has done to the data never raises.
    """
    with reading(engine) as connection:
        store = LedgerStore(connection)
        ring = _with_successions(ring, store)
        checkpoints = store.checkpoints()
        kept = {witness.name: _kept(witness, ring) for witness in witnesses}
        found = _Found([])
        for name, (_, fault) in kept.items():
            found.add(iter([fault] if fault is not None else []), name)
        seen = {name: rows for name, (rows, _) in kept.items()}
        found.add(checkpoint_faults(checkpoints, ring, seen), "checkpoints")
        heads = {row.size for row in checkpoints}
        walk = TreeWalk(store, ring, checkpoints, seen)
        found.add(walk.faults(tell), "leaves")
        found.add(event_faults(store, walk.erased), "case_events")
        found.add(assessment_faults(connection), "assessments")
        if moves is not None:
            found.add(move_faults(store, moves, walk.erased), "registry")
        waiting, since = store.waiting(store.newest(Source.EVENTS))
        return Audit(
            leaves=walk.size,
            checkpoints=len(checkpoints),
            witnesses=tuple(kept),
            waiting=waiting,
            waiting_since=since,
            unsigned_leaves=walk.size - max(heads, default=0),
            erased=len(walk.erased),
            faults=tuple(found.faults),
        )


@dataclass(slots=True)
class _Found:
    faults: list[Fault]

    def add(self, faults: Iterator[Fault], where: str) -> None:
        """Takes faults until there are enough; what cannot even be read is one."""
        try:
            for fault in faults:
                if len(self.faults) >= MOST_FAULTS:
                    return
                self.faults.append(fault)
        except (LedgerError, ValueError, TypeError, KeyError) as exc:
            self.faults.append(Fault(FaultKind.CHANGED, where, f"cannot be read: {exc}"))


def _with_successions(ring: KeyRing, store: LedgerStore) -> KeyRing:
    try:
        return ring.with_successions([SignedNote.parse(note) for note in store.successions()])
    except LedgerError:
        return ring  # the leaves of the keys are compared anyhow, and no signature will be taken on a bad note


def _kept(witness: Witness, ring: KeyRing) -> tuple[Sequence[Witnessed], Fault | None]:
    try:
        origins = {key.name for key in ring.trusted}
        return [one for origin in sorted(origins) for one in witness.kept(origin)], None
    except LedgerError as exc:
        return (), Fault(FaultKind.CHANGED, f"witness {witness.name}", str(exc))
