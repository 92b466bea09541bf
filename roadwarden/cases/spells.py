"""How long repairs last: from each repair to the return of the thing, or to the last look without one.

**A place** is what comes back: cases of one defect, a case and the one that it is a recurrence of, and cases of one
type within ``SAME_PLACE_M`` of one another, directly or by way of others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from roadwarden.cases.occurrences import Occurrence
from roadwarden.detections import Position
from roadwarden.geo.plane import LocalPlane

SAME_PLACE_M = 2.0
"""Two cases of one type nearer than this are one place; places are known to 0.4 m (P95, docs/merging.md). Ours."""
_DAY = timedelta(days=1)


class Ended(StrEnum):
    """How a spell ended."""

    RETURNED = "returned"
    WATCHED = "watched"  # at the last look, without a return
    NOT_WATCHED = "not_watched"  # now, without a return; nobody knows when the place was looked at last


@dataclass(frozen=True, slots=True)
class Spell:
    """From one repair to its return, or to the end of what is known."""

    repair: Occurrence
    place: str  # its oldest case
    until: datetime
    ended: Ended
    back: Occurrence | None  # what came back

    @property
    def days(self) -> float:
        """Its length."""
        began = self.repair.repaired_at
        if began is None:
            raise ValueError(f"case {self.repair.case} cycle {self.repair.cycle} is not repaired")
        return (self.until - began) / _DAY

    @property
    def in_warranty(self) -> bool:
        """Whether it came back while the crew answers for it; the last moment of the warranty is within."""
        until = self.repair.warranty_until
        return self.back is not None and until is not None and self.back.came_at <= until


@dataclass(frozen=True, slots=True)
class Spells:
    """What is known of places."""

    spells: tuple[Spell, ...]  # by repair
    places: Mapping[str, tuple[Occurrence, ...]]  # by oldest case: everything that was there, by coming
    unseen: tuple[Occurrence, ...]  # repairs that nobody has looked at since; they prove nothing


def spells(found: Iterable[Occurrence], last_looks: Mapping[str, datetime], now: datetime) -> Spells:
    """The spell of each repair. ``last_looks``: by case, when its place was seen usably last; O(n log n).

    A repair while another case of the place is still open begins none: the thing is not known to be gone.
    """
    places = same_places(found)
    made: list[Spell] = []
    unseen: list[Occurrence] = []
    for place, there in places.items():
        for repair in there:
            spell = _spell(place, there, repair, last_looks, now)
            if spell is not None and spell.until <= (repair.repaired_at or now):
                unseen.append(repair)
            elif spell is not None:
                made.append(spell)
    made.sort(key=lambda one: (one.repair.repaired_at or now, one.repair.case, one.repair.cycle))
    return Spells(tuple(made), places, tuple(unseen))


def same_places(found: Iterable[Occurrence]) -> Mapping[str, tuple[Occurrence, ...]]:
    """Occurrences by place, named by its oldest case; within a place by coming."""
    known = sorted(found, key=lambda one: (one.came_at, one.case, one.cycle))
    names = list(dict.fromkeys(one.case for one in known))
    row = {name: number for number, name in enumerate(names)}
    by_defect: dict[str, int] = {}
    pairs = [(row[one.case], row[one.recurrence_of]) for one in known if one.recurrence_of in row]
    pairs += [(row[one.case], by_defect.setdefault(one.defect, row[one.case])) for one in known if one.defect]
    pairs += _near(known, row)
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    links = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(names), len(names)))
    _, group = connected_components(links, directed=False) if names else (0, np.zeros(0, np.int64))
    places: dict[int, list[Occurrence]] = defaultdict(list)
    for one in known:
        places[int(group[row[one.case]])].append(one)
    return {there[0].case: tuple(there) for there in places.values()}


def _near(known: Sequence[Occurrence], row: Mapping[str, int]) -> list[tuple[int, int]]:
    by_problem: dict[str, dict[str, Position]] = defaultdict(dict)
    for one in known:
        if one.latitude is not None and one.longitude is not None:
            by_problem[one.problem][one.case] = Position(one.latitude, one.longitude)
    pairs: list[tuple[int, int]] = []
    for places in by_problem.values():
        names, positions = list(places), list(places.values())
        degrees = np.array([(one.lat, one.lon) for one in positions], np.float64)
        metres = LocalPlane.around(positions).to_metres(degrees)
        near = cKDTree(metres).query_pairs(SAME_PLACE_M, output_type="ndarray")
        pairs += [(row[names[a]], row[names[b]]) for a, b in near.tolist()]
    return pairs


def _spell(
    place: str, there: Sequence[Occurrence], repair: Occurrence, last_looks: Mapping[str, datetime], now: datetime
) -> Spell | None:
    began = repair.repaired_at
    if began is None or any(_still_open(one, repair, began) for one in there):
        return None
    back = next((one for one in there if one.came_at > began), None)
    if back is not None:
        return Spell(repair, place, back.came_at, Ended.RETURNED, back)
    looked = last_looks.get(repair.case)
    if looked is None:
        return Spell(repair, place, now, Ended.NOT_WATCHED, None)
    return Spell(repair, place, min(looked, now), Ended.WATCHED, None)


def _still_open(one: Occurrence, repair: Occurrence, at: datetime) -> bool:
    """Whether another case of the place was there unrepaired; of two repaired at once the later name counts."""
    if one is repair or one.came_at > at:
        return False
    if one.repaired_at is None:
        return True
    return (one.repaired_at, one.case, one.cycle) > (at, repair.case, repair.cycle)
