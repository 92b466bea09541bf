"""The health code of every square metre of road.

Two facts are kept of each cell: what is known of it, and whether it was seen in time. The code is the worse of the two,
in the order green, grey, yellow, red. So a sound cell that was not seen in time is grey, while a damaged one keeps its
colour until somebody sees it repaired: not looking makes nothing healthy, and hides no hole. That a yellow or red cell
was not seen lately stands beside its code (``fresh``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from roadwarden.defects.coverage import Coverage
from roadwarden.defects.inspected import microseconds, moment
from roadwarden.defects.roadways import MM, Ints, Roads, Roadway, millimetres
from roadwarden.defects.severity import Assessed
from roadwarden.defects.size import Size
from roadwarden.errors import DataError
from roadwarden.geo.places import RoadPlace
from roadwarden.taxonomy import DistressType, Severity

Codes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]

PAINTED_AT_ONCE = 1_000_000
"""Cells of unhealthy areas that are painted in one step; more would only take more memory."""


class Code(IntEnum):
    """From best to worst, so that the worst of many is their greatest."""

    GREEN = 0  # nothing known, and seen in time
    GREY = 1  # nothing known, and not seen in time
    YELLOW = 2  # a normal or suspected defect
    RED = 3  # a severe one, or one whose case is overdue


@dataclass(frozen=True, slots=True)
class Unhealthy:
    """A rectangle of road that a defect takes: chainages, and metres from the left edge along them."""

    segment: str  # id
    from_m: float
    to_m: float
    left_m: float
    right_m: float
    code: Code

    def __post_init__(self) -> None:
        if self.code not in (Code.YELLOW, Code.RED):
            raise ValueError(f"an unhealthy area is yellow or red, not {self.code.name.lower()}")
        if not (self.from_m <= self.to_m and self.left_m <= self.right_m):
            raise ValueError(f"unhealthy area on {self.segment}: its ends are the wrong way round")

    @classmethod
    def around(cls, roadway: Roadway, place: RoadPlace, size: Size, code: Code) -> Unhealthy:
        """The area of a defect from its middle and its size, which is measured along the road and across it."""
        lateral, half_m, half_width_m = roadway.lateral_m(place), size.length_m / 2, size.width_m / 2
        along = (place.chainage_m - half_m, place.chainage_m + half_m)
        return cls(place.segment, *along, lateral - half_width_m, lateral + half_width_m, code)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, told in full."""

    segment: str
    metre: int  # of chainage
    lateral: int  # metre from the left edge
    code: Code
    fresh: bool
    seen_at: datetime | None  # last in usable quality, all of it


@dataclass(frozen=True, eq=False)
class Grid:
    """All cells in one row: road by road, metre by metre of chainage, from the left edge to the right.

    The last metre of a road and its rightmost cells may be narrower.
    """

    roads: Roads

    @cached_property
    def metres(self) -> Ints:
        """(roads,) cells along."""
        return -(-self.roads.length_mm // MM)

    @cached_property
    def across(self) -> Ints:
        """(roads,) cells across."""
        return -(-self.roads.width_mm // MM)

    @cached_property
    def edges(self) -> Ints:
        """(roads + 1,) first cell of each road, and the number of all cells."""
        return np.concatenate([[0], np.cumsum(self.metres * self.across)])

    def __len__(self) -> int:
        return int(self.edges[-1])

    def index(self, segment: str, metre: int, lateral: int) -> int:
        """Row of a cell; raises DataError for one that is not there."""
        road = self.roads.row(segment)
        if not (0 <= metre < self.metres[road] and 0 <= lateral < self.across[road]):
            raise DataError(f"segment '{segment}' has no cell {metre}, {lateral}")
        return int(self.edges[road] + metre * self.across[road] + lateral)


@dataclass(frozen=True, eq=False)
class Cells:
    """The state of every cell of ``grid`` at ``now``."""

    grid: Grid
    now: datetime
    codes: Codes  # of Code
    fresh: Flags  # whether all of the cell was seen in time
    seen_at_us: Ints  # when all of it was last seen in usable quality, or NEVER

    def __len__(self) -> int:
        return len(self.codes)

    def at(self, segment: str, metre: int, lateral: int) -> Cell:
        """One cell; raises DataError for one that is not there."""
        row = self.grid.index(segment, metre, lateral)
        seen_at = moment(int(self.seen_at_us[row]))
        return Cell(segment, metre, lateral, Code(int(self.codes[row])), bool(self.fresh[row]), seen_at)


def code_of(distress: DistressType, assessed: Assessed, *, overdue: bool = False) -> Code:
    """What an open defect makes of its cells: RED severe or overdue, else YELLOW; a sound patch is GREEN.

    ``overdue``: the repair clock of its case is past due. What is severe but only suspected is YELLOW.
    """
    if overdue:
        return Code.RED
    if distress is DistressType.PATCH:
        return Code.GREEN
    severe = assessed.severity is Severity.SEVERE and not assessed.suspected
    return Code.RED if severe else Code.YELLOW


def rebuild(grid: Grid, seen: Coverage, unhealthy: Sequence[Unhealthy]) -> Cells:
    """Every cell at the time of the coverage. Time grows with the cells, and with n log n of pieces and of areas.

    Raises DataError where the coverage is of other roads, or an area lies on none of them.
    """
    if seen.roads is not grid.roads:
        raise DataError("the coverage is of other roads than the cells; make both from one Roads")
    since = microseconds(seen.now) - seen.interval_us
    seen_at, fresh = np.empty(len(grid), np.int64), np.empty(len(grid), np.bool_)
    for road, part in enumerate(_seen_at(grid, seen)):  # road by road, so that what is compared is still in the cache
        here = slice(int(grid.edges[road]), int(grid.edges[road + 1]))
        seen_at[here] = part
        np.greater_equal(part, since[road], out=fresh[here])
    codes = np.where(fresh, np.uint8(Code.GREEN), np.uint8(Code.GREY))
    paint(grid, codes, unhealthy)
    return Cells(grid, seen.now, codes, fresh, seen_at)


def paint(grid: Grid, codes: Codes, unhealthy: Sequence[Unhealthy]) -> None:
    """Raises the code of every cell that an area touches, in place; an area beyond an edge counts at that edge."""
    roads = np.array([grid.roads.row(one.segment) for one in unhealthy], np.int64)
    along = _touched([(one.from_m, one.to_m) for one in unhealthy], grid.roads.length_mm[roads])
    across = _touched([(one.left_m, one.right_m) for one in unhealthy], grid.roads.width_mm[roads])
    colours = np.array([one.code for one in unhealthy], np.uint8)
    sizes = (along[:, 1] - along[:, 0]) * (across[:, 1] - across[:, 0])
    steps = np.flatnonzero(np.diff(np.cumsum(sizes) // PAINTED_AT_ONCE, prepend=0))
    for rows in np.split(np.arange(len(sizes)), steps):
        area = np.repeat(rows, sizes[rows])
        nth = np.arange(len(area)) - np.repeat(np.cumsum(sizes[rows]) - sizes[rows], sizes[rows])
        wide = across[area, 1] - across[area, 0]
        metre, lateral = along[area, 0] + nth // wide, across[area, 0] + nth % wide
        cell = grid.edges[roads[area]] + metre * grid.across[roads[area]] + lateral
        np.maximum.at(codes, cell, colours[area])


def _touched(ends_m: Sequence[tuple[float, float]], end_mm: Ints) -> Ints:
    """(n, 2) first cell and the one after the last that each extent touches; at least one cell."""
    ends = millimetres(np.array(ends_m, np.float64).reshape(-1, 2))
    inside = np.clip(ends, 0, end_mm[:, None] - 1)
    first = inside[:, 0] // MM
    last = np.maximum(first + 1, -(-np.clip(ends[:, 1], 0, end_mm) // MM))
    return np.stack([first, last], axis=1)


def _seen_at(grid: Grid, seen: Coverage) -> Iterator[Ints]:
    """For each road, when each of its cells was last seen as a whole: the oldest of the parts in its lanes."""
    roads = grid.roads
    lane_metres = np.repeat(grid.metres, roads.lanes)
    lane_first = np.cumsum(lane_metres) - lane_metres
    by_metre = _oldest_by_metre(seen, lane_metres, lane_first)
    for road, (metres, lanes) in enumerate(zip(grid.metres.tolist(), roads.lanes.tolist(), strict=True)):
        start = int(lane_first[roads.first_lane[road]])
        held = by_metre[start : start + metres * lanes].reshape(lanes, metres)
        left, right = _lanes_of(int(roads.width_mm[road]), lanes)
        yield np.minimum(held[left], held[right]).T.ravel()


def _oldest_by_metre(seen: Coverage, lane_metres: Ints, lane_first: Ints) -> Ints:
    """For each metre of each lane, the oldest time among the pieces in it."""
    if not len(seen):
        return np.zeros(0, np.int64)
    lane = np.repeat(np.arange(len(lane_metres)), lane_metres)
    start = seen.roads.lane_edges[lane] + (np.arange(len(lane)) - lane_first[lane]) * MM
    stop = np.minimum(start + MM, seen.roads.lane_edges[lane + 1])
    first = np.searchsorted(seen.from_mm, start, side="right") - 1
    after = np.searchsorted(seen.from_mm, stop, side="left")
    held = seen.usable_at_us[first]
    several = np.flatnonzero(after - first > 1)
    if len(several):
        padded = np.append(seen.usable_at_us, seen.usable_at_us[-1:])
        ranges = np.stack([first[several], after[several]], axis=1).ravel()
        held[several] = np.minimum.reduceat(padded, ranges)[::2]
    return held


def _lanes_of(width_mm: int, lanes: int) -> tuple[Ints, Ints]:
    """The leftmost and the rightmost lane of each cell across; lanes are 1 m or more, so it lies in no others."""
    left = np.arange(0, width_mm, MM, dtype=np.int64)
    right = np.minimum(left + MM, width_mm) - 1
    return left * lanes // width_mm, right * lanes // width_mm
