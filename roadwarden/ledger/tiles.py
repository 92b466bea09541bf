"""Hashes of the tree in tiles of 256, laid out as C2SP tlog-tiles lays them out (height 8).

Tile (level, number) holds up to 256 hashes: those of the nodes (8 * level, 256 * number …). Nodes between two levels
are reckoned from a tile. A leaf is appended by writing the last tile of level 0, and one more in 256 times; a proof
reads some six tiles of a log of 10 million leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from roadwarden.errors import LedgerError
from roadwarden.ledger.merkle import HASH_BYTES, Hash, complete_root, root

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
TileKey: TypeAlias = tuple[int, int]
ReadTile: TypeAlias = Callable[[int, int], bytes]
"""(level, number) to the hashes of a tile, one behind the other; empty where there is none."""


class Tiles:
    """A tree of ``size`` leaves over stored tiles; what is read or appended is kept until it is let go."""

    def __init__(self, read: ReadTile, size: int) -> None:
        self.size = size
        self._read = read
        self._tiles: dict[TileKey, bytearray] = {}
        self._changed: set[TileKey] = set()

    def node(self, level: int, number: int) -> Hash:
        """The root of a complete subtree; raises LedgerError where the stored tiles do not hold it."""
        up = level % HEIGHT
        first = number << up  # of the hashes of the tile's own level
        tile = self._tile(level // HEIGHT, first // WIDTH)
        at = first % WIDTH
        hashes = [
            bytes(tile[HASH_BYTES * one : HASH_BYTES * (one + 1)]) for one in range(at, min(at + (1 << up), WIDTH))
        ]
        if len(hashes) < 1 << up or len(hashes[-1]) < HASH_BYTES:
            raise LedgerError(
                f"tile {first // WIDTH} of level {level // HEIGHT} is cut off or missing: run 'roadwarden ledger audit'"
            )
        return complete_root(hashes)

    def root(self) -> Hash:
        """Of all leaves."""
        return root(self.node, self.size)

    def append(self, leaves: Sequence[Hash]) -> None:
        """Adds leaf hashes at the end."""
        for leaf in leaves:
            self._put(0, self.size, leaf)
            self.size += 1

    def changed(self) -> Mapping[TileKey, bytes]:
        """The tiles that appending has changed, to be stored; forgets them."""
        found = {key: bytes(self._tiles[key]) for key in sorted(self._changed)}
        for level, number in self._changed:
            if len(self._tiles[level, number]) == WIDTH * HASH_BYTES:
                del self._tiles[level, number]  # it is full: nobody appends to it any more
        self._changed.clear()
        return found

    def _put(self, level: int, at: int, leaf: Hash) -> None:
        number, place = divmod(at, WIDTH)
        tile = self._tile(level, number)
        if len(tile) != place * HASH_BYTES:
            raise LedgerError(
                f"tile {number} of level {level} has {len(tile) // HASH_BYTES} hashes, wanted {place}: the log was "
                "tampered with or half restored; run 'roadwarden ledger audit'"
            )
        tile += leaf
        self._changed.add((level, number))
        if place == WIDTH - 1:
            hashes = [bytes(tile[start : start + HASH_BYTES]) for start in range(0, len(tile), HASH_BYTES)]
            self._put(level + 1, number, complete_root(hashes))

    def _tile(self, level: int, number: int) -> bytearray:
        key = level, number
        if key not in self._tiles:
            self._tiles[key] = bytearray(self._read(level, number))
        return self._tiles[key]
