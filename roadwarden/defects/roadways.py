"""Roads as strips of lanes: the axis on which inspected stretches and cells are reckoned, in whole millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from roadwarden.errors import DataError
from roadwarden.geo.places import RoadGrade, RoadPlace, Segment, Side

Ints = npt.NDArray[np.int64]

MM = 1000
USUAL_LANE_M = 3.5


@dataclass(frozen=True, slots=True)
class Roadway:
    """The carriageway of one segment. Lanes are equally wide, counted from 0 at the left edge along the chainage."""

    segment: str  # id
    grade: RoadGrade
    length_m: float
    width_m: float
    lanes: int

    def __post_init__(self) -> None:
        if not (self.length_m >= 1 / MM and self.lanes >= 1 and self.width_m >= self.lanes):
            raise ValueError(
                f"roadway {self.segment}: {self.length_m} x {self.width_m} m with {self.lanes} lanes; "
                "it has a length, and lanes of 1 m or more"
            )

    @classmethod
    def of(cls, segment: Segment, length_m: float, lanes: int | None = None) -> Roadway:
        """Of a segment whose line is that long; lanes of about 3.5 m where their number is not known."""
        count = lanes or max(1, round(segment.width_m / USUAL_LANE_M))
        return cls(segment.id, segment.grade, length_m, segment.width_m, count)

    def lateral_m(self, place: RoadPlace) -> float:
        """From the left edge to a place, the segment's line taken as the middle; outside the edges for one beside."""
        return self.width_m / 2 + (place.offset_m if place.side is Side.RIGHT else -place.offset_m)

    def beside_lane_middle_m(self, lateral_m: float) -> float:
        """How far a place lies from the middle of its lane, on either side; outer lanes reach on beyond the edges."""
        lane_m = self.width_m / self.lanes
        lane = min(max(int(lateral_m // lane_m), 0), self.lanes - 1)
        return abs(lateral_m - (lane + 0.5) * lane_m)


def millimetres(metres: Sequence[float] | npt.NDArray[np.float64]) -> Ints:
    """Metres as whole millimetres: sums and comparisons of them are exact."""
    return np.rint(np.asarray(metres, np.float64) * MM).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Roads:
    """Roadways with their lanes laid end to end on one axis of millimetres, road by road and lane by lane."""

    roadways: tuple[Roadway, ...]

    def __post_init__(self) -> None:
        if len(self.rows) != len(self.roadways):
            raise DataError("a segment is listed twice among the roadways; give each segment once")

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each segment."""
        return {roadway.segment: row for row, roadway in enumerate(self.roadways)}

    @cached_property
    def length_mm(self) -> Ints:
        """(roads,) length."""
        return millimetres([roadway.length_m for roadway in self.roadways])

    @cached_property
    def width_mm(self) -> Ints:
        """(roads,) width."""
        return millimetres([roadway.width_m for roadway in self.roadways])

    @cached_property
    def lanes(self) -> Ints:
        """(roads,) number of lanes."""
        return np.array([roadway.lanes for roadway in self.roadways], np.int64)

    @cached_property
    def first_lane(self) -> Ints:
        """(roads,) row of each road's lane 0 among all lanes."""
        return np.cumsum(self.lanes) - self.lanes

    @cached_property
    def lane_road(self) -> Ints:
        """(lanes,) road of each lane."""
        return np.repeat(np.arange(len(self.roadways)), self.lanes)

    @cached_property
    def lane_edges(self) -> Ints:
        """(lanes + 1,) where each lane begins on the axis, and where the last one ends."""
        return np.concatenate([[0], np.cumsum(self.length_mm[self.lane_road])])

    def row(self, segment: str) -> int:
        """Row of a segment; raises DataError for one that is not there."""
        try:
            return self.rows[segment]
        except KeyError as exc:
            raise DataError(f"segment '{segment}' is not among the roadways; import the network it belongs to") from exc
