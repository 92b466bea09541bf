"""The leaves against the hashes of the tree, and the tree against every checkpoint, be it ours or a witness's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from roadwarden.ledger.checkpoint import Checkpoint, KeyRing
from roadwarden.ledger.faults import Fault, FaultKind
from roadwarden.ledger.leaves import LeafKind, read_leaf
from roadwarden.ledger.merkle import HASH_BYTES, leaf_hash
from roadwarden.ledger.tiles import WIDTH, TileKey, Tiles
from roadwarden.ledger.witness import Witnessed
from roadwarden.service.audit_checkpoints import head_or_none
from roadwarden.storage.ledger_store import CheckpointRow, LeafRow, LedgerStore

LEAVES_AT_ONCE = 16 * WIDTH


@dataclass(frozen=True, slots=True)
class _Head:
    who: str
    checkpoint: Checkpoint


class TreeWalk:
    """Builds the tree anew from the leaves, once, from the first to the last."""

    def __init__(
        self,
        store: LedgerStore,
        ring: KeyRing,
        checkpoints: Sequence[CheckpointRow],
        witnessed: Mapping[str, Sequence[Witnessed]],
    ) -> None:
        self.size = 0  # leaves seen
        self.erased: set[int] = set()  # leaves that the log says were erased
        self._store = store
        self._fresh: dict[TileKey, bytes] = {}
        self._tiles = Tiles(lambda level, number: self._fresh.get((level, number), b""), 0)
        self._heads = _heads(ring, checkpoints, witnessed)
        self._good = 0  # size of the last checkpoint whose root is right

    def faults(self, tell: Callable[[int, int], None]) -> Iterator[Fault]:
        """All of them, in the order of the log."""
        total = self._store.size()
        start = 0
        while start < total:
            rows = self._store.leaves(start, start + LEAVES_AT_ONCE)
            yield from self._piece(rows, start, min(start + LEAVES_AT_ONCE, total))
            start += LEAVES_AT_ONCE
            tell(min(start, total), total)
        yield from self._open_tiles()
        yield from self._end()

    def _piece(self, rows: Sequence[LeafRow], start: int, end: int) -> Iterator[Fault]:
        by_number = {row.number: row for row in rows}
        stored = {at: self._store.tile(0, at) for at in range(start // WIDTH, (end - 1) // WIDTH + 1)}
        for number in range(start, end):
            row = by_number.get(number)
            kept = _hash_at(stored[number // WIDTH], number)
            if row is None:
                yield Fault(FaultKind.DELETED, f"leaf {number}", "it is missing between its neighbours")
                self._tiles.append([kept or b"\0" * HASH_BYTES])
            else:
                hashed = leaf_hash(row.body.encode())
                if hashed != kept:
                    yield self._wrong_hash(row, hashed, stored)
                self._read(row)
                self._tiles.append([hashed])
            self.size += 1
            yield from self._roots()
            if self._tiles.size % WIDTH == 0:
                yield from self._full_tiles()

    def _read(self, row: LeafRow) -> None:
        if row.kind == LeafKind.ERASURE:
            self.erased |= set(read_leaf(row.body.encode(), f"leaf {row.number}")["leaves"])

    def _wrong_hash(self, row: LeafRow, hashed: bytes, stored: Mapping[int, bytes]) -> Fault:
        where = f"leaf {row.number} ({row.kind}" + (f" of case {row.case})" if row.case else ")")
        for tile, hashes in stored.items():
            at = hashes.find(hashed)
            if at >= 0 and at % HASH_BYTES == 0:
                detail = f"the tree has it as leaf {tile * WIDTH + at // HASH_BYTES}"
                return Fault(FaultKind.REORDERED, where, detail)
        if not _hash_at(stored[row.number // WIDTH], row.number):
            return Fault(FaultKind.INSERTED, where, "the tree has no such leaf")
        return Fault(FaultKind.CHANGED, where, "it does not hash to what the tree has")

    def _roots(self) -> Iterator[Fault]:
        root = None
        for head in self._heads.get(self.size, ()):
            root = self._tiles.root() if root is None else root
            if head.checkpoint.root == root:
                self._good = self.size
                continue
            where = f"leaves {self._good} to {self.size - 1}"
            yield Fault(
                FaultKind.CHANGED, where, f"they do not make the root that {head.who} of {self.size} leaves has"
            )

    def _full_tiles(self) -> Iterator[Fault]:
        for key, hashes in self._tiles.changed().items():
            if len(hashes) == WIDTH * HASH_BYTES and key[0] > 0:
                yield from self._same_tile(key, hashes)
            if key[0] > 0:
                self._fresh[key] = hashes

    def _open_tiles(self) -> Iterator[Fault]:
        """Those at the end, which are not full."""
        last = {**self._fresh, **self._tiles.changed()}
        for key, hashes in last.items():
            if len(hashes) < WIDTH * HASH_BYTES:
                yield from self._same_tile(key, hashes)

    def _same_tile(self, key: TileKey, hashes: bytes) -> Iterator[Fault]:
        stored = self._store.tile(*key)
        if stored == hashes:
            return
        where = f"tile {key[1]} of level {key[0]}"
        if len(stored) > len(hashes) and stored.startswith(hashes) and key[0] == 0:
            more = (len(stored) - len(hashes)) // HASH_BYTES
            yield Fault(FaultKind.TRUNCATED, "leaves", f"the last {more} are gone, the tree still has their hashes")
        elif key[0] > 0:
            yield Fault(FaultKind.CHANGED, where, "its hashes are not those of the leaves below")

    def _end(self) -> Iterator[Fault]:
        for size in sorted(self._heads):
            if size > self.size:
                head = self._heads[size][0]
                detail = f"{head.who} has {size} leaves, {self.size} are there: the last {size - self.size} are gone"
                yield Fault(FaultKind.TRUNCATED, "leaves", detail)
                return


def _hash_at(tile: bytes, number: int) -> bytes:
    at = number % WIDTH * HASH_BYTES
    return tile[at : at + HASH_BYTES]


def _heads(
    ring: KeyRing, checkpoints: Sequence[CheckpointRow], witnessed: Mapping[str, Sequence[Witnessed]]
) -> Mapping[int, Sequence[_Head]]:
    """Checkpoints with good signatures, by their size; the same one of several is asked once."""
    found: dict[int, dict[bytes, _Head]] = {}
    named = [(f"checkpoint {row.number}", row.note) for row in checkpoints]
    named += [(f"the checkpoint at witness {name}", one.note) for name, kept in witnessed.items() for one in kept]
    for who, note in named:
        head = head_or_none(note, ring)
        if head is not None:
            found.setdefault(head.size, {}).setdefault(head.root, _Head(who, head))
    return {size: tuple(heads.values()) for size, heads in found.items()}
