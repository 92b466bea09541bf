"""What a survey makes of a drive, the intake makes of it frame by frame; a frame delivered twice is kept once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import pytest
from drives import CAMERA, HANGZHOU, HOLES, MORNING, SETTINGS, drive, fixes, street

from roadwarden.defects.drives import PassCounter, passes_of
from roadwarden.detections import PlaneCovariance
from roadwarden.geo.pose import Pose
from roadwarden.geo.tiles import MapBox
from roadwarden.service.coverage import covered, newest_roads, total
from roadwarden.service.intake import Delivery, Intake, Viewer
from roadwarden.service.live_passes import LivePasses, PassSoFar
from roadwarden.service.survey import survey
from roadwarden.service.survey_frames import FrameState
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import reading, writing

CITY = MapBox(30.0, 120.0, 30.5, 120.5)
NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)


@pytest.fixture
def engines(tmp_path):
    made = []

    def make(name="stream"):
        engine = open_storage(f"sqlite:///{tmp_path}/{name}.db")
        with writing(engine) as unit:
            unit.segments.add(street(), "street", MORNING)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.dispose()


def deliveries(frames, camera="front"):
    return [Delivery(one.frame.sha256, camera, one) for one in frames]


def intake_of(engine, rows, camera=CAMERA):
    def window(since, until):
        return [row for row in rows if since <= row.at <= until]

    return Intake(engine, lambda _camera: Viewer(camera, SETTINGS, window), lambda: NOW)


def taken(intake, ones, at_once=7):
    kept = [intake.keep(ones[first : first + at_once]) for first in range(0, len(ones), at_once)]
    intake.flush()
    return kept


def defects(engine):
    with reading(engine) as unit:
        return unit.defects.in_box(CITY)


def lanes(engine):
    with reading(engine) as unit:
        return total([one.metres for one in covered(unit, newest_roads(unit), NOW)])


class TestADriveFrameByFrame:
    def test_comes_to_what_a_survey_of_it_comes_to(self, engines):
        live, whole = engines("live"), engines("whole")
        taken(intake_of(live, fixes(seed=1)), deliveries(drive()))
        survey(whole, drive(), fixes(seed=1), CAMERA, SETTINGS)
        ours, theirs = (sorted(defects(one), key=lambda found: found.position.lon) for one in (live, whole))
        assert len(ours) == len(theirs) == len(HOLES)
        for one, other in zip(ours, theirs, strict=True):
            away = np.subtract(HANGZHOU.metres_of(one.position), HANGZHOU.metres_of(other.position))
            assert np.hypot(*away) < 0.05
            assert (one.vote.type, one.sightings, one.passes) == (other.vote.type, other.sightings, other.passes)
            assert (one.severity, one.road.segment) == (other.severity, other.road.segment)
        assert lanes(live).in_time_m == pytest.approx(lanes(whole).in_time_m, abs=0.1)

    def test_delivered_twice_and_in_disorder_is_kept_once(self, engines):
        engine = engines()
        intake = intake_of(engine, fixes())
        taken(intake, deliveries(drive()))
        before = defects(engine)
        again = deliveries(drive())
        Random(3).shuffle(again)
        kept = taken(intake_of(engine, fixes()), again)
        assert sum(one.doubles for one in kept) == len(again)
        assert sum(one.sightings for one in kept) == 0
        assert defects(engine) == before

    def test_the_same_frame_twice_in_one_handful_is_kept_once(self, engines):
        engine = engines()
        ones = deliveries(drive()[20:40])
        kept = intake_of(engine, fixes()).keep([*ones, *ones])
        assert kept.doubles == len(ones)
        with reading(engine) as unit:
            assert unit.sightings.count() == kept.sightings > 0

    def test_what_changed_is_noted_until_it_is_filed_and_what_changes_meanwhile_stays_noted(self, engines):
        engine = engines()
        kept = intake_of(engine, fixes()).keep(deliveries(drive()[:60]))
        with writing(engine) as unit:
            noted = unit.stream.unfiled()
            assert noted.keys() == kept.defects
            first = sorted(noted)[0]
            unit.stream.note_unfiled([first], NOW + timedelta(seconds=5))
            unit.stream.filed(noted)
            assert list(unit.stream.unfiled()) == [first]

    def test_nothing_is_placed_without_a_camera_file_and_it_is_counted(self, engines):
        engine = engines()
        kept = intake_of(engine, fixes(), camera=None).keep(deliveries(drive()[:40]))
        assert kept.detections > 0
        assert kept.not_placed == {"no_camera": kept.detections}

    def test_keys_are_known_and_forgotten(self, engines):
        engine = engines()
        intake = intake_of(engine, fixes())
        ones = deliveries(drive()[:5])
        intake.keep(ones)
        assert intake.known([one.key for one in ones]) == {one.key for one in ones}
        assert intake.forget({"front": NOW}) == 0
        assert intake.forget({"rear": NOW + timedelta(seconds=1)}) == 0
        assert intake.forget({"front": NOW + timedelta(seconds=1)}) == 5
        assert intake.known([one.key for one in ones]) == frozenset()


class TestRoadsThatNobodyLookedAt:
    def test_a_gap_of_dropped_frames_is_driven_in_vain_and_its_metres_are_told(self, engines):
        engine = engines()
        ones = deliveries(drive())
        gap = [replace(one, looked=False, frame=replace(one.frame, state=FrameState.POOR)) for one in ones[60:100]]
        intake = intake_of(engine, fixes())
        taken(intake, [*ones[:60], *gap, *ones[100:]])
        # frames every 2 m see 15 m ahead: 40 dropped ones leave 80 m, less 15 m that were seen from before, plus 2 m
        # that no camera sees at its feet
        assert intake.flush() == pytest.approx(80 - 13, abs=3)
        assert lanes(engine).in_vain_m == pytest.approx(2 * intake.flush(), abs=1)  # both lanes of it

    def test_a_dropped_frame_is_not_known_and_may_be_looked_at_later(self, engines):
        engine = engines()
        one = deliveries(drive())[30]
        intake_of(engine, fixes()).keep([replace(one, looked=False)])
        assert intake_of(engine, fixes()).keep([one]).doubles == 0


def test_passes_pose_by_pose_are_those_of_the_whole_drive():
    chance = np.random.default_rng(4)
    metres = np.cumsum(chance.normal(0, 8, (400, 2)), axis=0)
    seconds = np.cumsum(chance.choice([1.0, 400.0], 400, p=[0.98, 0.02]))
    counter = PassCounter()
    steps = [counter.step(float(s), float(e), float(n)) for s, (e, n) in zip(seconds, metres, strict=True)]
    assert steps == passes_of(seconds, metres).tolist()
    assert len(set(steps)) > 5


class TestAPassThatARestartCuts:
    """The worker is killed in the middle of the drive; another one goes on."""

    def test_goes_on_under_its_name_and_is_counted(self, engines):
        engine = engines()
        ones = deliveries(drive())
        before, after = ones[: len(ones) // 2], ones[len(ones) // 2 :]
        first = intake_of(engine, fixes())
        for at in range(0, len(before), 7):
            first.keep(before[at : at + 7])  # and no flush: it was killed
        second = intake_of(engine, fixes())
        taken(second, after)
        assert (first.passes_continued, second.passes_continued) == (0, 1)
        whole = engines("whole")
        taken(intake_of(whole, fixes()), ones)
        assert passes(engine) == passes(whole)
        assert len(passes(engine)) == 1

    def test_is_another_pass_where_the_vehicle_comes_back_to_a_place_of_before_or_long_after(self):
        so_far = _driven(LivePasses("bus"), range(0, 200, 10)).to_save(at_once=True)
        again = LivePasses("bus", PassSoFar.of_text(so_far.name, so_far.at, so_far.as_text()))
        names = again(_poses(range(200, 300, 10), since_s=30) + _poses([20], since_s=60))
        assert names[:-1] == (so_far.name,) * 10
        assert names[-1] != so_far.name
        late = LivePasses("bus", so_far)
        assert late(_poses(range(200, 300, 10), since_s=2000))[0] != so_far.name
        assert not late.has_continued

    def test_has_the_same_name_where_the_archive_is_read_again_from_its_beginning(self):
        so_far = _driven(LivePasses("bus"), range(0, 2000, 10)).to_save(at_once=True)
        again = LivePasses("bus", so_far)
        assert set(again(_poses(range(0, 2000, 10)))) == {so_far.name}
        assert not again.has_continued


def passes(engine):
    with reading(engine) as unit:
        seen = unit.sightings.of_defects([one.id for one in unit.defects.in_box(CITY)])
    return {one.pass_id for ones in seen.values() for one in ones}


def _poses(metres, since_s=0.0):
    """One second apart, on the way to the east."""
    found = []
    for number, metre in enumerate(metres):
        moment, place = MORNING + timedelta(seconds=since_s + number), HANGZHOU.position_of(float(metre), 0.0)
        found.append(Pose(moment, place, 90.0, PlaneCovariance(1.0, 1.0), 1.0))
    return found


def _driven(passes, metres):
    passes(_poses(metres))
    return passes
