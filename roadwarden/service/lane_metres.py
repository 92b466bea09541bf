"""The metre of lane in which something lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from roadwarden.defects.roadways import Ints, Roads
from roadwarden.defects.zones import MetreGrid
from roadwarden.geo.plane import Metres
from roadwarden.service.known_roads import KnownRoads

NEAREST_ROAD_M = 15.0
"""What names no segment belongs to the road that near, if there is one."""
NOWHERE = -1


class OnMap(Protocol):
    """Something with a place in degrees, WGS-84, and perhaps a segment."""

    @property
    def lat(self) -> float: ...  # noqa: D102
    @property
    def lon(self) -> float: ...  # noqa: D102
    @property
    def segment(self) -> str | None: ...  # noqa: D102


def all_roads(roads: KnownRoads) -> Roads:
    """The carriageways of the whole network, in its order."""
    return Roads(tuple(roads.roadways[one.id] for one in roads.network.segments))


def lane_metres(roads: KnownRoads, grid: MetreGrid, things: Sequence[OnMap]) -> Ints:
    """(n,) on the segment that each names, else on the nearest one; NOWHERE off the roads. ``grid``: of all roads."""
    points = plane_points(roads, things)
    road = np.array([roads.rows.get(one.segment or "", NOWHERE) for one in things], np.int64)
    for row in np.flatnonzero(road == NOWHERE).tolist():
        _, near = roads.network.pairs(points[row : row + 1], NEAREST_ROAD_M)
        if len(near):
            _, left = roads.network.linear(np.repeat(points[row : row + 1], len(near), axis=0), near)
            road[row] = near[int(np.abs(left).argmin())]
    metres = np.full(len(things), NOWHERE, np.int64)
    placed = np.flatnonzero(road != NOWHERE)
    if len(placed):
        metres[placed] = grid.at(points[placed], road[placed])
    return metres


def plane_points(roads: KnownRoads, things: Sequence[OnMap]) -> Metres:
    """(n, 2) metres in the plane of the network."""
    degrees = np.array([(one.lat, one.lon) for one in things], np.float64).reshape(-1, 2)
    return roads.network.plane.to_metres(degrees)
