"""A repair report from its pictures to a judgement: what is earlier evidence, what is missing, which verdict counts."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL.ExifTags import GPS, IFD, Base

from roadwarden.cases.assessments import JobState
from roadwarden.cases.event_types import Verdict
from roadwarden.cases.report_turn import ReportStand, Turn
from roadwarden.defects.placing import sighting_id
from roadwarden.detections import Detections, PlaneCovariance, Position, Sighting
from roadwarden.errors import PictureAway
from roadwarden.repairs.assess import Assessor
from roadwarden.repairs.case_assess import CaseAssessor
from roadwarden.repairs.case_pictures import CaseHints, box_of, facts_of
from roadwarden.repairs.combining import deciding
from roadwarden.repairs.evidence import Condition, Fault, PictureFacts, Shot, Wanted, sort_out
from roadwarden.repairs.place import Place
from roadwarden.repairs.table import shipped_repair_table
from roadwarden.service.case_looks import Taken
from roadwarden.storage.assessment_jobs import Job
from roadwarden.storage.assessments import ShownPicture
from roadwarden.taxonomy import DistressType, Severity
from roadwarden.vision.fingerprint import perceptual_hash
from roadwarden.vision.quality import QualityProblem
from tests.repairs.repair_scenes import BOX, ScriptedDetector, looked_at_again, road, seen, there, with_hole, with_patch

SEEN = datetime(2026, 3, 2, 8, tzinfo=UTC)
FILED, REPORTED = SEEN + timedelta(hours=1), SEEN + timedelta(hours=20)
PLACE = Position(30.25, 120.16, 90.0)
MODEL = "scripted@0"
RULE = shipped_repair_table().gate


def encoded(image, taken_at=REPORTED - timedelta(minutes=30), software=None, position=None):
    """As a telephone leaves it."""
    exif = Pillow.Exif()
    if taken_at is not None:
        camera = exif.get_ifd(IFD.Exif)
        camera[Base.DateTimeOriginal], camera[Base.OffsetTimeOriginal] = f"{taken_at:%Y:%m:%d %H:%M:%S}", "+00:00"
    if software:
        exif[Base.Software] = software
    if position:
        gps = exif.get_ifd(IFD.GPSInfo)
        gps[GPS.GPSLatitudeRef], gps[GPS.GPSLatitude] = "N", (position.lat, 0.0, 0.0)
        gps[GPS.GPSLongitudeRef], gps[GPS.GPSLongitude] = "E", (position.lon, 0.0, 0.0)
        gps[GPS.GPSImgDirectionRef], gps[GPS.GPSImgDirection] = "T", position.heading_deg
    buffer = io.BytesIO()
    Pillow.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).save(buffer, "JPEG", quality=95, exif=exif)
    return buffer.getvalue()


class Kept:
    def __init__(self):
        self.files = {}

    def get(self, sha256):
        return self.files.get(sha256)

    def put(self, data):
        name = hashlib.sha256(data).hexdigest()
        self.files[name] = data
        return name


class Shown:
    def __init__(self, *pictures):
        self.pictures = pictures

    def near(self, perceptual, bits):
        return [one for one in self.pictures if (one.perceptual ^ perceptual).bit_count() <= bits]


class World:
    """One hole, seen once from a vehicle; the crew's pictures come in as the test says."""

    def __init__(self, before_sees=((DistressType.POTHOLE, BOX),), after_sees=()):
        self.kept, self.shown = Kept(), Shown()
        self.frame = self.kept.put(encoded(with_hole(road()), SEEN))
        self.detector = Detector(seen(*before_sees), seen(*after_sees))

    def look(self, **more):
        told = {
            "id": sighting_id(self.frame, MODEL, BOX), "frame": self.frame, "seen_at": SEEN, "pass_id": "car 1",
            "type": DistressType.POTHOLE, "score": 0.9, "position": PLACE, "covariance": PlaneCovariance(1.0, 1.0),
            "length_m": 0.5, "width_m": 0.5, "size_sigma_m": 0.1, "model": MODEL,
        }  # fmt: skip
        return Sighting(**(told | more))

    def judge(self, *pictures, by_crew=False, looks=None, others=(), hints=None):
        names = tuple(one if isinstance(one, str) else self.kept.put(one) for one in pictures)
        job = Job("HZ-1", 5, 1, JobState.WAITING, None, None, REPORTED + timedelta(hours=24), 1, REPORTED)
        stand = ReportStand(5, Turn.MACHINE, names, by_crew, REPORTED, job.due_at, 1, FILED)
        taken = Taken(job, stand, Row(), (self.look(),) if looks is None else looks, others)
        judge = CaseAssessor(Assessor(self.detector), self.kept, self.shown, UTC)
        return judge.judge(taken) if hints is None else judge.judge(taken, hints)


class Row:
    """As much of a case's row as is asked for."""

    distress, lat, lon, severity = "pothole", PLACE.lat, PLACE.lon, Severity.NORMAL


class Detector(ScriptedDetector):
    """Says what it sees of one picture, too: of the first, that is the one before."""

    def detect(self, images):
        return [self._answers[0]] if len(images) == 1 else self._answers


def mended():
    return looked_at_again(with_patch(with_hole(road())))


def untouched(seed=9):
    return looked_at_again(with_hole(road()), seed)


def faults(judged):
    return judged.content["reasons"]["faults"]


def test_a_mended_hole_is_repaired_and_the_record_says_by_what():
    world = World(after_sees=((DistressType.PATCH, there()),))
    judged = world.judge(encoded(mended()))
    assert judged.verdict is Verdict.REPAIRED
    content = judged.content
    assert content["inputs"]["before"] == world.frame
    assert content["thresholds"]["verdict"]["most_residual"] == 0.05
    assert content["versions"]["model"] == "scripted"
    drawn = cv2.imdecode(np.frombuffer(world.kept.get(judged.overlay), np.uint8), 1)
    assert drawn.shape[1] == 3 * 640 + 12
    assert [name for name, _ in judged.hashes] == list(content["evidence"])


def test_an_open_hole_is_sent_back():
    assert World(after_sees=((DistressType.POTHOLE, there()),)).judge(encoded(untouched())).verdict is (
        Verdict.NOT_REPAIRED
    )


def test_of_two_pictures_of_the_place_the_worse_counts():
    world = World(after_sees=())
    judged = world.judge(encoded(mended()), encoded(untouched()))
    assert judged.verdict is Verdict.NOT_REPAIRED
    assert len(judged.content["pairs"]) == 2


def test_a_picture_that_is_not_here_yet_is_waited_for():
    with pytest.raises(PictureAway, match="not kept here"):
        World().judge("f" * 64)


@pytest.mark.parametrize(
    ("picture", "fault"),
    [
        (lambda world: encoded(mended(), SEEN - timedelta(days=3)), "taken_before"),
        (lambda world: encoded(mended(), REPORTED + timedelta(hours=1)), "taken_in_future"),
        (lambda world: encoded(mended(), None), "no_time"),
        (lambda world: encoded(mended(), software="GIMP 2.10"), "edited"),
        (lambda world: encoded(mended(), position=Position(30.30, 120.16, 90.0)), "too_far"),
        (lambda world: encoded(mended(), position=Position(30.25, 120.16, 270.0)), "other_way"),
        (lambda world: encoded((mended() * 0.05).astype(np.uint8)), "dark"),
        (lambda world: encoded(with_hole(road())), "copy"),
        (lambda world: world.frame, "copy"),
        (lambda world: b"no picture at all", "unreadable"),
    ],
    ids=["old", "tomorrow", "no time", "edited", "far", "away", "dark", "before again", "very file", "broken"],
)
def test_what_is_no_evidence_is_asked_for_again_and_never_passes(picture, fault):
    world = World()
    judged = world.judge(picture(world))
    assert judged.verdict is Verdict.INSUFFICIENT_EVIDENCE
    assert fault in faults(judged)
    assert judged.overlay is None


def test_no_picture_at_all_is_told_so():
    assert faults(World().judge()) == ["no_after"]


def test_a_crew_sends_both_a_context_picture_and_a_close_up():
    world = World(after_sees=((DistressType.PATCH, there()),))
    one = encoded(mended())
    assert faults(world.judge(one, by_crew=True)) == ["no_close_up"]
    other = encoded(looked_at_again(with_patch(with_hole(road())), seed=77))
    assert world.judge(one, other, by_crew=True).verdict is Verdict.REPAIRED


def test_evidence_of_another_case_is_no_evidence_of_this():
    world = World()
    data = encoded(mended())
    name = world.kept.put(data)
    other = cv2.imdecode(np.frombuffer(data, np.uint8), 1)
    world.shown = Shown(ShownPicture(name, perceptual_hash(other), "HZ-2", 7))
    again = encoded(other)  # the same picture, encoded anew
    assert faults(world.judge(again)) == ["copy"]
    world.shown = Shown(ShownPicture(name, perceptual_hash(other), "HZ-1", 5))  # of this very report
    assert faults(world.judge(again)) == []


def test_without_a_picture_before_a_person_has_to_look():
    assert faults(World().judge(encoded(mended()), looks=())) == ["no_before"]
    world = World()
    gone = replace(world.look(), frame="e" * 64)
    assert faults(world.judge(encoded(mended()), looks=(gone,))) == ["no_before"]


def test_a_wet_road_is_no_evidence_whoever_says_so():
    hints = CaseHints(frozenset({Condition.WET}))
    assert faults(World().judge(encoded(mended()), hints=hints)) == ["wet"]


class TestSorting:
    WANTED = Wanted(FILED, REPORTED, both_shots=True)
    GOOD = PictureFacts(captured_at=REPORTED - timedelta(hours=1))

    def sorted(self, *pictures):
        return sort_out(pictures, RULE, self.WANTED)

    def test_a_blurred_picture_is_left_aside_where_others_do(self):
        close = replace(self.GOOD, shot=Shot.CLOSE_UP)
        blurred = replace(self.GOOD, problems=(QualityProblem.BLURRED,))
        assert self.sorted(blurred, self.GOOD, close).usable == (1, 2)
        told = self.sorted(blurred, close)
        assert (told.usable, told.faults) == ((), (Fault.BLURRED, Fault.NO_CONTEXT))

    def test_one_copy_spoils_all(self):
        close = replace(self.GOOD, shot=Shot.CLOSE_UP)
        assert self.sorted(self.GOOD, close, replace(close, is_copy=True)).faults == (Fault.COPY,)
        assert self.sorted(self.GOOD, close, replace(close, is_screen=True)).faults == (Fault.SCREEN,)

    def test_a_picture_that_nobody_named_may_be_either_but_only_one_of_them(self):
        unknown = replace(self.GOOD, shot=None)
        assert self.sorted(unknown).faults == (Fault.NO_CLOSE_UP,)
        assert self.sorted(unknown, unknown).usable == (0, 1)
        assert self.sorted(unknown, self.GOOD).usable == (0, 1)


@pytest.mark.parametrize(
    ("outcomes", "row"),
    [
        ([(Verdict.REPAIRED, Place.SAME)], 0),
        ([(Verdict.REPAIRED, Place.SAME), (Verdict.NOT_REPAIRED, Place.SAME)], 1),
        ([(Verdict.REPAIRED, Place.SAME), (Verdict.INSUFFICIENT_EVIDENCE, Place.SAME)], 1),
        ([(Verdict.WRONG_OBJECT, Place.OTHER), (Verdict.REPAIRED, Place.SAME)], 1),
        ([(Verdict.WRONG_OBJECT, Place.OTHER), (Verdict.LOCATION_UNCERTAIN, Place.UNCERTAIN)], 1),
        ([(Verdict.WRONG_OBJECT, Place.OTHER), (Verdict.WRONG_OBJECT, Place.OTHER)], 0),
    ],
)
def test_which_picture_decides(outcomes, row):
    assert deciding(outcomes) == row


class TestBeforeBox:
    def test_the_very_detection_that_the_sighting_is(self):
        world = World()
        other = (10.0, 10.0, 60.0, 60.0)
        found = seen((DistressType.POTHOLE, other), (DistressType.POTHOLE, BOX))
        assert box_of(world.look(), found) == BOX

    def test_else_the_one_of_its_type_with_nearly_its_score(self):
        look = replace(World().look(), id="0" * 32, score=0.61)
        found = Detections(
            np.array([BOX, (1, 1, 40, 40), (2, 2, 50, 50)], np.float32),
            (DistressType.POTHOLE, DistressType.POTHOLE, DistressType.PATCH),
            np.array([0.6, 0.3, 0.61], np.float32),
        )
        assert box_of(look, found) == BOX
        assert box_of(replace(look, score=0.8), found) is None
        assert box_of(look, Detections.none()) is None


def test_what_a_telephone_writes_is_known_of_its_picture():
    facts = facts_of(encoded(road(), position=Position(30.2501, 120.16, 100.0)), "a" * 64, PLACE, 350.0, 5.0, UTC)
    assert facts.distance_m == pytest.approx(11.1, abs=0.3)
    assert facts.turned_deg == pytest.approx(110.0, abs=0.5)
    assert facts.captured_at == REPORTED - timedelta(minutes=30)
