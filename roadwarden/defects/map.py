"""The living map: sightings come one by one or pass by pass, and the defects stay those of ``merging.merge`` on all.

What a new sighting can change is bounded: its run (the looks of its pass it may be one with), the tiles whose alignment
its track has a say in, and the islands that the tracks there belong to or come to touch. These are taken from the
shelf, reckoned anew, and put back; everything else is not looked at, so the cost does not grow with the map.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from roadwarden.defects.alignment import Aligned, align, keys_of, tiles_of, windows_of
from roadwarden.defects.looks import Codes, Looks, Numbers, looks_of
from roadwarden.defects.merging import Said, join
from roadwarden.defects.passes import Tracks, things_of, track
from roadwarden.defects.policy import MergingPolicy
from roadwarden.defects.rulings import Compared, Ruling, agree
from roadwarden.defects.things import Things, near, outlines
from roadwarden.detections import Sighting
from roadwarden.geo.plane import LocalPlane


@dataclass(slots=True, eq=False)
class Kept:
    """One track on the shelf, with what it came to: ``row`` of its columns, looks, run, island and defect."""

    looks: Looks
    track: Tracks  # of one
    place: Numbers  # (2,) aligned
    left: float
    run: str  # id of its first look
    island: int
    defect: str


class Shelf:
    """Tracks in memory, found by run, island, window and tile. A database does the same with five indexed columns."""

    def __init__(self) -> None:
        self.kept: dict[int, Kept] = {}
        self._next = 0
        self._by: dict[str, dict[object, set[int]]] = {
            name: defaultdict(set) for name in ("run", "island", "window", "near", "drive")
        }
        self.track_of: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.kept)

    def find(self, name: str, keys: Iterable[object]) -> set[int]:
        """Numbers of the tracks that have one of the keys."""
        index = self._by[name]
        return set().union(*(index[key] for key in keys if key in index))

    def put(self, kept: Kept, policy: MergingPolicy) -> int:
        """The number it is kept under."""
        number, self._next = self._next, self._next + 1
        self.kept[number] = kept
        for name, keys in self._keys(kept, policy).items():
            for key in keys:
                self._by[name][key].add(number)
        self.track_of |= dict.fromkeys(kept.looks.ids.tolist(), number)
        return number

    def drop(self, number: int, policy: MergingPolicy) -> None:
        """Forgets a track."""
        kept = self.kept.pop(number)
        for name, keys in self._keys(kept, policy).items():
            for key in keys:
                self._by[name][key].discard(number)
                if not self._by[name][key]:
                    del self._by[name][key]

    def settle(self, number: int, island: int, defect: str) -> None:
        """Where a track belongs now."""
        kept = self.kept[number]
        if kept.island != island:
            self._by["island"][kept.island].discard(number)
            if not self._by["island"][kept.island]:
                del self._by["island"][kept.island]
            self._by["island"][island].add(number)
        kept.island, kept.defect = island, defect

    def _keys(self, kept: Kept, policy: MergingPolicy) -> dict[str, set[object]]:
        tiles = touched(kept.track.things, policy)
        drive = int(kept.track.drive[0])
        return {
            "run": {kept.run},
            "island": {kept.island},
            "window": set(keys_of(windows_of(kept.track.things.place, policy))[0].tolist()),
            "near": set(tiles),
            "drive": {(drive, tile) for tile in tiles},
        }


def touched(things: Things, policy: MergingPolicy) -> list[int]:
    """Tiles that the outlines of things lie in."""
    keys = keys_of(tiles_of(outlines(things, policy.tile_m / 2)[0], policy))
    return sorted({int(key) for key in keys})


def around(tiles: Iterable[int]) -> list[int]:
    """The tiles and the eight around each."""
    steps = [(east << 31) + north for east in (-1, 0, 1) for north in (-1, 0, 1)]
    return sorted({tile + step for tile in tiles for step in steps})


class DefectMap:
    """Defects of all that was added; one writer. Sightings that it holds are not taken twice."""

    def __init__(self, plane: LocalPlane, policy: MergingPolicy | None = None) -> None:
        self._plane, self._policy = plane, policy or MergingPolicy()
        self._frames, self._drives, self._shelf = Codes(), Codes(), Shelf()
        self._rulings: dict[str, Ruling] = {}
        self._compared: set[Compared] = set()
        self._said = Said()
        self._islands = 0

    def __len__(self) -> int:
        return len(self._shelf)

    def defect_of(self, sighting: str) -> str | None:
        """The defect that holds a sighting now; ids of defects are ids of sightings, so old ones lead on."""
        number = self._shelf.track_of.get(sighting)
        return None if number is None else self._shelf.kept[number].defect

    def homes(self) -> dict[str, str]:
        """Sighting to defect."""
        return {name: self._shelf.kept[number].defect for name, number in self._shelf.track_of.items()}

    def add(self, sightings: Iterable[Sighting]) -> frozenset[str]:
        """Takes sightings in; the defects that hold them or may have changed."""
        fresh = {sighting.id: sighting for sighting in sorted(sightings, key=repr, reverse=True)}
        new = [sighting for name, sighting in fresh.items() if name not in self._shelf.track_of]
        if not new:
            return frozenset()
        return self._absorb(looks_of(new, self._plane, self._policy, self._frames, self._drives), set())

    def rule(self, rulings: Sequence[Ruling] = (), compared: Sequence[Compared] = ()) -> frozenset[str]:
        """Takes in what people and pictures said; all that was ever named is looked at again."""
        self._rulings |= {ruling.id: ruling for ruling in rulings}
        self._compared |= set(compared)
        self._said = Said(agree(self._rulings.values()), tuple(sorted(self._compared)))
        named = {*self._said.agreed.kin, *(name for told in self._compared for name in (told.one, told.other))}
        stale = {self._shelf.track_of[name] for name in named if name in self._shelf.track_of}
        return self._absorb(None, stale) if stale else frozenset()

    def _absorb(self, new: Looks | None, stale: set[int]) -> frozenset[str]:
        islands, dirty = self._retrack(new, stale)
        moved = self._realign(dirty)
        return self._regroup(islands, moved)

    def _retrack(self, new: Looks | None, stale: set[int]) -> tuple[set[int], set[int]]:
        """Tracks of the runs that are touched, anew; islands that lost one, and windows that one left or entered."""
        shelf, policy = self._shelf, self._policy
        if new is not None:
            stale = stale | self._same_pass(new)
        stale = self._whole_runs(stale, new)
        gone = [shelf.kept[number] for number in sorted(stale)]
        looks = Looks.joined([*(kept.looks for kept in gone), *(() if new is None else (new,))]).ordered()
        for number in stale:
            shelf.drop(number, policy)
        tracks, member = track(looks, policy, self._said.agreed)
        windows = {key for kept in gone for key in keys_of(windows_of(kept.track.things.place, policy))[0].tolist()}
        windows |= set(np.unique(keys_of(windows_of(tracks.things.place, policy))).tolist())
        for at in range(len(tracks)):
            one = tracks.take(np.array([at]))
            run = looks.ids[tracks.run[at]].item()
            self._islands += 1
            mine = looks.take(np.flatnonzero(member == at))
            shelf.put(Kept(mine, one, np.full(2, np.nan), 0.0, run, -self._islands, ""), policy)
        return {kept.island for kept in gone}, windows

    def _whole_runs(self, stale: set[int], new: Looks | None) -> set[int]:
        """All tracks of the runs, and of runs that a person made one with them."""
        shelf, kin = self._shelf, self._said.agreed.kin
        heads = {kin[name] for name in (new.ids.tolist() if new is not None else ()) if name in kin}
        while True:
            runs = shelf.find("run", {shelf.kept[number].run for number in stale})
            heads |= {kin[name] for number in runs for name in shelf.kept[number].looks.ids.tolist() if name in kin}
            named = {shelf.track_of[name] for name, head in kin.items() if head in heads and name in shelf.track_of}
            if named | runs == stale:
                return stale
            stale = named | runs

    def _same_pass(self, new: Looks) -> set[int]:
        """Tracks of the passes of new looks whose tiles theirs touch or adjoin."""
        things, keys = things_of(new, self._policy), set()
        for at in range(len(new)):
            drive = int(new.drive[at])
            keys |= {(drive, tile) for tile in around(touched(things.take(np.array([at])), self._policy))}
        return self._shelf.find("drive", keys)

    def _realign(self, dirty: set[int]) -> list[int]:
        """Alignment of the dirty tiles, anew; numbers of the tracks whose places changed."""
        shelf, policy = self._shelf, self._policy
        numbers = self._in_order(shelf.find("window", dirty))
        if not numbers:
            return []
        tracks = _together([shelf.kept[number].track for number in numbers])
        wanted = np.array([_tile(key) for key in sorted(dirty)], np.int64)
        aligned = align(tracks, policy, wanted)
        inside = np.isin(keys_of(tiles_of(tracks.things.place, policy)), sorted(dirty))
        moved = []
        for at, number in enumerate(numbers):
            kept = shelf.kept[number]
            if inside[at] and not (np.array_equal(kept.place, aligned.place[at]) and kept.left == aligned.left[at]):
                kept.place, kept.left = aligned.place[at], float(aligned.left[at])
                moved.append(number)
        return moved

    def _regroup(self, islands: set[int], moved: list[int]) -> frozenset[str]:
        """Defects of the islands that lost, hold or meet a track that moved, anew."""
        shelf, policy = self._shelf, self._policy
        numbers = shelf.find(
            "island", islands | {shelf.kept[number].island for number in self._met(moved)} | self._named(moved)
        )
        order = self._in_order(numbers)
        if not order:
            return frozenset()
        kept = [shelf.kept[number] for number in order]
        tracks = _together([one.track for one in kept])
        aligned = Aligned(np.array([one.place for one in kept]), np.array([one.left for one in kept]))
        looks = Looks.joined(one.looks for one in kept)
        track_of = np.repeat(np.arange(len(kept)), [len(one.looks) for one in kept])
        by_time = np.lexsort((looks.ids, looks.at_us))
        groups = join(looks.take(by_time), tracks, aligned, track_of[by_time], policy, self._said)
        fresh = {int(name): self._islands + at + 1 for at, name in enumerate(np.unique(groups.island))}
        self._islands += len(fresh)
        for at, number in enumerate(order):
            founder = kept[int(groups.cluster[at])].looks.ids[0].item()
            shelf.settle(number, fresh[int(groups.island[at])], founder)
        return frozenset(shelf.kept[number].defect for number in order)

    def _met(self, moved: list[int]) -> set[int]:
        """The tracks that moved and those that now lie within reach of one."""
        shelf, policy = self._shelf, self._policy
        if not moved:
            return set()
        tiles = touched(_at_places([shelf.kept[number] for number in moved]), policy)
        order = sorted({*moved, *shelf.find("near", around(tiles))})
        pairs = near(_at_places([shelf.kept[number] for number in order]), policy.reach_m)
        mover = np.isin(order, moved)
        met = pairs[mover[pairs].any(axis=1)]
        return {*moved, *(order[at] for at in met.ravel().tolist())}

    def _named(self, moved: list[int]) -> set[int]:
        """Islands of what was named together with looks of the tracks that moved."""
        agreed, shelf = self._said.agreed, self._shelf
        kin = {
            agreed.kin[name] for number in moved for name in shelf.kept[number].looks.ids.tolist() if name in agreed.kin
        }
        named = {name for name, head in agreed.kin.items() if head in kin}
        ids = {name for number in moved for name in shelf.kept[number].looks.ids.tolist()} if self._compared else set()
        named |= {name for told in self._compared if {told.one, told.other} & ids for name in (told.one, told.other)}
        return {shelf.kept[shelf.track_of[name]].island for name in named if name in shelf.track_of}

    def _in_order(self, numbers: Iterable[int]) -> list[int]:
        kept = self._shelf.kept
        return sorted(numbers, key=lambda number: (int(kept[number].looks.at_us[0]), kept[number].looks.ids[0].item()))


def _tile(key: int) -> tuple[int, int]:
    north = ((key + (1 << 30)) & ((1 << 31) - 1)) - (1 << 30)
    return (key - north) >> 31, north


def _at_places(kept: Sequence[Kept]) -> Things:
    return replace(_together([one.track for one in kept]).things, place=np.array([one.place for one in kept]))


def _together(tracks: Sequence[Tracks]) -> Tracks:
    """One after the other; their founders and runs no longer say anything."""
    things = Things(
        *(np.concatenate([getattr(one.things, name) for one in tracks]) for name in Things.__dataclass_fields__)
    )
    names = [name for name in Tracks.__dataclass_fields__ if name != "things"]
    return Tracks(things, *(np.concatenate([getattr(one, name) for one in tracks]) for name in names))
