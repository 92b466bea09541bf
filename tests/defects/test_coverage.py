"""Which metres were seen when: told exactly, checked against every centimetre."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.defects.coverage import Coverage, Seen, coverage
from roadwarden.defects.inspected import NEVER, Inspected, Quality, inspections, joined, moment
from roadwarden.defects.overlays import greatest_over
from roadwarden.defects.patrol import read_patrol_table, shipped_patrol_table
from roadwarden.defects.roadways import Roads, Roadway, millimetres
from roadwarden.errors import ConfigError, DataError
from roadwarden.geo.places import RoadGrade, RoadPlace, Segment, Side

SOME = settings(max_examples=60, deadline=None)
PATROL = shipped_patrol_table()
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
AVENUE = Roadway("avenue", RoadGrade.I, 100.0, 7.0, 2)
LANE = Roadway("lane", RoadGrade.III, 40.0, 3.0, 1)
ROADS = Roads((AVENUE, LANE))


def seen(
    segment: str,
    from_m: float,
    to_m: float,
    ago: timedelta,
    *,
    quality: Quality = Quality.USABLE,
    lane: int | None = None,
) -> Inspected:
    return Inspected(segment, from_m, to_m, NOW - ago, quality, lane)


def covered(*stretches: Inspected, roads: Roads = ROADS, now: datetime = NOW) -> Coverage:
    return coverage(roads, inspections(stretches, roads), PATROL, now)


def test_a_street_that_nobody_drove_was_never_seen():
    metres = covered().metres()
    assert metres.never_m == metres.total_m == 240.0  # two lanes of 100 m, one of 40 m
    assert metres.share_in_time == 0.0


def test_a_lane_seen_this_morning_leaves_the_other_lane_to_be_seen():
    found = covered(seen("avenue", 10, 60, 3 * HOUR, lane=0), seen("lane", 0, 40, 2 * DAY))
    avenue, lane = found.by_segment().values()
    assert (avenue.in_time_m, avenue.never_m, avenue.total_m) == (50.0, 150.0, 200.0)
    assert lane.share_in_time == 1.0
    assert [(gap.lane, gap.from_m, gap.to_m, gap.state) for gap in found.gaps()] == [
        (0, 0.0, 10.0, Seen.NEVER),
        (0, 60.0, 100.0, Seen.NEVER),
        (1, 0.0, 100.0, Seen.NEVER),
    ]


@pytest.mark.parametrize(("grade", "days"), [(RoadGrade.I, 1), (RoadGrade.II, 2), (RoadGrade.III, 3)])
def test_the_end_of_the_interval_is_in_time_and_a_microsecond_later_is_not(grade, days):
    road = Roads((Roadway("road", grade, 10.0, 3.0, 1),))
    just, late = (covered(seen("road", 0, 10, days * DAY + more), roads=road) for more in (0 * DAY, MICROSECOND))
    assert just.metres().share_in_time == 1.0
    assert late.metres().overdue_m == 10.0
    (gap,) = late.gaps()
    assert gap.overdue_by == MICROSECOND
    assert gap.seen_at == NOW - days * DAY - MICROSECOND


def test_a_drive_in_the_dark_is_told_from_no_drive():
    dark = seen("avenue", 0, 100, 2 * HOUR, quality=Quality.UNUSABLE)
    found = covered(seen("avenue", 0, 50, 30 * HOUR), dark)
    avenue = found.by_segment()["avenue"]
    assert (avenue.in_vain_m, avenue.in_time_m) == (200.0, 0.0)
    first = next(found.gaps())
    assert first.state is Seen.IN_VAIN
    assert first.seen_at == NOW - 30 * HOUR  # what was seen the day before is kept
    assert first.overdue_by == 6 * HOUR


def test_a_look_in_the_dark_does_not_age_one_in_daylight():
    dark = seen("avenue", 0, 100, 1 * HOUR, quality=Quality.UNUSABLE)
    assert covered(seen("avenue", 0, 100, 5 * HOUR), dark).by_segment()["avenue"].share_in_time == 1.0


def test_looks_from_after_now_do_not_count_so_that_any_day_can_be_told_again():
    looks = inspections([seen("avenue", 0, 100, 5 * HOUR)], ROADS)
    before = coverage(ROADS, looks, PATROL, NOW - 6 * HOUR)
    assert before.by_segment()["avenue"].never_m == 200.0
    assert coverage(ROADS, looks, PATROL, NOW).by_segment()["avenue"].in_time_m == 200.0


def test_thirds_of_a_metre_add_up_without_a_crumb():
    thirds = [seen("avenue", n / 3, (n + 1) / 3, HOUR, lane=0) for n in range(300)]
    found = covered(*thirds)
    assert found.by_segment()["avenue"].in_time_m == 100.0
    assert not [gap for gap in found.gaps() if gap.segment == "avenue" and gap.lane == 0]


def test_stretches_are_cut_off_at_the_ends_of_the_road_and_one_beyond_it_sees_nothing():
    found = covered(seen("lane", -5, 10, HOUR), seen("lane", 30, 55, HOUR), seen("lane", 60, 80, HOUR))
    assert found.by_segment()["lane"].in_time_m == 20.0


def test_metres_are_rounded_to_the_millimetre_not_cut():
    assert millimetres([0.29, 1.001, 4.35]).tolist() == [290, 1001, 4350]  # 0.29 x 1000 is 289.99999999999994


def test_coverage_by_grade_has_every_grade():
    shares = {grade: metres.share_in_time for grade, metres in covered(seen("lane", 0, 10, HOUR)).by_grade().items()}
    assert shares == {RoadGrade.I: 0.0, RoadGrade.II: None, RoadGrade.III: 0.25}


def test_neighbours_of_one_history_are_one_piece():
    found = covered(seen("lane", 0, 10, HOUR), seen("lane", 10, 25, HOUR), seen("lane", 5, 20, HOUR))
    assert (found.to_mm - found.from_mm).tolist() == [100_000, 100_000, 25_000, 15_000]


def test_no_roads_have_no_coverage():
    nothing = covered(roads=Roads(()))
    assert nothing.metres().total_m == 0.0
    assert nothing.metres().share_in_time is None
    assert list(nothing.gaps()) == []


def test_frames_of_a_drive_become_one_stretch_with_the_time_of_its_first():
    frames = [
        Inspected("avenue", n * 5.0, n * 5.0 + 12, NOW + n * timedelta(seconds=1), Quality.USABLE, 0) for n in range(18)
    ]
    (stretch,) = joined(reversed(frames))
    assert (stretch.from_m, stretch.to_m, stretch.seen_at) == (0.0, 97.0, NOW)


def test_frames_apart_in_place_time_lane_or_quality_stay_apart():
    first = seen("avenue", 0, 10, HOUR, lane=0)
    others = [
        seen("avenue", 20, 30, HOUR, lane=0),
        seen("avenue", 5, 15, HOUR - 61 * timedelta(seconds=1), lane=0),
        seen("avenue", 0, 10, HOUR, lane=1),
        seen("avenue", 0, 10, HOUR, lane=0, quality=Quality.UNUSABLE),
        seen("lane", 0, 10, HOUR, lane=0),
    ]
    for other in others:
        assert len(joined([first, other])) == 2


frames = st.lists(
    st.builds(
        lambda place, length, lane, ago, quality: seen(
            "avenue", place, place + length, timedelta(seconds=ago), lane=lane, quality=quality
        ),
        st.integers(0, 90),
        st.integers(1, 12),
        st.sampled_from([None, 0, 1]),
        st.integers(0, 200),
        st.sampled_from(Quality),
    ),
    max_size=20,
)


@SOME
@given(looks=frames)
def test_joining_changes_which_metres_were_seen_not_at_all_and_when_by_a_minute_at_most(looks):
    plain, short = covered(*looks), covered(*joined(looks))
    for one in (plain, short):
        assert one.metres().total_m == 240.0
    assert plain.metres().never_m == short.metres().never_m
    edges = np.unique(np.concatenate([plain.from_mm, short.from_mm]))
    was, became = (one.usable_at_us[np.searchsorted(one.from_mm, edges, side="right") - 1] for one in (plain, short))
    kept = was != NEVER
    assert np.array_equal(kept, became != NEVER)
    assert ((was - became)[kept] >= 0).all()
    assert ((was - became)[kept] <= 60_000_000).all()


ends = st.tuples(st.integers(-50, 550), st.integers(-50, 550)).filter(lambda pair: pair[0] < pair[1])
looks = st.lists(
    st.tuples(ends, st.sampled_from([None, 0, 1]), st.integers(-1, 60), st.sampled_from(Quality)), max_size=12
)


@SOME
@given(made=looks)
def test_every_centimetre_of_every_lane_has_the_time_of_its_last_look(made):
    """Against a painter that colours centimetre by centimetre, oldest look first."""
    road = Roads((Roadway("a", RoadGrade.I, 5.0, 7.0, 2), Roadway("b", RoadGrade.II, 3.0, 7.0, 2)))
    found = [
        Inspected(name, low / 100, high / 100, NOW - ago * HOUR, quality, lane)
        for name in ("a", "b")
        for (low, high), lane, ago, quality in made
    ]
    result = covered(*found, roads=road)
    usable, driven = _painted(found, road)
    middles = np.arange(1600) * 10 + 5  # centimetres on the axis, 10 mm each
    piece = np.searchsorted(result.from_mm, middles, side="right") - 1
    assert [moment(at) for at in result.usable_at_us[piece].tolist()] == usable
    assert [moment(at) for at in result.driven_at_us[piece].tolist()] == driven


def _painted(found, roads):
    usable, driven = [], []
    for roadway in roads.roadways:
        for lane in range(roadway.lanes):
            strip_usable, strip_driven = ([None] * round(roadway.length_m * 100) for _ in range(2))
            for one in sorted(found, key=lambda one: one.seen_at):
                if one.segment != roadway.segment or one.lane not in (None, lane) or one.seen_at > NOW:
                    continue
                for centimetre in range(max(0, round(one.from_m * 100)), min(len(strip_driven), round(one.to_m * 100))):
                    strip_driven[centimetre] = one.seen_at
                    if one.quality is Quality.USABLE:
                        strip_usable[centimetre] = one.seen_at
            usable += strip_usable
            driven += strip_driven
    return usable, driven


@SOME
@given(made=looks)
def test_states_partition_the_road_and_gaps_are_the_rest_of_what_was_seen_in_time(made):
    found = covered(*(Inspected("avenue", a / 5, b / 5, NOW - ago * HOUR, q, lane) for (a, b), lane, ago, q in made))
    metres = found.metres()
    assert metres.in_time_m + metres.in_vain_m + metres.overdue_m + metres.never_m == pytest.approx(240.0)
    assert sum(gap.to_m - gap.from_m for gap in found.gaps()) == pytest.approx(240.0 - metres.in_time_m)
    assert (found.from_mm[1:] == found.to_mm[:-1]).all()


@SOME
@given(data=st.data(), count=st.integers(1, 40))
def test_the_greatest_value_over_ranges_is_what_painting_them_gives(data, count):
    ranges = data.draw(
        st.lists(st.tuples(st.integers(0, count), st.integers(0, count), st.integers(-9, 9)), max_size=15)
    )
    first, last, values = (np.array([row[n] for row in ranges], np.int64) for n in range(3))
    painted = [max((v for a, b, v in ranges if a <= place < b), default=-99) for place in range(count)]
    assert greatest_over(count, first, last, values, -99).tolist() == painted


def test_a_segment_or_lane_that_is_not_there_is_told():
    with pytest.raises(DataError, match="segment 'alley' is not among the roadways"):
        covered(seen("alley", 0, 10, HOUR))
    with pytest.raises(DataError, match="'lane' has no lane 1"):
        covered(seen("lane", 0, 10, HOUR, lane=1))
    with pytest.raises(DataError, match="listed twice"):
        Roads((AVENUE, AVENUE))
    with pytest.raises(ValueError, match="is not before"):
        seen("lane", 10, 10, HOUR)
    with pytest.raises(ValueError, match="without a time zone"):
        Inspected("lane", 0, 1, datetime(2026, 11, 25), Quality.USABLE)  # noqa: DTZ001
    with pytest.raises(ValueError, match="lanes of 1 m or more"):
        Roadway("thin", RoadGrade.I, 10, 1.5, 2)


def test_a_place_beside_the_line_of_a_segment_is_counted_from_the_left_edge():
    segment = Segment("s", "", RoadGrade.II, ((30.0, 120.0), (30.001, 120.0)), 7.0)
    roadway = Roadway.of(segment, 111.0)
    assert roadway.lanes == 2
    assert roadway.lateral_m(RoadPlace("s", 5, 1.5, Side.RIGHT)) == 5.0
    assert roadway.lateral_m(RoadPlace("s", 5, 1.5, Side.LEFT)) == 2.0


@pytest.mark.parametrize(
    ("lateral_m", "beside_m"), [(0.875, 0.875), (1.75, 0.0), (3.4, 1.65), (3.6, 1.65), (8.0, 2.75), (-1.0, 2.75)]
)
def test_a_place_lies_beside_the_middle_of_its_lane(lateral_m, beside_m):
    assert AVENUE.beside_lane_middle_m(lateral_m) == pytest.approx(beside_m)


def test_a_city_may_patrol_more_often_but_forgets_no_grade(tmp_path: Path):
    own = tmp_path / "patrol.yaml"
    rows = [f"  - {{grade: {grade}, days: 0.5, source: policy, status: unverified}}" for grade in RoadGrade]
    own.write_text("\n".join(['version: "city"', "intervals:", *rows]), encoding="utf-8")
    late = coverage(ROADS, inspections([seen("lane", 0, 40, 13 * HOUR)], ROADS), read_patrol_table(own), NOW)
    assert late.by_segment()["lane"].overdue_m == 40.0
    own.write_text("\n".join(['version: "city"', "intervals:", *rows[:2]]), encoding="utf-8")
    with pytest.raises(ConfigError, match="one row each for I, II, III"):
        read_patrol_table(own)
