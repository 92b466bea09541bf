"""Type accuracy as people saw it, over the share of frames that was drawn before anyone looked at detections."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadwarden.data.corrections import TYPED, Correction, Verdict
from roadwarden.data.weeks import week_of
from roadwarden.eval.counts import Numbers
from roadwarden.eval.drift_blocks import cell_of
from roadwarden.eval.drift_settings import DriftSettings
from roadwarden.eval.drift_signals import p_values, rearranged
from roadwarden.taxonomy import DistressType
from roadwarden.wilson import wilson_lower


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A type accuracy with what it rests on; bounds are one-sided 95 % Wilson on the effective number of boxes."""

    correct: int
    n: int  # found boxes
    blocks: int  # pieces of road they lie on
    n_effective: float  # as many independent boxes would say as much
    lower: float
    upper: float

    @property
    def share(self) -> float:
        """NaN where nothing was found."""
        return self.correct / self.n if self.n else math.nan

    @classmethod
    def of(cls, rows: Numbers) -> Accuracy:
        """From (blocks, 2) correct and found boxes."""
        correct, n = rows.sum(axis=0) if len(rows) else (0.0, 0.0)
        size = effective_number(rows)
        right = size * correct / n if n else 0.0
        upper = 1 - wilson_lower(size - right, size) if n else 1.0
        return cls(int(correct), int(n), len(rows), size, wilson_lower(right, size), upper)


def effective_number(rows: Numbers) -> float:
    """Found boxes divided by the design effect of their blocks, never more than there are.

    The variance of a ratio over clusters (Kish 1965) over that of independent boxes: ten boxes of one crack that was
    called wrong ten times are about one mistake.
    """
    if not len(rows) or not rows[:, 1].sum():
        return 0.0
    correct, n = rows.sum(axis=0)
    share = correct / n
    if len(rows) < 2 or share in {0.0, 1.0}:
        return float(n)
    residual = rows[:, 0] - share * rows[:, 1]
    variance = len(rows) / (len(rows) - 1) * (residual**2).sum() / n**2
    effect = max(1.0, variance / (share * (1 - share) / n))
    return float(n / effect)


def headline(corrections: Sequence[Correction]) -> list[Correction]:
    """The rows that a type accuracy may be counted over: audited, one pass a frame, found boxes, in a known week."""
    return [one for one in corrections if one.audit and one.chosen and one.verdict in TYPED and one.captured_at]


def by_block(corrections: Sequence[Correction], block_m: float) -> Numbers:
    """(blocks, 2) correct and found boxes, blocks in the order they come; a frame without a position is its own."""
    found: dict[tuple[object, ...], list[int]] = {}
    for one in corrections:
        key: tuple[object, ...] = (one.frame,)
        if one.lat is not None and one.lon is not None:
            key = tuple(float(part) for part in cell_of(np.array(one.lat), np.array(one.lon), block_m))
        counts = found.setdefault(key, [0, 0])
        counts[0] += one.verdict is Verdict.CONFIRMED
        counts[1] += 1
    return np.array(list(found.values()), np.float64).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class Audits:
    """Headline rows by week, and how many others there were."""

    rows: tuple[Correction, ...]
    block_m: float
    others: Counter[tuple[str, Verdict]]  # (week, verdict) of rows that are no audit

    @classmethod
    def of(cls, corrections: Sequence[Correction], settings: DriftSettings) -> Audits:
        """Sorts them; the same box in two files counts once."""
        distinct = list(dict.fromkeys(corrections))
        others = Counter(
            (week_of(one.captured_at), one.verdict) for one in distinct if one.captured_at and not one.audit
        )
        return cls(tuple(headline(distinct)), settings.block_m, others)

    def table(self, weeks: Sequence[str], model: str) -> Numbers:
        """(blocks, 2) of those weeks under that model."""
        return by_block(self._of(weeks, model), self.block_m)

    def by_type(self, weeks: Sequence[str], model: str) -> dict[DistressType, tuple[int, int]]:
        """Correct and found boxes of each true type."""
        found: dict[DistressType, tuple[int, int]] = {}
        for one in self._of(weeks, model):
            if one.corrected is not None:
                right, n = found.get(one.corrected, (0, 0))
                found[one.corrected] = right + (one.verdict is Verdict.CONFIRMED), n + 1
        return dict(sorted(found.items()))

    def last_week(self, until: str, model: str) -> str | None:
        """The latest audited week that is not after ``until``; weeks sort as text."""
        weeks = {week for one in self._of(None, model) if (week := _week(one)) <= until}
        return max(weeks, default=None)

    def _of(self, weeks: Sequence[str] | None, model: str) -> list[Correction]:
        return [one for one in self.rows if one.model == model and (weeks is None or _week(one) in weeks)]


def _week(one: Correction) -> str:
    if one.captured_at is None:
        raise ValueError(f"{one.frame}: has no week")
    return week_of(one.captured_at)


def fall_p(week: Numbers, reference: Numbers, settings: DriftSettings) -> float:
    """How often chance alone makes the accuracy fall as far; NaN where either has fewer than ``min_audit`` boxes."""
    if min(week[:, 1].sum(), reference[:, 1].sum()) < settings.min_audit or min(len(week), len(reference)) < 2:
        return math.nan

    def fall(first: Numbers, second: Numbers) -> Numbers:
        ours, theirs = (one[:, 0] / np.maximum(one[:, 1], 1) for one in (first, second))
        return np.asarray((theirs - ours)[:, None])

    seen = fall(week.sum(axis=0, keepdims=True), reference.sum(axis=0, keepdims=True))[0]
    rows = np.concatenate([week, reference])
    return float(p_values(seen, rearranged(rows, len(week), fall, settings.rearrangements, settings.seed))[0])
