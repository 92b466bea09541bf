"""What a model must see before it may look at streets: two frames of the synthetic street, whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
import yaml

from roadwarden.detections import Detections, Image
from roadwarden.errors import ModelError
from roadwarden.models.detector import Detector
from roadwarden.taxonomy import DistressType
from roadwarden.vision.boxes import ious

LEAST_SHARE = 0.5
"""Of what is to be seen; the shipped weights see all of it."""
SAME_IOU = 0.4
MOST_ON_NOTHING = 2
"""Detections in a picture of plain grey."""


@dataclass(frozen=True, slots=True, eq=False)
class Golden:
    """A picture and what is in it."""

    image: Image
    types: tuple[DistressType, ...]
    boxes_xyxy: Any  # (n, 4)


def golden_frames() -> tuple[Golden, ...]:
    """Those that come with us."""
    folder = files("roadwarden.inference.stream") / "golden"
    return tuple(
        _golden((folder / row["picture"]).read_bytes(), row["seen"])
        for row in yaml.safe_load((folder / "golden.json").read_text(encoding="utf-8"))
    )


def _golden(data: bytes, seen: list[dict[str, Any]]) -> Golden:
    image = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    boxes = np.array([one["box_xyxy"] for one in seen], np.float32).reshape(-1, 4)
    return Golden(image, tuple(DistressType(one["type"]) for one in seen), boxes)


def self_test(detector: Detector) -> None:
    """Raises ModelError where the model is blind, sees things in nothing, or says something else the second time."""
    frames = golden_frames()
    first = detector.detect([one.image for one in frames])
    again = detector.detect([one.image for one in frames])
    if any(not _same(one, other) for one, other in zip(first, again, strict=True)):
        raise ModelError("the self-test: the same frames give other results the second time")
    if any(not np.isfinite(one.scores).all() or not np.isfinite(one.boxes_xyxy).all() for one in first):
        raise ModelError("the self-test: scores or boxes are no numbers")
    wanted = sum(len(one.types) for one in frames)
    found = sum(_found(golden, seen) for golden, seen in zip(frames, first, strict=True))
    if found < LEAST_SHARE * wanted:
        raise ModelError(f"the self-test: {found} of {wanted} things in the golden frames are found")
    (nothing,) = detector.detect([np.full((720, 1280, 3), 110, np.uint8)])
    if len(nothing) > MOST_ON_NOTHING:
        raise ModelError(f"the self-test: {len(nothing)} detections in a picture of plain grey")


def _found(golden: Golden, seen: Detections) -> int:
    if not len(seen):
        return 0
    overlaps = ious(seen.boxes_xyxy, golden.boxes_xyxy)
    return sum(
        any(overlaps[row, at] >= SAME_IOU and seen.types[row] is wanted for row in range(len(seen)))
        for at, wanted in enumerate(golden.types)
    )


def _same(one: Detections, other: Detections) -> bool:
    return one.types == other.types and np.allclose(one.boxes_xyxy, other.boxes_xyxy, atol=0.1)
