"""Thresholds chosen on val, and what a detector does there: the figures of a model card.

The full evaluator with intervals by place is the next step; this is what choosing a threshold needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from roadwarden.detections import Boxes, Detections
from roadwarden.eval.matching import match
from roadwarden.taxonomy import DistressType

CANDIDATES = tuple(round(float(value), 2) for value in np.arange(0.10, 0.81, 0.05))
WITHOUT_EVIDENCE = 0.25
"""The threshold of a type that is never right on val, at any threshold: nothing was learnt about it there."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One frame: what is there and what was seen, at a threshold low enough to choose from."""

    boxes: Boxes
    types: tuple[DistressType, ...]
    seen: Detections


@dataclass(frozen=True, slots=True)
class Counts:
    """Boxes of one type: right needs IoU of at least 0.5 and the same type."""

    true: int
    seen: int
    right: int

    @property
    def precision(self) -> float:
        """Share of the seen that are right; 0 where nothing was seen."""
        return self.right / self.seen if self.seen else 0.0

    @property
    def recall(self) -> float:
        """Share of the true that were found; 0 where there is none."""
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def count(frames: Sequence[Judged], distress: DistressType, threshold: float) -> Counts:
    """Counts of one type when only detections of that type at ``threshold`` or better are kept."""
    true = seen = right = 0
    for frame in frames:
        wanted = frame.boxes[[i for i, one in enumerate(frame.types) if one is distress]]
        rows = [i for i, one in enumerate(frame.seen.types) if one is distress and frame.seen.scores[i] >= threshold]
        found = frame.seen.boxes_xyxy[rows]
        true, seen, right = true + len(wanted), seen + len(found), right + len(match(wanted, found).found)
    return Counts(true, seen, right)


def choose_thresholds(frames: Sequence[Judged], classes: Sequence[DistressType]) -> dict[DistressType, float]:
    """For each type the threshold with the best F1; the lowest of equals, so that recall wins ties."""
    return {distress: _best_threshold(frames, distress) for distress in classes}


def _best_threshold(frames: Sequence[Judged], distress: DistressType) -> float:
    f1 = {value: count(frames, distress, value).f1 for value in CANDIDATES}
    best = max(CANDIDATES, key=lambda value: (f1[value], -value))
    return best if f1[best] > 0 else WITHOUT_EVIDENCE


def type_accuracy(frames: Sequence[Judged], thresholds: Mapping[DistressType, float]) -> tuple[int, int]:
    """(right, matched): boxes matched whatever their type, and those of them whose type is right."""
    right = matched = 0
    for frame in frames:
        seen = at_thresholds(frame.seen, thresholds)
        pairs = match(frame.boxes, seen.boxes_xyxy)
        matched += len(pairs.truth)
        right += sum(frame.types[t] is seen.types[f] for t, f in zip(pairs.truth, pairs.found, strict=True))
    return right, matched


def at_thresholds(seen: Detections, thresholds: Mapping[DistressType, float]) -> Detections:
    """Detections that reach the threshold of their type."""
    return seen.take([i for i, one in enumerate(seen.types) if seen.scores[i] >= thresholds[one]])


def figures(frames: Sequence[Judged], thresholds: Mapping[DistressType, float]) -> dict[str, Any]:
    """The table of a model card: for each type and over all, at the thresholds."""
    per_type = {distress: count(frames, distress, thresholds[distress]) for distress in thresholds}
    total = Counts(*(sum(getattr(one, name) for one in per_type.values()) for name in ("true", "seen", "right")))
    right, matched = type_accuracy(frames, thresholds)
    return {
        "frames": len(frames),
        "types": {str(distress): _row(counts) for distress, counts in per_type.items()},
        "all": _row(total),
        "type_accuracy": {"right": right, "matched": matched, "share": round(right / matched, 4) if matched else None},
    }


def _row(counts: Counts) -> dict[str, float]:
    shares = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return {**asdict(counts), **{name: round(value, 4) for name, value in shares.items()}}
