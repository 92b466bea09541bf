"""Calibration by hand, and that a fit finds the distortion that was put in."""

from __future__ import annotations

import numpy as np
import pytest

from roadwarden.eval.calibration import (
    Binning,
    Rightness,
    ScoreMap,
    fit_platt,
    fit_temperature,
    judged_scores,
    reliability,
)
from tests.eval.scene import OPERATING_POINT, SCENE

AT_WORK = [one.at(OPERATING_POINT) for one in SCENE]


def too_sure(n=20000, slope=0.5, offset=-0.4, seed=0):
    """Scores of a detector whose chance to be right is sigmoid(slope * logit + offset)."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.05, 0.99, n).astype(np.float32)
    return scores, rng.random(n) < ScoreMap(slope, offset).apply(scores)


def test_what_is_right_by_each_protocol():
    scores, covered = judged_scores(AT_WORK, Rightness.COVERAGE)
    _, matched = judged_scores(AT_WORK, Rightness.IOU)
    assert (len(scores), covered.sum(), matched.sum()) == (12, 11, 7)
    assert scores[~covered].tolist() == pytest.approx([0.4])  # d8 on clean road


def test_the_error_by_hand():
    scores = np.array([0.2, 0.2, 0.6, 0.8], np.float32)
    right = np.array([True, False, True, True])
    halves = reliability(scores, right, bins=2)
    # {0.2, 0.2}: said 0.2, right 0.5; {0.6, 0.8}: said 0.7, right 1. (2 * 0.3 + 2 * 0.3) / 4
    assert [(one.n, one.right) for one in halves.bins] == [(2, 0.5), (2, 1.0)]
    assert halves.ece == pytest.approx(0.3)
    fifths = reliability(scores, right, binning=Binning.EQUAL_WIDTH, bins=5)
    # 0.2 and 0.6 stand on edges and belong above; (2 * 0.3 + 0.4 + 0.2) / 4
    assert [one.n for one in fifths.bins] == [2, 1, 1]
    assert fifths.ece == pytest.approx(0.3)


def test_equal_scores_share_a_bin_whatever_their_order():
    scores = np.full(30, 0.5, np.float32)
    right = np.arange(30) < 15
    assert reliability(scores, right).ece == pytest.approx(0)
    assert len(reliability(scores, right).bins) == 1


def test_no_detection_has_no_error():
    nothing = reliability(np.zeros(0, np.float32), np.zeros(0, bool))
    assert nothing.bins == ()
    assert np.isnan(nothing.ece)


def test_platt_finds_what_distorted_the_scores():
    scores, right = too_sure()
    fitted = fit_platt(scores, right)
    assert (fitted.slope, fitted.offset) == pytest.approx((0.5, -0.4), abs=0.05)
    assert reliability(scores, right).ece > 0.1
    assert reliability(fitted.apply(scores), right).ece < 0.02


def test_temperature_keeps_a_half_a_half():
    scores, right = too_sure(offset=0)
    fitted = fit_temperature(scores, right)
    assert fitted.temperature == pytest.approx(2, abs=0.15)
    assert fitted.apply(np.array([0.5], np.float32)) == pytest.approx(0.5)


def test_a_mapping_keeps_the_order_even_where_the_data_asks_for_the_reverse():
    scores = np.linspace(0.1, 0.9, 50, dtype=np.float32)
    fitted = fit_platt(scores, scores < 0.5)
    assert fitted.slope > 0
    assert (np.diff(fitted.apply(scores)) >= 0).all()
    assert fit_platt(scores, np.ones(50, bool)) == ScoreMap()
    with pytest.raises(ValueError, match="order"):
        ScoreMap(slope=0)


def test_scores_of_nought_and_one_stay_finite():
    mapped = ScoreMap(2.0, 0.3).apply(np.array([0, 1], np.float32))
    assert np.isfinite(mapped).all()
    assert mapped[0] < 0.001 < 0.999 < mapped[1]
