"""What the detector sees of the distress before and after: boxes on boxes, in the after picture. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roadwarden.detections import Boxes, Detections
from roadwarden.repairs.table import LookRule
from roadwarden.taxonomy import DistressType
from roadwarden.vision.boxes import areas, intersections

_GRID = 64


@dataclass(frozen=True, slots=True)
class Residual:
    """Shares of the defect's former box, 0..1."""

    seen_before: bool
    left: float  # of the box, which distress seen after still covers
    patched: float  # of the box, which patches seen after cover
    new_around: int  # distress in the collar that was not there before


def residual(
    box: Boxes,
    before: Detections,
    projected: Boxes,
    after: Detections,
    before_in_after: Boxes,
    distress: DistressType,
    rule: LookRule,
    *,
    collar_px: float,
    was_there: Callable[[int], bool] = lambda _row: False,
) -> Residual:
    """``box`` (1, 4) in the before picture, ``projected`` the same in the after picture.

    ``before_in_after`` are the boxes of all detections before, in the after picture; ``was_there`` says of a row of
    ``after`` whether the surface under it is the same as before. Patches are no distress, unless the case is about a
    patch that went bad.
    """
    bad = [row for row, kind in enumerate(before.types) if kind is not DistressType.PATCH or kind is distress]
    damage = [row for row, kind in enumerate(after.types) if kind is not DistressType.PATCH]
    patches = [row for row, kind in enumerate(after.types) if kind is DistressType.PATCH]
    wide = _grown(projected, rule.dilation)
    known = before_in_after[[row for row, kind in enumerate(before.types) if kind is not DistressType.PATCH]]
    return Residual(
        seen_before=_touches(box, before.boxes_xyxy[bad], rule.seen_share),
        left=_left(wide, projected, after.boxes_xyxy[damage]),
        patched=covered(projected[0], after.boxes_xyxy[patches]),
        new_around=sum(
            not was_there(damage[row])
            for row in _unknown_around(wide, projected, after.boxes_xyxy[damage], known, collar_px)
        ),
    )


def _left(wide: Boxes, projected: Boxes, damage: Boxes) -> float:
    """By the damage that lies on the spot by half, its own or the spot's: what reaches in from beside is beside."""
    shared = intersections(damage, wide)[:, 0]
    on_spot = damage[shared >= 0.5 * np.minimum(areas(damage), areas(wide)[0])]
    return min(1.0, covered(wide[0], on_spot) * _ratio(wide, projected))


def covered(box: npt.NDArray[np.float32], boxes: Boxes) -> float:
    """Share of ``box`` that lies under any of ``boxes``, on a grid of 64 x 64 points."""
    if not len(boxes) or box[2] <= box[0] or box[3] <= box[1]:
        return 0.0
    steps = (np.arange(_GRID) + 0.5) / _GRID
    x, y = box[0] + steps * (box[2] - box[0]), box[1] + steps * (box[3] - box[1])
    across = (x[None] >= boxes[:, :1]) & (x[None] <= boxes[:, 2:3])
    down = (y[None] >= boxes[:, 1:2]) & (y[None] <= boxes[:, 3:4])
    return float((down[:, :, None] & across[:, None, :]).any(axis=0).mean())


def _touches(box: Boxes, boxes: Boxes, share: float) -> bool:
    """Whether a detection covers enough of the box, or lies far enough in it."""
    if not len(boxes):
        return False
    shared = intersections(boxes, box)[:, 0]
    return bool((shared >= share * np.minimum(areas(boxes), areas(box)[0])).any())


def _unknown_around(wide: Boxes, projected: Boxes, damage: Boxes, known: Boxes, collar_px: float) -> list[int]:
    """Rows of the damage in the collar and not on the spot, that no detection before lies on."""
    if not len(damage):
        return []
    collar = projected + np.array([[-collar_px, -collar_px, collar_px, collar_px]], np.float32)
    on_spot = intersections(damage, wide)[:, 0] > 0
    near = intersections(damage, collar)[:, 0] > 0
    seen = intersections(damage, known).any(axis=1) if len(known) else np.zeros(len(damage), bool)
    return [int(row) for row in np.flatnonzero(near & ~on_spot & ~seen)]


def _grown(boxes: Boxes, share: float) -> Boxes:
    margin = share * (boxes[:, 2:] - boxes[:, :2])
    return np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1).astype(np.float32)


def _ratio(ours: Boxes, theirs: Boxes) -> float:
    whole = float(areas(theirs)[0])
    return float(areas(ours)[0]) / whole if whole > 0 else 0.0
