"""Which detection found which true box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roadwarden.detections import Boxes
from roadwarden.vision.boxes import ious


@dataclass(frozen=True, slots=True)
class Matches:
    """One-to-one pairs: ``truth[i]`` was found by ``found[i]``, indices into the boxes given."""

    truth: npt.NDArray[np.intp]
    found: npt.NDArray[np.intp]


def match(truth: Boxes, found: Boxes, *, iou: float = 0.5) -> Matches:
    """Greedy one-to-one matching, types aside: detections in the given order (best score first) take the free true box
    they overlap most, if by at least ``iou``. The RDD challenge's rule of matching, without its labels.
    """
    overlap = ious(found, truth)
    free = np.ones(len(truth), dtype=bool)
    pairs = []
    for row in range(len(found)):
        candidates = np.where(free, overlap[row], -1.0)
        if candidates.size and candidates.max() >= iou:
            column = int(candidates.argmax())
            free[column] = False
            pairs.append((column, row))
    chosen = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return Matches(truth=chosen[:, 0], found=chosen[:, 1])
