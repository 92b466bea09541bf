"""Pictures are compared where positions leave a doubt, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from roadwarden.defects.asking import FAR_M, NEAR_M, PASSES, questions
from roadwarden.detections import PlaneCovariance, Position, Sighting
from roadwarden.geo.plane import LocalPlane
from roadwarden.taxonomy import DistressType

PLANE = LocalPlane(30.25, 120.16)
MONDAY = datetime(2026, 5, 4, 8, tzinfo=UTC)


def look(name: str, east_m: float, day: int = 0, sigma_m: float = 1.0) -> Sighting:
    lat, lon = PLANE.to_degrees([(east_m, 0.0)])[0]
    return Sighting(
        id=name,
        frame=f"frame of {name}",
        seen_at=MONDAY + timedelta(days=day),
        pass_id=f"day {day}",
        type=DistressType.POTHOLE,
        score=0.8,
        position=Position(float(lat), float(lon), 90.0),
        covariance=PlaneCovariance(sigma_m**2, sigma_m**2),
        length_m=0.5,
        width_m=0.5,
        size_sigma_m=0.1,
        model="model",
    )


def asked(held, changed):
    return [(one.id, other.id) for one, other in questions(held, changed)]


def test_two_defects_nearer_than_passes_drift_apart_are_asked_about():
    assert asked({"a": [look("1", 0)], "b": [look("2", 3.0, day=1)]}, {"b"}) == [("1", "2")]


def test_two_defects_further_apart_are_two():
    assert asked({"a": [look("1", 0)], "b": [look("2", NEAR_M + 0.1, day=1)]}, {"b"}) == []


def test_what_did_not_change_is_not_asked_about():
    assert asked({"a": [look("1", 0)], "b": [look("2", 3.0, day=1)], "c": []}, {"c"}) == []


def test_one_pass_is_not_compared_with_itself():
    assert asked({"a": [look("1", 0)], "b": [look("2", 3.0)]}, {"a", "b"}) == []


def test_defects_that_one_frame_shows_both_of_are_two_already():
    monday = look("1", 0)
    beside = replace(look("2", 1.5), frame=monday.frame)
    held = {"a": [monday, look("3", 0, day=1)], "b": [beside, look("4", 1.5, day=1)]}
    assert asked(held, {"a", "b"}) == []


@pytest.mark.parametrize(("apart_m", "asks"), [(FAR_M - 0.1, False), (FAR_M + 0.1, True)], ids=["near", "far"])
def test_looks_at_one_defect_that_lie_far_apart_are_asked_about(apart_m, asks):
    found = asked({"a": [look("1", 0), look("2", apart_m, day=1)]}, {"a"})
    assert found == ([("1", "2")] if asks else [])


def test_the_surest_look_of_a_pass_speaks_for_it_and_the_nearest_pair_for_two_defects():
    held = {
        "a": [look("1", 0.0, sigma_m=2), look("2", 0.2, sigma_m=1), look("3", 0.5, day=1)],
        "b": [look("4", 2.0, day=2)],
    }
    assert asked(held, {"b"}) == [("3", "4")]


def test_the_most_doubtful_pair_comes_first():
    held = {"a": [look("1", 0)], "b": [look("2", 3.0, day=1)], "c": [look("3", -1.0, day=2)]}
    assert asked(held, {"a"}) == [("1", "3"), ("1", "2")]


def test_a_place_seen_a_hundred_times_is_asked_of_by_its_newest_passes():
    held = {"a": [look(f"{day:03d}", 0.0, day=day) for day in range(100)], "b": [look("new", 2.0, day=100)]}
    assert len(questions(held, {"b"})) == 1
    assert int(asked(held, {"b"})[0][0]) >= 100 - PASSES
