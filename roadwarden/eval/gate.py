"""The two gates that a model must pass before it is promoted; what they ask for is data, never loosened by code.

The recipe gate judges a way of training, by pooled out-of-fold predictions: every street of train + val, seen by a
model that was not shown it. The file gate judges one very ONNX file on val. Both at one frozen set of thresholds, so a
model cannot pass by naming only what is easy: what it leaves out is not found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from roadwarden.eval.calibration import BINS, Rightness, judged_scores, reliability
from roadwarden.eval.coverage import CoverageCounts, coverage_counts
from roadwarden.eval.intervals import interval, resampled
from roadwarden.eval.iou_protocol import iou_counts
from roadwarden.eval.judged import JudgedFrame
from roadwarden.taxonomy import DistressType
from roadwarden.wilson import wilson_lower

Thresholds = Mapping[DistressType, float]

LEAST_IN_BIN = 100
"""Detections in a bin of the calibration error: with 33, a perfectly calibrated detector would show 0.055 by chance."""


class GateKind(StrEnum):
    """What is judged."""

    RECIPE = "recipe"
    FILE = "file"


class Sense(StrEnum):
    """How a value must stand to its limit."""

    AT_LEAST = ">="
    ABOVE = ">"
    AT_MOST = "<="


@dataclass(frozen=True, slots=True)
class Limits:
    """What is asked for: issue 5, DOMAIN 3.2. Shares unless named otherwise."""

    type_accuracy: float = 0.90  # coverage protocol, and its Wilson bound must be above
    found: float = 0.70
    precision: float = 0.70
    iou_type_accuracy: float = 0.95
    macro: float = 0.80  # over the proven types
    proven_types: int = 4
    proven_found: int = 20  # boxes found of a type that counts as proven …
    proven_groups: int = 2  # … in at least so many groups of streets
    ece: float = 0.05
    latency_ms: float = 100.0  # a frame on one CPU thread: 10 frames a second a core, twice what a district sends


@dataclass(frozen=True, slots=True)
class Check:
    """One demand and what was measured."""

    name: str
    value: float
    sense: Sense
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the value stands to the limit as asked; what could not be measured fails."""
        if math.isnan(self.value):
            return False
        if self.sense is Sense.AT_MOST:
            return self.value <= self.limit
        return self.value > self.limit if self.sense is Sense.ABOVE else self.value >= self.limit

    def as_json(self) -> dict[str, Any]:
        """The check with its outcome."""
        value = None if math.isnan(self.value) else self.value
        return {**asdict(self), "value": value, "passed": self.passed}


@dataclass(frozen=True, slots=True)
class TypeShown:
    """One type, never averaged away: how much of it there is, and in how many streets and places."""

    type: DistressType
    true: int
    found: int
    correct: int
    groups: int  # in which it was found
    places: int  # in which it was found; frames without a known place count one each
    proven: bool


@dataclass(frozen=True, slots=True)
class Gate:
    """The outcome; ``facts`` say what was judged."""

    kind: GateKind
    model: str  # name of the model or recipe
    model_sha256: str  # of the very file; empty for a recipe
    thresholds: dict[DistressType, float]
    checks: tuple[Check, ...]
    types: tuple[TypeShown, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """What the registry asks for before it promotes."""
        return {
            "kind": str(self.kind),
            "passed": self.passed,
            "model": self.model,
            "model_sha256": self.model_sha256,
            "thresholds": {str(one): value for one, value in self.thresholds.items()},
            "checks": [check.as_json() for check in self.checks],
            "types": [{**asdict(shown), "type": str(shown.type)} for shown in self.types],
            "facts": self.facts,
        }


def recipe_gate(frames: Sequence[JudgedFrame], thresholds: Thresholds, recipe: str, limits: Limits = Limits()) -> Gate:
    """Judges pooled out-of-fold predictions."""
    coverage = coverage_counts(frames, thresholds)
    types = shown_types(frames, coverage, limits)
    proven = [shown.type for shown in types if shown.proven]
    macro = float(coverage.total().macro_type_accuracy(proven)) if proven else math.nan
    checks = (
        *overall_checks(frames, thresholds, coverage, limits),
        Check("coverage: macro type accuracy over proven types", macro, Sense.AT_LEAST, limits.macro),
        Check("proven types", len(proven), Sense.AT_LEAST, limits.proven_types),
    )
    return Gate(GateKind.RECIPE, recipe, "", dict(thresholds), checks, types, facts(frames))


@dataclass(frozen=True, slots=True)
class Champion:
    """The model in use, judged on the same frames as its challenger."""

    name: str
    frames: Sequence[JudgedFrame]
    thresholds: Thresholds


def file_gate(
    frames: Sequence[JudgedFrame],
    thresholds: Thresholds,
    *,
    model: str,
    model_sha256: str,
    latency_ms: float,
    champion: Champion | None = None,
    limits: Limits = Limits(),
) -> Gate:
    """Judges one file by what it sees on val; ``latency_ms`` was measured on one CPU thread."""
    coverage = coverage_counts(frames, thresholds)
    at_point = [frame.at(thresholds) for frame in frames]
    scores, right = judged_scores(at_point, Rightness.COVERAGE)
    ece = reliability(scores, right, bins=max(1, min(BINS, len(scores) // LEAST_IN_BIN))).ece
    checks = [
        *overall_checks(frames, thresholds, coverage, limits),
        Check("expected calibration error", ece, Sense.AT_MOST, limits.ece),
        Check("latency on one thread, ms a frame", latency_ms, Sense.AT_MOST, limits.latency_ms),
    ]
    if champion is not None:
        checks.extend(champion_checks(frames, coverage, champion))
    return Gate(
        GateKind.FILE,
        model,
        model_sha256,
        dict(thresholds),
        tuple(checks),
        shown_types(frames, coverage, limits),
        {**facts(frames), "champion": champion.name if champion else None},
    )


def overall_checks(
    frames: Sequence[JudgedFrame], thresholds: Thresholds, coverage: CoverageCounts, limits: Limits
) -> tuple[Check, ...]:
    """What both gates ask for."""
    whole = coverage.total()
    bound = wilson_lower(float(whole.correct), float(whole.found))
    by_iou = float(iou_counts(frames, thresholds).total().type_accuracy)
    return (
        Check("coverage: type accuracy", float(whole.type_accuracy), Sense.AT_LEAST, limits.type_accuracy),
        Check("coverage: Wilson bound of type accuracy", bound, Sense.ABOVE, limits.type_accuracy),
        Check("coverage: found", float(whole.recall), Sense.AT_LEAST, limits.found),
        Check("coverage: precision", float(whole.precision), Sense.AT_LEAST, limits.precision),
        Check("IoU: type accuracy", by_iou, Sense.AT_LEAST, limits.iou_type_accuracy),
    )


def champion_checks(frames: Sequence[JudgedFrame], coverage: CoverageCounts, champion: Champion) -> list[Check]:
    """Never surely worse: the interval of the paired difference, bootstrapped by group, must reach above zero."""
    groups = [frame.group for frame in frames]
    if [frame.name for frame in frames] != [frame.name for frame in champion.frames]:
        raise ValueError("champion and challenger were judged on different frames")
    ours = resampled(coverage, groups)
    theirs = resampled(coverage_counts(champion.frames, champion.thresholds, coverage.classes), groups)
    pairs = {
        "type accuracy": ours.type_accuracy - theirs.type_accuracy,
        "found": ours.recall - theirs.recall,
        "end to end": ours.end_to_end - theirs.end_to_end,
    }
    return [
        Check(f"not worse than {champion.name}: upper end of the difference in {name}", interval(draws).high,
              Sense.AT_LEAST, 0.0)
        for name, draws in pairs.items()
    ]  # fmt: skip


def shown_types(frames: Sequence[JudgedFrame], coverage: CoverageCounts, limits: Limits) -> tuple[TypeShown, ...]:
    """Every type with its numbers; proven are those found often enough, in enough streets."""
    shown = []
    for column, distress in enumerate(coverage.classes):
        rows = np.flatnonzero(coverage.found_of[:, column]).tolist()
        groups = {frames[row].group for row in rows}
        places = {frames[row].place or frames[row].name for row in rows}
        true, found, correct = (
            int(one[:, column].sum()) for one in (coverage.true_of, coverage.found_of, coverage.correct_of)
        )
        proven = found >= limits.proven_found and len(groups) >= limits.proven_groups
        shown.append(TypeShown(distress, true, found, correct, len(groups), len(places), proven))
    return tuple(shown)


def facts(frames: Sequence[JudgedFrame]) -> dict[str, Any]:
    """What was judged."""
    return {
        "frames": len(frames),
        "boxes": sum(len(frame.true_types) for frame in frames),
        "groups": len({frame.group for frame in frames}),
        "places": len({frame.place for frame in frames if frame.place}),
    }
