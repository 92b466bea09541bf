"""The living map: sightings come one by one or pass by pass, and the defects stay those of ``merging.merge`` on all.

What a new sighting can change is bounded: its run (the looks of its pass it may be one with), the tiles whose alignment
its track has a say in, and the islands that the tracks there belong to or come to touch. These are taken from the
shelf, reckoned anew, and put back; everything else is not looked at, so the cost does not grow with the map.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt

from roadwarden.defects.alignment import Aligned, align, keys_of, tiles_of, windows_of
from roadwarden.defects.confusion import TYPES, shipped_confusion
from roadwarden.defects.defect import Defect
from roadwarden.defects.folding import folded
from roadwarden.defects.looks import Looks, looks_of
from roadwarden.defects.merging import Merged, Said, join
from roadwarden.defects.passes import Tracks, things_of, track
from roadwarden.defects.policy import MergingPolicy
from roadwarden.defects.rulings import Compared, Ruling, agree
from roadwarden.defects.shelf import By, Kept, MemoryShelf, Shelf, around, cells_of, cells_with_a_say, split_key
from roadwarden.defects.things import Things, near
from roadwarden.detections import Sighting
from roadwarden.geo.plane import LocalPlane

Rows = npt.NDArray[np.intp]

_FAR = 4
"""A track that alignment has brought further than this part of a tile is found where it came to, too."""


class DefectMap:
    """Defects of all that was added; one writer. Sightings that it holds are not taken twice."""

    def __init__(self, plane: LocalPlane, policy: MergingPolicy | None = None, shelf: Shelf | None = None) -> None:
        self._plane, self._policy = plane, policy or MergingPolicy()
        self._shelf: Shelf = MemoryShelf() if shelf is None else shelf
        self._asked: set[str] = set()
        self._rulings: dict[str, Ruling] = {}
        self._compared: set[Compared] = set()
        self._said = Said()
        self._last: Merged | None = None

    @property
    def shelf(self) -> Shelf:
        """What it keeps."""
        return self._shelf

    def defect_of(self, sighting: str) -> str | None:
        """The defect that holds a sighting now; ids of defects are ids of sightings, so old ones lead on."""
        found = self._shelf.tracks_of([sighting])
        return self._shelf.get(found.values())[0].defect if found else None

    def unknown(self, sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
        """Those that it does not hold yet; of several with one id the first in order of their values."""
        named: dict[str, list[Sighting]] = {}
        for sighting in sightings:
            named.setdefault(sighting.id, []).append(sighting)
        held = self._shelf.tracks_of(named)
        return tuple(
            min(ones, key=repr) if len(ones) > 1 else ones[0] for name, ones in named.items() if name not in held
        )

    def add(self, sightings: Iterable[Sighting]) -> frozenset[str]:
        """Takes sightings in; the defects that hold them or may have changed."""
        new = self.unknown(sightings)
        self._last = None
        if not new:
            return frozenset()
        looks = looks_of(new, self._plane, self._policy, self._shelf.frames, self._shelf.drives)
        return self._absorb(looks, set())

    def rule(self, rulings: Sequence[Ruling] = (), compared: Sequence[Compared] = ()) -> frozenset[str]:
        """Takes in what people and pictures said; all that this may concern is looked at again."""
        self._shelf.note(rulings, compared)
        self._last = None
        named = {name for ruling in rulings for group in ruling.groups for name in group}
        named |= {name for told in compared for name in (told.one, told.other)}
        self._asked -= named
        self._hear(named)
        named |= {*self._said.agreed.kin, *(name for told in self._said.compared for name in (told.one, told.other))}
        stale = set(self._shelf.tracks_of(named).values())
        return self._absorb(None, stale) if stale else frozenset()

    def folds(self) -> tuple[Defect, ...]:
        """The defects that the last ``add`` or ``rule`` gave, whole, in the order of their first sightings."""
        if self._last is None:
            return ()
        names = self._shelf.drives.names(np.unique(self._last.looks.drive).tolist())
        return folded(self._last, names, self._plane, self._policy)

    def _absorb(self, new: Looks | None, stale: set[int]) -> frozenset[str]:
        islands, dirty = self._retrack(new, stale)
        moved = self._realign(dirty)
        return self._regroup(islands, moved)

    def _retrack(self, new: Looks | None, stale: set[int]) -> tuple[set[int], set[int]]:
        """Tracks of the runs that are touched, anew; islands that lost one, and windows that one left or entered."""
        shelf, policy = self._shelf, self._policy
        if new is not None:
            self._hear(new.ids.tolist())
            stale = stale | self._same_pass(new)
        numbers = sorted(self._whole_runs(stale, new))
        gone = shelf.get(numbers)
        looks = Looks.joined([*(kept.looks for kept in gone), *(() if new is None else (new,))]).ordered()
        for number in numbers:
            shelf.drop(number)
        tracks, member = track(looks, policy, self._said.agreed)
        places = np.concatenate([tracks.things.place, *(kept.track.things.place for kept in gone)])
        self._put(looks, tracks, member)
        return {kept.island for kept in gone}, set(np.unique(keys_of(windows_of(places, policy))).tolist())

    def _put(self, looks: Looks, tracks: Tracks, member: Rows) -> None:
        order = np.argsort(member, kind="stable")
        sorted_looks, ends = looks.take(order), np.cumsum(np.bincount(member, minlength=len(tracks)))
        cells, runs = cells_of(tracks.things, self._policy), dict[int, int]()
        first = 0
        for at, (one, run, end) in enumerate(zip(_singly(tracks), tracks.run.tolist(), ends.tolist(), strict=True)):
            mine = sorted_looks.take(slice(first, end))
            number = self._shelf.put(Kept(mine, one, np.full(2, np.nan), 0.0, runs.get(run, -1), -1, ""), cells[at])
            runs.setdefault(run, number)
            first = end

    def _whole_runs(self, stale: set[int], new: Looks | None) -> set[int]:
        """All tracks of the runs, and of runs that a person made one with them."""
        shelf = self._shelf
        ids = set(new.ids.tolist()) if new is not None else set()
        while True:
            runs = shelf.find(By.RUN, {kept.run for kept in shelf.get(stale)})
            ids |= {name for kept in shelf.get(runs) for name in kept.looks.ids.tolist()}
            self._hear(ids)
            whole = runs | set(shelf.tracks_of(self._kin_of(ids)).values())
            if whole == stale:
                return stale
            stale = whole

    def _same_pass(self, new: Looks) -> set[int]:
        """Tracks of the passes of new looks whose cells theirs touch or adjoin."""
        cells = (cell for of_one in cells_of(things_of(new, self._policy), self._policy) for cell in of_one)
        numbers, drives = sorted(self._shelf.find(By.CELL, around(cells))), set(new.drive.tolist())
        found = zip(numbers, self._shelf.get(numbers), strict=True)
        return {number for number, kept in found if int(kept.track.drive[0]) in drives}

    def _realign(self, dirty: set[int]) -> list[int]:
        """Alignment of the dirty tiles, anew; numbers of the tracks whose places changed."""
        shelf, policy = self._shelf, self._policy
        numbers, all_kept = self._in_order(shelf.find(By.CELL, cells_with_a_say(dirty)))
        if not numbers:
            return []
        tracks = _together([kept.track for kept in all_kept])
        aligned = align(tracks, policy, np.array([split_key(key) for key in sorted(dirty)], np.int64))
        inside = np.isin(keys_of(tiles_of(tracks.things.place, policy)), sorted(dirty))
        before = np.array([(*kept.place, kept.left) for kept in all_kept])
        after = np.column_stack([aligned.place, aligned.left])
        moved = np.flatnonzero(inside & (before != after).any(axis=1))
        strayed = np.abs(aligned.place - tracks.things.place).max(axis=1) > policy.tile_m / _FAR
        for at in moved.tolist():
            at_new = replace(all_kept[at].track.things, place=aligned.place[at : at + 1])
            cells = cells_of(at_new, policy)[0] if strayed[at] else ()
            shelf.move(numbers[at], aligned.place[at], float(aligned.left[at]), cells)
        return [numbers[at] for at in moved.tolist()]

    def _regroup(self, islands: set[int], moved: list[int]) -> frozenset[str]:
        """Defects of the islands that lost, hold or meet a track that moved, anew."""
        shelf, policy = self._shelf, self._policy
        met = self._met(moved) | self._named(moved)
        order, all_kept = self._in_order(shelf.find(By.ISLAND, islands | {kept.island for kept in shelf.get(met)}))
        if not order:
            return frozenset()
        looks = Looks.joined(kept.looks for kept in all_kept)
        self._hear(looks.ids.tolist())
        track_of = np.repeat(np.arange(len(order)), [len(kept.looks) for kept in all_kept])
        by_time = np.lexsort((looks.ids, looks.at_us))
        looks, track_of = looks.take(by_time), track_of[by_time]
        founder = np.unique(track_of, return_index=True)[1]
        tracks = replace(_together([kept.track for kept in all_kept]), founder=founder)
        aligned = Aligned(np.array([kept.place for kept in all_kept]), np.array([kept.left for kept in all_kept]))
        groups = join(looks, tracks, aligned, track_of, policy, self._said)
        self._last = Merged(looks, tracks, aligned, track_of, groups)
        names = looks.ids[founder[groups.cluster]].tolist()
        for number, island, defect in zip(order, groups.island.tolist(), names, strict=True):
            shelf.settle(number, order[island], defect)
        return frozenset(names)

    def _met(self, moved: list[int]) -> set[int]:
        """The tracks that moved and those that now lie within reach of one."""
        shelf, policy = self._shelf, self._policy
        if not moved:
            return set()
        cells = (cell for of_one in cells_of(_at_places(shelf.get(moved)), policy) for cell in of_one)
        order = sorted({*moved, *shelf.find(By.CELL, around(cells))})
        pairs = near(_at_places(shelf.get(order)), policy.reach_m)
        mover = np.isin(order, moved)
        met = pairs[mover[pairs].any(axis=1)]
        return {*moved, *(order[at] for at in met.ravel().tolist())}

    def _named(self, moved: list[int]) -> set[int]:
        """Tracks of what was named together with looks of the tracks that moved."""
        ids = {name for kept in self._shelf.get(moved) for name in kept.looks.ids.tolist()}
        self._hear(ids)
        named = self._kin_of(ids)
        named |= {
            name
            for told in self._said.compared
            if told.one in ids or told.other in ids
            for name in (told.one, told.other)
        }
        return set(self._shelf.tracks_of(named).values())

    def _kin_of(self, ids: Iterable[str]) -> set[str]:
        """All that a person said to be one with one of these."""
        kin = self._said.agreed.kin
        heads = {kin[name] for name in ids if name in kin} if kin else set()
        return {name for name, head in kin.items() if head in heads}

    def _hear(self, sightings: Iterable[str]) -> None:
        """Learns what was said of sightings that nobody has asked about yet."""
        fresh = set(sightings) - self._asked
        if not fresh:
            return
        self._asked |= fresh
        rulings, compared = self._shelf.said_of(fresh)
        known = len(self._rulings), len(self._compared)
        self._rulings |= {ruling.id: ruling for ruling in rulings}
        self._compared |= set(compared)
        if known != (len(self._rulings), len(self._compared)):
            self._said = Said(agree(self._rulings.values()), tuple(sorted(self._compared)))

    def _in_order(self, numbers: Iterable[int]) -> tuple[list[int], list[Kept]]:
        """Tracks in the order of their founders."""
        listed = list(numbers)
        found = sorted(
            zip(listed, self._shelf.get(listed), strict=True),
            key=lambda pair: (int(pair[1].looks.at_us[0]), pair[1].looks.ids[0].item()),
        )
        return [number for number, _ in found], [kept for _, kept in found]


def rules_of(policy: MergingPolicy) -> str:
    """A digest of what merging goes by, the table of confusions too: tracks made by other rules are made anew."""
    known = shipped_confusion()
    parts = (repr(policy), repr(TYPES), known.said_given_true.tobytes().hex(), known.prior.tobytes().hex())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _at_places(kept: Sequence[Kept]) -> Things:
    return replace(_together([one.track for one in kept]).things, place=np.array([one.place for one in kept]))


def _singly(tracks: Tracks) -> Iterable[Tracks]:
    """Each track by itself."""
    things = [getattr(tracks.things, field.name) for field in fields(tracks.things)]
    columns = [getattr(tracks, field.name) for field in fields(tracks)[1:]]
    for at in range(len(tracks)):
        row = slice(at, at + 1)
        yield Tracks(Things(*(column[row] for column in things)), *(column[row] for column in columns))


def _together(tracks: Sequence[Tracks]) -> Tracks:
    """One after the other; their founders and runs no longer say anything."""
    things = Things(
        *(np.concatenate([getattr(one.things, name) for one in tracks]) for name in Things.__dataclass_fields__)
    )
    names = [name for name in Tracks.__dataclass_fields__ if name != "things"]
    return Tracks(things, *(np.concatenate([getattr(one, name) for one in tracks]) for name in names))
