"""The shelf of the living map in a database: what a batch needs is read, and what it changed is written at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, exists, func, select

from roadwarden.defects.looks import Codes, Numbers
from roadwarden.defects.rulings import Compared, Ruling
from roadwarden.defects.shelf import By, Kept, MemoryShelf
from roadwarden.storage.rows import OnConflict, Values, chunks, insert_rows, numbers_of, rows_where, update_rows
from roadwarden.storage.rulings import RulingStore
from roadwarden.storage.tables import comparisons, passes, rulings, track_cells, tracks
from roadwarden.storage.tables import sightings as kept_sightings
from roadwarden.storage.track_bytes import pack, unpack


@dataclass(frozen=True, slots=True)
class Home:
    """What a sighting is counted to."""

    track: int
    defect: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What a unit of work changed: homes of sightings that are new or have another one, and defects that none is."""

    homes: Mapping[str, Home]
    gone: frozenset[str]


class StoredShelf:
    """Within one transaction, and for one writer: nothing else may change tracks meanwhile.

    Tracks that were read or put stand in memory, found by runs, islands and cells that were asked for; ``write`` brings
    the changes to the database. O((k + found) log n) a question for k keys.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.frames: Codes = _Frames()
        self.drives: Codes = _Passes(connection)
        self._here = MemoryShelf()
        self._asked: dict[By, set[int]] = {by: set() for by in By}
        self._was: dict[int, Kept] = {}  # as read: island and defect only are looked at
        self._dropped: set[int] = set()
        self._changed: set[int] = set()
        self._strayed: dict[int, set[int]] = {}
        self._next: int | None = None
        self._spoken: bool | None = None

    def tracks_of(self, sightings: Iterable[str]) -> Mapping[str, int]:
        """The track of each sighting; those that are not kept or not merged yet are left out."""
        wanted = set(sightings)
        here = self._here.tracks_of(wanted)
        query = select(kept_sightings.c.id, kept_sightings.c.track).where(kept_sightings.c.track.is_not(None))
        rows = rows_where(self._connection, query, kept_sightings.c.id, wanted - here.keys())
        return {**here, **{row[0]: row[1] for row in rows}}

    def find(self, by: By, keys: Iterable[int]) -> set[int]:
        """Numbers of the tracks that have one of the keys."""
        wanted = set(keys)
        fresh = sorted(wanted - self._asked[by])
        self._asked[by].update(fresh)
        if by is By.CELL:
            self._read_cells(fresh)
        else:
            self._read(tracks.c[by.value], fresh)
        return self._here.find(by, wanted)

    def get(self, numbers: Iterable[int]) -> Sequence[Kept]:
        """Those tracks, in that order."""
        listed = list(numbers)
        self._read(tracks.c.number, sorted({number for number in listed if number not in self._here}))
        return self._here.get(listed)

    def put(self, kept: Kept, cells: Iterable[int]) -> int:
        """Keeps a track under the next number."""
        if self._next is None:
            last = self._connection.execute(select(func.max(tracks.c.number))).scalar_one()
            self._next = (last or 0) + 1
        number, self._next = self._next, self._next + 1
        return self._here.put(kept, cells, number)

    def drop(self, number: int) -> None:
        """Forgets a track."""
        self._here.drop(number)
        if number in self._was:
            self._dropped.add(number)
            self._changed.discard(number)

    def move(self, number: int, place: Numbers, left: float, cells: Iterable[int]) -> None:
        """Where alignment has brought a track."""
        beside = set(cells) - self._here.cells(number)
        self._here.move(number, place, left, beside)
        if number in self._was:
            self._changed.add(number)
            if beside:
                self._strayed.setdefault(number, set()).update(beside)

    def settle(self, number: int, island: int, defect: str) -> None:
        """Where a track belongs now."""
        if number in self._was and (island, defect) != (self._kept(number).island, self._kept(number).defect):
            self._changed.add(number)
        self._here.settle(number, island, defect)

    def note(self, rulings: Sequence[Ruling], compared: Sequence[Compared]) -> None:
        """Keeps what people and pictures said; raises DataError for a sighting that is not kept."""
        store = RulingStore(self._connection)
        for ruling in rulings:
            store.add(ruling)
        store.add_answers(compared)
        self._spoken = None

    def said_of(self, sightings: Iterable[str]) -> tuple[Sequence[Ruling], Sequence[Compared]]:
        """Rulings that name one of the sightings, or one that those name, and so on; answers about them all."""
        if self._spoken is None:
            anything = select(exists(select(rulings.c.number)) | exists(select(comparisons.c.one)))
            self._spoken = bool(self._connection.execute(anything).scalar_one())
        if not self._spoken:
            return (), ()
        store, named, fresh = RulingStore(self._connection), set[str](), set(sightings)
        found: dict[str, Ruling] = {}
        while fresh:
            named |= fresh
            about = store.about(fresh)
            found |= {ruling.id: ruling for ruling in about}
            fresh = {name for ruling in about for group in ruling.groups for name in group} - named
        return tuple(found.values()), store.answers(named)

    def write(self) -> Moved:
        """Brings the database up to what the shelf holds. The shelf is of no further use."""
        new = [number for number in self._here.numbers() if number not in self._was]
        self._delete(self._dropped)
        self._insert(new)
        self._update(sorted(self._changed))
        self._insert_cells((cell, number) for number, cells in self._strayed.items() for cell in cells)
        rehomed = [number for number in self._changed if self._was[number].defect != self._kept(number).defect]
        homes = {
            name: Home(number, kept.defect)
            for number in (*new, *rehomed)
            for kept in self._here.get([number])
            for name in kept.looks.ids.tolist()
        }
        left = {self._was[number].defect for number in (*self._dropped, *rehomed)}
        held = {kept.defect for kept in self._here.get(self._here.numbers())}
        return Moved(homes, frozenset(left - held))

    def _kept(self, number: int) -> Kept:
        return self._here.get([number])[0]

    def _read_cells(self, cells: Sequence[int]) -> None:
        rows = rows_where(self._connection, select(track_cells), track_cells.c.cell, cells)
        found = [(row.cell, row.track) for row in rows if row.track not in self._dropped]
        self._read(tracks.c.number, sorted({number for _, number in found if number not in self._here}))
        for cell, number in found:
            if number in self._here:
                self._here.spread(number, (cell,))

    def _read(self, column: Any, values: Sequence[int]) -> None:
        known = self._was
        rows = [row for row in rows_where(self._connection, _AS_KEPT, column, values) if row[0] not in known]
        drives = [row[1] for row in rows]
        parts = unpack([row[8] for row in rows], [row[9] for row in rows], drives)
        for (number, _, run, island, defect, east, north, left, *_bytes), (looks, track) in zip(
            rows, parts, strict=True
        ):
            place = np.array([east, north])
            self._here.put(Kept(looks, track, place, left, run, island, defect), (), number)
            known[number] = Kept(looks, track, place, left, run, island, defect)

    def _delete(self, numbers: Iterable[int]) -> None:
        for chunk in chunks(sorted(numbers)):
            self._connection.execute(delete(track_cells).where(track_cells.c.track.in_(chunk)))
            self._connection.execute(delete(tracks).where(tracks.c.number.in_(chunk)))

    def _insert(self, numbers: Sequence[int]) -> None:
        for chunk in chunks(numbers):
            kept = self._here.get(chunk)
            rows = [
                _values(number, one) | {"pass": int(one.track.drive[0]), "run": one.run, "seen": seen, "looks": looks}
                for number, one, (seen, looks) in zip(chunk, kept, pack(kept), strict=True)
            ]
            insert_rows(self._connection, tracks, rows)
        self._insert_cells((cell, number) for number in numbers for cell in self._here.cells(number))

    def _insert_cells(self, found: Iterable[tuple[int, int]]) -> None:
        rows = ({"cell": cell, "track": number} for cell, number in found)
        insert_rows(self._connection, track_cells, rows, OnConflict(("cell", "track")))

    def _update(self, numbers: Sequence[int]) -> None:
        rows = (_values(number, one) for number, one in zip(numbers, self._here.get(numbers), strict=True))
        update_rows(self._connection, tracks, "number", rows)


class _Frames(Codes):
    """A frame by the first digits of its sha256: equal or not is all that is asked of frames near each other."""

    def of(self, name: str) -> int:
        return int.from_bytes(bytes.fromhex(name[:16]), "big", signed=True)


class _Passes(Codes):
    """A pass by its number in the database; a new one gets the next."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def of(self, name: str) -> int:
        if name not in self._of:
            self._of |= numbers_of(self._connection, passes, passes.c.id, [name])
        return self._of[name]

    def names(self, codes: Iterable[int]) -> dict[int, str]:
        """From the database."""
        rows = rows_where(self._connection, select(passes.c.number, passes.c.id), passes.c.number, sorted(set(codes)))
        return {row[0]: row[1] for row in rows}


_AS_KEPT = select(
    tracks.c.number,
    tracks.c["pass"],
    tracks.c.run,
    tracks.c.island,
    tracks.c.defect,
    tracks.c.east_m,
    tracks.c.north_m,
    tracks.c.left_m2,
    tracks.c.seen,
    tracks.c.looks,
)


def _values(number: int, kept: Kept) -> Values:
    return {
        "number": number,
        "island": kept.island,
        "defect": kept.defect,
        "east_m": float(kept.place[0]),
        "north_m": float(kept.place[1]),
        "left_m2": kept.left,
    }
