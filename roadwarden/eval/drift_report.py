"""What drift says of each week: the values behind the JSON file and the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import roadwarden
from roadwarden.data.corrections import Verdict
from roadwarden.eval.drift_audit import Accuracy
from roadwarden.eval.drift_settings import DriftSettings
from roadwarden.eval.drift_signals import Signal, Trust
from roadwarden.eval.drift_words import Reason
from roadwarden.taxonomy import TAXONOMY_VERSION, DistressType


@dataclass(frozen=True, slots=True)
class Audited:
    """What people found in a week; ``pooled`` adds the weeks before it under the same model."""

    week: Accuracy
    pooled: Accuracy
    pooled_weeks: int
    by_type: Mapping[DistressType, tuple[int, int]]  # pooled: correct and found boxes
    others: Mapping[Verdict, int]  # rows of this week that are no audit: biased, shown, never counted


@dataclass(frozen=True, slots=True)
class WeekReport:
    """One judged week; reasons come gravest first."""

    week: str
    trust: Trust
    reasons: tuple[Reason, ...]
    frames: int
    usable: int
    models: Mapping[str, int]
    known_road: float  # share of its blocks that the reference has seen too
    rates: Mapping[DistressType, float]  # detections per 1,000 usable frames
    signals: tuple[Signal, ...]
    audited: Audited


@dataclass(frozen=True, slots=True)
class DriftReport:
    """All weeks, in order of time."""

    reference_weeks: tuple[str, ...]
    reference_models: Mapping[str, int]
    reference_frames: int
    reference_usable: int
    reference_accuracy: Accuracy
    reference_rates: Mapping[str, Mapping[DistressType, float]]  # by week
    scores: Mapping[str, Mapping[DistressType, tuple[int, ...]]]  # histograms of "reference" and of each judged week
    weeks: tuple[WeekReport, ...]
    undated: int
    settings: DriftSettings

    @property
    def latest(self) -> WeekReport:
        """The week that automation asks about."""
        return self.weeks[-1]

    def line(self) -> str:
        """For humans: the latest week and why."""
        last = self.latest
        return f"{last.week} {last.trust}: {'; '.join(reason.english for reason in last.reasons)}"

    def as_json(self) -> dict[str, Any]:
        """The content of drift.json; numbers that are not known are null."""
        content = {
            "roadwarden": roadwarden.__version__,
            "taxonomy": TAXONOMY_VERSION,
            **asdict(self),
        }
        content["settings"] = self.settings.model_dump(mode="json")
        for row, week in zip(content["weeks"], self.weeks, strict=True):
            row["audited"]["week"]["share"] = week.audited.week.share
            row["audited"]["pooled"]["share"] = week.audited.pooled.share
        content["reference_accuracy"]["share"] = self.reference_accuracy.share
        cleaned: dict[str, Any] = _without_nan(content)
        return cleaned


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
