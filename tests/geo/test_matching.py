"""Which road was driven: a synthetic town whose truth is known, noise, parallel roads, and maps that are shifted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.detections import Position
from roadwarden.geo.coordinates import wgs84_to_gcj02
from roadwarden.geo.matching import MapMatcher
from roadwarden.geo.network import RoadNetwork
from roadwarden.geo.places import RoadGrade, Segment
from roadwarden.geo.plane import LocalPlane
from roadwarden.geo.shifts import Mistaken, suspect_gcj02

PLANE = LocalPlane(30.2741, 120.1551)
BLOCK_M, STREETS = 120.0, 8


def segment(name, *metres, one_way=False):
    line = tuple((float(lat), float(lon)) for lat, lon in PLANE.to_degrees(metres))
    return Segment(name, "", RoadGrade.II, line, 7.0, one_way=one_way)


def town():
    """A grid of streets, each a segment from crossing to crossing, askew so that no place looks like another."""
    dice = np.random.default_rng(11)
    corners = {
        (i, j): (i * BLOCK_M + dice.uniform(-25, 25), j * BLOCK_M + dice.uniform(-25, 25))
        for i in range(STREETS)
        for j in range(STREETS)
    }
    return [
        segment(f"{i}.{j}-{k}.{m}", corners[i, j], corners[k, m])
        for i, j in corners
        for k, m in ((i + 1, j), (i, j + 1))
        if (k, m) in corners
    ]


TOWN = RoadNetwork.of(town())
MATCHER = MapMatcher(TOWN)


def positions(metres, headings=None):
    turns = headings if headings is not None else [None] * len(metres)
    return [
        Position(float(lat), float(lon), turn) for (lat, lon), turn in zip(PLANE.to_degrees(metres), turns, strict=True)
    ]


def drive(names, step=10.0):
    """True metres and segment names along whole segments, as they are drawn."""
    metres, truth = [], []
    for name in names:
        start, end = PLANE.to_metres(TOWN.segment(name).line)
        count = int(np.linalg.norm(end - start) // step)
        metres += [start + (end - start) * (number + 0.5) / count for number in range(count)]
        truth += [name] * count
    return np.array(metres), truth


ROUND = ["1.1-2.1", "2.1-3.1", "3.1-3.2", "3.2-3.3", "3.3-4.3", "4.3-5.3", "5.3-5.4", "5.4-5.5", "5.5-6.5"]


def names(matched):
    return [None if place is None else place.segment for place in matched.places]


def test_a_drive_without_noise_is_on_the_streets_it_took():
    metres, truth = drive(ROUND)
    matched = MATCHER.match(positions(metres))
    assert names(matched) == truth
    assert max(place.offset_m for place in matched.places) < 0.01
    assert (matched.off_road, matched.breaks) == ((), ())


@pytest.mark.parametrize("noise", [2.0, 5.0])
def test_a_noisy_drive_takes_the_streets_it_took_where_the_nearest_street_flickers(noise):
    metres, _ = drive(ROUND, step=5.0)
    seen = positions(metres + np.random.default_rng(2).normal(0, noise, metres.shape))
    matched = names(MATCHER.match(seen))
    nearest = [TOWN.near(position, 100)[0].segment for position in seen]
    assert one_after_another(matched) == ROUND
    assert len(one_after_another(nearest)) > len(ROUND)


def test_over_many_noisy_drives_fewer_than_half_as_many_positions_are_wrong_as_by_the_nearest_street():
    metres, truth = drive(ROUND, step=5.0)
    wrong = np.zeros(2)
    for seed in range(100, 104):
        seen = positions(metres + np.random.default_rng(seed).normal(0, 5.0, metres.shape))
        nearest = [TOWN.near(position, 100)[0].segment for position in seen]
        wrong += [
            sum(a != b for a, b in zip(truth, each, strict=True)) for each in (names(MATCHER.match(seen)), nearest)
        ]
    assert wrong[0] < 0.5 * wrong[1]
    assert wrong[0] / (4 * len(truth)) < 0.04  # what is left lies at the crossings


def one_after_another(segments):
    return [name for name, _ in itertools.groupby(segments)]


@given(st.floats(5, 80), st.floats(5, 80))
def test_a_chainage_of_a_match_is_where_the_position_is(first, second):
    start, end = PLANE.to_metres(TOWN.segment("1.1-2.1").line)
    ahead = (end - start) / np.linalg.norm(end - start)
    matched = MATCHER.match(positions(np.array([start + ahead * first, start + ahead * second])))
    assert [place.chainage_m for place in matched.places] == pytest.approx([first, second], abs=0.01)


# Parallel roads: a through road, and a service road 12 m beside it that leaves it and comes back.

MAIN = [segment(f"main{i}", (100 * i, 0), (100 * i + 100, 0)) for i in range(6)]
SERVICE = [segment("service", (100, 0), (115, 12), (485, 12), (500, 0))]
PARALLEL = RoadNetwork.of(MAIN + SERVICE)


@pytest.mark.parametrize(("y", "wanted"), [(0.0, "main"), (12.0, "service")])
def test_a_vehicle_stays_on_its_side_of_two_parallel_roads(y, wanted):
    metres = np.column_stack([np.arange(-0.0, 600, 10.0), np.zeros(60)])
    metres[(metres[:, 0] > 115) & (metres[:, 0] < 485), 1] = y
    seen = positions(metres + np.random.default_rng(8).normal(0, 5.0, metres.shape))
    between = (metres[:, 0] > 130) & (metres[:, 0] < 470)
    matched = np.array(names(MapMatcher(PARALLEL).match(seen)))[between]
    nearest = np.array([PARALLEL.near(each, 100)[0].segment for each in seen])[between]
    assert all(name.startswith(wanted) for name in matched)
    assert not all(name.startswith(wanted) for name in nearest)


def test_the_two_sides_of_a_dual_carriageway_are_told_by_the_way_one_drives():
    dual = RoadNetwork.of(
        [
            segment("east", (0, 0), (300, 0), (600, 0), one_way=True),
            segment("west", (600, 8), (300, 8), (0, 8), one_way=True),
        ]
    )
    metres = np.column_stack([np.arange(20, 580, 10.0), np.full(56, 4.5)])  # nearer to the wrong side
    matcher = MapMatcher(dual)
    assert set(names(matcher.match(positions(metres)))) == {"east"}
    assert set(names(matcher.match(positions(metres[::-1])))) == {"west"}
    (alone,) = matcher.match(positions(metres[:1], headings=[90.0])).places
    assert alone.segment == "east"


def test_a_street_that_meets_another_in_its_middle_can_be_driven_into():
    junction = RoadNetwork.of([segment("long", (0, 0), (100, 0), (200, 0)), segment("side", (100.02, 0), (100, 150))])
    metres = np.array([*((x, 0.0) for x in range(60, 101, 10)), *((100.0, y) for y in range(10, 60, 10))])
    matched = MapMatcher(junction).match(positions(metres))
    assert names(matched)[0] == "long"
    assert names(matched)[-4:] == ["side"] * 4
    assert matched.breaks == ()


def test_away_from_all_roads_and_without_a_position_there_is_no_place():
    metres, truth = drive(ROUND[:2])
    seen = [*positions(metres), None, *positions(np.array([(-900.0, -900.0)]))]
    matched = MATCHER.match(seen)
    assert names(matched) == [*truth, None, None]
    assert matched.off_road == (len(seen) - 2, len(seen) - 1)
    assert MATCHER.match([]).places == ()
    assert MATCHER.match([None]).off_road == (0,)


def test_two_roads_that_nothing_joins_break_the_chain_and_say_where():
    islands = RoadNetwork.of([segment("a", (0, 0), (200, 0)), segment("b", (400, 0), (600, 0))])
    metres = np.array([*((x, 0.0) for x in range(100, 200, 10)), *((x, 0.0) for x in range(410, 500, 10))])
    matched = MapMatcher(islands).match(positions(metres))
    assert names(matched) == ["a"] * 10 + ["b"] * 9
    assert matched.breaks == (10,)


# GCJ-02 taken for WGS-84


def shifted(position):
    return Position(*wgs84_to_gcj02(position.lat, position.lon))


def test_a_track_in_gcj02_is_suspected():
    seen = positions(drive(ROUND)[0])
    assert suspect_gcj02(seen, TOWN) is None
    suspicion = suspect_gcj02([shifted(each) for each in seen], TOWN)
    assert suspicion is not None
    assert suspicion.mistaken is Mistaken.TRACK
    assert 300 < suspicion.shift_m < 700
    assert "--coordinates gcj02" in str(suspicion)


def test_a_network_in_gcj02_is_suspected():
    moved = RoadNetwork.of(
        Segment(each.id, "", each.grade, tuple(wgs84_to_gcj02(*place) for place in each.line), 7.0)
        for each in TOWN.segments
    )
    suspicion = suspect_gcj02(positions(drive(ROUND)[0]), moved)
    assert suspicion is not None
    assert suspicion.mistaken is Mistaken.NETWORK


def test_a_noisy_track_a_short_one_and_one_in_brazil_are_not_suspected():
    metres = drive(ROUND)[0]
    noisy = positions(metres + np.random.default_rng(1).normal(0, 10, metres.shape))
    assert suspect_gcj02(noisy, TOWN) is None
    assert suspect_gcj02([shifted(each) for each in noisy[:5]], TOWN) is None
    assert suspect_gcj02([Position(-22.9, -43.2)] * 50, TOWN) is None
    assert suspect_gcj02([None] * 50, TOWN) is None


def test_a_track_on_a_road_that_the_map_does_not_have_is_not_suspected():
    alone = positions(np.column_stack([np.full(60, 60.0), np.linspace(5_000, 5_600, 60)]))
    assert suspect_gcj02(alone, TOWN) is None
