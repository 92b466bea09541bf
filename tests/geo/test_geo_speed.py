"""A day of one receiver, and a city's streets: printed with -s."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from roadwarden.detections import Position
from roadwarden.geo.fixes import Fix
from roadwarden.geo.matching import MapMatcher
from roadwarden.geo.network import RoadNetwork
from roadwarden.geo.places import RoadGrade, Segment
from roadwarden.geo.plane import LocalPlane
from roadwarden.geo.track import poses_at

PLANE = LocalPlane(30.2741, 120.1551)
START = datetime(2026, 5, 1, tzinfo=UTC)
STREETS, BLOCK_M = 57, 120.0


def grid():
    corners = [(i * BLOCK_M, j * BLOCK_M) for i in range(STREETS) for j in range(STREETS)]
    places = PLANE.to_degrees(corners).reshape(STREETS, STREETS, 2).tolist()
    ways = [(i, j, k, m) for i in range(STREETS) for j in range(STREETS) for k, m in ((i + 1, j), (i, j + 1))]
    return RoadNetwork.of(
        Segment(f"{i}.{j}-{k}.{m}", "", RoadGrade.II, (tuple(places[i][j]), tuple(places[k][m])), 7.0)
        for i, j, k, m in ways
        if k < STREETS and m < STREETS
    )


def drive(count):
    """Up one street and down the next, a fix every 5 m, 3 m noise."""
    side = (STREETS - 1) * BLOCK_M
    row, along = np.divmod(np.arange(count) * 5.0, side)
    metres = np.stack([np.where(row % 2 > 0, side - along, along), row * BLOCK_M], axis=1)
    return PLANE.to_degrees(metres + np.random.default_rng(1).normal(0, 3.0, metres.shape))


def growth(times):
    """Exponent of the cost by all doublings: one alone says more of what else the machine does."""
    return np.log2(times[-1] / times[0]) / (len(times) - 1)


@pytest.mark.slow
def test_poses_of_100_000_fixes_take_seconds_and_grow_in_step():
    fixes = [Fix(START + timedelta(seconds=number), *place) for number, place in enumerate(drive(100_000))]
    took = []
    for count in (25_000, 50_000, 100_000):
        begin = time.process_time()
        found = poses_at(fixes[:count], [fix.at + timedelta(seconds=0.4) for fix in fixes[: count - 1]])
        took.append(time.process_time() - begin)
        print(f"{count} fixes to {count - 1} poses: {took[-1]:.2f} s of one core")
        assert all(pose is not None for pose in found.poses)
    assert took[-1] < 10
    assert growth(took) < 1.4


@pytest.mark.slow
def test_matching_to_6384_segments_grows_in_step():
    network = grid()
    matcher = MapMatcher(network)
    seen = [Position(float(lat), float(lon)) for lat, lon in drive(20_000)]
    took = []
    for count in (5_000, 10_000, 20_000):
        begin = time.process_time()
        matched = matcher.match(seen[:count])
        took.append(time.process_time() - begin)
        print(f"{count} fixes to {len(network)} segments: {took[-1]:.2f} s, {count / took[-1]:.0f} a second")
        assert (matched.off_road, matched.breaks) == ((), ())
    assert took[-1] < 10
    assert growth(took) < 1.4
