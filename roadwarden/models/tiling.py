"""Large frames in overlapping tiles: a crack three pixels wide does not survive being scaled down from 4K."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roadwarden.detections import Detections, Image
from roadwarden.models.card import ModelCard
from roadwarden.models.detector import Detector
from roadwarden.taxonomy import DistressType
from roadwarden.vision.boxes import areas, intersections

TILE_FROM_PX = 2560
"""Frames whose longer side reaches this are tiled; full HD is not."""
TILE_PX = 1280
OVERLAP = 0.2
SAME_SHARE = 0.5
"""Two boxes of a type are one distress when they share this much of the smaller one."""


class TiledDetector:
    """Detects small frames whole and large ones tile by tile, and joins what a seam has cut."""

    def __init__(self, detector: Detector, *, tile_px: int = TILE_PX, from_px: int = TILE_FROM_PX) -> None:
        """Wraps ``detector``; sides in pixels of the original frame."""
        self._detector, self._tile_px, self._from_px = detector, tile_px, from_px

    @property
    def card(self) -> ModelCard:
        """What the wrapped model says of itself."""
        return self._detector.card

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """The distress in each frame."""
        return [
            self._detect_tiles(image) if max(image.shape[:2]) >= self._from_px else self._detector.detect([image])[0]
            for image in images
        ]

    def _detect_tiles(self, image: Image) -> Detections:
        parts = []
        for left, top in tile_corners(image.shape[1], image.shape[0], self._tile_px):
            tile = image[top : top + self._tile_px, left : left + self._tile_px]
            parts.append(shift(self._detector.detect([tile])[0], left, top))
        return merge_seams(parts)


def tile_corners(width: int, height: int, tile_px: int) -> Iterator[tuple[int, int]]:
    """Left and top of tiles that cover the frame, row by row, overlapping by at least a fifth."""
    for top in _starts(height, tile_px):
        for left in _starts(width, tile_px):
            yield left, top


def _starts(length: int, tile_px: int) -> list[int]:
    if length <= tile_px:
        return [0]
    count = int(np.ceil((length - tile_px) / (tile_px * (1 - OVERLAP)))) + 1
    return [round(start) for start in np.linspace(0, length - tile_px, count)]


def shift(found: Detections, left: int, top: int) -> Detections:
    """Detections of a tile as detections of the frame."""
    return Detections(
        (found.boxes_xyxy + np.array([left, top, left, top], np.float32)).astype(np.float32), found.types, found.scores
    )


def merge_seams(parts: Sequence[Detections]) -> Detections:
    """The detections of all tiles as one; the same distress seen by two tiles becomes the hull with the best score.

    Two boxes are the same when they come from different tiles, have one type and share half of the smaller.
    """
    rows = [
        _Row(part.boxes_xyxy[i], part.types[i], part.scores[i], tile)
        for tile, part in enumerate(parts)
        for i in range(len(part))
    ]
    merged: list[_Row] = []
    for row in sorted(rows, key=lambda row: -row.score):
        while (twin := next((other for other in merged if _same(row, other)), None)) is not None:
            merged = [other for other in merged if other is not twin]
            row = _hull(row, twin)
        merged.append(row)
    if not merged:
        return Detections.none()
    merged.sort(key=lambda row: -row.score)
    return Detections(
        np.stack([row.box for row in merged]),
        tuple(row.type for row in merged),
        np.array([row.score for row in merged], np.float32),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    box: npt.NDArray[np.float32]
    type: DistressType
    score: np.float32
    tile: int


HULL = -1  # the tile of a box that several tiles have seen: it may go on growing


def _same(a: _Row, b: _Row) -> bool:
    if a.type is not b.type or (a.tile == b.tile and a.tile != HULL):
        return False
    shared = intersections(a.box[None], b.box[None])[0, 0]
    return bool(shared > 0 and shared >= SAME_SHARE * min(areas(a.box[None])[0], areas(b.box[None])[0]))


def _hull(a: _Row, b: _Row) -> _Row:
    box = np.concatenate([np.minimum(a.box[:2], b.box[:2]), np.maximum(a.box[2:], b.box[2:])])
    return _Row(box, a.type, max(a.score, b.score), HULL)
