"""How well pictures alone tell whether two frames show one place.

Positives are pairs verified with 30 inliers and more, negatives pairs of frames of different groups. Those pairs were
found by matchers too, so a sample below 30 inliers that a person judged stands beside them (``eval/places_by_eye.py``).
Precision depends on how many negatives meet a positive: the ratio is part of the figure.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from roadwarden.data.place_pairs import FramePair
from roadwarden.defects.rulings import Answer
from roadwarden.defects.same_place import PlaceEvidence, SamePlaceTable, judge_place
from roadwarden.eval.intervals import DRAWS, Interval, interval, wilson

CERTAIN = 30
"""Inliers from which a pair of the data set is practically certain."""
STEPS = (15, 17, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300, 400, 500)
"""Least inliers that the curve is drawn over; below 15 nothing is registered."""


class Truth(StrEnum):
    """What is known of a pair."""

    SAME = "same"  # CERTAIN inliers and more
    WEAK = "weak"  # fewer: reported, and neither positive nor negative
    OTHER = "other"  # of different groups


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """A pair, what is known of it and what the matcher found."""

    pair: FramePair
    place: str  # of the first frame, its group where the place is not known
    truth: Truth
    known_inliers: int  # of the data set; 0 for pairs of different groups
    evidence: PlaceEvidence
    answer: Answer

    @property
    def score(self) -> int:
        """What the threshold is about: inliers of a homography that fits, else 0."""
        return self.evidence.inliers if self.evidence.fits else 0


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its Wilson interval; NaN of nothing."""

    part: int
    whole: int
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, part: int, whole: int) -> Rate:
        """95 %, two-sided; as if pairs were independent."""
        spread = wilson(part, whole)
        return cls(part, whole, part / whole if whole else math.nan, spread.low, spread.high)


@dataclass(frozen=True, slots=True)
class Point:
    """Precision and recall where SAME is said from so many inliers on."""

    least_inliers: int
    precision: Rate
    recall: Rate
    false_same: Rate  # of the pairs of different groups


@dataclass(frozen=True, slots=True)
class PlaceScore:
    """All figures of one part."""

    pairs: int
    negatives_a_positive: float
    places: int  # that positives lie in
    at: Point  # the table's threshold
    recall_by_place: Interval  # bootstrap over places: pairs of one place are not independent
    recall_mean_of_places: float
    weak_said_same: Rate  # of the pairs below CERTAIN
    others_said_other: Rate
    same_said_other: Rate  # of positives and weak pairs
    curve: tuple[Point, ...]


Compare = Callable[[FramePair], PlaceEvidence]
OnPair = Callable[[int, int], None]


def judge_pairs(
    known: Mapping[FramePair, int],
    others: Iterable[FramePair],
    place_of: Mapping[str, str],
    compare: Compare,
    table: SamePlaceTable,
    on_pair: OnPair = lambda _done, _total: None,
) -> tuple[JudgedPair, ...]:
    """Every pair once, in order of names; ``known`` with the inliers it was verified with."""
    truths = {pair: _truth(inliers) for pair, inliers in known.items()} | dict.fromkeys(others, Truth.OTHER)
    judged = []
    for done, pair in enumerate(sorted(truths), 1):
        evidence = compare(pair)
        answer = judge_place(evidence, table)
        judged.append(JudgedPair(pair, place_of[pair.a], truths[pair], known.get(pair, 0), evidence, answer))
        on_pair(done, len(truths))
    return tuple(judged)


def _truth(inliers: int) -> Truth:
    return Truth.SAME if inliers >= CERTAIN else Truth.WEAK


def score(judged: Sequence[JudgedPair], table: SamePlaceTable) -> PlaceScore:
    """The figures at the table's threshold, and the curve over others."""
    by_truth = {truth: [one for one in judged if one.truth is truth] for truth in Truth}
    same, weak, others = by_truth[Truth.SAME], by_truth[Truth.WEAK], by_truth[Truth.OTHER]
    shares = _recall_by_place(same)
    steps = sorted({*STEPS, table.same.least_inliers})
    return PlaceScore(
        pairs=len(judged),
        negatives_a_positive=len(others) / len(same) if same else math.nan,
        places=len(shares),
        at=_point(same, others, table.same.least_inliers),
        recall_by_place=_resampled(shares),
        recall_mean_of_places=float(np.mean([found / all_ for found, all_ in shares])) if shares else math.nan,
        weak_said_same=_said(weak, Answer.SAME),
        others_said_other=_said(others, Answer.DIFFERENT),
        same_said_other=_said([*same, *weak], Answer.DIFFERENT),
        curve=tuple(_point(same, others, step) for step in steps),
    )


def _point(same: Sequence[JudgedPair], others: Sequence[JudgedPair], least: int) -> Point:
    found, false = (sum(one.score >= least for one in pairs) for pairs in (same, others))
    return Point(least, Rate.of(found, found + false), Rate.of(found, len(same)), Rate.of(false, len(others)))


def _said(pairs: Sequence[JudgedPair], answer: Answer) -> Rate:
    return Rate.of(sum(one.answer is answer for one in pairs), len(pairs))


def _recall_by_place(same: Iterable[JudgedPair]) -> list[tuple[int, int]]:
    """(found, all) of each place."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in same:
        counts[one.place][0] += one.answer is Answer.SAME
        counts[one.place][1] += 1
    return [(found, whole) for _, (found, whole) in sorted(counts.items())]


def _resampled(shares: Sequence[tuple[int, int]], seed: int = 0) -> Interval:
    if not shares:
        return Interval(math.nan, math.nan)
    n = len(shares)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=DRAWS)
    found, whole = (weights @ np.array(shares, np.float64)).T
    return interval(found / whole)


def worst(judged: Sequence[JudgedPair], truth: Truth, number: int) -> tuple[JudgedPair, ...]:
    """Positives with the least support, or negatives with the most; ties by name."""
    sign = 1 if truth is not Truth.OTHER else -1
    pairs = (one for one in judged if one.truth is truth)
    return tuple(sorted(pairs, key=lambda one: (sign * one.evidence.inliers, one.pair))[:number])
