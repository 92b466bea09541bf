"""Whether more than half of the time of the process was saved: computed against a recorded baseline, or refused.

The saving is one less the mean of now over the mean of the baseline, with a percentile bootstrap interval in which
cases of both are drawn with replacement. It is called proven or disproven only when all of it lies on one side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from roadwarden.cases.kpi_values import Period
from roadwarden.cases.stages import ProcessStage
from roadwarden.cases.tables import Strict, Words
from roadwarden.settings import read_strict_yaml

CLAIM = 0.5
"""The brief: more than 50 % of the time of the whole process saved."""
LEVEL = 0.95
DRAWS = 2000
FEWEST = 30
"""Cases on either side below which a mean of such skewed times says nothing."""
MOST_UNFINISHED = 0.1
"""Share of the filed cases still open above which the finished ones are no sample of all: the slow ones are missing."""
_DRAWN_AT_ONCE = 4_000_000

Hours = npt.NDArray[np.float64]
Sample = tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...]


class Baseline(Strict):
    """How long each stage took before, case by case; a file that somebody signs for."""

    recorded_on: date = Field(description="day on which it was recorded")
    source: str = Field(min_length=1, description="who recorded it, and from what: a ledger, a study, event lines")
    from_: date = Field(alias="from", description="first day of the cases")
    to: date = Field(description="the day after the last")
    hours: dict[ProcessStage, Sample] = Field(description="for each stage the hours of each case")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.from_ >= self.to:
            raise ValueError("'to' is not after 'from'")
        if not self.hours:
            raise ValueError("'hours' has no stage")
        return self


def read_baseline(path: Path) -> Baseline:
    """From YAML or JSON; raises ConfigError that lists every fault."""
    return read_strict_yaml(path, Baseline)


def recorded(hours: Mapping[ProcessStage, Sequence[float]], period: Period, source: str, zone: str) -> dict[str, Any]:
    """A baseline file's content from the stage hours of a period; its days are those of ``zone``."""
    days = [moment.astimezone(ZoneInfo(zone)).date() for moment in (period.now, period.start, period.end)]
    samples = {stage.value: [round(one, 3) for one in hours[stage]] for stage in ProcessStage if hours.get(stage)}
    return {"recorded_on": days[0], "source": source, "from": days[1], "to": days[2], "hours": samples}


class Claim(StrEnum):
    """What may be said of "more than 50 % saved"."""

    PROVEN = "proven"
    DISPROVEN = "disproven"
    REFUSED = "refused"


class Refusal(StrEnum):
    """Why nothing may be said."""

    NO_BASELINE = "no_baseline"
    TOO_FEW = "too_few"
    UNFINISHED = "unfinished"
    SPANS = "spans"  # the interval holds both what is claimed and what is not
    NO_TIME_BEFORE = "no_time_before"


@dataclass(frozen=True, slots=True)
class Saving:
    """Of one stage. Shares 0..1, negative where it takes longer now; None where there is nothing to reckon with."""

    stage: ProcessStage
    n_before: int
    n_now: int
    mean_before_h: float | None
    mean_now_h: float | None
    saved: float | None
    low: float | None
    high: float | None
    claim: Claim
    refusal: Refusal | None
    because: Words


def savings(
    now: Mapping[ProcessStage, Sequence[float]], baseline: Baseline | None, unfinished: float, *, seed: int = 0
) -> tuple[Saving, ...]:
    """One for each stage, the whole process last. ``unfinished``: share 0..1 of the filed cases that are still open."""
    before = baseline.hours if baseline is not None else {}
    return tuple(
        saving(stage, before.get(stage, ()), now.get(stage, ()), unfinished, recorded=baseline is not None, seed=seed)
        for stage in ProcessStage
    )


def saving(
    stage: ProcessStage,
    before: Sequence[float],
    now: Sequence[float],
    unfinished: float,
    *,
    recorded: bool = True,
    seed: int = 0,
) -> Saving:
    """The saving of one stage from the hours of cases before and now; the same seed gives the same interval."""
    then, today = np.asarray(before, np.float64), np.asarray(now, np.float64)
    saved, low, high = _interval(then, today, seed)
    refusal, because = _refusal(then, today, (low, high), unfinished, recorded)
    claim = Claim.REFUSED if refusal is not None else Claim.PROVEN if (low or 0.0) > CLAIM else Claim.DISPROVEN
    return Saving(
        stage=stage,
        n_before=len(then),
        n_now=len(today),
        mean_before_h=float(then.mean()) if len(then) else None,
        mean_now_h=float(today.mean()) if len(today) else None,
        saved=saved,
        low=low,
        high=high,
        claim=claim,
        refusal=refusal,
        because=because or _said(claim),
    )


def _interval(then: Hours, today: Hours, seed: int) -> tuple[float | None, float | None, float | None]:
    if not len(then) or not len(today) or not then.any():
        return None, None, None
    rng = np.random.default_rng(seed)
    before, now = _means(then, rng), _means(today, rng)
    with np.errstate(divide="ignore", invalid="ignore"):
        draws = np.where(before > 0, 1 - now / before, np.where(now > 0, -np.inf, 0.0))
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
    return float(1 - today.mean() / then.mean()), float(low), float(high)


def _means(hours: Hours, rng: np.random.Generator) -> Hours:
    """Means of ``DRAWS`` samples with replacement, some at a time so that a city's year fits in memory."""
    each = max(1, _DRAWN_AT_ONCE // len(hours))
    parts = []
    for first in range(0, DRAWS, each):
        drawn = rng.integers(0, len(hours), size=(min(each, DRAWS - first), len(hours)))
        parts.append(hours[drawn].mean(axis=1))
    return np.concatenate(parts)


def _refusal(
    then: Hours, today: Hours, ends: tuple[float | None, float | None], unfinished: float, recorded: bool
) -> tuple[Refusal | None, Words | None]:
    low, high = ends
    if not recorded:
        return Refusal.NO_BASELINE, Words(english="no baseline is recorded", chinese="未登记基线")
    if len(then) < FEWEST or len(today) < FEWEST:
        return Refusal.TOO_FEW, Words(
            english=f"{len(then)} cases before and {len(today)} now; both want {FEWEST} or more",
            chinese=f"基线 {len(then)} 件, 现在 {len(today)} 件, 各须不少于 {FEWEST} 件",
        )
    if unfinished > MOST_UNFINISHED:
        share, most = f"{unfinished:.0%}", f"{MOST_UNFINISHED:.0%}"
        return Refusal.UNFINISHED, Words(
            english=f"{share} of the filed cases are still open, more than {most}: the slow ones are missing",
            chinese=f"立案案件中 {share} 尚未结案, 超过 {most}: 缺少用时较长的案件",
        )
    if low is None or high is None:
        return Refusal.NO_TIME_BEFORE, Words(
            english="the stage took no time before; nothing can be saved", chinese="该环节基线用时为零, 无从节约"
        )
    if low <= CLAIM <= high:
        interval = f"{low:.1%} – {high:.1%}"
        return Refusal.SPANS, Words(
            english=f"the interval {interval} spans {CLAIM:.0%}; more cases are wanted",
            chinese=f"区间 {interval} 跨过 {CLAIM:.0%}, 需要更多案件",
        )
    return None, None


def _said(claim: Claim) -> Words:
    more, side = ("more", "above") if claim is Claim.PROVEN else ("not more", "below")
    over, lies = ("超过", "高于") if claim is Claim.PROVEN else ("未超过", "低于")
    return Words(
        english=f"{more} than {CLAIM:.0%} saved: the whole {LEVEL:.0%} interval lies {side}",
        chinese=f"节约{over} {CLAIM:.0%}: {LEVEL:.0%} 区间整体{lies} {CLAIM:.0%}",
    )
