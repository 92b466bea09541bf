"""Arithmetic on boxes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from roadwarden.detections import Boxes

Matrix = npt.NDArray[np.float32]


def areas(boxes: Boxes) -> npt.NDArray[np.float32]:
    """Area of each box, square pixels; a box turned inside out has none."""
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def intersections(ours: Boxes, theirs: Boxes) -> Matrix:
    """(n, m) shared area of each of ours with each of theirs, square pixels."""
    low = np.maximum(ours[:, None, :2], theirs[None, :, :2])
    high = np.minimum(ours[:, None, 2:], theirs[None, :, 2:])
    sides = np.clip(high - low, 0, None)
    return np.asarray(sides[..., 0] * sides[..., 1], np.float32)


def ious(ours: Boxes, theirs: Boxes) -> Matrix:
    """(n, m) intersection over union; 0 where both boxes are empty."""
    shared = intersections(ours, theirs)
    union = areas(ours)[:, None] + areas(theirs)[None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), np.float32)


def non_maximum_suppression(boxes: Boxes, scores: npt.NDArray[np.float32], iou: float) -> npt.NDArray[np.intp]:
    """Indices of the boxes that no better one overlaps by more than ``iou``, best first; ties keep their order."""
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        best, order = int(order[0]), order[1:]
        kept.append(best)
        order = order[ious(boxes[best : best + 1], boxes[order])[0] <= iou]
    return np.array(kept, dtype=np.intp)
