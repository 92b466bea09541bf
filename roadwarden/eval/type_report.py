"""How well a detector finds and types distress, as one value: the JSON file, the page and the line are views of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

import numpy as np

from roadwarden.eval.average_precision import AveragePrecision, average_precision
from roadwarden.eval.calibration import Binning, Reliability, Rightness, judged_scores, reliability
from roadwarden.eval.counts import Counts, Judge
from roadwarden.eval.coverage import CoverageCounts, coverage_judge
from roadwarden.eval.gate import Limits, shown_types
from roadwarden.eval.intervals import DRAWS
from roadwarden.eval.iou_protocol import LENIENT_IOU, IouCounts, iou_judge
from roadwarden.eval.judged import JudgedFrame
from roadwarden.eval.plain import plain
from roadwarden.eval.protocol_report import Estimate, ProtocolReport, estimate, protocol_report
from roadwarden.taxonomy import TAXONOMY_VERSION, DistressType

REPORT_VERSION = 1
SWEEP = tuple(round(float(value), 2) for value in np.arange(0.05, 0.951, 0.05))

C = TypeVar("C", bound=Counts)
Thresholds = Mapping[DistressType, float]


class Section(Protocol):
    """A part that another module adds to a report: per physical defect, see ``eval/physical.py``."""

    def as_json(self) -> dict[str, Any]:
        """For the JSON file."""

    def rows(self) -> Sequence[tuple[str, str, str]]:
        """For the page: what it is in English and in Chinese, and its value."""

    def line(self) -> str:
        """For the line."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What was judged, on what; ``judged_at`` is aware."""

    model: str
    truth: str
    judged_at: datetime
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.judged_at.tzinfo is None:
            raise ValueError("the time of the evaluation has no time zone")


@dataclass(frozen=True, slots=True)
class LabelAware:
    """The rates of the literature: right needs IoU of at least 0.5 and the same type, matched within the type."""

    recall: Estimate
    precision: Estimate
    f1: Estimate
    f1_of: dict[DistressType, float]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Reliability of the reported confidences; ``ece`` is the headline, over bins of equal mass, by coverage."""

    ece: float
    ece_equal_width: float
    ece_iou: float
    ece_iou_equal_width: float
    coverage: Reliability
    iou: Reliability


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """Both protocols when every type has the same threshold."""

    threshold: float
    found: float
    precision: float
    type_accuracy: float
    end_to_end: float
    iou_found: float
    iou_precision: float
    iou_type_accuracy: float
    iou_label_aware_f1: float


@dataclass(frozen=True, slots=True)
class TypeReport:
    """Everything at one frozen operating point; average precision and the sweep look below it."""

    subject: Subject
    thresholds: dict[DistressType, float]  # empty where everything that was handed in counts
    frames: int
    groups: int
    places: int  # known ones
    coverage: ProtocolReport
    area_found: Estimate  # share of the true area that detections cover
    iou: ProtocolReport
    label_aware: LabelAware
    iou_lenient: ProtocolReport  # at IoU 0.3
    average_precision: AveragePrecision
    calibration: Calibration
    sweep: tuple[SweepPoint, ...]
    physical: Section | None = None

    def as_json(self) -> dict[str, Any]:
        """The JSON file; null where a rate has no value."""
        fields = {name: plain(getattr(self, name)) for name in self.__slots__ if name != "physical"}
        return {
            "report_version": REPORT_VERSION,
            "taxonomy_version": TAXONOMY_VERSION,
            "bootstrap": {"by": "group", "draws": DRAWS, "level": 0.95},
            **fields,
            "physical": None if self.physical is None else self.physical.as_json(),
        }

    def line(self) -> str:
        """For people, in one line."""
        covered, matched = self.coverage, self.iou
        physical = "" if self.physical is None else f"; {self.physical.line()}"
        return (
            f"{self.subject.model} on {self.frames} frames of {self.groups} groups: "
            f"coverage: found {covered.found.value:.3f}, precision {covered.precision.value:.3f}, "
            f"type accuracy {covered.type_accuracy.value:.3f} of {covered.type_accuracy.whole} "
            f"(bound {covered.type_accuracy.bound:.3f}, by group {covered.type_accuracy.low:.3f} to "
            f"{covered.type_accuracy.high:.3f}), macro {covered.macro.value:.3f}, "
            f"end to end {covered.end_to_end.value:.3f}; "
            f"IoU 0.5: found {matched.found.value:.3f}, type accuracy {matched.type_accuracy.value:.3f}, "
            f"F1 with labels {self.label_aware.f1.value:.3f}, F1 without {matched.f1.value:.3f}; "
            f"mAP50 {self.average_precision.map50:.3f}, mAP50-95 {self.average_precision.map50_95:.3f}; "
            f"ECE {self.calibration.ece:.3f}{physical}"
        )


def type_report(
    frames: Sequence[JudgedFrame],
    thresholds: Thresholds | None,
    subject: Subject,
    *,
    physical: Section | None = None,
) -> TypeReport:
    """Judges frames at the thresholds, or everything that was seen where there are none."""
    by_coverage, by_iou = coverage_judge(frames), iou_judge(frames)
    lenient = iou_judge(frames, by_coverage.classes, iou=LENIENT_IOU)
    covered, matched = _at(by_coverage, thresholds), _at(by_iou, thresholds)
    proven = {one.type for one in shown_types(frames, covered, Limits()) if one.proven}
    coverage, covered_draws = protocol_report(covered, frames, proven)
    iou, matched_draws = protocol_report(matched, frames, proven)
    return TypeReport(
        subject=subject,
        thresholds=dict(thresholds or {}),
        frames=len(frames),
        groups=len({frame.group for frame in frames}),
        places=len({frame.place for frame in frames if frame.place}),
        coverage=coverage,
        area_found=estimate(covered.total(), covered_draws, lambda c: c.area_found),
        iou=iou,
        label_aware=_label_aware(matched.total(), matched_draws),
        iou_lenient=protocol_report(_at(lenient, thresholds), frames, proven)[0],
        average_precision=average_precision(frames, by_coverage.classes),
        calibration=_calibration(frames, thresholds),
        sweep=tuple(_sweep_point(by_coverage, by_iou, value) for value in SWEEP),
        physical=physical,
    )


def _at(judge: Judge[C], thresholds: Thresholds | None) -> C:
    return judge.all() if thresholds is None else judge.at(thresholds)


def _label_aware(whole: IouCounts, draws: IouCounts) -> LabelAware:
    return LabelAware(
        recall=estimate(whole, draws, lambda c: c.aware_recall),
        precision=estimate(whole, draws, lambda c: c.aware_precision),
        f1=estimate(whole, draws, lambda c: c.aware_f1),
        f1_of=dict(zip(whole.classes, whole.aware_f1_of.tolist(), strict=True)),
    )


def _calibration(frames: Sequence[JudgedFrame], thresholds: Thresholds | None) -> Calibration:
    reported = frames if thresholds is None else [frame.at(thresholds) for frame in frames]
    bins = {
        (rightness, binning): reliability(*judged_scores(reported, rightness), binning=binning)
        for rightness in Rightness
        for binning in Binning
    }
    coverage, iou = bins[Rightness.COVERAGE, Binning.EQUAL_MASS], bins[Rightness.IOU, Binning.EQUAL_MASS]
    return Calibration(
        ece=coverage.ece,
        ece_equal_width=bins[Rightness.COVERAGE, Binning.EQUAL_WIDTH].ece,
        ece_iou=iou.ece,
        ece_iou_equal_width=bins[Rightness.IOU, Binning.EQUAL_WIDTH].ece,
        coverage=coverage,
        iou=iou,
    )


def _sweep_point(by_coverage: Judge[CoverageCounts], by_iou: Judge[IouCounts], threshold: float) -> SweepPoint:
    common = dict.fromkeys(by_coverage.classes, threshold)
    covered, matched = by_coverage.at(common).total(), by_iou.at(common).total()
    return SweepPoint(
        threshold=threshold,
        found=float(covered.recall),
        precision=float(covered.precision),
        type_accuracy=float(covered.type_accuracy),
        end_to_end=float(covered.end_to_end),
        iou_found=float(matched.recall),
        iou_precision=float(matched.precision),
        iou_type_accuracy=float(matched.type_accuracy),
        iou_label_aware_f1=float(matched.aware_f1),
    )
