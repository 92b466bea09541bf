"""How sure a share is: Wilson's bound for boxes, and a bootstrap by group: boxes of one street are not independent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from roadwarden.eval.counts import Counts, Numbers
from roadwarden.wilson import wilson_bounds

DRAWS = 2000

C = TypeVar("C", bound=Counts)


@dataclass(frozen=True, slots=True)
class Interval:
    """What the middle ``level`` of the draws holds; NaN where no draw had a value."""

    low: float
    high: float
    level: float = 0.95


def wilson(correct: float, n: float, *, level: float = 0.95) -> Interval:
    """Wilson's two-sided interval of a share of ``n``; NaN where ``n`` is 0."""
    if n <= 0:
        return Interval(math.nan, math.nan, level)
    return Interval(*wilson_bounds(correct, n, level=level), level)


def by_group(counts: C, groups: Sequence[str]) -> C:
    """Rows of frames summed to rows of groups, groups in sorted order; ``groups`` has one name a frame."""
    names, members = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    if len(members) != len(counts.typed):
        raise ValueError(f"{len(members)} groups for {len(counts.typed)} frames")
    return counts.weighted((np.arange(len(names))[:, None] == members[None, :]).astype(np.float64))


def resampled(counts: C, groups: Sequence[str], *, draws: int = DRAWS, seed: int = 0) -> C:
    """Sums over groups drawn with replacement: one row a draw, so any rate of the counts is an array of draws.

    The same groups, draws and seed give the same draws: differences between two models are paired.
    """
    grouped = by_group(counts, groups)
    n = len(grouped.typed)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)
    return grouped.weighted(weights.astype(np.float64))


def interval(values: Numbers, *, level: float = 0.95) -> Interval:
    """The percentile interval of the draws; draws without a value (0/0) are left out."""
    known = values[~np.isnan(values)]
    if not known.size:
        return Interval(math.nan, math.nan, level)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)
