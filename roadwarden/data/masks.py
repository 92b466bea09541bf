"""Pixel masks, one file a type, as in the Brazilian *Cracks and Potholes in Road Images* (Passos et al. 2020).

A mask that is missing or black means none. The set says crack, not which kind: such boxes are ``linear_crack``, the
name that CJJ 36 has for cracks whose direction is not told.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from roadwarden.data.voc import AnnotatedFrame
from roadwarden.errors import DataError
from roadwarden.taxonomy import DistressType

Mask = npt.NDArray[np.uint8]

JOIN_PX = 30
"""Strokes nearer than this are one crack: masks draw a crack as many strokes, a person would draw one box."""
LEAST_PX = 60
"""Marked pixels below which a stroke is left out: a speck of a crack is nobody's case."""
SUFFIXES = {DistressType.LINEAR_CRACK: "_CRACK.png", DistressType.POTHOLE: "_POTHOLE.png"}


def read_masks(image: Path) -> AnnotatedFrame:
    """The frame with a box around each joined group of marked pixels; masks lie in ``masks/`` beside ``images/``."""
    folder = image.parent.parent / "masks"
    masks = {distress: _read(folder / f"{image.stem}{suffix}") for distress, suffix in SUFFIXES.items()}
    known = {distress: mask for distress, mask in masks.items() if mask is not None}
    size = cv2.imread(str(image), cv2.IMREAD_GRAYSCALE)
    if size is None:
        raise DataError(f"{image}: not a picture")
    return boxes_of(image, size.shape[1], size.shape[0], known)


def boxes_of(image: Path, width: int, height: int, masks: Mapping[DistressType, Mask]) -> AnnotatedFrame:
    """Boxes x1, y1, x2, y2 in pixels around what is marked (above 127)."""
    found = [(distress, box) for distress, mask in masks.items() for box in _boxes(mask)]
    return AnnotatedFrame(
        path=image,
        width=width,
        height=height,
        boxes_xyxy=np.array([box for _, box in found], np.float32).reshape(-1, 4),
        types=tuple(distress for distress, _ in found),
    )


def _boxes(mask: Mask) -> list[tuple[int, int, int, int]]:
    marked = (mask > 127).astype(np.uint8)
    joined = cv2.dilate(marked, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (JOIN_PX, JOIN_PX)))
    count, labels = cv2.connectedComponents(joined)
    boxes = []
    for label in range(1, count):
        own = marked * (labels == label)
        if int(own.sum()) >= LEAST_PX:
            x, y, width, height = cv2.boundingRect(own)
            boxes.append((x, y, x + width, y + height))
    return boxes


def _read(place: Path) -> Mask | None:
    """The mask, or None where there is none: the set leaves out masks that would be black."""
    if not place.is_file() or not place.stat().st_size:
        return None
    mask = cv2.imread(str(place), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise DataError(f"{place}: not a picture")
    return np.asarray(mask, np.uint8)
