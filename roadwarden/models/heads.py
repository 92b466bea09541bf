"""From a network's output to detections in the original frame: the same for every runtime."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from roadwarden.detections import Boxes, Detections
from roadwarden.errors import ModelError
from roadwarden.models.card import Head, ModelCard
from roadwarden.vision.boxes import areas, non_maximum_suppression
from roadwarden.vision.letterbox import Letterbox

NMS_IOU = 0.5
"""Across types: one piece of road has one type, the surest. Within types only, a long crack that the network calls both
longitudinal and transverse stays two boxes, and the larger wins: type accuracy on val 0.887 instead of 0.907."""
MOST_DETECTIONS = 300


def read_output(output: npt.NDArray[np.float32], card: ModelCard, letterbox: Letterbox) -> Detections:
    """One frame's output as its head lays it out; raises ModelError where the shape is another."""
    if card.head is Head.END_TO_END:
        boxes, scores, classes = _read_end_to_end(output)
    else:
        boxes, scores, classes = _read_one_to_many(output, card)
    return report(boxes=letterbox.restore(boxes), scores=scores, classes=classes, card=card)


def report(
    *, boxes: Boxes, scores: npt.NDArray[np.float32], classes: npt.NDArray[np.intp], card: ModelCard
) -> Detections:
    """Calibrates the scores, keeps what reaches its class's threshold and has an area, best score first."""
    scores = card.score_map.apply(scores)
    thresholds = np.array([card.thresholds[distress] for distress in card.classes], np.float32)
    known = (classes >= 0) & (classes < len(card.classes))
    keep = known & (scores >= thresholds[np.where(known, classes, 0)]) & (areas(boxes) > 0)
    chosen = np.flatnonzero(keep)
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")][:MOST_DETECTIONS]
    return Detections(
        boxes[chosen].astype(np.float32),
        tuple(card.classes[index] for index in classes[chosen]),
        scores[chosen].astype(np.float32),
    )


def _read_end_to_end(
    output: npt.NDArray[np.float32],
) -> tuple[Boxes, npt.NDArray[np.float32], npt.NDArray[np.intp]]:
    if output.ndim != 2 or output.shape[1] != 6:
        raise ModelError(f"the model's metadata says head 'end_to_end', (n, 6), but it puts out {output.shape}")
    return output[:, :4], output[:, 4], output[:, 5].astype(np.intp)


def _read_one_to_many(
    output: npt.NDArray[np.float32], card: ModelCard
) -> tuple[Boxes, npt.NDArray[np.float32], npt.NDArray[np.intp]]:
    wanted = 4 + len(card.classes)
    if output.ndim != 2 or output.shape[0] != wanted:
        raise ModelError(f"the model's metadata says head 'one_to_many', ({wanted}, n), but it puts out {output.shape}")
    all_scores = output[4:].T
    classes = all_scores.argmax(axis=1)
    scores = all_scores[np.arange(len(classes)), classes]
    candidates = np.flatnonzero(scores >= np.float32(card.lowest_raw_score * (1 - 1e-6)))
    classes, scores = classes[candidates], scores[candidates]
    centres, sides = output[:2, candidates].T, output[2:4, candidates].T
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1).astype(np.float32)
    kept = non_maximum_suppression(boxes, scores, NMS_IOU)
    return boxes[kept], scores[kept], classes[kept]
