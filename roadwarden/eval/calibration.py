"""Whether a confidence of 0.7 is right in seven of ten cases, and a mapping that makes it so.

The headline ECE has bins of equal mass: above an operating threshold the scores crowd in a part of the scale, and bins
of equal width would be empty there or hold everything. Both are given. Equal scores share a bin, so no order of the
detections changes the figure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from roadwarden.eval.counts import Numbers
from roadwarden.eval.coverage import Grid
from roadwarden.eval.judged import JudgedFrame
from roadwarden.eval.matching import match
from roadwarden.models.score_map import ScoreMap, Scores, logit, sigmoid

BINS = 15
FLATTEST = 1e-3
"""The smallest slope of a mapping: it must keep the order of scores."""
Right = npt.NDArray[np.bool_]


class Rightness(StrEnum):
    """What a detection is measured by, whatever type it says."""

    COVERAGE = "coverage"  # half of it lies on true boxes
    IOU = "iou"  # matched one to one at IoU 0.5


class Binning(StrEnum):
    """How scores are put in bins."""

    EQUAL_MASS = "equal_mass"
    EQUAL_WIDTH = "equal_width"


@dataclass(frozen=True, slots=True)
class Bin:
    """Detections of similar confidence."""

    n: int
    confidence: float  # mean score
    right: float  # share of them that is right


@dataclass(frozen=True, slots=True)
class Reliability:
    """Bins from low to high confidence; empty ones are left out."""

    binning: Binning
    bins: tuple[Bin, ...]

    @property
    def ece(self) -> float:
        """Expected calibration error: mean distance of confidence and share right over detections; NaN without any."""
        n = sum(one.n for one in self.bins)
        return sum(one.n * abs(one.confidence - one.right) for one in self.bins) / n if n else math.nan


def judged_scores(frames: Sequence[JudgedFrame], rightness: Rightness) -> tuple[Scores, Right]:
    """Score of every detection that was seen, frame by frame, and whether it is right."""
    scores, right = [np.zeros(0, np.float32)], [np.zeros(0, bool)]
    for frame in frames:
        scores.append(frame.seen.scores)
        right.append(_right(frame, rightness))
    return np.concatenate(scores), np.concatenate(right)


def reliability(
    scores: Scores, right: Right, *, binning: Binning = Binning.EQUAL_MASS, bins: int = BINS
) -> Reliability:
    """The reliability diagram of these detections."""
    if not len(scores):
        return Reliability(binning, ())
    members = np.digitize(scores, _edges(scores, binning, bins))
    return Reliability(
        binning, tuple(_bin(scores[members == one], right[members == one]) for one in np.unique(members))
    )


def fit_temperature(scores: Scores, right: Right) -> ScoreMap:
    """The mapping with one number that makes what is right likeliest; the identity where it cannot be told."""
    return _fit(scores, right, free_offset=False)


def fit_platt(scores: Scores, right: Right) -> ScoreMap:
    """The mapping with slope and offset that makes what is right likeliest; the identity where it cannot be told."""
    return _fit(scores, right, free_offset=True)


def _fit(scores: Scores, right: Right, *, free_offset: bool) -> ScoreMap:
    if len(np.unique(right)) < 2:
        return ScoreMap()
    logits, sign = logit(scores), np.where(right, 1.0, -1.0)

    def loss(parameters: Numbers) -> tuple[float, Numbers]:
        margin = sign * (parameters[0] * logits + parameters[1])
        slopes = -sign * sigmoid(-margin)
        return float(np.logaddexp(0, -margin).mean()), np.array([(slopes * logits).mean(), slopes.mean()])

    bounds = [(FLATTEST, None), (None, None) if free_offset else (0.0, 0.0)]
    best: Any = minimize(loss, np.array([1.0, 0.0]), jac=True, bounds=bounds, method="L-BFGS-B")
    return ScoreMap(float(best.x[0]), float(best.x[1]))


def _right(frame: JudgedFrame, rightness: Rightness) -> Right:
    if rightness is Rightness.COVERAGE:
        return Grid.over(frame.true_boxes, frame.seen.boxes_xyxy).lie_on_truth()
    matched = np.zeros(len(frame.seen), bool)
    matched[match(frame.true_boxes, frame.seen.boxes_xyxy).found] = True
    return matched


def _edges(scores: Scores, binning: Binning, bins: int) -> Numbers:
    """Inner edges: a score equal to an edge is above it."""
    inner = np.arange(1, bins) / bins
    if binning is Binning.EQUAL_WIDTH:
        return np.asarray(inner)
    return np.unique(np.sort(scores)[(inner * len(scores)).astype(np.intp)]).astype(np.float64)


def _bin(scores: Scores, right: Right) -> Bin:
    return Bin(len(scores), float(scores.astype(np.float64).mean()), float(right.mean()))
