"""Both protocols on the scene drawn by hand (tests/eval/scene.py), and what must hold on any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.eval.counts import ABSTAINED, MISSED
from roadwarden.eval.coverage import coverage_counts, coverage_judge, union_area
from roadwarden.eval.intervals import by_group, interval, resampled
from roadwarden.eval.iou_protocol import iou_counts, iou_judge
from roadwarden.wilson import wilson_lower
from tests.eval.scene import OPERATING_POINT, SCENE, A, L, P, R, T, boxes, frame

CLASSES = (L, T, A, P, R)


def typed(counts, true, said):
    column = said if said in (ABSTAINED, MISSED) else counts.classes.index(said)
    return counts.typed[counts.classes.index(true), column]


def test_coverage_of_the_scene():
    counts = coverage_counts(SCENE, OPERATING_POINT).total()
    # t1 (two halves), t2, t3, t4, t5 (just half), t7, t9 are found; t6 (45 of 100) and t8 (d14 is below) are missed.
    assert (counts.true, counts.found) == (9, 7)
    assert typed(counts, L, MISSED) == typed(counts, A, MISSED) == 1
    # t3 is covered by 4000 of pothole and 3200 of alligator crack; t4 has no type said, t7 has an exact tie.
    assert typed(counts, A, P) == typed(counts, P, ABSTAINED) == typed(counts, T, ABSTAINED) == 1
    assert (counts.correct, counts.abstained) == (4, 2)
    assert counts.type_accuracy == pytest.approx(4 / 7)
    assert counts.macro_type_accuracy() == pytest.approx((1 + 1 / 2 + 0 + 0 + 1) / 5)
    assert counts.macro_type_accuracy([L, T]) == pytest.approx(0.75)
    assert counts.end_to_end == pytest.approx(4 / 9)
    # Of 12 detections only d8 lies on clean road.
    assert counts.precision == pytest.approx(11 / 12)
    assert counts.f1 == pytest.approx(2 * (7 / 9) * (11 / 12) / (7 / 9 + 11 / 12))
    # 27000 square pixels of truth; 2000 + 1600 + 6400, 1600 + 2500, 900 + 2000 + 1000 of it are covered.
    assert counts.area.tolist() == [27000, 18000]
    assert counts.area_found == pytest.approx(2 / 3)


def test_iou_of_the_scene():
    counts = iou_counts(SCENE, OPERATING_POINT).total()
    # At IoU 0.5: d1-t1, d3-t2, d4-t3 (called pothole), d6-t4 (no type), d7-t5, d10-t7, d13-t9.
    assert (counts.true, counts.found, counts.correct, counts.abstained) == (9, 7, 5, 1)
    assert counts.type_accuracy == pytest.approx(5 / 7)
    assert counts.macro_type_accuracy() == pytest.approx((1 + 1 + 0 + 0 + 1) / 5)
    assert counts.precision == pytest.approx(7 / 12)
    assert counts.f1 == pytest.approx(2 / 3)
    assert counts.end_to_end == pytest.approx(5 / 9)
    # With labels d5, of which d4 robbed t3 above, is right too: d1, d3, d5, d7, d10, d13.
    assert counts.aware.tolist() == [2, 2, 1, 0, 1]
    assert counts.aware_recall == pytest.approx(6 / 9)
    assert counts.aware_precision == pytest.approx(6 / 12)
    assert counts.aware_f1 == pytest.approx(4 / 7)


def test_a_thin_crack_counts_at_the_lenient_iou():
    counts = iou_counts(SCENE, OPERATING_POINT, iou=0.3).total()
    assert (counts.found, counts.correct) == (8, 6)  # d9 overlaps t6 by 0.45


def test_the_interval_is_over_streets_not_boxes():
    counts = coverage_counts(SCENE, OPERATING_POINT)
    groups = [one.group for one in SCENE]
    # north: 3 of 5 right, south: 1 of 2. Draws of two streets: both north, one each, both south.
    assert by_group(counts, groups).type_accuracy == pytest.approx([3 / 5, 1 / 2])
    draws = resampled(counts, groups, draws=500, seed=1).type_accuracy
    assert set(np.round(draws, 6)) == {0.5, 0.6, round(4 / 7, 6)}
    assert (interval(draws).low, interval(draws).high) == pytest.approx((0.5, 0.6))


@pytest.mark.parametrize(("correct", "n"), [(187, 200), (370, 400), (916, 1000)])
def test_wilson_needs_as_many_as_the_domain_page_says(correct, n):
    assert wilson_lower(correct, n) > 0.90
    assert wilson_lower(correct - 1, n) < 0.90


def test_wilson_of_nothing_and_of_everything():
    assert wilson_lower(0, 0) == 0
    assert wilson_lower(0, 10) == 0
    assert wilson_lower(10, 10) == pytest.approx(10 / (10 + 1.6448536269514722**2))


def test_a_giant_box_finds_everything_and_is_not_right():
    counts = coverage_counts([frame("a", [(0, 0, 10, 10, L), (50, 50, 60, 60, L)], [(0, 0, 200, 200, L, 0.9)])]).total()
    assert (counts.recall, counts.precision) == (1, 0)


def test_true_boxes_that_overlap_count_once_for_a_detection():
    # Two equal true boxes of 100: a detection of 400 over them lies on 100, a quarter, not on 200.
    counts = coverage_counts([frame("a", [(0, 0, 10, 10, L)] * 2, [(0, 0, 20, 20, L, 0.9)])]).total()
    assert (counts.found, counts.precision) == (2, 0)


def test_an_empty_frame_and_degenerate_boxes_say_nothing():
    point = frame("a", [(5, 5, 5, 9, L)], [(7, 7, 7, 7, L, 0.9), (20, 20, 10, 10, T, 0.8)])
    for counts in (coverage_counts([point]).total(), iou_counts([point]).total()):
        assert (counts.true, counts.found, counts.precision) == (1, 0, 0)
    nothing = coverage_counts([frame("b")]).total()
    assert np.isnan(nothing.type_accuracy)
    assert np.isnan(nothing.precision)
    assert nothing.true == 0


def test_a_type_that_was_not_asked_for_is_an_error_not_a_silence():
    with pytest.raises(ValueError, match="not in"):
        coverage_counts(SCENE, OPERATING_POINT, classes=[L])


corner = st.integers(0, 12)
box = st.tuples(corner, corner, corner, corner).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)
said = st.sampled_from([L, T, A, None])
score = st.sampled_from([0.1, 0.3, 0.5, 0.5, 0.8])
frames = st.builds(
    lambda truth, found, group: frame("f", [(*b, t) for b, t in truth], [(*b, t, s) for b, t, s in found], group=group),
    st.lists(st.tuples(box, st.sampled_from([L, T, A])), max_size=4),
    st.lists(st.tuples(box, said, score), max_size=6),
    st.sampled_from(["x", "y", "z"]),
)


def painted(rows):
    grid = np.zeros((12, 12), bool)
    for x1, y1, x2, y2 in rows.astype(int):
        grid[y1:y2, x1:x2] = True
    return grid


@given(st.lists(box, max_size=8))
def test_a_union_is_what_a_brush_would_paint(rows):
    assert union_area(boxes(*rows)) == painted(boxes(*rows)).sum()


@settings(deadline=None)
@given(frames)
def test_coverage_agrees_with_counting_pixels(one):
    counts = coverage_counts([one], classes=CLASSES).total()
    every, truth = painted(one.seen.boxes_xyxy), painted(one.true_boxes)
    table = np.zeros((5, 7))
    for row, true in zip(one.true_boxes, one.true_types, strict=True):
        own = painted(row[None])
        of = {t: (painted(one.seen.boxes_xyxy[[s is t for s in one.seen.types]]) & own).sum() for t in (L, T, A)}
        best = [t for t in of if of[t] == max(of.values())]
        column = CLASSES.index(best[0]) if len(best) == 1 else ABSTAINED
        found = own.any() and 2 * (every & own).sum() >= own.sum()
        table[CLASSES.index(true), column if found else MISSED] += 1
    assert counts.typed.tolist() == table.tolist()
    right = [b.any() and 2 * (b & truth).sum() >= b.sum() for b in (painted(r[None]) for r in one.seen.boxes_xyxy)]
    assert counts.right.sum() == sum(right)
    assert counts.area.tolist() == [truth.sum(), (truth & every).sum()]


@settings(deadline=None, max_examples=50)
@given(st.lists(frames, min_size=1, max_size=4), st.lists(st.tuples(score, score, score), min_size=1, max_size=4))
def test_the_search_that_remembers_agrees_with_judging_afresh(several, points):
    for judge_of in (coverage_judge, iou_judge):
        judge = judge_of(several, CLASSES)
        for point in points:
            thresholds = dict(zip((L, T, A), point, strict=True))
            fast, slow = judge.at(thresholds), judge_of([one.at(thresholds) for one in several], CLASSES).all()
            assert fast.typed.tolist() == slow.typed.tolist()
            assert fast.seen.tolist() == slow.seen.tolist()
            assert fast.right.tolist() == slow.right.tolist()


@settings(deadline=None, max_examples=50)
@given(st.lists(frames, min_size=1, max_size=4), st.tuples(score, score, score), st.tuples(score, score, score))
def test_raising_thresholds_never_finds_more(several, one, other):
    """Keeping only easy boxes may raise type accuracy, but what is found falls: the gate asks for both."""
    low = dict(zip((L, T, A), map(min, one, other), strict=True))
    high = dict(zip((L, T, A), map(max, one, other), strict=True))
    judge = coverage_judge(several)
    loose, strict = judge.at(low).total(), judge.at(high).total()
    assert strict.found <= loose.found
    assert strict.area[1] <= loose.area[1]
    assert strict.seen.sum() <= loose.seen.sum()


@settings(deadline=None, max_examples=50)
@given(st.lists(frames, min_size=1, max_size=4), score, score)
def test_raising_the_threshold_never_matches_more(several, one, other):
    judge = iou_judge(several)
    loose, strict = (judge.at(dict.fromkeys((L, T, A), value)).total() for value in sorted([one, other]))
    assert strict.found <= loose.found
    assert strict.correct <= loose.correct
    assert strict.aware.sum() <= loose.aware.sum()
