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
"""Two boxes of a type are one distress when, where both tiles look, they share this much of the smaller piece."""


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
        """The distress in each frame; small frames go through the detector together."""
        small = [index for index, image in enumerate(images) if max(image.shape[:2]) < self._from_px]
        whole = dict(zip(small, self._detector.detect([images[index] for index in small]), strict=True))
        return [whole[index] if index in whole else self._detect_tiles(image) for index, image in enumerate(images)]

    def _detect_tiles(self, image: Image) -> Detections:
        height, width = image.shape[:2]
        tiles = [
            (left, top, min(left + self._tile_px, width), min(top + self._tile_px, height))
            for left, top in tile_corners(width, height, self._tile_px)
        ]
        pictures = [image[top:bottom, left:right] for left, top, right, bottom in tiles]
        seen = zip(tiles, self._detector.detect(pictures), strict=True)
        return merge_seams([TileView(np.array(tile, np.float32), _shifted(found, *tile[:2])) for tile, found in seen])


@dataclass(frozen=True, slots=True, eq=False)
class TileView:
    """What one tile has shown, in pixels of the frame."""

    tile_xyxy: npt.NDArray[np.float32]
    found: Detections


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


def _shifted(found: Detections, left: int, top: int) -> Detections:
    """Detections of a tile as detections of the frame."""
    moved = found.boxes_xyxy + np.array([left, top, left, top], np.float32)
    return Detections(moved.astype(np.float32), found.types, found.scores)


def merge_seams(views: Sequence[TileView]) -> Detections:
    """The detections of all tiles as one; the same distress seen by two tiles becomes the hull with the best score.

    A tile sees only its own piece of a long crack, so two boxes are compared where both tiles look: they are one
    distress when they have one type and share half of the smaller piece there.
    """
    rows = [
        _Row(view.found.boxes_xyxy[i], view.found.types[i], view.found.scores[i], view.tile_xyxy)
        for view in views
        for i in range(len(view.found))
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
    seen_by: npt.NDArray[np.float32]  # the tile, or the hull of the tiles that have seen a piece of it


def _same(a: _Row, b: _Row) -> bool:
    if a.type is not b.type or np.array_equal(a.seen_by, b.seen_by):
        return False
    both = np.concatenate([np.maximum(a.seen_by[:2], b.seen_by[:2]), np.minimum(a.seen_by[2:], b.seen_by[2:])])
    if (both[2:] <= both[:2]).any():
        return False
    low, high = np.tile(both[:2], 2), np.tile(both[2:], 2)
    ours, theirs = np.clip(a.box, low, high)[None], np.clip(b.box, low, high)[None]
    shared = intersections(ours, theirs)[0, 0]
    return bool(shared > 0 and shared >= SAME_SHARE * min(areas(ours)[0], areas(theirs)[0]))


def _hull(a: _Row, b: _Row) -> _Row:
    return _Row(_around(a.box, b.box), a.type, max(a.score, b.score), _around(a.seen_by, b.seen_by))


def _around(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.concatenate([np.minimum(a[:2], b[:2]), np.maximum(a[2:], b[2:])])
