"""A survey asks the pictures where positions leave a doubt, keeps what they told, and merges by it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from drives import CAMERA, MORNING, SETTINGS, drive, fixes

from roadwarden.defects.rulings import Answer
from roadwarden.geo.tiles import MapBox
from roadwarden.service.survey import survey
from roadwarden.service.survey_frames import SurveySettings
from roadwarden.storage.pictures import FramePlace
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import reading

HOLES = ((100.0, -2.0), (85.0, -1.0), (92.0, -3.0), (110.0, -1.5), (118.0, -3.0))
CITY = MapBox(30.0, 120.0, 30.5, 120.5)


@pytest.fixture
def engine(tmp_path):
    engine = open_storage(f"sqlite:///{tmp_path}/roadwarden.db")
    yield engine
    engine.dispose()


class Eyes:
    """Says the same of every pair, and counts."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.asked = answer, []

    def compare(self, one, other):
        self.asked.append((one.id, other.id))
        return self.answer


def surveyed(engine, day, eyes, *, off_m=0.0, holes=HOLES, archive="/archives/street"):
    """The holes around the first lay the passes onto each other; the first is off by so much."""
    start = MORNING + timedelta(days=day)
    settings = SurveySettings(SETTINGS.vehicle, archive=archive)
    east, north = holes[0]
    frames = drive(start=start, holes=((east + off_m, north), *holes[1:]), name=f"day {day}")
    return survey(engine, frames, fixes(start=start), CAMERA, settings, matcher=eyes)


def defects(engine):
    with reading(engine) as unit:
        return unit.defects.in_box(CITY)


OFF_M = 1.2
"""Too far for positions alone, near enough for positions and pictures."""


def test_without_pictures_a_pass_that_drifted_makes_another_defect(engine):
    surveyed(engine, 0, None)
    surveyed(engine, 1, None, off_m=OFF_M)
    assert len(defects(engine)) == len(HOLES) + 1


def test_pictures_that_show_one_hole_make_it_one(engine):
    surveyed(engine, 0, None)
    report = surveyed(engine, 1, Eyes(Answer.SAME), off_m=OFF_M)
    assert report.asked.answers[Answer.SAME] == 1
    assert len(defects(engine)) == len(HOLES)
    assert report.taken_in.defects == {one.id for one in defects(engine)}


def test_pictures_that_show_two_holes_part_what_positions_joined(engine):
    alone = HOLES[:1]
    surveyed(engine, 0, None, holes=alone)
    surveyed(engine, 1, None, off_m=OFF_M, holes=alone)
    assert len(defects(engine)) == 1
    report = surveyed(engine, 1, Eyes(Answer.DIFFERENT), off_m=OFF_M, holes=alone)
    assert report.asked.answers[Answer.DIFFERENT] == 1
    assert len(defects(engine)) == 2


def test_what_was_told_is_not_asked_again_and_the_same_survey_changes_nothing(engine):
    surveyed(engine, 0, None)
    surveyed(engine, 1, Eyes(Answer.DIFFERENT), off_m=OFF_M)
    before, again = defects(engine), Eyes(Answer.DIFFERENT)
    report = surveyed(engine, 1, again, off_m=OFF_M)
    assert (again.asked, report.taken_in.new, report.taken_in.defects) == ([], 0, frozenset())
    assert defects(engine) == before


def test_a_survey_killed_before_its_pictures_were_compared_asks_when_it_is_run_again(engine):
    surveyed(engine, 0, None)
    surveyed(engine, 1, None, off_m=OFF_M)
    assert surveyed(engine, 1, Eyes(Answer.SAME), off_m=OFF_M).asked.answers[Answer.SAME] == 1
    assert len(defects(engine)) == len(HOLES)


def test_what_could_not_be_told_stays_open(engine):
    surveyed(engine, 0, None)
    surveyed(engine, 1, Eyes(Answer.CANNOT_TELL), off_m=OFF_M)
    later = Eyes(Answer.CANNOT_TELL)
    surveyed(engine, 1, later, off_m=OFF_M)
    assert len(later.asked) == 1
    assert len(defects(engine)) == len(HOLES) + 1


def test_frames_whose_archive_is_not_known_are_not_asked_about(engine):
    surveyed(engine, 0, None, archive=None)
    eyes = Eyes(Answer.SAME)
    surveyed(engine, 1, eyes, off_m=OFF_M)
    assert eyes.asked == []


def test_an_archive_that_was_moved_is_found_where_it_was_surveyed_last(engine):
    surveyed(engine, 0, None)
    surveyed(engine, 0, None, archive="/elsewhere/street")
    with reading(engine) as unit:
        held = unit.sightings.of_defects([one.id for one in defects(engine)])
        names = [one.id for ones in held.values() for one in ones]
        pictures = unit.pictures.of(names)
        places = {picture.place for picture in pictures.values()}
    assert pictures.keys() == set(names)
    assert {place.archive for place in places} == {"/elsewhere/street"}
    assert FramePlace("/elsewhere/street", "day 0/00044.jpg") in places
