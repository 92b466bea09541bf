"""Metres of lane around a place: a circle, a segment, a lane, the utility lines that pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely

from roadwarden.defects.roadways import MM, Ints, Roads
from roadwarden.geo.network import RoadNetwork
from roadwarden.geo.plane import Metres

UTILITY_REACH_M = 2.0
"""Half a trench and the strip beside it that settles with it: what lies nearer is along the line. A rule of ours."""
_EVERY_M = 10.0
_WIDEST_HALF_M = 30.0  # of a carriageway: roads further from a line than this and the reach do not touch it


class ZoneKind(StrEnum):
    """Where neighbours are looked for."""

    WITHIN_5_M = "within_5_m"
    WITHIN_20_M = "within_20_m"
    WITHIN_50_M = "within_50_m"
    SEGMENT = "segment"
    LANE = "lane"
    UTILITY_LINE = "utility_line"


RADIUS_M = {ZoneKind.WITHIN_5_M: 5.0, ZoneKind.WITHIN_20_M: 20.0, ZoneKind.WITHIN_50_M: 50.0}


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """Metres of lane, sorted; see ``MetreGrid``."""

    kind: ZoneKind
    metres: Ints


@dataclass(frozen=True, eq=False)
class MetreGrid:
    """Every lane cut into metres, numbered along the lanes in their order; the last one of a lane may be shorter.

    A problem belongs to the metre of lane that it lies in, and two problems are as far apart as the middles of their
    metres: so what is counted and what chance deals out are the same things.
    """

    roads: Roads
    network: RoadNetwork

    @cached_property
    def first(self) -> Ints:
        """(lanes + 1,) number of each lane's first metre, and how many there are in all."""
        counts = -(-self.roads.length_mm[self.roads.lane_road] // MM)
        return np.concatenate([[0], np.cumsum(counts)])

    @cached_property
    def network_rows(self) -> Ints:
        """(roads,) row of each road in the network."""
        rows = {segment.id: row for row, segment in enumerate(self.network.segments)}
        return np.array([rows[roadway.segment] for roadway in self.roads.roadways], np.int64)

    @cached_property
    def road_rows(self) -> Ints:
        """(segments of the network,) row of each among the roads."""
        rows = np.full(len(self.network), -1, np.int64)
        rows[self.network_rows] = np.arange(len(self.network_rows))
        return rows

    def lane_of(self, metres: Ints) -> Ints:
        """The lane of each metre, a row among all lanes."""
        return np.searchsorted(self.first, metres, side="right") - 1

    def road_of(self, metres: Ints) -> Ints:
        """The road of each metre."""
        return self.roads.lane_road[self.lane_of(metres)]

    def bounds_mm(self, metres: Ints) -> tuple[Ints, Ints]:
        """Begin and end on the axis of all lanes."""
        lane = self.lane_of(metres)
        begin = self.roads.lane_edges[lane] + (metres - self.first[lane]) * MM
        return begin, np.minimum(begin + MM, self.roads.lane_edges[lane + 1])

    def of_lanes(self, lanes: Ints) -> Ints:
        """All metres of those lanes."""
        return np.concatenate([np.zeros(0, np.int64), *(np.arange(self.first[x], self.first[x + 1]) for x in lanes)])

    def of_roads(self, roads: Ints) -> Ints:
        """All metres of those roads, lane by lane."""
        lanes = [np.arange(self.roads.lanes[road]) + self.roads.first_lane[road] for road in roads]
        return self.of_lanes(np.concatenate([np.zeros(0, np.int64), *lanes]))

    def at(self, points: Metres, roads: Ints) -> Ints:
        """The metre of lane of points of the network's plane, each on its road; beside it, of its outer lane."""
        chainage, left = self.network.linear(points, self.network_rows[roads])
        count, width = self.roads.lanes[roads], self.roads.width_mm[roads] / MM
        nth = np.clip(((width / 2 - left) / width * count).astype(np.int64), 0, count - 1)
        lane = self.roads.first_lane[roads] + nth
        along = np.minimum(np.floor(chainage).astype(np.int64), self.first[lane + 1] - self.first[lane] - 1)
        return np.asarray(self.first[lane] + np.maximum(along, 0))

    def middles(self, metres: Ints) -> Metres:
        """(n, 2) middles of metres of lane in the network's plane."""
        lane = self.lane_of(metres)
        road = self.roads.lane_road[lane]
        rows = self.network_rows[road]
        chainage = np.minimum(metres - self.first[lane] + 0.5, self.network.lengths_m[rows])
        on_line = shapely.get_coordinates(shapely.line_interpolate_point(self.network.lines[rows], chainage))
        width = self.roads.width_mm[road] / MM
        right = (lane - self.roads.first_lane[road] + 0.5) * width / self.roads.lanes[road] - width / 2
        ahead = self.network.directions(rows, chainage)
        return np.asarray(on_line + right[:, None] * np.column_stack([ahead[:, 1], -ahead[:, 0]]))


def zones(grid: MetreGrid, metre: int, lines: Sequence[shapely.LineString] = ()) -> tuple[Zone, ...]:
    """The zones of the place in that metre of lane; without the last one where no utility line passes within reach.

    ``lines``: the city's utility lines in the network's plane.
    """
    here = np.array([metre], np.int64)
    middle, lane = grid.middles(here), grid.lane_of(here)
    near = _near(grid, middle, max(RADIUS_M.values()))
    distance = np.linalg.norm(grid.middles(near) - middle, axis=1)
    circles = tuple(Zone(kind, near[distance <= radius]) for kind, radius in RADIUS_M.items())
    along = (Zone(ZoneKind.SEGMENT, grid.of_roads(grid.road_of(here))), Zone(ZoneKind.LANE, grid.of_lanes(lane)))
    passing = [line for line in lines if shapely.distance(line, shapely.Point(*middle[0])) <= UTILITY_REACH_M]
    utility = tuple(Zone(ZoneKind.UTILITY_LINE, one) for one in [_along(grid, passing)] if len(one))
    return (*circles, *along, *utility)


def _near(grid: MetreGrid, points: Metres, within_m: float) -> Ints:
    """Metres of all roads whose line comes near a point, sorted."""
    _, rows = grid.network.pairs(points, within_m + _WIDEST_HALF_M)
    roads = grid.road_rows[np.unique(rows)]
    return grid.of_roads(roads[roads >= 0])


def _along(grid: MetreGrid, lines: Sequence[shapely.LineString]) -> Ints:
    found: list[npt.NDArray[np.int64]] = [np.zeros(0, np.int64)]
    for line in lines:
        steps = np.append(np.arange(0.0, line.length, _EVERY_M), line.length)
        points = shapely.get_coordinates(shapely.line_interpolate_point(line, steps))
        near = _near(grid, points, UTILITY_REACH_M + _EVERY_M)
        away = shapely.distance(shapely.points(grid.middles(near)), line)
        found.append(near[away <= UTILITY_REACH_M])
    return np.unique(np.concatenate(found))
