"""The coverage protocol: what an inspector means by found, right and typed.

A true box is found when at least half of its area is covered by the union of detections of any type. A detection is
right when at least half of its area lies on the union of true boxes. The type of a found true box is the type whose
detections cover most of it; an exact tie, or only detections that abstain, is an abstention and counts as wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roadwarden.detections import Boxes
from roadwarden.eval.counts import ABSTAINED, MISSED, Counts, Judge, Numbers, confusion, tally
from roadwarden.eval.judged import JudgedFrame
from roadwarden.taxonomy import DistressType

HALF = 0.5
ROUNDING = 1e-9
"""Areas of float boxes that agree to this share are equal."""


@dataclass(frozen=True, slots=True)
class CoverageCounts(Counts):
    """``right`` are the detections with half of their area on the union of true boxes."""

    area: Numbers  # (..., 2): square pixels of the union of true boxes, and what of it detections cover

    @property
    def area_found(self) -> Numbers:
        """Share of the true area that detections cover."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.area[..., 1] / np.where(self.area[..., 0] > 0, self.area[..., 0], np.nan))


def coverage_counts(
    frames: Sequence[JudgedFrame],
    thresholds: Mapping[DistressType, float] | None = None,
    classes: Sequence[DistressType] | None = None,
) -> CoverageCounts:
    """Counts of each frame (first axis, in order) at the thresholds, or of everything seen; ``total()`` sums them."""
    judge = coverage_judge(frames, classes)
    return judge.all() if thresholds is None else judge.at(thresholds)


def coverage_judge(
    frames: Sequence[JudgedFrame], classes: Sequence[DistressType] | None = None
) -> Judge[CoverageCounts]:
    """For many thresholds over the same frames."""
    return Judge(frames, judge_frame, classes)


def judge_frame(frame: JudgedFrame, classes: Sequence[DistressType]) -> CoverageCounts:
    """Counts of one frame with everything that was seen in it."""
    size = len(classes)
    column = {one: index for index, one in enumerate(classes)}
    said = np.array([size if one is None else column[one] for one in frame.seen.types], dtype=np.intp)
    truth = [column[one] for one in frame.true_types]
    grid = Grid.over(frame.true_boxes, frame.seen.boxes_xyxy)
    right = grid.lie_on_truth()
    return CoverageCounts(
        classes=tuple(classes),
        typed=confusion(truth, [one if one >= 0 else size + 2 + one for one in grid.said(said, size)], size),
        seen=tally(said, size + 1),
        right=tally(said[right], size + 1),
        area=grid.areas(),
    )


@dataclass(frozen=True, slots=True)
class Grid:
    """The plane cut along every edge of every box: unions are sums of whole cells, so their areas are exact."""

    cells: Numbers  # (rows, columns) square pixels
    truth_rows: Numbers  # (n, rows) 1 where the box spans the row of cells; likewise below
    truth_columns: Numbers
    seen_rows: Numbers
    seen_columns: Numbers

    @classmethod
    def over(cls, truth: Boxes, seen: Boxes) -> Grid:
        """The grid of one frame; a box turned inside out spans nothing."""
        boxes = np.concatenate([truth, seen]).astype(np.float64)
        columns, wide = _spans(boxes[:, 0], boxes[:, 2])
        rows, high = _spans(boxes[:, 1], boxes[:, 3])
        n = len(truth)
        return cls(high[:, None] * wide[None, :], rows[:n], columns[:n], rows[n:], columns[n:])

    def said(self, types: npt.NDArray[np.intp], classes: int) -> list[int]:
        """For each true box the class said of it, or ABSTAINED, or MISSED; ``types`` of the detections, ``classes`` for
        one that abstains.
        """
        if not len(self.truth_rows):
            return []
        own = self._areas_of_truth(self.cells)
        found = (own > 0) & (self._areas_of_truth(self._union_seen(slice(None))) >= HALF * own * (1 - ROUNDING))
        present = [one for one in np.unique(types).tolist() if one < classes]
        covered = np.zeros((len(own), classes + 1))
        for one in present:
            covered[:, one] = self._areas_of_truth(self._union_seen(types == one))
        return [_said(covered[i], own[i]) if found[i] else MISSED for i in range(len(own))]

    def lie_on_truth(self) -> npt.NDArray[np.bool_]:
        """(n,) the detections with at least half of their area on the union of true boxes."""
        own, shared = (
            ((self.seen_rows @ cells) * self.seen_columns).sum(axis=1) for cells in (self.cells, self._union_truth())
        )
        return np.asarray((own > 0) & (shared >= HALF * own * (1 - ROUNDING)))

    def areas(self) -> Numbers:
        """(2,) the union of true boxes, and what of it detections cover, square pixels."""
        truth = self._union_truth()
        both = np.where(self._union_seen(slice(None)) > 0, truth, 0.0)
        return np.array([truth.sum(), both.sum()])

    def _union_truth(self) -> Numbers:
        return np.where(self.truth_rows.T @ self.truth_columns > 0, self.cells, 0.0)

    def _union_seen(self, chosen: slice | npt.NDArray[np.bool_]) -> Numbers:
        covered = self.seen_rows[chosen].T @ self.seen_columns[chosen] > 0
        return np.where(covered, self.cells, 0.0)

    def _areas_of_truth(self, cells: Numbers) -> Numbers:
        return np.asarray(((self.truth_rows @ cells) * self.truth_columns).sum(axis=1))


def _said(covered: Numbers, own: float) -> int:
    order = np.argsort(covered)
    best, second = covered[order[-1]], covered[order[-2]]
    return int(order[-1]) if best - second > ROUNDING * own else ABSTAINED


def _spans(low: Numbers, high: Numbers) -> tuple[Numbers, Numbers]:
    """(n, m) 1 where the box spans the strip between two neighbouring edges, and (m,) the widths of the strips."""
    edges = np.unique(np.concatenate([low, high]))
    begins, ends = edges[:-1], edges[1:]
    return ((low[:, None] <= begins) & (high[:, None] >= ends)).astype(np.float64), ends - begins


def union_area(boxes: Boxes) -> float:
    """Exact area of the union of boxes, square pixels."""
    return float(Grid.over(boxes, boxes[:0]).areas()[0])
