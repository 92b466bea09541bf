"""Which metres of which lane were seen, when, and whether in time: coverage as a product of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from roadwarden.defects.inspected import NEVER, WHOLE_WIDTH, Inspections, microseconds, moment
from roadwarden.defects.overlays import greatest_over
from roadwarden.defects.patrol import PatrolTable
from roadwarden.defects.roadways import MM, Ints, Roads
from roadwarden.geo.places import RoadGrade

_MICROSECOND = timedelta(microseconds=1)


class Seen(IntEnum):
    """State of a piece of road at a time; each has exactly one."""

    IN_TIME = 0  # seen in usable quality within the patrol interval of its grade
    IN_VAIN = 1  # not in time, though driven within the interval: nothing could be seen
    OVERDUE = 2  # seen in usable quality before, too long ago
    NEVER = 3


@dataclass(frozen=True, slots=True)
class LaneMetres:
    """Metres of lane by state, exact to the millimetre; they add up to ``total_m``."""

    in_time_m: float
    in_vain_m: float
    overdue_m: float
    never_m: float
    total_m: float

    @property
    def share_in_time(self) -> float | None:
        """0..1; None of no road."""
        return self.in_time_m / self.total_m if self.total_m else None


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of one lane that was not seen in time."""

    segment: str
    lane: int
    from_m: float
    to_m: float
    state: Seen
    seen_at: datetime | None  # last in usable quality
    overdue_by: timedelta | None  # None where it was never seen


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """All lanes of all roads cut into pieces of one history; pieces lie end to end in the order of ``roads``.

    A time is that of the last look up to ``now``, in microseconds since 1970, or ``NEVER``.
    """

    roads: Roads
    now: datetime
    interval_us: Ints  # (roads,)
    lane: Ints  # (pieces,) row among all lanes
    from_mm: Ints  # (pieces,) on the axis of all lanes
    to_mm: Ints
    usable_at_us: Ints  # last look in usable quality
    driven_at_us: Ints  # last look in any quality

    def __len__(self) -> int:
        return len(self.lane)

    @property
    def road(self) -> Ints:
        """(pieces,) row among the roads."""
        return self.roads.lane_road[self.lane]

    def states(self) -> npt.NDArray[np.uint8]:
        """(pieces,) of ``Seen``."""
        since = microseconds(self.now) - self.interval_us[self.road]
        never = np.where(self.usable_at_us == NEVER, Seen.NEVER, Seen.OVERDUE)
        missed = np.where(self.driven_at_us >= since, Seen.IN_VAIN, never)
        return np.where(self.usable_at_us >= since, Seen.IN_TIME, missed).astype(np.uint8)

    def metres(self) -> LaneMetres:
        """Of everything."""
        return self._metres(np.zeros(len(self), np.int64), 1)[0]

    def by_segment(self) -> dict[str, LaneMetres]:
        """Of each road, in their order."""
        found = self._metres(self.road, len(self.roads.roadways))
        return {roadway.segment: metres for roadway, metres in zip(self.roads.roadways, found, strict=True)}

    def by_grade(self) -> dict[RoadGrade, LaneMetres]:
        """Of each grade, also those without a road."""
        grades = list(RoadGrade)
        of_road = np.array([grades.index(roadway.grade) for roadway in self.roads.roadways], np.int64)
        return dict(zip(grades, self._metres(of_road[self.road], len(grades)), strict=True))

    def gaps(self) -> Iterator[Gap]:
        """Every piece that is not in time, road by road and lane by lane."""
        states, road, now_us = self.states(), self.road, microseconds(self.now)
        for piece in np.flatnonzero(states != Seen.IN_TIME).tolist():
            lane, row, at_us = int(self.lane[piece]), int(road[piece]), int(self.usable_at_us[piece])
            late_us = None if at_us == NEVER else now_us - int(self.interval_us[row]) - at_us
            start = int(self.roads.lane_edges[lane])
            yield Gap(
                segment=self.roads.roadways[row].segment,
                lane=lane - int(self.roads.first_lane[row]),
                from_m=(int(self.from_mm[piece]) - start) / MM,
                to_m=(int(self.to_mm[piece]) - start) / MM,
                state=Seen(int(states[piece])),
                seen_at=moment(at_us),
                overdue_by=None if late_us is None else timedelta(microseconds=late_us),
            )

    def _metres(self, key: Ints, count: int) -> list[LaneMetres]:
        sums = np.zeros((count, len(Seen)), np.int64)
        np.add.at(sums, (key, self.states()), self.to_mm - self.from_mm)
        return [
            LaneMetres(in_time / MM, in_vain / MM, overdue / MM, never / MM, (in_time + in_vain + overdue + never) / MM)
            for in_time, in_vain, overdue, never in sums.tolist()
        ]


def coverage(roads: Roads, looks: Inspections, patrol: PatrolTable, now: datetime) -> Coverage:
    """What was known of every metre at ``now``; looks from after it do not count. n log n in looks and lanes."""
    known = looks.take(looks.at_us <= microseconds(now))
    row, from_mm, to_mm = laid_out(roads, known)
    at_us, usable = known.at_us[row], known.usable[row]
    breaks = np.unique(np.concatenate([roads.lane_edges, from_mm, to_mm]))
    first, last = np.searchsorted(breaks, from_mm), np.searchsorted(breaks, to_mm)
    pieces = len(breaks) - 1
    usable_at = greatest_over(pieces, first[usable], last[usable], at_us[usable], NEVER)
    driven_at = greatest_over(pieces, first, last, at_us, NEVER)
    of_lane = np.searchsorted(roads.lane_edges, breaks[:-1], side="right") - 1
    starts = _changes(of_lane, usable_at, driven_at)
    edges = np.append(breaks[:-1][starts], breaks[-1:])
    interval_us = np.array([patrol.interval(one.grade) // _MICROSECOND for one in roads.roadways], np.int64)
    return Coverage(
        roads, now, interval_us, of_lane[starts], edges[:-1], edges[1:], usable_at[starts], driven_at[starts]
    )


def laid_out(roads: Roads, looks: Inspections) -> tuple[Ints, Ints, Ints]:
    """Row of the look, begin and end on the axis of all lanes; looks over the whole width once for every lane."""
    whole = looks.lane == WHOLE_WIDTH
    times = np.where(whole, roads.lanes[looks.road], 1)
    row = np.repeat(np.arange(len(looks)), times)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    lane = roads.first_lane[looks.road[row]] + np.where(whole[row], nth, looks.lane[row])
    start = roads.lane_edges[lane]
    return row, start + looks.from_mm[row], start + looks.to_mm[row]


def _changes(*columns: Ints) -> Ints:
    """Rows at which any column differs from the row before; the first one too."""
    if not len(columns[0]):
        return np.zeros(0, np.int64)
    differs = np.zeros(len(columns[0]), np.bool_)
    differs[0] = True
    for column in columns:
        differs[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(differs)
