"""Witnesses by their name on the command line: a file, or a database of another department."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from roadwarden.errors import ConfigError
from roadwarden.ledger.checkpoint import KeyRing, head_of
from roadwarden.ledger.merkle import Hash
from roadwarden.ledger.witness import Witness, Witnessed, check_continues
from roadwarden.ledger.witness_file import FileWitness
from roadwarden.storage.engine import open_engine, reading, shown, writing
from roadwarden.storage.witness_store import WitnessStore, has_table, make_table


class DatabaseWitness:
    """A table in a database that is not ours."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def name(self) -> str:
        """Its URL, without user and password."""
        return shown(self._engine)

    def close(self) -> None:
        """Lets the connections go."""
        self._engine.dispose()

    def kept(self, origin: str) -> tuple[Witnessed, ...]:
        """All it has of one log; raises ConfigError where it is no witness, StorageAway where it does not answer."""
        if not has_table(self._engine):
            raise ConfigError(f"{self.name} is no witness yet: its owner runs 'roadwarden ledger witness URL' once")
        with reading(self._engine) as connection:
            return tuple(Witnessed(row.note, row.taken_at) for row in WitnessStore(connection).kept(origin))

    def submit(self, note: str, proof: Sequence[Hash], ring: KeyRing, now: datetime) -> None:
        """Keeps a checkpoint that continues its last one; raises WitnessRefused for any other."""
        new = ring.checkpoint(note)
        with writing(self._engine, durably=True) as connection:
            store = WitnessStore(connection)
            kept = store.kept(new.origin)
            if any(one.note == note for one in kept):
                return  # another process was faster
            check_continues(self.name, head_of(kept[-1].note) if kept else None, new, proof)
            store.add(new.origin, note, now)


def open_witness(place: str) -> Witness:
    """A witness from ``FILE`` or from the URL of a database; raises ConfigError for a URL of another kind."""
    return DatabaseWitness(open_engine(place)) if "://" in place else FileWitness(Path(place))


def make_witness(place: str) -> tuple[Witness, str]:
    """Prepares a witness on its owner's machine; returns it, and what protects it, in words."""
    if "://" in place:
        engine = open_engine(place)
        make_table(engine)
        return DatabaseWitness(engine), "triggers refuse to change or delete; give our service SELECT and INSERT only"
    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(exist_ok=True)
    witness = FileWitness(path)
    if witness.protect():
        return witness, "the system refuses everything but appending (chattr +a)"
    return witness, (
        "chattr +a is not possible here (it needs root, and ext4 or XFS): keep the file on write-once storage or in a "
        "folder of somebody else's"
    )
