"""Whether a smaller file of a model says what the large one says: box by box, and by both figures that are promised."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roadwarden.eval.average_precision import average_precision
from roadwarden.eval.bench_precision import Speed
from roadwarden.eval.counts import Numbers
from roadwarden.eval.coverage import CoverageCounts, coverage_counts
from roadwarden.eval.gate import Check, Sense
from roadwarden.eval.judged import JudgedFrame, Seen
from roadwarden.eval.matching import match
from roadwarden.eval.plain import plain
from roadwarden.eval.predictions import look
from roadwarden.eval.truth import TrueFrame
from roadwarden.models.onnx import sha256_of
from roadwarden.taxonomy import DistressType

SAME_BOX_IOU = 0.7
WORST_TYPE_LOSS = 0.005
WORST_MAP50_LOSS = 0.015
SPEED_TARGET = 1.6
"""Of 8-bit over 32-bit, on a CPU that has VNNI."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What becomes of the reference's boxes; doubtful ones of the candidate count too, a threshold may lie between."""

    boxes: int  # that the reference reports at its thresholds
    paired: int  # of them, overlapped by a box of the candidate by an IoU of at least 0.7, whatever its score
    same_type: int  # of the paired
    mean_score_difference: float  # of the paired, absolute; NaN where none is
    worst_score_difference: float

    @property
    def share(self) -> float:
        """Paired and of the same type; 1 where the reference reports nothing."""
        return self.same_type / self.boxes if self.boxes else 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one file on the frames, at the thresholds of its card; coverage protocol, and mAP50 as COCO has it."""

    name: str
    sha256: str
    found: float
    precision: float
    type_accuracy: float
    map50: float


@dataclass(frozen=True, slots=True)
class Parity:
    """The outcome. Accuracy decides whether it passed; speed belongs to a machine and is a target beside it."""

    frames: int
    reference: Figures
    candidate: Figures
    agreement: Agreement
    speeds: tuple[Speed, ...] = ()

    @property
    def checks(self) -> tuple[Check, ...]:
        """What must hold; shares."""
        type_loss = self.reference.type_accuracy - self.candidate.type_accuracy
        map_loss = self.reference.map50 - self.candidate.map50
        return (
            Check("type accuracy lost", type_loss, Sense.AT_MOST, WORST_TYPE_LOSS),
            Check("mAP50 lost", map_loss, Sense.AT_MOST, WORST_MAP50_LOSS),
        )

    @property
    def passed(self) -> bool:
        """Whether the small file may stand for the large one."""
        return all(check.passed for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """The checks, the figures of both files, the agreement and the speed."""
        return {
            "passed": self.passed,
            "checks": [check.as_json() for check in self.checks],
            **{name: plain(value) for name, value in asdict(self).items()},
            "speed_target": SPEED_TARGET,
        }

    def lines(self) -> list[str]:
        """For people: verdict, figures, boxes, speed."""
        verdict = "; ".join(
            f"{one.name} {100 * one.value:.2f} points (limit {100 * one.limit:.1f}{'' if one.passed else ', FAILED'})"
            for one in self.checks
        )
        agreed, ours, theirs = self.agreement, self.reference, self.candidate
        lines = [
            f"parity {'passed' if self.passed else 'FAILED'} on {self.frames} frames: {verdict}",
            f"found {ours.found:.3f} → {theirs.found:.3f}, precision {ours.precision:.3f} → {theirs.precision:.3f}, "
            f"type accuracy {ours.type_accuracy:.3f} → {theirs.type_accuracy:.3f}, "
            f"mAP50 {ours.map50:.3f} → {theirs.map50:.3f}",
            f"{agreed.same_type} of {agreed.boxes} boxes are the same with the same type; "
            f"scores differ by {agreed.mean_score_difference:.3f} on average, "
            f"{agreed.worst_score_difference:.3f} at most",
        ]
        return lines + [speed.line() for speed in self.speeds]


def compare(
    reference: Path,
    candidate: Path,
    truth: Sequence[TrueFrame],
    *,
    speeds: Sequence[Speed] = (),
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> Parity:
    """Looks at the frames with both files; ``tell`` hears of frames done, of twice as many as there are."""
    total = 2 * len(truth)
    ours, thresholds = look(reference, truth, tell=lambda done, _: tell(done, total))
    theirs, their_thresholds = look(candidate, truth, tell=lambda done, _: tell(len(truth) + done, total))
    return Parity(
        frames=len(truth),
        reference=figures(reference, ours, thresholds),
        candidate=figures(candidate, theirs, their_thresholds),
        agreement=agreement([one.at(thresholds).seen for one in ours], [one.seen for one in theirs]),
        speeds=tuple(speeds),
    )


def figures(model: Path, frames: Sequence[JudgedFrame], thresholds: Mapping[DistressType, float]) -> Figures:
    """What the file does on the frames; NaN where there is nothing to count."""
    counts: CoverageCounts = coverage_counts(frames, thresholds).total()
    return Figures(
        name=model.name,
        sha256=sha256_of(model),
        found=float(counts.recall),
        precision=float(counts.precision),
        type_accuracy=float(counts.type_accuracy),
        map50=average_precision(frames).map50,
    )


def agreement(reference: Sequence[Seen], candidate: Sequence[Seen]) -> Agreement:
    """Frame by frame, one to one, types aside; then types and scores are compared."""
    paired, same_type, differences = 0, 0, [np.zeros(0)]
    for ours, theirs in zip(reference, candidate, strict=True):
        pairs = match(ours.boxes_xyxy, theirs.boxes_xyxy, iou=SAME_BOX_IOU)
        paired += len(pairs.truth)
        same_type += sum(ours.types[o] == theirs.types[t] for o, t in zip(pairs.truth, pairs.found, strict=True))
        differences.append(np.abs(ours.scores[pairs.truth] - theirs.scores[pairs.found]).astype(np.float64))
    every: Numbers = np.concatenate(differences)
    return Agreement(
        boxes=sum(len(one) for one in reference),
        paired=paired,
        same_type=same_type,
        mean_score_difference=float(every.mean()) if len(every) else math.nan,
        worst_score_difference=float(every.max()) if len(every) else math.nan,
    )
