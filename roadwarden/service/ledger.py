"""The log follows what was kept: events, moves of model aliases and keys become leaves; then a checkpoint is signed.

A case's own transaction never waits for the log. ``follow`` reads what is not in it yet, in the order in which it was
kept, prepares the leaves without a lock, and adds them under the one-writer lock, checked once more. Whoever comes
second finds them there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from roadwarden.errors import LedgerError, RoadwardenError
from roadwarden.ledger.checkpoint import Checkpoint, KeyRing, head_of
from roadwarden.ledger.leaves import (
    SALT_BYTES,
    Draft,
    KeptEvent,
    Source,
    draft_of_key,
    draft_of_move,
    drafts_of_event,
)
from roadwarden.ledger.merkle import consistency_proof, inclusion_proof, leaf_hash, root
from roadwarden.ledger.note import SignedNote, SigningKey
from roadwarden.ledger.tiles import Tiles
from roadwarden.ledger.witness import Witness
from roadwarden.models.history import Entry, read_history
from roadwarden.models.mlflow_store import MlflowStore
from roadwarden.storage.engine import reading, writing
from roadwarden.storage.ledger_store import CheckpointRow, LeafRow, LedgerStore

EVENTS_AT_ONCE = 500
"""In one transaction, some 20 ms of the one writer's time."""

MODEL_NAME = "roadwarden"
"""In the registry (``models.registry`` says the same, and would import ONNX Runtime)."""

NewSalt = Callable[[], bytes]


def new_salt() -> bytes:
    """From the system."""
    return os.urandom(SALT_BYTES)


@dataclass(frozen=True, slots=True)
class LeafProof:
    """A leaf, and the hashes that lead from it to the root of a checkpoint."""

    leaf: LeafRow
    checkpoint: CheckpointRow
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """The log of one database."""

    engine: Engine
    salt: NewSalt = new_salt

    def follow(self, moves: Sequence[Entry] = ()) -> int:
        """Adds every event, and every entry of the registry's history given, that is not in yet; returns the leaves."""
        total = 0
        while added := self._follow_events():
            total += added
        return total + self._follow_moves(moves)

    def checkpoint(self, key: SigningKey, now: datetime) -> CheckpointRow:
        """Signs how the log stands; the last checkpoint again where nothing was added and the key is the same.

        Raises LedgerError where the log does not continue its own last checkpoint: it is not signed then.
        """
        with writing(self.engine, durably=True) as connection:
            store = LedgerStore(connection)
            tiles = Tiles(store.tile, store.size())
            last = store.last_checkpoint()
            head = Checkpoint(key.name, tiles.size, tiles.root())
            if last is not None:
                _check_own(last, head, tiles)
                if last.size == head.size and SignedNote.parse(last.note).signed_by(key.verifier):
                    return last
            return store.add_checkpoint(head.size, str(head.sign(key)), now)

    def show(self, witness: Witness, ring: KeyRing, now: datetime) -> int:
        """Hands the witness every checkpoint that it has not; returns how many it took.

        Raises WitnessRefused where the log does not continue what the witness has kept.
        """
        with reading(self.engine) as connection:
            store = LedgerStore(connection)
            ring = ring.with_successions(map(SignedNote.parse, store.successions()))
            checkpoints = store.checkpoints()
            if not checkpoints:
                return 0
            tiles = Tiles(store.tile, store.size())
            kept = witness.kept(head_of(checkpoints[-1].note).origin)
            last = head_of(kept[-1].note) if kept else None
            notes = [row.note for row in checkpoints]
            new = checkpoints[notes.index(kept[-1].note) + 1 :] if kept and kept[-1].note in notes else checkpoints
            if last is not None and last.size > tiles.size:
                new = checkpoints[-1:]  # it was cut: the witness says so
            for row in new:
                head = head_of(row.note)
                proof = () if last is None or last.size > head.size else _proof(tiles, last.size, head.size)
                witness.submit(row.note, proof, ring, now)
                last = head
        return len(new)

    def add_succession(self, note: SignedNote, new_key: str, now: datetime) -> None:
        """Keeps the note in which a key names its successor, and makes it a leaf."""
        with writing(self.engine, durably=True) as connection:
            store = LedgerStore(connection)
            if str(note) in store.successions():
                return
            number = store.add_succession(str(note), now)
            self._append(store, [draft_of_key(number, new_key, str(note), now)])

    def ring(self, trusted: KeyRing) -> KeyRing:
        """The same trust, with the successions that the database knows."""
        with reading(self.engine) as connection:
            notes = LedgerStore(connection).successions()
        return trusted.with_successions(map(SignedNote.parse, notes))

    def prove(self, leaves: Sequence[LeafRow], checkpoint: CheckpointRow | None = None) -> tuple[LeafProof, ...]:
        """Inclusion proofs in the newest checkpoint, or in one given.

        Raises LedgerError where a leaf is newer than the checkpoint.
        """
        with reading(self.engine) as connection:
            store = LedgerStore(connection)
            row = checkpoint or store.last_checkpoint()
            if row is None:
                raise LedgerError("there is no checkpoint yet: run 'roadwarden ledger checkpoint'")
            tiles = Tiles(store.tile, row.size)
            return tuple(_prove(tiles, leaf, row) for leaf in leaves)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """What leads from the tree of ``old`` leaves to that of ``new``; raises LedgerError for other sizes."""
        with reading(self.engine) as connection:
            store = LedgerStore(connection)
            size = store.size()
            if not 0 < old <= new <= size:
                raise LedgerError(f"no tree of {old} leaves leads to one of {new}: the log has {size}")
            return consistency_proof(Tiles(store.tile, size).node, old, new)

    def append(self, drafts: Sequence[Draft], store: LedgerStore) -> int:
        """Adds leaves in a transaction of the caller's; returns how many."""
        return self._append(store, drafts)

    def _follow_events(self) -> int:
        with reading(self.engine) as connection:
            store = LedgerStore(connection)
            newest = store.newest(Source.EVENTS)
            rows = store.events_after(newest, EVENTS_AT_ONCE)
        if not rows:
            return 0
        prepared = [self._sealed(draft) for row in rows for draft in drafts_of_event(kept_event(row))]
        with writing(self.engine, durably=True) as connection:
            store = LedgerStore(connection)
            return self._add(store, prepared) if store.newest(Source.EVENTS) == newest else len(prepared)

    def _follow_moves(self, entries: Sequence[Entry]) -> int:
        if not entries:
            return 0
        with reading(self.engine) as connection:
            if LedgerStore(connection).newest(Source.REGISTRY) >= entries[-1].number:
                return 0
        with writing(self.engine, durably=True) as connection:
            store = LedgerStore(connection)
            newest = store.newest(Source.REGISTRY)
            return self._append(store, [draft_of_move(MODEL_NAME, entry) for entry in entries if entry.number > newest])

    def _append(self, store: LedgerStore, drafts: Sequence[Draft]) -> int:
        return self._add(store, [self._sealed(draft) for draft in drafts])

    def _sealed(self, draft: Draft) -> tuple[Draft, bytes, bytes | None]:
        salt = self.salt() if draft.personal else None
        return draft, draft.sealed(salt or b""), salt

    def _add(self, store: LedgerStore, prepared: Sequence[tuple[Draft, bytes, bytes | None]]) -> int:
        if not prepared:
            return 0
        tiles = Tiles(store.tile, store.size())
        rows = [_leaf(number, *one) for number, one in enumerate(prepared, start=tiles.size)]
        tiles.append([leaf_hash(body) for _, body, _ in prepared])
        store.add(rows)
        store.put_tiles(tiles.changed())
        return len(rows)


def kept_event(row: Any) -> KeptEvent:
    """A row of ``case_events`` as it stands; raises LedgerError where its data is no JSON object any more."""
    try:
        data = json.loads(row.data)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise LedgerError(
            f"event {row.position} of case {row.case_id}: its data is no JSON object: it was tampered with"
        )
    return KeptEvent(
        position=row.position,
        case=row.case_id,
        version=row.version,
        seq=row.seq,
        type=row.type,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        recorded_at=row.recorded_at,
        actor=row.actor,
        role=row.role,
        data=data,
        schema=row.event_schema,
    )


def registry_moves(uri: str) -> tuple[Entry, ...]:
    """The history of the model registry, for ``follow``. Raises RegistryAway, MissingExtra, ModelError."""
    store = MlflowStore.existing(uri)
    return read_history(store.lines(MODEL_NAME), store.head(MODEL_NAME))


def _leaf(number: int, draft: Draft, body: bytes, salt: bytes | None) -> LeafRow:
    return LeafRow(
        number, draft.kind.value, draft.source.value, draft.position, draft.part, draft.case, body.decode(), salt
    )


def _prove(tiles: Tiles, leaf: LeafRow, row: CheckpointRow) -> LeafProof:
    if leaf.number >= row.size:
        raise LedgerError(f"leaf {leaf.number} is newer than the checkpoint: run 'roadwarden ledger checkpoint' first")
    return LeafProof(leaf, row, inclusion_proof(tiles.node, leaf.number, row.size))


def _proof(tiles: Tiles, old: int, new: int) -> tuple[bytes, ...]:
    return consistency_proof(tiles.node, old, new) if new <= tiles.size else ()


def _check_own(last: CheckpointRow, head: Checkpoint, tiles: Tiles) -> None:
    try:
        before = head_of(last.note)
        whole = before.size == last.size <= head.size and before.root == root(tiles.node, before.size)
    except RoadwardenError as exc:
        raise LedgerError(f"the last checkpoint or the log's hashes were tampered with: {exc}") from exc
    if before.origin != head.origin:
        raise LedgerError(f"this log is {before.origin}, the key is that of {head.origin}: name the log's own key")
    if not whole:
        raise LedgerError(
            f"the log does not continue its own checkpoint of {last.size} leaves; nothing is signed. "
            "Run 'roadwarden ledger audit'"
        )
