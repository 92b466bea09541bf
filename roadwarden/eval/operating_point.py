"""Thresholds, one a type, chosen on frames that are for choosing: out-of-fold predictions of train + val.

What is sought is the most boxes found and called what they are, at a precision that a crew can live with and a type
accuracy that is proven. A wrong detection and a mistyped box are given prices in such boxes; each type's threshold is
moved until nothing is gained. Every pair of prices gives a point; the one that meets most of what is asked is taken. A
box of a rare type weighs more, so that it is not given up because it costs a little of the whole.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from roadwarden.errors import DataError
from roadwarden.eval.calibration import Rightness, fit_platt, judged_scores
from roadwarden.eval.counts import Judge, Numbers
from roadwarden.eval.coverage import CoverageCounts, coverage_counts, coverage_judge
from roadwarden.eval.gate import Limits
from roadwarden.eval.judged import JudgedFrame
from roadwarden.models.score_map import ScoreMap
from roadwarden.taxonomy import DistressType
from roadwarden.wilson import wilson_lower

CANDIDATES = tuple(percent / 100 for percent in (*range(4, 17), *range(18, 31, 2), 33, 36, 40, 45, 50, 55, 60))
START = 0.20
NEAR = 4
"""Steps among the candidates that two thresholds are moved together."""
SWEEPS = 4
CLIMBED = 2
"""So many of the best points are moved on: the best of all may end lower than its neighbours."""
WRONG_PRICES = (0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.4, 2.0)
LEAST_ABOVE = 1e-9
GATE = Limits()
MISTYPED_PRICES = (0.0, 0.3, 0.6, 1.0, 1.5, 2.5)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operating point should reach, by the coverage protocol: what the gates ask for."""

    precision: float = GATE.precision
    found: float = GATE.found
    type_bound: float = GATE.type_accuracy  # Wilson's bound of type accuracy must be above
    macro: float = GATE.macro  # mean type accuracy of the types found often, on all frames together

    def shortfalls(self, counts: CoverageCounts) -> list[float]:
        """What a sum of counts lacks of precision, found and bound; 0 where met."""
        bound = wilson_lower(float(counts.correct), float(counts.found))
        return [
            max(0.0, self.precision - float(counts.precision)),
            max(0.0, self.found - float(counts.recall)),
            max(0.0, self.type_bound + LEAST_ABOVE - bound),
        ]

    def macro_shortfall(self, counts: CoverageCounts) -> float:
        """What it lacks of the mean type accuracy over the types found often enough to say one."""
        often = [one for one, found in zip(counts.classes, counts.found_of, strict=False) if found >= GATE.proven_found]
        return max(0.0, self.macro - float(counts.macro_type_accuracy(often))) if often else self.macro


@dataclass(frozen=True, slots=True)
class Prices:
    """In boxes found and called what they are."""

    wrong: float  # of a detection that lies on nothing
    mistyped: float  # of a box that is found and called something else


class OperatingPoint(BaseModel):
    """What is frozen before anything is judged, and goes into the card of the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    thresholds: dict[DistressType, float] = Field(description="lowest calibrated score that is reported, by type")
    score_map: ScoreMap = Field(description="calibration of the network's scores")
    chosen_on: str = Field(description="the frames that it was chosen on")

    def calibrated(self, frames: Sequence[JudgedFrame]) -> list[JudgedFrame]:
        """The frames with the network's scores calibrated."""
        return [
            replace(frame, seen=replace(frame.seen, scores=self.score_map.apply(frame.seen.scores))) for frame in frames
        ]


def choose(
    frames: Sequence[JudgedFrame],
    classes: Sequence[DistressType],
    asked: Asked,
    *,
    chosen_on: str,
    hold_on: frozenset[str] = frozenset(),
) -> OperatingPoint:
    """Thresholds on the network's scores, then a calibration of what reaches them.

    What is asked should hold on all frames, and on those of the groups ``hold_on`` taken alone. These are what the file
    that will carry the point has not seen; its scores are calibrated on them, since models differ in how sure they are.
    """
    raw = choose_thresholds(frames, classes, asked, hold_on)
    own = [frame for frame in frames if frame.group in hold_on] or frames
    score_map = fit_platt(*judged_scores([frame.at(raw) for frame in own], Rightness.COVERAGE))
    mapped = {one: float(score_map.apply(np.array([value], np.float32))[0]) for one, value in raw.items()}
    # Rounded down, so that a score of just the threshold stays above it; finely, since a flat map crowds all scores.
    thresholds = {one: math.floor(value * 1e7) / 1e7 for one, value in mapped.items()}
    return OperatingPoint(thresholds=thresholds, score_map=score_map, chosen_on=chosen_on)


def nested(
    frames: Sequence[JudgedFrame],
    folds: Mapping[str, int],
    classes: Sequence[DistressType],
    asked: Asked,
) -> CoverageCounts:
    """Every fold judged at a point chosen without it: what choosing on the pooled folds flatters shows here."""
    counts = []
    for fold in sorted(set(folds.values())):
        rest = [frame for frame in frames if folds[frame.group] != fold]
        point = choose(rest, classes, asked, chosen_on=f"all but fold {fold}")
        own = point.calibrated([frame for frame in frames if folds[frame.group] == fold])
        counts.append(coverage_counts(own, point.thresholds, classes).total())
    return _sum(counts)


def _sum(counts: Sequence[CoverageCounts]) -> CoverageCounts:
    first = counts[0]
    return CoverageCounts(
        first.classes,
        *(np.sum([getattr(one, name) for one in counts], axis=0) for name in ("typed", "seen", "right", "area")),
    )


def read_operating_point(place: Path) -> OperatingPoint:
    """Raises DataError where the file is missing or not one that ``roadwarden eval choose`` wrote."""
    try:
        return OperatingPoint.model_validate(json.loads(place.read_text(encoding="utf-8")))
    except (OSError, json.JSONDecodeError, ValidationError) as exc:
        raise DataError(f"{place}: not an operating point; 'roadwarden eval choose' writes one: {exc}") from exc


def choose_thresholds(
    frames: Sequence[JudgedFrame],
    classes: Sequence[DistressType],
    asked: Asked,
    hold_on: frozenset[str] = frozenset(),
) -> dict[DistressType, float]:
    """Of the best thresholds at each pair of prices the one of most worth, then moved while its worth grows.

    What is asked is passed only together: by all frames, and by those of ``hold_on`` alone. Of two points that meet as
    much, the one that lacks less is better, then the one that finds and types more.
    """
    judge = coverage_judge(frames, None)
    weights = _weights(judge)
    alone = [row for row, frame in enumerate(frames) if frame.group in hold_on]
    prices = [Prices(wrong, mistyped) for mistyped in MISTYPED_PRICES for wrong in WRONG_PRICES]
    points = [_at_prices(judge, classes, pair, weights) for pair in prices]

    def worth(point: dict[DistressType, float]) -> tuple[int, int, float, float]:
        counts = judge.at(point)
        whole = counts.total()
        lacks = [[*asked.shortfalls(whole), asked.macro_shortfall(whole)]]
        if alone:
            lacks.append(asked.shortfalls(counts.take(alone).total()))
        met = [lack == 0 for part in lacks for lack in part]
        return (
            sum(not any(part) for part in lacks),
            sum(met),
            -sum(sum(part) for part in lacks),
            float((whole.correct_of * weights).sum()),
        )

    best = sorted(points, key=worth, reverse=True)[:CLIMBED]
    return max((_climbed(point, worth) for point in best), key=worth)


def _climbed(
    point: dict[DistressType, float], worth: Callable[[dict[DistressType, float]], tuple[float, ...]]
) -> dict[DistressType, float]:
    """The point, one threshold moved anywhere or two moved nearby to where the worth is most, until nothing is gained.

    Two, because what is found of one type can pay for what is mistaken of another.
    """
    best = worth(point)
    while True:
        for moves in (_single_moves(point), _double_moves(point)):
            value, candidate = max(((worth(move), move) for move in moves), key=lambda pair: pair[0])
            if value > best:
                point, best = candidate, value
                break
        else:
            return point


def _single_moves(point: dict[DistressType, float]) -> list[dict[DistressType, float]]:
    return [{**point, distress: value} for distress in point for value in CANDIDATES]


def _double_moves(point: dict[DistressType, float]) -> list[dict[DistressType, float]]:
    near = {distress: _near(value) for distress, value in point.items()}
    return [
        {**point, one: first, other: second}
        for one, other in combinations(point, 2)
        for first, second in product(near[one], near[other])
    ]


def _near(value: float) -> Sequence[float]:
    """The candidates around one of them."""
    at = CANDIDATES.index(value)
    return CANDIDATES[max(0, at - NEAR) : at + NEAR + 1]


def _weights(judge: Judge[CoverageCounts]) -> Numbers:
    """A box of a type so many times rarer than the commonest weighs the square root of that."""
    true = judge.all().total().true_of
    return np.asarray(np.sqrt(true.max() / np.where(true > 0, true, true.max())))


def _at_prices(
    judge: Judge[CoverageCounts], classes: Sequence[DistressType], prices: Prices, weights: Numbers
) -> dict[DistressType, float]:
    """Each type's threshold moved in turn to where the gain is largest; the lowest of equals."""
    chosen = dict.fromkeys(classes, START)
    for _ in range(SWEEPS):
        before = dict(chosen)
        for distress in classes:
            gains = [_gain(judge, {**chosen, distress: value}, prices, weights) for value in CANDIDATES]
            chosen[distress] = CANDIDATES[int(np.argmax(gains))]
        if chosen == before:
            break
    return chosen


def _gain(
    judge: Judge[CoverageCounts], thresholds: dict[DistressType, float], prices: Prices, weights: Numbers
) -> float:
    whole = judge.at(thresholds).total()
    correct = float((whole.correct_of * weights).sum())
    mistyped = float(((whole.found_of - whole.correct_of) * weights).sum())
    return correct - prices.wrong * float(whole.seen.sum() - whole.right.sum()) - prices.mistyped * mistyped
