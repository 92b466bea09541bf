"""Looking at one frame several times, at several sizes and mirrored, and taking the mean: test-time augmentation.

What one view sees and the others do not loses score; what they call differently is decided by all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from roadwarden.detections import Detections, Image
from roadwarden.models.card import ModelCard
from roadwarden.models.heads import NMS_IOU, report
from roadwarden.models.score_map import ScoreMap
from roadwarden.vision.boxes import ious

VIEW_FLOOR = 0.03
"""Lowest score, before calibration, that a view adds to the mean. Fixed: scores must not hang on thresholds."""

See = Callable[[Sequence[Image], int, ModelCard], list[Detections]]
"""What a runtime does with frames at one input size, reported as the card says."""


def detect_in_views(images: Sequence[Image], card: ModelCard, see: See) -> list[Detections]:
    """The distress in each frame, looked at as the card says: once, or in each of its views."""
    if not card.views:
        return see(images, card.input_size, card)
    raw = card.model_copy(update={"thresholds": dict.fromkeys(card.classes, VIEW_FLOOR), "score_map": ScoreMap()})
    mirrored = [_mirror(image) for image in images] if any(view.mirrored for view in card.views) else []
    views = [
        _mirrored_back(see(mirrored, view.size, raw), images) if view.mirrored else see(images, view.size, raw)
        for view in card.views
    ]
    return [_report(merge_views(seen), card) for seen in zip(*views, strict=True)]


def merge_views(views: Sequence[Detections]) -> Detections:
    """What several views of one frame saw, as one; best score first.

    From the best box on, each view gives its surest one among those that overlap it. The score of a type is the sum of
    those that call it so, over the number of views; the box is their mean, weighted by score.
    """
    boxes = np.concatenate([seen.boxes_xyxy for seen in views])
    scores = np.concatenate([seen.scores for seen in views]).astype(np.float64)
    types = [distress for seen in views for distress in seen.types]
    view_of = np.repeat(np.arange(len(views)), [len(seen) for seen in views])
    merged = []
    for rows in _one_of_each_view(ious(boxes, boxes) > NMS_IOU, scores, view_of):
        votes = {one: sum(scores[row] for row in rows if types[row] is one) for one in (types[row] for row in rows)}
        distress = max(votes, key=lambda one: votes[one])
        merged.append((votes[distress] / len(views), distress, np.average(boxes[rows], axis=0, weights=scores[rows])))
    if not merged:
        return Detections.none()
    merged.sort(key=lambda one: -one[0])
    all_scores, all_types, all_boxes = zip(*merged, strict=True)
    return Detections(np.stack(all_boxes).astype(np.float32), all_types, np.array(all_scores, np.float32))


def _one_of_each_view(
    near: npt.NDArray[np.bool_], scores: npt.NDArray[np.float64], view_of: npt.NDArray[np.intp]
) -> Iterator[list[int]]:
    """Rows that are one distress, best first: of the rows near the best that is left, the surest of each view."""
    free = np.ones(len(scores), bool)
    order = np.argsort(-scores, kind="stable")
    for best in order.tolist():
        if not free[best]:
            continue
        members = free & near[best]
        members[best] = True  # a box without an area is near nothing, itself included
        free &= ~members
        first: dict[int, int] = {}
        for row in order[members[order]].tolist():
            first.setdefault(int(view_of[row]), row)
        yield list(first.values())


def _mirror(image: Image) -> Image:
    return np.asarray(cv2.flip(image, 1), np.uint8)  # the same bytes in a tenth of the time of numpy's


def _mirrored_back(seen: Sequence[Detections], images: Sequence[Image]) -> list[Detections]:
    """What was seen in the mirrored pictures, as boxes of the pictures themselves."""
    return [_flipped(found, image.shape[1]) for found, image in zip(seen, images, strict=True)]


def _flipped(found: Detections, width: int) -> Detections:
    boxes = found.boxes_xyxy.copy()
    boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
    return Detections(boxes, found.types, found.scores)


def _report(found: Detections, card: ModelCard) -> Detections:
    classes = np.array([card.classes.index(distress) for distress in found.types], np.intp)
    return report(boxes=found.boxes_xyxy, scores=found.scores, classes=classes, card=card)
