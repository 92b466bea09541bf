"""The IoU protocol of the literature: matched one to one at IoU, types aside, and labels compared after that.

``f1`` of the counts is class-agnostic. The F1 of the literature is ``aware_f1``: a detection is right when it overlaps
a true box of its own type by the IoU, matched one to one within the type, as the RDD challenge scores it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from roadwarden.eval.counts import MISSED, Counts, Judge, Numbers, confusion, harmonic, tally
from roadwarden.eval.judged import JudgedFrame
from roadwarden.eval.matching import match
from roadwarden.taxonomy import DistressType

USUAL_IOU, LENIENT_IOU = 0.5, 0.3
"""The lenient one is for thin cracks: a few pixels of width decide their IoU."""


@dataclass(frozen=True, slots=True)
class IouCounts(Counts):
    """``right`` are the detections matched to a true box of whatever type."""

    aware: Numbers  # (..., k): detections of each type matched to a true box of the same type, within the type

    @property
    def aware_recall(self) -> Numbers:
        """Share of the true boxes that a detection of the same type overlaps by the IoU."""
        return _share(self.aware.sum(axis=-1), self.true)

    @property
    def aware_precision(self) -> Numbers:
        """Share of the detections that overlap a true box of the same type by the IoU."""
        return _share(self.aware.sum(axis=-1), self.seen.sum(axis=-1))

    @property
    def aware_f1(self) -> Numbers:
        """The F1 of the literature."""
        return harmonic(self.aware_recall, self.aware_precision)

    @property
    def aware_f1_of(self) -> Numbers:
        """(..., k) the same for each type."""
        return _share(2 * self.aware, self.true_of + self.seen[..., :-1])


def iou_counts(
    frames: Sequence[JudgedFrame],
    thresholds: Mapping[DistressType, float] | None = None,
    classes: Sequence[DistressType] | None = None,
    *,
    iou: float = USUAL_IOU,
) -> IouCounts:
    """Counts of each frame (first axis, in order) at the thresholds, or of everything seen; ``total()`` sums them."""
    judge = iou_judge(frames, classes, iou=iou)
    return judge.all() if thresholds is None else judge.at(thresholds)


def iou_judge(
    frames: Sequence[JudgedFrame], classes: Sequence[DistressType] | None = None, *, iou: float = USUAL_IOU
) -> Judge[IouCounts]:
    """For many thresholds over the same frames."""
    return Judge(frames, partial(judge_frame, iou=iou), classes)


def judge_frame(frame: JudgedFrame, classes: Sequence[DistressType], *, iou: float = USUAL_IOU) -> IouCounts:
    """Counts of one frame with everything that was seen in it."""
    size = len(classes)
    column = {one: index for index, one in enumerate(classes)}
    truth = np.array([column[one] for one in frame.true_types], dtype=np.intp)
    seen = np.array([size if one is None else column[one] for one in frame.seen.types], dtype=np.intp)
    pairs = match(frame.true_boxes, frame.seen.boxes_xyxy, iou=iou)
    said = np.full(len(truth), size + 2 + MISSED, dtype=np.intp)
    said[pairs.truth] = seen[pairs.found]  # an abstaining detection has the column of the abstained
    return IouCounts(
        classes=tuple(classes),
        typed=confusion(truth.tolist(), said.tolist(), size),
        seen=tally(seen, size + 1),
        right=tally(seen[pairs.found], size + 1),
        aware=_matched_within_type(frame, truth.tolist(), seen.tolist(), size, iou),
    )


def _matched_within_type(
    frame: JudgedFrame, truth: Sequence[int], seen: Sequence[int], size: int, iou: float
) -> Numbers:
    matched = np.zeros(size)
    for one in set(truth) & set(seen):
        ours = frame.true_boxes[[index for index, each in enumerate(truth) if each == one]]
        theirs = frame.seen.boxes_xyxy[[index for index, each in enumerate(seen) if each == one]]
        matched[one] = len(match(ours, theirs, iou=iou).found)
    return matched


def _share(part: Numbers, whole: Numbers) -> Numbers:
    return np.asarray(np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan))
