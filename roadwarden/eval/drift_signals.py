"""Is this week another population than the reference? Effects with limits, and a test that knows of streets.

A Poisson or chi-square test takes each detection for an independent draw. They are not: one cracked street gives a
hundred. So the test rearranges blocks of road between the week and the reference and asks how often chance alone makes
an effect as large; Holm's correction holds the chance of any false alarm over all signals of a week.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy import stats

from roadwarden.eval.counts import Numbers
from roadwarden.eval.drift_blocks import SCORE_BINS, Blocks
from roadwarden.eval.drift_settings import DriftSettings, Limits

CHUNK = 250
"""Rearrangements summed at once: bounds the memory whatever their number."""
WEEKS_FOR_USUAL = 4
PSI_BINS = 10


class Trust(StrEnum):
    """What a week does to the type accuracy that was proven on the reference."""

    TRUSTED = "TRUSTED"
    WATCH = "WATCH"  # something moved, or nobody has looked for long; the number may still be used
    NOT_TRUSTED = "NOT_TRUSTED"  # the number must not be quoted for this week
    TOO_LITTLE_DATA = "TOO_LITTLE_DATA"  # neither


class SignalKind(StrEnum):
    """What is compared; the subject is a type, an outcome, or nothing."""

    COUNT = "count"  # detections of a type per 1,000 usable frames; effect: factor, at least 1
    SCORE = "score"  # scores of a type, shown as their medians; effect: Kolmogorov-Smirnov distance
    QUALITY = "quality"  # share of frames with an outcome that is not usable; effect: Cohen's h
    ACCURACY = "accuracy"  # audited type accuracy; effect: its fall, negative where it rose


@dataclass(frozen=True, slots=True)
class Signal:
    """One comparison."""

    kind: SignalKind
    subject: str
    reference: float
    week: float
    effect: float  # in the unit of the kind's limits
    usual: float  # how far weeks differ anyway, see ``usual_effects``; NaN with fewer than four reference weeks
    p: float  # corrected for all signals of the week; NaN where too little was there to test
    trust: Trust
    n_reference: int  # detections, frames or boxes
    n_week: int
    psi: float = np.nan  # of scores, over tenths of the reference; shown, decides nothing


@dataclass(frozen=True, slots=True)
class Sums:
    """Blocks summed; a leading axis of draws or weeks, then as in ``Blocks``."""

    frames: Numbers
    usable: Numbers
    unusable: Numbers
    cumulated: Numbers  # (..., k, SCORE_BINS) detections by type up to the end of each bin of scores

    @property
    def detections(self) -> Numbers:
        """(..., k) by type."""
        return self.cumulated[..., -1]

    @property
    def scores(self) -> Numbers:
        """(..., k, SCORE_BINS) detections by type and bin."""
        return np.diff(self.cumulated, axis=-1, prepend=0)

    @property
    def rate(self) -> Numbers:
        """(..., k) detections per 1,000 usable frames; 0 without any frame."""
        return 1000 * self.detections / np.maximum(self.usable, 1)[..., None]

    @property
    def share(self) -> Numbers:
        """(..., q) of all frames."""
        return self.unusable / np.maximum(self.frames, 1)[..., None]


def flat(blocks: Blocks) -> Numbers:
    """(n, features) what ``unflat`` takes apart again after summing; scores are cumulated here, once for all draws."""
    cumulated = blocks.scores.cumsum(axis=-1).reshape(len(blocks), -1)
    parts = [blocks.frames[:, None], blocks.usable[:, None], blocks.unusable, cumulated]
    return np.concatenate(parts, axis=1)


def unflat(rows: Numbers, outcomes: int) -> Sums:
    """Sums from (draws, features)."""
    cumulated = rows[:, 2 + outcomes :].reshape(len(rows), -1, SCORE_BINS)
    return Sums(rows[:, 0], rows[:, 1], rows[:, 2 : 2 + outcomes], cumulated)


def effects(week: Sums, reference: Sums) -> Numbers:
    """(draws, 2k + q): factors of counts, distances of scores, h of outcomes; each in the unit of its limits."""
    return np.concatenate([factors(week, reference), distances(week, reference), cohens_h(week, reference)], axis=1)


def factors(week: Sums, reference: Sums) -> Numbers:
    """How many times the rate of a type went up or down, at least 1.

    Half a detection at the pooled rate is added on both sides, so that none at all is no infinite factor.
    """
    total = np.maximum(week.detections + reference.detections, 1)
    spread = (0.5 / total) * (week.usable + reference.usable)[..., None]
    ours = (week.detections + 0.5) / (week.usable[..., None] + spread)
    theirs = (reference.detections + 0.5) / (reference.usable[..., None] + spread)
    return np.asarray(np.exp(np.abs(np.log(ours / theirs))))


def distances(week: Sums, reference: Sums) -> Numbers:
    """Largest gap between the two cumulated score histograms of a type; 0 where either is empty."""
    ours, theirs = week.cumulated, reference.cumulated
    gap = np.abs(ours / np.maximum(ours[..., -1:], 1) - theirs / np.maximum(theirs[..., -1:], 1)).max(axis=-1)
    return np.where((ours[..., -1] > 0) & (theirs[..., -1] > 0), gap, 0.0)


def cohens_h(week: Sums, reference: Sums) -> Numbers:
    """Difference of two shares on the scale on which it is equally hard to see everywhere, without its sign."""
    return np.asarray(2 * np.abs(np.arcsin(np.sqrt(week.share)) - np.arcsin(np.sqrt(reference.share))))


def population_stability(week: Numbers, reference: Numbers) -> float:
    """PSI of two score histograms over tenths of the reference; NaN where either is empty.

    Read as 0.1 moderate and 0.25 large by custom; without a change it is still about 9 (1/n + 1/m) (Yurdakul and
    Naranjo 2020), which is why it decides nothing here.
    """
    if not week.sum() or not reference.sum():
        return float("nan")
    middle = (reference.cumsum() - reference / 2) / reference.sum()
    tenth = np.minimum((middle * PSI_BINS).astype(int), PSI_BINS - 1)
    used = np.unique(tenth[(week + reference) > 0])
    ours, theirs = (
        (np.bincount(tenth, weights=one, minlength=PSI_BINS)[used] + 0.5) / (one.sum() + 0.5 * len(used))
        for one in (week, reference)
    )
    return float(((ours - theirs) * np.log(ours / theirs)).sum())


def rearranged(
    rows: Numbers, size: int, statistic: Callable[[Numbers, Numbers], Numbers], draws: int, seed: int
) -> Numbers:
    """(draws, signals) of ``statistic(first, second)`` where ``size`` rows, drawn at random, are the first sum."""
    rng, total, values = np.random.default_rng(seed), rows.sum(axis=0), []
    for start in range(0, draws, CHUNK):
        count = min(CHUNK, draws - start)
        chosen = rng.random((count, len(rows))).argpartition(size - 1, axis=1)[:, :size]
        weights = np.zeros((count, len(rows)))
        np.put_along_axis(weights, chosen, 1.0, axis=1)
        first = weights @ rows
        values.append(statistic(first, total - first))
    return np.concatenate(values)


def p_values(seen: Numbers, by_chance: Numbers) -> Numbers:
    """(signals,) share of the draws, the real one among them, that are at least as large."""
    as_large = (by_chance >= seen - 1e-12).sum(axis=0)
    return np.asarray((1 + as_large) / (1 + len(by_chance)))


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction, in the order given; NaN stays NaN and counts for nothing."""
    corrected = [float("nan")] * len(p)
    order = sorted((i for i in range(len(p)) if not np.isnan(p[i])), key=lambda i: p[i])
    reached = 0.0
    for rank, i in enumerate(order):
        reached = max(reached, min(1.0, (len(order) - rank) * p[i]))
        corrected[i] = reached
    return corrected


def trust_of(effect: float, usual: float, p: float, limits: Limits, settings: DriftSettings) -> Trust:
    """What one signal says: it has to be significant, large, and larger than the reference weeks differ anyway."""
    if np.isnan(p):
        return Trust.TOO_LITTLE_DATA
    if p >= settings.significance or effect <= (0.0 if np.isnan(usual) else usual):
        return Trust.TRUSTED
    if effect >= limits.alarm:
        return Trust.NOT_TRUSTED
    return Trust.WATCH if effect >= limits.watch else Trust.TRUSTED


@dataclass(frozen=True, slots=True)
class Compared:
    """A week beside the reference, before anything is decided; axes as in ``effects``."""

    week: Sums
    reference: Sums
    effects: Numbers  # (2k + q,)
    usual: Numbers
    p: Numbers  # not corrected; NaN where too little was there to test


def compare(week: Blocks, reference: Blocks, settings: DriftSettings) -> Compared:
    """Tests every type and outcome; both need at least one block."""
    rows, q = np.concatenate([flat(week), flat(reference)]), len(week.outcomes)
    ours, theirs = (unflat(flat(one).sum(axis=0, keepdims=True), q) for one in (week, reference))

    def statistic(first: Numbers, second: Numbers) -> Numbers:
        return effects(unflat(first, q), unflat(second, q))

    seen = effects(ours, theirs)[0]
    chance = rearranged(rows, len(week), statistic, settings.rearrangements, settings.seed)
    p = np.where(_testable(ours, theirs, settings), p_values(seen, chance), np.nan)
    return Compared(ours, theirs, seen, usual_effects(reference, statistic, settings.usual_chance), p)


def _testable(week: Sums, reference: Sums, settings: DriftSettings) -> npt.NDArray[np.bool_]:
    expected = reference.rate[0] * week.usable[0] / 1000
    counted = np.maximum(expected, week.detections[0]) >= settings.min_detections
    scored = np.minimum(week.detections[0], reference.detections[0]) >= settings.min_detections
    return np.concatenate([counted, scored, np.ones(week.unusable.shape[1], bool)])


def usual_effects(reference: Blocks, statistic: Callable[[Numbers, Numbers], Numbers], chance: float) -> Numbers:
    """(signals,) what a new week exceeds with that chance, in any signal of a kind, if it differs as those weeks do.

    Other routes make other counts, and blocks within a week cannot tell. So each reference week is compared with the
    others, and the spread of those effects becomes a prediction interval of Student's t; of factors, their logarithms.
    """
    weeks, rows = np.unique(reference.week), flat(reference)
    by_week = np.array([rows[reference.week == week].sum(axis=0) for week in weeks])
    found = statistic(by_week, rows.sum(axis=0) - by_week)
    n, k = len(weeks), len(reference.types)
    if n < WEEKS_FOR_USUAL:
        return np.full(found.shape[1], np.nan)
    found[:, :k] = np.log(found[:, :k])
    of_kind = np.repeat([k, k, len(reference.outcomes)], [k, k, len(reference.outcomes)])
    quantile = stats.t.ppf(1 - chance / 2 / of_kind, n - 1)
    usual = quantile * np.sqrt((found**2).mean(axis=0) * (1 - 1 / n**2))
    usual[:k] = np.exp(usual[:k])
    return np.asarray(usual)


def input_signals(compared: Compared, blocks: Blocks, p: Sequence[float], settings: DriftSettings) -> list[Signal]:
    """The comparison as signals, with the corrected ``p`` of each."""
    week, reference, k = compared.week, compared.reference, len(blocks.types)
    numbers = [(week.detections[0, i], reference.detections[0, i]) for i in range(k)]
    rows = [
        *((SignalKind.COUNT, str(one), (week.rate[0, i], reference.rate[0, i]), numbers[i], settings.counts)
          for i, one in enumerate(blocks.types)),
        *((SignalKind.SCORE, str(one), (median(week.scores[0, i]), median(reference.scores[0, i])), numbers[i],
           settings.scores) for i, one in enumerate(blocks.types)),
        *((SignalKind.QUALITY, one, (week.share[0, i], reference.share[0, i]), (week.frames[0], reference.frames[0]),
           settings.quality) for i, one in enumerate(blocks.outcomes)),
    ]  # fmt: skip
    return [
        Signal(
            kind=kind,
            subject=subject,
            reference=float(values[1]),
            week=float(values[0]),
            effect=float(compared.effects[i]),
            usual=float(compared.usual[i]),
            p=p[i],
            trust=trust_of(float(compared.effects[i]), float(compared.usual[i]), p[i], limits, settings),
            n_reference=int(n[1]),
            n_week=int(n[0]),
            psi=population_stability(week.scores[0, i - k], reference.scores[0, i - k])
            if kind is SignalKind.SCORE
            else np.nan,
        )
        for i, (kind, subject, values, n, limits) in enumerate(rows)
    ]


def median(histogram: Numbers) -> float:
    """Of scores, drawn straight through its bin; NaN where there is none."""
    cumulated, half = np.concatenate([[0.0], histogram.cumsum()]), histogram.sum() / 2
    if not half:
        return float("nan")
    place = int(np.searchsorted(cumulated, half)) - 1
    return float((place + (half - cumulated[place]) / histogram[place]) / SCORE_BINS)
