"""Whether a small file may stand for the large one, by numbers worked out by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from roadwarden.data.voc import AnnotatedFrame
from roadwarden.errors import DataError
from roadwarden.eval.bench_precision import compare_speed
from roadwarden.eval.judged import Seen
from roadwarden.eval.parity import Agreement, Figures, Parity, agreement, compare
from roadwarden.eval.truth import TrueFrame
from roadwarden.models.load import load_detector, shipped_model
from roadwarden.taxonomy import DistressType
from roadwarden.vision.decode import decode

HOLE, PATCH = DistressType.POTHOLE, DistressType.PATCH


def seen(*rows: tuple[tuple[float, float, float, float], DistressType, float]) -> Seen:
    boxes = np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4)
    return Seen(boxes, tuple(one for _, one, _ in rows), np.array([score for _, _, score in rows], np.float32))


def figures(**changes: float) -> Figures:
    values = {"found": 0.8, "precision": 0.8, "type_accuracy": 0.95, "map50": 0.40} | changes
    return Figures("model.onnx", "00", **values)


def parity(**candidate: float) -> Parity:
    return Parity(10, figures(), figures(**candidate), Agreement(1, 1, 1, 0.01, 0.01))


def test_boxes_are_paired_one_to_one_and_types_are_compared_after_that():
    ours = [
        seen(((0, 0, 10, 10), HOLE, 0.9), ((20, 0, 30, 10), PATCH, 0.5), ((50, 0, 60, 10), HOLE, 0.4)),
        seen(),
        seen(((0, 0, 10, 10), HOLE, 0.6)),
    ]
    theirs = [
        seen(
            ((0, 0, 10, 8), HOLE, 0.7), ((20, 0, 30, 10), HOLE, 0.4), ((50, 0, 60, 6), HOLE, 0.3)
        ),  # 0.6 is too little
        seen(((0, 0, 10, 10), HOLE, 0.1)),  # what only the candidate sees is the figures' business
        seen(),
    ]
    found = agreement(ours, theirs)
    assert (found.boxes, found.paired, found.same_type) == (4, 2, 1)
    assert found.share == pytest.approx(0.25)
    assert found.mean_score_difference == pytest.approx((0.2 + 0.1) / 2)
    assert found.worst_score_difference == pytest.approx(0.2)


def test_nothing_seen_is_nothing_lost():
    found = agreement([seen()], [seen()])
    assert found.share == 1.0
    assert math.isnan(found.mean_score_difference)


@pytest.mark.parametrize(
    ("candidate", "passed"),
    [
        ({}, True),
        ({"type_accuracy": 0.9451}, True),
        ({"type_accuracy": 0.9449}, False),
        ({"map50": 0.3851}, True),
        ({"map50": 0.3849}, False),
        ({"type_accuracy": 0.99, "map50": 0.5}, True),
        ({"type_accuracy": math.nan}, False),
    ],
    ids=["equal", "half a point", "more", "one and a half", "more of mAP", "better", "not measured"],
)
def test_the_limits_of_what_may_be_lost(candidate, passed):
    outcome = parity(**candidate)
    assert outcome.passed is passed
    assert outcome.to_json()["passed"] is passed
    assert ("FAILED" in outcome.lines()[0]) is not passed


def test_the_report_is_json_also_where_nothing_was_measured():
    report = json.loads(json.dumps(parity(map50=math.nan).to_json(), allow_nan=False))
    assert report["candidate"]["map50"] is None
    assert [check["limit"] for check in report["checks"]] == [0.005, 0.015]


def test_a_model_is_at_parity_with_itself_and_as_fast(street):
    paths = sorted((street / "frames").iterdir())[:6]
    images = [decode(path.read_bytes()) for path in paths]
    here = load_detector(shipped_model(), threads=1).detect(images)
    truth = [
        TrueFrame(path.name, path.name, "", AnnotatedFrame(path, 1280, 720, found.boxes_xyxy, found.types))
        for path, found in zip(paths, here, strict=True)
    ]
    speed = compare_speed(shipped_model(), shipped_model(), images[:2], batch=2, rounds=5)
    outcome = compare(shipped_model(), shipped_model(), truth, speeds=[speed])
    assert outcome.passed
    assert outcome.agreement.boxes == sum(len(one) for one in here) > 0
    assert (outcome.agreement.share, outcome.agreement.worst_score_difference) == (1.0, 0.0)
    assert outcome.reference == outcome.candidate
    assert (outcome.reference.found, outcome.reference.map50) == (1.0, pytest.approx(1.0))
    assert 0.2 < speed.ratio < 5
    assert speed.reference_fps > 0
    assert len(outcome.lines()) == 4


def test_speed_needs_frames():
    with pytest.raises(DataError, match="no frames to measure on"):
        compare_speed(shipped_model(), shipped_model(), [])
