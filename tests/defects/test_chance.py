"""Problems that spread from a case are told from chance: p is uniform where nothing is; what is planted is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
from scipy import stats

from roadwarden.defects.chance import DRAWS, LEVEL, Finding, Problems, baseline, grades_of, spread
from roadwarden.defects.exposure import exposure
from roadwarden.defects.inspected import Inspected, Quality, inspections
from roadwarden.defects.roadways import Roads, Roadway
from roadwarden.defects.zones import MetreGrid, ZoneKind, zones
from roadwarden.geo.network import RoadNetwork
from roadwarden.geo.places import RoadGrade, Segment
from roadwarden.geo.plane import LocalPlane

PLANE = LocalPlane(30.25, 120.16)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def road(name, start, end, grade=RoadGrade.II, width_m=7.0):
    line = tuple((float(lat), float(lon)) for lat, lon in PLANE.to_degrees([start, end]))
    return Segment(name, "", grade, line, width_m)


def look(segment, from_m, to_m, hour=0, lane=None, drive=None, quality=Quality.USABLE):
    return Inspected(segment, from_m, to_m, NOON + timedelta(hours=hour), quality, lane, drive)


def grid_of(*segments):
    network = RoadNetwork.of(segments)
    lengths = network.lengths_m.tolist()
    return MetreGrid(Roads(tuple(Roadway.of(one, m) for one, m in zip(segments, lengths, strict=True))), network)


def seen_by(grid, looks, found_by_one=0.5):
    drives = {one.pass_id: number for number, one in enumerate(looks)}
    numbers = np.array([drives[one.pass_id] for one in looks], np.int64)
    return exposure(grid.roads, inspections(looks, grid.roads), numbers, found_by_one)


@pytest.fixture(scope="module")
def cross():
    """An arterial of two lanes from west to east, a lane that crosses it, one far away; 2 km in all."""
    return grid_of(
        road("main", (0, 0), (800, 0), RoadGrade.I),
        road("side", (400, -300), (400, 300), RoadGrade.III),
        road("far", (5000, 0), (5600, 0), RoadGrade.III),
    )


@pytest.fixture(scope="module")
def seen(cross):
    """Main seen nine times, side twice and only its northern half, far once."""
    looks = [look("main", 0, 900, hour, drive=f"main {hour}") for hour in range(9)]
    looks += [look("side", 300, 600, hour, drive=f"side {hour}") for hour in range(2)]
    return seen_by(cross, [*looks, look("far", 0, 700, 9, drive="far")])


def metre_at(grid, east_m, north_m, row=0):
    """The metre of lane of a place of our plane, on that road."""
    points = grid.network.plane.to_metres(PLANE.to_degrees([(east_m, north_m)]))
    return int(grid.at(points, np.array([row]))[0])


def pipe(grid, *points):
    return shapely.LineString(grid.network.plane.to_metres(PLANE.to_degrees(points)))


def dealt(grid, seen, counts, random):
    """Problems of each grade dealt out as the null hypothesis says."""
    metres = np.arange(int(grid.first[-1]))
    weights, grades = seen.metres(*grid.bounds_mm(metres)), grades_of(grid, metres)
    drawn = []
    for grade, count in enumerate(counts):
        here = grades == grade
        if count:
            drawn.append(random.choice(metres[here], count, p=weights[here] / weights[here].sum()))
    found = np.concatenate(drawn)
    return Problems(found, grades_of(grid, found))


class TestExposure:
    def test_a_look_of_one_drive_counts_once_and_each_further_drive_finds_half_of_the_rest(self):
        grid = grid_of(road("a", (0, 0), (100, 0)))
        looks = [look("a", 0, 60, 0, drive="x"), look("a", 50, 80, 1, drive="x"), look("a", 40, 60, 2, drive="y")]
        seen = seen_by(grid, [*looks, look("a", 0, 100, 3, drive="night", quality=Quality.UNUSABLE)])
        lane = np.array([0, 45_000, 70_000, 90_000])
        assert seen.metres(lane, lane + 1000).tolist() == pytest.approx([0.5, 0.75, 0.5, 0.0])
        assert seen.by_road().tolist() == pytest.approx([2 * (60 * 0.5 + 20 * 0.75)])

    def test_one_lane_is_not_the_other(self):
        grid = grid_of(road("a", (0, 0), (100, 0)))
        seen = seen_by(grid, [look("a", 0, 100, lane=1, drive="x")])
        assert seen.by_road().tolist() == pytest.approx([50.0])
        assert seen.metres(np.array([0]), np.array([100_000])).tolist() == [0.0]

    def test_it_is_what_a_metre_by_metre_count_says(self):
        random = np.random.default_rng(4)
        grid = grid_of(road("a", (0, 0), (90, 0), width_m=10.5), road("b", (0, 50), (40, 50), width_m=3.5))
        looks, by_hand = [], {}
        for number in range(60):
            name, length, lanes = [("a", 90, 3), ("b", 40, 1)][random.integers(2)]
            start, drive = int(random.integers(0, length)), f"d{random.integers(6)}"
            end = int(random.integers(start + 1, length + 9))
            lane = None if random.random() < 0.3 else int(random.integers(lanes))
            looks.append(look(name, start, end, number, lane, drive))
            for metre in range(start, min(end, length)):
                for one in range(lanes) if lane is None else [lane]:
                    by_hand.setdefault((name, one, metre), set()).add(drive)
        seen = seen_by(grid, looks, 0.3)
        metres = np.arange(int(grid.first[-1]))
        expected = np.zeros(len(metres))
        for (name, lane, metre), drives in by_hand.items():
            expected[grid.first[(0 if name == "a" else 3) + lane] + metre] = 1 - 0.7 ** len(drives)
        assert np.allclose(seen.metres(*grid.bounds_mm(metres)), expected)


class TestZones:
    def test_circles_count_the_metres_of_every_lane_and_road_that_they_hold(self, cross):
        here = metre_at(cross, 400.5, -1.75)  # the right lane, on the crossing
        found = {zone.kind: zone for zone in zones(cross, here)}
        assert ZoneKind.UTILITY_LINE not in found
        assert len(found[ZoneKind.LANE].metres) == 800
        assert len(found[ZoneKind.SEGMENT].metres) == 1600
        middles = cross.middles(np.arange(int(cross.first[-1])))
        away = np.linalg.norm(middles - cross.middles(np.array([here])), axis=1)
        for kind, radius in ((ZoneKind.WITHIN_5_M, 5), (ZoneKind.WITHIN_20_M, 20), (ZoneKind.WITHIN_50_M, 50)):
            assert found[kind].metres.tolist() == np.flatnonzero(away <= radius).tolist()
        assert set(cross.road_of(found[ZoneKind.WITHIN_20_M].metres).tolist()) == {0, 1}

    def test_a_utility_line_is_followed_across_roads(self, cross):
        water = pipe(cross, (300, -1.75), (402, -1.75), (402, 250))
        here = metre_at(cross, 350.5, -1.75)
        zone = zones(cross, here, [water, pipe(cross, (0, 900), (800, 900))])[-1]
        assert zone.kind is ZoneKind.UTILITY_LINE
        assert set(cross.road_of(zone.metres).tolist()) == {0, 1}
        away = shapely.distance(shapely.points(cross.middles(zone.metres)), water)
        assert away.max() <= 2
        every = shapely.distance(shapely.points(cross.middles(np.arange(int(cross.first[-1])))), water)
        assert len(zone.metres) == np.count_nonzero(every <= 2)

    def test_a_problem_belongs_to_the_metre_that_it_lies_in(self, cross):
        metres = np.arange(int(cross.first[-1]))
        assert np.array_equal(cross.at(cross.middles(metres), cross.road_of(metres)), metres)


class TestSpread:
    def test_what_chance_puts_there_is_the_share_of_the_looks(self, cross, seen):
        """By hand: both lanes of main are looked at alike, so a lane holds half of the problems of its grade."""
        problems = dealt(cross, seen, (40, 0, 30), np.random.default_rng(1))
        here = metre_at(cross, 400.5, -1.75)
        found = {one.kind: one for one in spread(cross, seen, problems, zones(cross, here))}
        assert found[ZoneKind.LANE].expected == pytest.approx(20)
        assert found[ZoneKind.SEGMENT].expected == pytest.approx(40)
        assert found[ZoneKind.SEGMENT].count == 40
        assert (found[ZoneKind.SEGMENT].chance_low, found[ZoneKind.SEGMENT].chance_high) == (40, 40)
        assert found[ZoneKind.SEGMENT].finding is Finding.NOT_MORE
        low, high = stats.binom(40, 0.5).ppf([0.025, 0.975])
        assert found[ZoneKind.LANE].chance_low == pytest.approx(low, abs=1)
        assert found[ZoneKind.LANE].chance_high == pytest.approx(high, abs=1)

    def test_p_is_the_binomial_tail_where_one_grade_lies_in_the_zone(self, cross, seen):
        problems = dealt(cross, seen, (50, 0, 20), np.random.default_rng(2))
        here = metre_at(cross, 100.5, -1.75)
        weights = seen.metres(*cross.bounds_mm(np.arange(int(cross.first[-1]))))
        total = baseline(cross, seen, problems).exposure[0]
        for zone, one in zip(zones(cross, here), spread(cross, seen, problems, zones(cross, here)), strict=True):
            exact = stats.binom(50, weights[zone.metres].sum() / total).sf(one.count - 1)
            assert one.p == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / DRAWS) + 2e-4)

    def test_where_nobody_looked_nothing_is_said(self, cross, seen):
        problems = dealt(cross, seen, (20, 0, 10), np.random.default_rng(3))
        south = metre_at(cross, 400.5, -250.0, 1)
        first = spread(cross, seen, problems, zones(cross, south))[0]
        assert (first.finding, first.looked_at_m, first.count) == (Finding.UNKNOWN, 0, 0)

    def test_a_planted_cluster_is_found_and_a_busy_road_is_not_taken_for_one(self, cross, seen):
        """Main has nine of ten problems because it is looked at; five more in ten metres are something else."""
        problems = dealt(cross, seen, (60, 0, 6), np.random.default_rng(5))
        here = metre_at(cross, 200.5, 1.75)
        before = {one.kind: one for one in spread(cross, seen, problems, zones(cross, here))}
        assert all(one.finding is Finding.NOT_MORE for one in before.values())
        more = np.append(problems.metres, here + np.array([-4, -2, 1, 3, 4]))
        found = {
            one.kind: one for one in spread(cross, seen, Problems(more, grades_of(cross, more)), zones(cross, here))
        }
        assert found[ZoneKind.WITHIN_5_M].finding is Finding.MORE
        assert found[ZoneKind.WITHIN_5_M].count >= found[ZoneKind.WITHIN_5_M].needed > 1
        assert found[ZoneKind.WITHIN_5_M].ratio > 5
        assert found[ZoneKind.SEGMENT].finding is Finding.NOT_MORE

    def test_the_fewest_that_are_needed_are_just_enough(self, cross, seen):
        problems = dealt(cross, seen, (60, 0, 6), np.random.default_rng(6))
        here = metre_at(cross, 200.5, 1.75)
        circle = zones(cross, here)[:1]
        away = np.setdiff1d(problems.metres, circle[0].metres)
        only = Problems(away, grades_of(cross, away))
        needed = spread(cross, seen, only, circle)[0].needed
        for count, finding in ((needed - 1, Finding.NOT_MORE), (needed, Finding.MORE)):
            moved = np.append(away[count:], np.full(count, here))  # as many problems in all
            assert spread(cross, seen, Problems(moved, grades_of(cross, moved)), circle)[0].finding is finding

    def test_the_same_seed_says_the_same(self, cross, seen):
        problems = dealt(cross, seen, (60, 0, 6), np.random.default_rng(6))
        here = metre_at(cross, 200.5, 1.75)
        once, again = (spread(cross, seen, problems, zones(cross, here), seed=8) for _ in range(2))
        assert [(one.p, one.adjusted) for one in once] == [(one.p, one.adjusted) for one in again]


@pytest.mark.slow
def test_by_chance_alone_p_is_uniform_and_one_case_in_twenty_at_most_is_called_more(cross, seen):
    """2,000 cities of chance: p with ties broken at random is uniform, and the zones of a case together keep 5 %."""
    random = np.random.default_rng(11)
    here = metre_at(cross, 380.5, -1.75)
    places = zones(cross, here, [pipe(cross, (300, -1.75), (402, -1.75), (402, 250))])
    broken, plain, called = [], [], 0
    for number in range(2000):
        problems = dealt(cross, seen, (60, 0, 25), random)
        found = spread(cross, seen, problems, places, seed=number, draws=499)
        called += any(one.finding is Finding.MORE for one in found)
        fifty = found[2]
        broken.append(fifty.beyond + random.random() * (fifty.p - fifty.beyond))
        plain.append(fifty.p)
    assert stats.kstest(broken, "uniform").pvalue > 0.01
    for level in (0.01, 0.05, 0.1, 0.2, 0.5):
        assert np.mean(np.array(plain) <= level) <= level + 3 * np.sqrt(level * (1 - level) / 2000)
    assert called / 2000 <= LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / 2000)
