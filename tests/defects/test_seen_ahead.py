"""Which metres a drive looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from roadwarden.defects.inspected import Quality
from roadwarden.defects.roadways import Roadway
from roadwarden.defects.seen_ahead import View, seen_ahead
from roadwarden.geo.places import RoadGrade, RoadPlace, Side

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROADS = {
    "street": Roadway("street", RoadGrade.I, 100.0, 7.0, 2),
    "next": Roadway("next", RoadGrade.I, 50.0, 7.0, 2),
    "avenue": Roadway("avenue", RoadGrade.I, 200.0, 28.0, 8),
}


def view(segment, chainage_m, second, *, forward=True, offset_m=1.75, quality=Quality.USABLE, drive="monday"):
    place = RoadPlace(segment, chainage_m, offset_m, Side.RIGHT)
    return View(NOON + timedelta(seconds=second), place, forward, quality, drive)


def spans(looks):
    return [(one.segment, one.from_m, one.to_m, one.lane) for one in looks]


def test_before_every_frame_a_piece_and_together_one_stretch():
    (look,) = seen_ahead([view("street", 10.0 * n, n) for n in range(6)], ROADS)
    assert (look.from_m, look.to_m, look.lane, look.seen_at, look.pass_id) == (2.0, 65.0, None, NOON, "monday")


def test_against_the_line_it_looks_to_smaller_chainages():
    assert spans(seen_ahead([view("street", 60.0, 0, forward=False)], ROADS)) == [("street", 45.0, 58.0, None)]


def test_beyond_the_end_the_segment_is_seen_that_the_drive_goes_on_to():
    views = [view("street", 94.0, 0), view("next", 40.0, 2, forward=False)]
    assert spans(seen_ahead(views, ROADS)) == [
        ("next", 41.0, 50.0, None),
        ("street", 96.0, 100.0, None),
        ("next", 25.0, 38.0, None),
    ]
    assert spans(seen_ahead(views[:1], ROADS)) == [("street", 96.0, 100.0, None)]
    other_pass = [views[0], view("next", 40.0, 2, forward=False, drive="tuesday")]
    assert ("next", 41.0, 50.0, None) not in spans(seen_ahead(other_pass, ROADS))


def test_of_a_wide_road_only_the_lanes_beside_the_camera():
    lanes = {one.lane for one in seen_ahead([view("avenue", 50.0, 0, offset_m=1.75)], ROADS)}
    assert lanes == {3, 4, 5}  # it drives in the lane right of the middle, the fifth from the left
    assert {one.lane for one in seen_ahead([view("avenue", 50.0, 0, offset_m=40.0)], ROADS)} == {7}


def test_what_was_too_dark_is_a_stretch_of_its_own():
    views = [view("street", 20.0 * n, n, quality=Quality.UNUSABLE if n == 1 else Quality.USABLE) for n in range(3)]
    looks = seen_ahead(views, ROADS)
    assert [(one.from_m, one.quality) for one in looks] == [
        (2.0, Quality.USABLE),
        (22.0, Quality.UNUSABLE),
        (42.0, Quality.USABLE),
    ]


@pytest.mark.parametrize("chainage", [98.5, 100.0, 100.4])
def test_at_the_very_end_nothing_is_left_to_see(chainage):
    assert seen_ahead([view("street", chainage, 0)], ROADS) == []
