"""Thresholds and calibration are chosen once, on frames that are for choosing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.errors import DataError
from roadwarden.eval.calibration import Rightness, judged_scores, reliability
from roadwarden.eval.coverage import coverage_counts, coverage_judge
from roadwarden.eval.judged import JudgedFrame, Seen
from roadwarden.eval.matching import match
from roadwarden.eval.operating_point import Asked, choose, choose_thresholds, nested, read_operating_point
from roadwarden.taxonomy import TRAINED_TYPES, DistressType

HOLE, PATCH = DistressType.POTHOLE, DistressType.PATCH
TYPES = (HOLE, PATCH)
"""Thresholds are moved in pairs: what there is of it shows with two types, in a tenth of the time."""


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def street(seed: int, group: str) -> JudgedFrame:
    """Ten holes; those found have high scores, and as many ghosts beside the road have low ones."""
    rng = np.random.default_rng(seed)
    true = np.array([[20 * i, 0, 20 * i + 10, 10] for i in range(10)], np.float32)
    ghosts = true + np.array([0, 50, 0, 50], np.float32)
    scores = np.concatenate([rng.uniform(0.3, 0.9, 10), rng.uniform(0.05, 0.45, 10)]).astype(np.float32)
    order = np.argsort(-scores)
    seen = Seen(np.concatenate([true, ghosts])[order], (HOLE,) * 20, scores[order])
    return JudgedFrame(f"{seed}.jpg", group, "", 640, 480, true, (HOLE,) * 10, seen)


STREETS = [street(seed, f"street {seed % 4}") for seed in range(24)]


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


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6))
def test_what_a_judge_was_asked_before_changes_no_answer(points):
    judge = coverage_judge(STREETS[:6], TRAINED_TYPES)
    for hole, patch in points:
        thresholds = {HOLE: hole, PATCH: patch}
        asked, anew = judge.at(thresholds), coverage_counts(STREETS[:6], thresholds, TRAINED_TYPES)
        assert asked.classes == anew.classes
        for name in ("typed", "seen", "right", "area"):
            np.testing.assert_array_equal(getattr(asked, name), getattr(anew, name))


@pytest.mark.parametrize("precision", [0.6, 0.8, 0.95])
def test_the_precision_asked_for_is_reached(precision):
    chosen = choose_thresholds(STREETS, TYPES, Asked(precision, 0, 0))
    at = coverage_counts(STREETS, chosen).total()
    assert float(at.precision) >= precision
    assert float(at.recall) > 0.5


def test_more_is_found_where_less_precision_is_asked():
    found = [
        float(coverage_counts(STREETS, choose_thresholds(STREETS, TYPES, Asked(asked, 0, 0))).total().recall)
        for asked in (0.6, 0.98)
    ]
    assert found[0] > found[1]


def test_what_is_asked_should_hold_on_some_streets_taken_alone():
    """On street 0 every ghost is surer than on the others: a point for all of them is too low there."""
    ghostly = [
        replace(frame, seen=replace(frame.seen, scores=np.sort(frame.seen.scores + 0.15)[::-1].astype(np.float32)))
        if frame.group == "street 0" else frame
        for frame in STREETS
    ]  # fmt: skip
    asked, alone = Asked(0.7, 0, 0), frozenset({"street 0"})
    own = [frame for frame in ghostly if frame.group in alone]
    for_all = choose_thresholds(ghostly, TYPES, asked)
    for_both = choose_thresholds(ghostly, TYPES, asked, alone)
    assert float(coverage_counts(own, for_all).total().precision) < 0.7
    assert float(coverage_counts(own, for_both).total().precision) >= 0.7
    assert for_both[HOLE] > for_all[HOLE]


def test_a_point_that_meets_less_is_never_preferred():
    """Nothing reaches a bound of 0.999: what can be met is still met."""
    chosen = choose_thresholds(STREETS, TYPES, Asked(0.9, 0.6, 0.999))
    at = coverage_counts(STREETS, chosen).total()
    assert float(at.precision) >= 0.9
    assert float(at.recall) >= 0.6


def test_a_rare_type_is_not_given_up_for_the_precision_of_the_whole():
    """One patch, found among two ghosts: dropping patches would raise precision, and lose the only patch."""
    true = boxes((0, 0, 10, 10))
    ghosts = boxes((100, 0, 110, 10), (200, 0, 210, 10))
    seen = Seen(np.concatenate([true, ghosts]), (PATCH,) * 3, np.array([0.3, 0.25, 0.2], np.float32))
    rare = JudgedFrame("rare.jpg", "street rare", "", 640, 480, true, (PATCH,), seen)
    chosen = choose_thresholds([*STREETS, rare], TYPES, Asked(0.7, 0, 0))
    assert chosen[PATCH] <= 0.3


def test_a_type_that_is_often_mistaken_is_held_back_until_types_are_proven():
    """Below a score of 0.5 every second patch is a hole: the bound of type accuracy asks for a higher threshold."""
    true = np.array([[20 * i, 0, 20 * i + 10, 10] for i in range(20)], np.float32)
    scores = np.linspace(0.9, 0.1, 20).astype(np.float32)
    types = tuple(HOLE if score < 0.5 and i % 2 else PATCH for i, score in enumerate(scores))
    doubtful = JudgedFrame("d.jpg", "street d", "", 640, 480, true, types, Seen(true, (PATCH,) * 20, scores))
    free = choose_thresholds([doubtful] * 10, TYPES, Asked(0.7, 0, 0, macro=0))
    proven = choose_thresholds([doubtful] * 10, TYPES, Asked(0.7, 0, 0.9, macro=0))
    assert free[PATCH] < 0.15
    whole = coverage_counts([doubtful] * 10, proven).total()
    assert float(whole.type_accuracy) > 0.9
    assert proven[PATCH] >= 0.4


def test_a_rare_type_that_is_always_mistaken_is_not_hidden_by_the_common_ones():
    """Every hole is called a patch: the mean over types is 0.5 until the holes are left alone."""
    true = np.array([[20 * i, 0, 20 * i + 10, 10] for i in range(20)], np.float32)
    scores = np.linspace(0.9, 0.1, 20).astype(np.float32)
    types = tuple(HOLE if score < 0.3 else PATCH for score in scores)
    mistaken = JudgedFrame("m.jpg", "street m", "", 640, 480, true, types, Seen(true, (PATCH,) * 20, scores))
    free = choose_thresholds([mistaken] * 10, TYPES, Asked(0.7, 0.6, 0, macro=0))
    fair = choose_thresholds([mistaken] * 10, TYPES, Asked(0.7, 0.6, 0, macro=0.8))
    assert free[PATCH] < 0.27 < fair[PATCH]


def test_what_cannot_be_met_is_come_near_to():
    """No point is precise enough; the surest detections are still the most precise ones."""
    true = boxes((0, 0, 10, 10), (50, 0, 60, 10))
    ghosts = boxes((100, 0, 110, 10), (200, 0, 210, 10), (300, 0, 310, 10))
    scores = np.array([0.9, 0.2, 0.8, 0.3, 0.25], np.float32)
    seen = Seen(np.concatenate([true, ghosts]), (PATCH,) * 5, scores)
    doubtful = JudgedFrame("g.jpg", "street g", "", 640, 480, true, (PATCH,) * 2, seen)
    chosen = choose_thresholds([doubtful] * 4, TYPES, Asked(0.99, 0, 0, macro=0))
    assert float(coverage_counts([doubtful] * 4, chosen).total().precision) == 0.5


def test_scores_are_calibrated_at_the_operating_point():
    point = choose(STREETS, TYPES, Asked(0.6, 0, 0), chosen_on="streets")
    at = [frame.at(point.thresholds) for frame in point.calibrated(STREETS)]
    chosen = choose_thresholds(STREETS, TYPES, Asked(0.6, 0, 0))
    raw = [frame.at(chosen) for frame in STREETS]
    before, after = (reliability(*judged_scores(frames, Rightness.COVERAGE)).ece for frames in (raw, at))
    assert before > 0.2
    assert after < 0.6 * before


def test_calibrating_keeps_just_what_the_thresholds_kept():
    raw = choose_thresholds(STREETS, TYPES, Asked(0.8, 0, 0))
    point = choose(STREETS, TYPES, Asked(0.8, 0, 0), chosen_on="streets")
    before = [len(frame.at(raw).seen) for frame in STREETS]
    assert [len(frame.at(point.thresholds).seen) for frame in point.calibrated(STREETS)] == before


def test_a_nested_choice_judges_every_frame_once():
    folds = {f"street {n}": n % 2 for n in range(4)}
    whole = nested(STREETS, folds, TYPES, Asked(0.8, 0, 0))
    assert float(whole.true) == 240
    assert 0.6 < float(whole.precision) < 1


def test_an_operating_point_comes_back_from_its_file(tmp_path):
    point = choose(STREETS, TYPES, Asked(0.8, 0, 0), chosen_on="streets")
    place = tmp_path / "point.json"
    place.write_text(point.model_dump_json())
    assert read_operating_point(place) == point
    place.write_text("{}")
    with pytest.raises(DataError, match="eval choose"):
        read_operating_point(place)
