"""Tracks on a shelf: what the living map keeps of all it has seen, and finds again by place, run and island."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from roadwarden.defects.alignment import keys_of
from roadwarden.defects.looks import Codes, Looks, Numbers
from roadwarden.defects.passes import Tracks
from roadwarden.defects.policy import MergingPolicy
from roadwarden.defects.rulings import Compared, Ruling
from roadwarden.defects.things import Things, outlines

_OUTLINE_STEPS = 8
"""Points along a long thing are so many to a tile: no part of it is further than a sixteenth of a tile from one."""
_NEXT = [(east << 31) + north for east in (-1, 0, 1) for north in (-1, 0, 1)]


@dataclass(slots=True, eq=False)
class Kept:
    """One track, with what it came to. Runs and islands bear the number of one of their tracks."""

    looks: Looks  # by time
    track: Tracks  # of one
    place: Numbers  # (2,) aligned, metres
    left: float  # m², what is left of the error of its pass
    run: int
    island: int
    defect: str


class By(StrEnum):
    """What tracks are found by."""

    RUN = "run"
    ISLAND = "island"
    CELL = "cell"  # half a tile of the alignment wide


class Shelf(Protocol):
    """Where tracks stand. A track has one number for good, given when it is put; changed tracks are put anew."""

    frames: Codes
    drives: Codes

    def tracks_of(self, sightings: Iterable[str]) -> Mapping[str, int]:
        """The track of each sighting; those that were never put are left out."""
        ...

    def find(self, by: By, keys: Iterable[int]) -> set[int]:
        """Numbers of the tracks that have one of the keys; cells may give some that only lie near."""
        ...

    def get(self, numbers: Iterable[int]) -> Sequence[Kept]:
        """Those tracks, in that order."""
        ...

    def put(self, kept: Kept, cells: Iterable[int]) -> int:
        """Keeps a track, and returns its number: that of its run and its island, too, where those are negative."""
        ...

    def drop(self, number: int) -> None:
        """Forgets a track."""
        ...

    def move(self, number: int, place: Numbers, left: float, cells: Iterable[int]) -> None:
        """Where alignment has brought a track; ``cells`` are kept beside those that it was put with."""
        ...

    def settle(self, number: int, island: int, defect: str) -> None:
        """Where a track belongs now."""
        ...

    def note(self, rulings: Sequence[Ruling], compared: Sequence[Compared]) -> None:
        """Keeps what people and pictures said."""
        ...

    def said_of(self, sightings: Iterable[str]) -> tuple[Sequence[Ruling], Sequence[Compared]]:
        """At least: rulings that name one of the sightings, or one that those name, and so on; answers about them."""
        ...


class MemoryShelf:
    """A shelf in memory."""

    def __init__(self) -> None:
        self.frames, self.drives = Codes(), Codes()
        self._kept: dict[int, Kept] = {}
        self._by: dict[By, dict[int, set[int]]] = {by: defaultdict(set) for by in By}
        self._cells: dict[int, set[int]] = {}
        self._track_of: dict[str, int] = {}
        self._next = 1
        self._rulings: dict[str, Ruling] = {}
        self._compared: set[Compared] = set()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, number: int) -> bool:
        return number in self._kept

    def numbers(self) -> list[int]:
        """Of all tracks, in the order they were put."""
        return list(self._kept)

    def homes(self) -> dict[str, str]:
        """Sighting to defect."""
        return {name: self._kept[number].defect for name, number in self._track_of.items()}

    def tracks_of(self, sightings: Iterable[str]) -> Mapping[str, int]:
        """The track of each sighting that is kept."""
        return {name: self._track_of[name] for name in sightings if name in self._track_of}

    def find(self, by: By, keys: Iterable[int]) -> set[int]:
        """Numbers of the tracks that have one of the keys."""
        index = self._by[by]
        return set().union(*(index[key] for key in keys if key in index))

    def get(self, numbers: Iterable[int]) -> list[Kept]:
        """Those tracks, in that order."""
        return [self._kept[number] for number in numbers]

    def put(self, kept: Kept, cells: Iterable[int], number: int | None = None) -> int:
        """Keeps a track under that number, or under the next one."""
        number = self._next if number is None else number
        self._next = max(self._next, number + 1)
        if kept.run < 0:
            kept.run = number
        if kept.island < 0:
            kept.island = number
        self._kept[number] = kept
        self._cells[number] = set(cells)
        for by, keys in self._keys(number).items():
            for key in keys:
                self._by[by][key].add(number)
        self._track_of |= dict.fromkeys(kept.looks.ids.tolist(), number)
        return number

    def drop(self, number: int) -> None:
        """Forgets a track; its sightings are no longer known until they are put with another."""
        for by, keys in self._keys(number).items():
            for key in keys:
                self._discard(by, key, number)
        kept = self._kept.pop(number)
        del self._cells[number]
        for name in kept.looks.ids.tolist():
            if self._track_of.get(name) == number:
                del self._track_of[name]

    def move(self, number: int, place: Numbers, left: float, cells: Iterable[int]) -> None:
        """Where alignment has brought a track."""
        kept = self._kept[number]
        kept.place, kept.left = place, left
        self.spread(number, cells)

    def spread(self, number: int, cells: Iterable[int]) -> None:
        """Has a track found by more cells."""
        for cell in cells:
            self._cells[number].add(cell)
            self._by[By.CELL][cell].add(number)

    def cells(self, number: int) -> set[int]:
        """The cells that a track is found by."""
        return self._cells[number]

    def settle(self, number: int, island: int, defect: str) -> None:
        """Where a track belongs now."""
        kept = self._kept[number]
        if kept.island != island:
            self._discard(By.ISLAND, kept.island, number)
            self._by[By.ISLAND][island].add(number)
        kept.island, kept.defect = island, defect

    def note(self, rulings: Sequence[Ruling], compared: Sequence[Compared]) -> None:
        """Keeps what people and pictures said."""
        self._rulings |= {ruling.id: ruling for ruling in rulings}
        self._compared |= set(compared)

    def said_of(self, sightings: Iterable[str]) -> tuple[Sequence[Ruling], Sequence[Compared]]:
        """All that was ever said."""
        return tuple(self._rulings.values()), tuple(self._compared)

    def _keys(self, number: int) -> dict[By, Iterable[int]]:
        kept = self._kept[number]
        return {By.RUN: (kept.run,), By.ISLAND: (kept.island,), By.CELL: self._cells[number]}

    def _discard(self, by: By, key: int, number: int) -> None:
        index = self._by[by]
        index[key].discard(number)
        if not index[key]:
            del index[key]


def cells_of(things: Things, policy: MergingPolicy) -> list[list[int]]:
    """Cells that each thing lies in, its middle's first among them; sorted."""
    points, owner = outlines(things, policy.tile_m / _OUTLINE_STEPS)
    points, owner = np.concatenate([points, things.place]), np.concatenate([owner, np.arange(len(things))])
    keys = keys_of(np.floor(points / (policy.tile_m / 2)).astype(np.int64))
    order = np.lexsort((keys, owner))
    keys, owner = keys[order], owner[order]
    new = np.flatnonzero((np.diff(keys, prepend=keys[:1] - 1) != 0) | (np.diff(owner, prepend=-1) != 0))
    keys, owner = keys[new], owner[new]
    starts = np.searchsorted(owner, np.arange(len(things) + 1)).tolist()
    listed = keys.tolist()
    return [listed[starts[at] : starts[at + 1]] for at in range(len(things))]


def around(cells: Iterable[int]) -> set[int]:
    """The cells and the eight around each: all tracks within a reach of a thing in them were put with one of these."""
    return {cell + step for cell in set(cells) for step in _NEXT}


def cells_with_a_say(tiles: Iterable[int]) -> set[int]:
    """The cells of all tracks that have a say in the alignment of tiles, by key: those within half a tile of each."""
    found = set()
    for tile in tiles:
        east, north = split_key(tile)
        found |= {((2 * east + right) << 31) + 2 * north + up for right in (-1, 0, 1, 2) for up in (-1, 0, 1, 2)}
    return found


def split_key(key: int) -> tuple[int, int]:
    """Column and row of a key of ``alignment.keys_of``."""
    north = ((key + (1 << 30)) & ((1 << 31) - 1)) - (1 << 30)
    return (key - north) >> 31, north
