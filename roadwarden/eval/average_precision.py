"""mAP as COCO defines it: per type, 101 recall points, at most 100 detections a frame and type, all areas.

Our own, since a gate should not need the training extra; tests hold it to pycocotools within 1e-6. Abstaining
detections have no label and take no part; a type that is nowhere in the truth has no average precision and is left out
of the mean. A detection turned inside out is wrong here; pycocotools would ignore it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roadwarden.detections import Boxes
from roadwarden.eval.counts import Numbers, classes_of
from roadwarden.eval.judged import JudgedFrame
from roadwarden.taxonomy import DistressType

IOUS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MOST_DETECTIONS = 100

Hits = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TypeAp:
    """Average precision of one type; NaN where the truth has none of it."""

    type: DistressType
    true: int
    ap50: float
    ap50_95: float


@dataclass(frozen=True, slots=True)
class AveragePrecision:
    """The means over the types that are there, NaN where there is none, and each type."""

    map50: float
    map50_95: float
    types: tuple[TypeAp, ...]


def average_precision(frames: Sequence[JudgedFrame], classes: Sequence[DistressType] | None = None) -> AveragePrecision:
    """The means over everything that was seen; give the detections from a low threshold on, 0.05 or below."""
    types = tuple(_of_type(frames, one) for one in (classes_of(frames) if classes is None else classes))
    there = [one for one in types if one.true]
    if not there:
        return AveragePrecision(math.nan, math.nan, types)
    return AveragePrecision(
        map50=float(np.mean([one.ap50 for one in there])),
        map50_95=float(np.mean([one.ap50_95 for one in there])),
        types=types,
    )


def _of_type(frames: Sequence[JudgedFrame], distress: DistressType) -> TypeAp:
    true = sum(one is distress for frame in frames for one in frame.true_types)
    if not true:
        return TypeAp(distress, 0, math.nan, math.nan)
    scores, hits = _ranked(frames, distress)
    order = np.argsort(-scores, kind="stable")
    precisions = np.array([_mean_precision(row[order], true) for row in hits])
    return TypeAp(distress, true, float(precisions[0]), float(precisions.mean()))


def _ranked(frames: Sequence[JudgedFrame], distress: DistressType) -> tuple[npt.NDArray[np.float32], Hits]:
    """Scores (n,) and hits (ious, n) of the detections of one type, frame by frame."""
    scores, hits = [np.zeros(0, np.float32)], [np.zeros((len(IOUS), 0), bool)]
    for frame in frames:
        rows = [index for index, one in enumerate(frame.seen.types) if one is distress]
        rows = sorted(rows, key=lambda row: -float(frame.seen.scores[row]))[:MOST_DETECTIONS]
        truth = frame.true_boxes[[index for index, one in enumerate(frame.true_types) if one is distress]]
        scores.append(frame.seen.scores[rows])
        hits.append(_hits(frame.seen.boxes_xyxy[rows], truth))
    return np.concatenate(scores), np.concatenate(hits, axis=1)


def _hits(seen: Boxes, truth: Boxes) -> Hits:
    """(ious, n) whether each detection, best first, takes a free true box; of equal overlaps COCO takes the last."""
    hits = np.zeros((len(IOUS), len(seen)), bool)
    if not len(seen) or not len(truth):
        return hits
    overlaps = _exact_ious(seen, truth)
    needed = np.minimum(IOUS, 1 - 1e-10)
    free = np.ones((len(IOUS), len(truth)), bool)
    for row in np.flatnonzero(overlaps.max(axis=1) >= needed[0]):
        offered = np.where(free & (overlaps[row] >= needed[:, None]), overlaps[row], -1.0)
        best = len(truth) - 1 - offered[:, ::-1].argmax(axis=1)
        taken = np.flatnonzero(offered[np.arange(len(IOUS)), best] >= 0)
        free[taken, best[taken]] = False
        hits[taken, row] = True
    return hits


def _exact_ious(ours: Boxes, theirs: Boxes) -> Numbers:
    """(n, m) in double precision, as pycocotools has it: a hair decides at 0.5."""
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    shared = np.where((sides > 0).all(axis=2), sides[..., 0] * sides[..., 1], 0.0)
    union = (a[:, 2:] - a[:, :2]).prod(axis=1)[:, None] + (b[:, 2:] - b[:, :2]).prod(axis=1)[None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0), np.float64)


def _mean_precision(hits: Hits, true: int) -> float:
    """Mean over the recall points of the best precision at that recall or beyond; 0 where it is never reached."""
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(hits) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(right / true, RECALLS, side="left")
    return float(np.concatenate([best_from_here, [0.0]])[np.minimum(at, len(hits))].mean())
