"""Weeks of batch-job output beside a reference: can the type accuracy proven there still be quoted?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from roadwarden.data.corrections import Correction, Verdict
from roadwarden.data.weeks import monday_of, parse_weeks, weeks_between
from roadwarden.eval import drift_words as words
from roadwarden.eval.drift_audit import Accuracy, Audits, fall_p
from roadwarden.eval.drift_blocks import Blocks, Windows
from roadwarden.eval.drift_report import Audited, DriftReport, WeekReport
from roadwarden.eval.drift_settings import DriftSettings
from roadwarden.eval.drift_signals import (
    Compared,
    Signal,
    SignalKind,
    Sums,
    Trust,
    compare,
    flat,
    holm,
    input_signals,
    trust_of,
    unflat,
)
from roadwarden.eval.drift_words import Reason
from roadwarden.taxonomy import DistressType

GRAVITY = (Trust.NOT_TRUSTED, Trust.TOO_LITTLE_DATA, Trust.WATCH, Trust.TRUSTED)
KNOWN_ROAD = 0.5
"""Where the reference has seen less of a week's blocks, a changed count may be another road; the page says so."""


def judge_drift(
    windows: Windows,
    corrections: Sequence[Correction],
    settings: DriftSettings,
    on_week: Callable[[int, int], None] = lambda _done, _total: None,
) -> DriftReport:
    """Judges every week that is not of the reference; a pure function of its arguments."""
    blocks, audits = windows.blocks, Audits.of(corrections, settings)
    reference = blocks.where(blocks.reference)
    sums = _sum(reference)
    base = _Base(reference, _models_of(windows.reference_models), tuple(sorted(windows.reference_models)), audits)
    weeks = []
    for number, (week, models) in enumerate(sorted(windows.models.items()), 1):
        chosen = blocks.where(~blocks.reference & (blocks.week == week))
        weeks.append(_judge_week(week, chosen, models, base, settings))
        on_week(number, len(windows.models))
    by_week = {week: _sum(reference.where(reference.week == week)) for week in base.weeks}
    return DriftReport(
        reference_weeks=base.weeks,
        reference_models=base.models,
        reference_frames=int(sums.frames[0]),
        reference_usable=int(sums.usable[0]),
        reference_accuracy=Accuracy.of(base.accuracy_table(settings)),
        reference_rates={week: _rates(blocks.types, one) for week, one in by_week.items()},
        scores=_histograms(blocks, weeks),
        weeks=tuple(weeks),
        undated=windows.undated,
        settings=settings,
    )


@dataclass(frozen=True, slots=True)
class _Base:
    """The reference and all audits."""

    blocks: Blocks
    models: Mapping[str, int]
    weeks: tuple[str, ...]
    audits: Audits

    def accuracy_table(self, settings: DriftSettings) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(blocks, 2) audited boxes of the reference, under any of its models."""
        return np.concatenate([np.zeros((0, 2)), *(self.audits.table(self.weeks, model) for model in self.models)])


def _judge_week(
    week: str, blocks: Blocks, models: Mapping[str, int], base: _Base, settings: DriftSettings
) -> WeekReport:
    sums, model = _sum(blocks), max(models, key=lambda name: models[name])
    audited = _audited(week, model, base.audits, settings)
    enough = sums.usable[0] >= settings.min_frames and len(blocks) >= settings.min_blocks
    compared = compare(blocks, base.blocks, settings) if enough and len(base.blocks) else None
    signals = _signals(week, model, compared, blocks, base, audited, settings)
    known = _known_road(blocks, base.blocks)
    reasons = [
        *_facts(models, audited, settings),
        *_softened(
            _inputs(models, signals, sums, len(blocks), compared is not None, base, settings), audited, settings
        ),
        *_evidence(week, model, audited, base, settings),
    ]
    trust = next(one for one in GRAVITY if one in {Trust.TRUSTED, *(reason.trust for reason in reasons)})
    if trust is Trust.TRUSTED:
        reasons.append(words.quiet())
    elif known < KNOWN_ROAD and any(one.kind is SignalKind.COUNT and one.trust is not Trust.TRUSTED for one in signals):
        reasons.append(words.new_roads(known))
    return WeekReport(
        week=week,
        trust=trust,
        reasons=tuple(sorted(reasons, key=lambda reason: GRAVITY.index(reason.trust))),
        frames=int(sums.frames[0]),
        usable=int(sums.usable[0]),
        models=models,
        known_road=known,
        rates=_rates(blocks.types, sums),
        signals=tuple(signals),
        audited=audited,
    )


def _audited(week: str, model: str, audits: Audits, settings: DriftSettings) -> Audited:
    pool = _weeks_until(week, settings.pool_weeks)
    return Audited(
        week=Accuracy.of(audits.table([week], model)),
        pooled=Accuracy.of(audits.table(pool, model)),
        pooled_weeks=settings.pool_weeks,
        by_type=audits.by_type(pool, model),
        others={verdict: audits.others[week, verdict] for verdict in Verdict if audits.others[week, verdict]},
    )


def _weeks_until(week: str, count: int) -> tuple[str, ...]:
    first = monday_of(week).toordinal() - 7 * (count - 1)
    year, number, _ = type(monday_of(week)).fromordinal(first).isocalendar()
    return parse_weeks(f"{year:04d}-W{number:02d}..{week}")


def _signals(
    week: str,
    model: str,
    compared: Compared | None,
    blocks: Blocks,
    base: _Base,
    audited: Audited,
    settings: DriftSettings,
) -> list[Signal]:
    """The inputs and the audit as one family of tests, so that their false alarms together stay below the limit."""
    ours, theirs = base.audits.table([week], model), base.accuracy_table(settings)
    raw = [] if compared is None else compared.p.tolist()
    p = holm([*raw, fall_p(ours, theirs, settings)])
    signals = [] if compared is None else input_signals(compared, blocks, p[:-1], settings)
    reference = Accuracy.of(theirs)
    fall = reference.share - audited.week.share
    trust = trust_of(fall, math.nan, p[-1], settings.accuracy, settings)
    return [*signals, Signal(SignalKind.ACCURACY, "audit", reference.share, audited.week.share, fall, math.nan, p[-1],
                             trust, reference.n, audited.week.n)]  # fmt: skip


def _proves(accuracy: Accuracy, settings: DriftSettings) -> bool:
    return accuracy.n >= settings.min_audit and accuracy.lower > settings.promise


def _facts(models: Mapping[str, int], audited: Audited, settings: DriftSettings) -> list[Reason]:
    """What no audit can outweigh."""
    reasons = [words.mixed_models(models)] if len(models) > 1 else []
    for accuracy, pooled in ((audited.week, 1), (audited.pooled, settings.pool_weeks)):
        if accuracy.n >= settings.min_audit and accuracy.upper < settings.promise:
            reasons.append(words.below_promise(accuracy, settings.promise, pooled=pooled))
            break
    return reasons


def _inputs(
    models: Mapping[str, int],
    signals: Sequence[Signal],
    sums: Sums,
    blocks: int,
    enough: bool,
    base: _Base,
    settings: DriftSettings,
) -> list[Reason]:
    """What makes the number another week's number."""
    reasons = []
    if len(models) == 1 and set(models) - set(base.models):
        reasons.append(words.other_model(next(iter(models)), list(base.models)))
    if not enough:
        needed = settings.min_frames, settings.min_blocks
        reasons.append(words.too_little(int(sums.usable[0]), blocks, *needed))
    moved = [one for one in signals if one.trust in {Trust.WATCH, Trust.NOT_TRUSTED}]
    return reasons + [words.of_signal(one, one.trust) for one in moved]


def _softened(reasons: list[Reason], audited: Audited, settings: DriftSettings) -> list[Reason]:
    """A week whose own audit proves the promise needs no number from elsewhere: what moved is worth a look only."""
    if not reasons or not _proves(audited.week, settings):
        return reasons
    return [replace(one, trust=Trust.WATCH) for one in reasons]


def _evidence(week: str, model: str, audited: Audited, base: _Base, settings: DriftSettings) -> list[Reason]:
    """What people have seen of late."""
    if _proves(audited.week, settings):
        return [words.proven(audited.week, settings.promise)]
    pooled = audited.pooled
    if pooled.n >= settings.min_audit and pooled.lower <= settings.promise <= pooled.upper:
        return [words.unproven(pooled, settings.promise, settings.pool_weeks)]
    last = max(filter(None, [base.audits.last_week(week, model), *(one for one in base.weeks if one <= week)]),
               default=None)  # fmt: skip
    since = weeks_between(last, week) if last else 0
    return [words.unaudited(since)] if since > settings.max_weeks_unaudited else []


def _known_road(week: Blocks, reference: Blocks) -> float:
    seen = set(map(tuple, reference.place[reference.place[:, 0] == 1].tolist()))
    ours = list(map(tuple, week.place.tolist()))
    return sum(place in seen for place in ours) / len(ours)


def _sum(blocks: Blocks) -> Sums:
    return unflat(flat(blocks).sum(axis=0, keepdims=True), len(blocks.outcomes))


def _rates(types: Sequence[DistressType], sums: Sums) -> dict[DistressType, float]:
    return dict(zip(types, sums.rate[0].tolist(), strict=True))


def _models_of(by_week: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for models in by_week.values():
        for name, count in models.items():
            found[name] = found.get(name, 0) + count
    return dict(sorted(found.items()))


def _histograms(blocks: Blocks, weeks: Sequence[WeekReport]) -> dict[str, dict[DistressType, tuple[int, ...]]]:
    groups = {"reference": blocks.reference} | {
        week.week: ~blocks.reference & (blocks.week == week.week) for week in weeks
    }
    return {
        name: {
            one: tuple(map(int, blocks.scores[chosen].sum(axis=0)[i]))
            for i, one in enumerate(blocks.types)
        }
        for name, chosen in groups.items()
    }  # fmt: skip
