"""Matching and thresholds, with numbers worked out by hand."""

from __future__ import annotations

import numpy as np

from roadwarden.detections import Detections
from roadwarden.eval.matching import match
from roadwarden.eval.operating_point import WITHOUT_EVIDENCE, Judged, choose_thresholds, count, figures
from roadwarden.taxonomy import DistressType

POTHOLE, PATCH = DistressType.POTHOLE, DistressType.PATCH


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


# A pothole seen right; a patch taken for a pothole; a pothole seen where there is nothing.
STREET = Judged(
    boxes=boxes((0, 0, 10, 10), (50, 0, 60, 10)),
    types=(POTHOLE, PATCH),
    seen=Detections(
        boxes((0, 0, 10, 9), (50, 0, 60, 10), (80, 80, 90, 90)),
        (POTHOLE, POTHOLE, POTHOLE),
        np.array([0.9, 0.6, 0.2], np.float32),
    ),
)


def test_a_true_box_is_found_once():
    pairs = match(boxes((0, 0, 10, 10)), boxes((0, 0, 10, 10), (0, 0, 10, 9)))
    assert (pairs.truth.tolist(), pairs.found.tolist()) == ([0], [0])


def test_matching_takes_the_most_overlapping_free_box():
    pairs = match(boxes((0, 0, 10, 10), (0, 2, 10, 12)), boxes((0, 2, 10, 12), (0, 0, 10, 10)))
    assert (pairs.truth.tolist(), pairs.found.tolist()) == ([1, 0], [0, 1])


def test_nothing_matches_nothing():
    assert len(match(boxes(), boxes()).truth) == 0


def test_iou_of_exactly_a_half_is_a_match():
    assert len(match(boxes((0, 0, 10, 10)), boxes((0, 0, 10, 5))).truth) == 1


def test_counts_at_a_threshold():
    counts = count([STREET], POTHOLE, 0.5)
    assert (counts.true, counts.seen, counts.right) == (1, 2, 1)
    assert (counts.precision, counts.recall) == (0.5, 1.0)


def test_the_threshold_with_the_best_f1_is_chosen_and_the_lowest_of_equals():
    assert choose_thresholds([STREET], [POTHOLE, PATCH]) == {POTHOLE: 0.65, PATCH: WITHOUT_EVIDENCE}


def test_type_accuracy_is_over_boxes_matched_whatever_their_type():
    found = figures([STREET], {POTHOLE: 0.5, PATCH: 0.5})
    assert found["type_accuracy"] == {"right": 1, "matched": 2, "share": 0.5}
    assert found["all"] == {"true": 2, "seen": 2, "right": 1, "precision": 0.5, "recall": 0.5, "f1": 0.5}
