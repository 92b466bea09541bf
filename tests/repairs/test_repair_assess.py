"""Two pictures of a piece of road, and what is said of the repair."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from roadwarden.cases.event_types import Verdict
from roadwarden.detections import Detections, Image
from roadwarden.errors import DataError
from roadwarden.repairs.assess import Assessment, Assessor
from roadwarden.repairs.overlay import overlay
from roadwarden.repairs.pictures import MOST_SIDE_PX, Earlier, Picture, is_copy
from roadwarden.repairs.table import shipped_repair_table
from roadwarden.repairs.verdict import Reason
from roadwarden.taxonomy import DistressType
from roadwarden.vision.fingerprint import perceptual_hash
from tests.repairs.repair_scenes import (
    BOX,
    ScriptedDetector,
    looked_at_again,
    road,
    seen,
    there,
    with_hole,
    with_patch,
)

HOLE = seen((DistressType.POTHOLE, BOX))
PATCH_THERE = seen((DistressType.PATCH, there()))
NOTHING = Detections.none()


def assessed(before: Image, after: Image, saw: Detections = HOLE, sees: Detections = NOTHING) -> Assessment:
    detector = ScriptedDetector(saw, sees)
    return Assessor(detector).assess(Picture(before, "b"), Picture(after, "a"), BOX, DistressType.POTHOLE)


def test_a_hole_under_a_patch_is_repaired() -> None:
    done = assessed(with_hole(road()), looked_at_again(with_patch(road())), sees=PATCH_THERE)
    assert (done.decision.verdict, done.alignment is not None) == (Verdict.REPAIRED, True)
    assert done.decision.score.total > 80


def test_a_hole_the_detector_no_longer_sees_is_still_a_hole() -> None:
    done = assessed(with_hole(road()), looked_at_again(with_hole(road())), sees=NOTHING)
    assert (done.decision.verdict, done.decision.reason) == (Verdict.NOT_REPAIRED, Reason.SURFACE_UNCHANGED)


def test_a_patch_that_only_the_detector_sees_does_not_hide_the_same_hole() -> None:
    done = assessed(with_hole(road()), looked_at_again(with_hole(road())), sees=PATCH_THERE)
    assert done.decision.verdict is Verdict.NOT_REPAIRED


def test_a_distress_nobody_saw_before_is_never_repaired() -> None:
    done = assessed(road(), looked_at_again(with_patch(road())), saw=NOTHING, sees=PATCH_THERE)
    assert (done.decision.verdict, done.decision.reason) == (Verdict.INSUFFICIENT_EVIDENCE, Reason.NOT_SEEN_BEFORE)


def test_a_patch_beside_the_hole_does_not_help() -> None:
    beside = (390.0, 220.0, 480.0, 290.0)
    after = looked_at_again(with_patch(with_hole(road()), beside))
    done = assessed(with_hole(road()), after, sees=seen((DistressType.PATCH, there(beside))))
    assert done.decision.verdict is Verdict.NOT_REPAIRED


def test_half_a_patch_is_half_a_repair() -> None:
    half = (BOX[0], BOX[1], (BOX[0] + BOX[2]) / 2, BOX[3])
    after = looked_at_again(with_patch(with_hole(road()), half))
    done = assessed(with_hole(road()), after, sees=seen((DistressType.PATCH, there(half))))
    assert done.decision.verdict in (Verdict.PARTIAL, Verdict.NOT_REPAIRED)


def test_what_lay_beside_the_hole_before_is_not_new_and_what_did_not_is() -> None:
    beside = (390.0, 230.0, 440.0, 280.0)
    sees = seen((DistressType.PATCH, there()), (DistressType.POTHOLE, there(beside)))
    overlooked = with_hole(road(), beside)
    old = assessed(with_hole(overlooked), looked_at_again(with_patch(overlooked)), sees=sees)
    assert (old.decision.verdict, old.findings.spot and old.findings.spot.residual.new_around) == (Verdict.REPAIRED, 0)
    new = assessed(with_hole(road()), looked_at_again(with_patch(overlooked)), sees=sees)
    assert (new.decision.verdict, new.decision.reason) == (Verdict.REPAIRED_WITH_DEFECT, Reason.DAMAGE_AROUND)


def test_another_road_is_not_the_same_place() -> None:
    done = assessed(with_hole(road()), looked_at_again(with_patch(road(77))), sees=PATCH_THERE)
    assert done.decision.verdict in (Verdict.LOCATION_UNCERTAIN, Verdict.WRONG_OBJECT)
    assert done.as_json()["alignment"] == {
        "ok": False, "inliers": 0, "inlier_ratio": 0.0, "reprojection_px": 0.0, "overlap": 0.0
    }  # fmt: skip


def test_a_picture_that_cuts_the_spot_off_says_nothing_of_it() -> None:
    after = looked_at_again(with_patch(road()))[:, : round(there()[0] + 25)]
    done = assessed(with_hole(road()), np.ascontiguousarray(after))
    assert (done.decision.verdict, done.decision.reason) == (Verdict.LOCATION_UNCERTAIN, Reason.SPOT_CUT_OFF)


def test_leaves_on_the_hole_are_no_repair() -> None:
    covered, rng = with_hole(road()), np.random.default_rng(3)
    for _ in range(250):
        at = tuple(int(value) for value in rng.uniform((BOX[0] - 8, BOX[1] - 8), (BOX[2] + 8, BOX[3] + 8)))
        cv2.ellipse(covered, at, (9, 5), float(rng.uniform(0, 180)), 0, 360, (30, float(rng.uniform(80, 140)), 190), -1)
    done = assessed(with_hole(road()), looked_at_again(covered))
    assert (done.decision.verdict, done.decision.reason) == (Verdict.INSUFFICIENT_EVIDENCE, Reason.SPOT_COVERED)


@pytest.mark.parametrize("quality", [50, 90])
def test_the_before_picture_again_is_a_copy_however_it_was_compressed(quality: int) -> None:
    before = with_hole(road())
    _, data = cv2.imencode(".jpg", np.clip(before * 1.05, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
    done = assessed(before, np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8))
    assert [str(fault) for fault in done.findings.faults] == ["copy"]


def test_a_fixed_cameras_picture_of_the_mended_hole_is_no_copy() -> None:
    before, after = with_hole(road()), with_patch(road())
    known = [Earlier("b", perceptual_hash(before), before)]
    assert not is_copy(Picture(after, "a"), known, shipped_repair_table().gate)


def test_earlier_evidence_of_which_only_the_hash_is_kept_is_a_copy_only_as_the_very_file() -> None:
    picture, table = with_patch(road()), shipped_repair_table().gate
    assert is_copy(Picture(picture, "same"), [Earlier("same", 0)], table)
    assert not is_copy(Picture(picture, "new"), [Earlier("old", perceptual_hash(picture))], table)


def test_a_box_outside_the_picture_is_refused() -> None:
    with pytest.raises(DataError, match="inside the before picture of 640 x 480"):
        Assessor(ScriptedDetector(HOLE, NOTHING)).assess(
            Picture(road(), "b"), Picture(road(), "a"), (700, 10, 800, 60), DistressType.POTHOLE
        )


def test_the_record_says_what_it_rests_on() -> None:
    record = assessed(with_hole(road()), looked_at_again(with_patch(road())), sees=PATCH_THERE).as_json()
    assert {"verdict", "score", "reasons", "alignment", "residual", "versions"} <= record.keys()
    assert set(record["versions"]) == {"repairs", "same_place", "registration", "surface", "model"}
    assert record["inputs"] == {"before": "b", "after": "a"}
    assert record["reasons"]["zh"].endswith("。")
    assert record["score"] == pytest.approx(sum(record["score_parts"].values()), abs=0.21)


def test_the_overlay_shows_three_panels_and_the_sentence() -> None:
    before, after = Picture(with_hole(road()), "b"), Picture(looked_at_again(with_patch(road())), "a")
    done = Assessor(ScriptedDetector(HOLE, PATCH_THERE)).assess(before, after, BOX, DistressType.POTHOLE)
    drawn = overlay(before, after, done)
    assert drawn.shape == (480 + 56, 3 * 640 + 2 * 6, 3)
    difference = drawn[:480, 2 * 640 + 12 :]
    spot = difference[225:285, 265:345].max(axis=2).mean()
    beside = difference[225:285, 100:180].max(axis=2).mean()
    assert spot > 3 * beside  # the hole went, the road beside it stayed


def test_a_telephones_twelve_megapixels_are_judged_as_the_small_picture_is() -> None:
    before, after = with_hole(road()), looked_at_again(with_hole(road()))
    large = Picture(cv2.resize(after, None, fx=6.3, fy=6.3, interpolation=cv2.INTER_CUBIC), "large")
    fitted = large.fitted()
    assert max(large.image.shape) > 4000
    assert (max(fitted.image.shape), fitted.sha256) == (MOST_SIDE_PX, "large")
    assert fitted.fitted() is fitted
    found = Assessor(ScriptedDetector(HOLE, NOTHING)).assess(Picture(before, "b"), fitted, BOX, DistressType.POTHOLE)
    assert found.decision.reason is Reason.SURFACE_UNCHANGED
