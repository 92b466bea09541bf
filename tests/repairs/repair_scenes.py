"""A small piece of road for the tests of repairs: marks, a kerb, a hole, a patch; another look at it; a detector."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from roadwarden.detections import Detections, Image
from roadwarden.models.card import Head, ModelCard
from roadwarden.taxonomy import TAXONOMY_VERSION, TRAINED_TYPES, DistressType

BOX = (260.0, 220.0, 350.0, 290.0)
LOOK_B = np.array([[1.04, 0.03, -14.0], [-0.02, 1.02, 9.0], [2e-5, 3e-5, 1.0]])
"""The second camera: before to after."""


def road(seed: int = 1) -> Image:
    """640 x 480: asphalt, lane marks, stones of a kerb, a few covers."""
    rng = np.random.default_rng(seed)
    grey = 105 + 9 * cv2.GaussianBlur(rng.normal(0, 1, (480, 640)).astype(np.float32), (0, 0), 1.2) * 2.2
    for x in range(-40, 640, int(rng.integers(90, 130))):
        cv2.rectangle(grey, (x, int(rng.integers(60, 90))), (x + 50, 100), 205, -1)
    for _ in range(45):
        x, y = (int(value) for value in rng.integers((0, 0), (640, 480)))
        cv2.ellipse(
            grey,
            (x, y),
            (int(rng.integers(3, 11)), int(rng.integers(3, 8))),
            0,
            0,
            360,
            float(rng.uniform(60, 160)),
            -1,
        )
    for x in range(0, 640, int(rng.integers(40, 60))):
        cv2.rectangle(grey, (x, 440), (x + 36, 470), float(rng.uniform(140, 190)), -1)
    return cv2.cvtColor(np.clip(grey, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)


def with_hole(image: Image, box: tuple[float, float, float, float] = BOX, seed: int = 5) -> Image:
    """A rough dark hole that fills the box."""
    rng, dug = np.random.default_rng(seed), image.astype(np.float32)
    mask = np.zeros(image.shape[:2], np.float32)
    x1, y1, x2, y2 = box
    cv2.ellipse(
        mask,
        (round((x1 + x2) / 2), round((y1 + y2) / 2)),
        (round((x2 - x1) / 2), round((y2 - y1) / 2)),
        0,
        0,
        360,
        1.0,
        -1,
    )
    floor = 60 + 60 * cv2.GaussianBlur(rng.normal(0, 1, mask.shape).astype(np.float32), (0, 0), 2.5) * 2
    dug = dug * (1 - mask[..., None]) + (floor * mask)[..., None]
    return np.clip(dug, 0, 255).astype(np.uint8)


def with_patch(image: Image, box: tuple[float, float, float, float] = BOX, seed: int = 6) -> Image:
    """Other asphalt over the box."""
    rng, laid = np.random.default_rng(seed), image.copy()
    x1, y1, x2, y2 = (round(edge) for edge in box)
    grain = cv2.GaussianBlur(rng.normal(0, 1, image.shape[:2]).astype(np.float32), (0, 0), 1.2)
    laid[y1:y2, x1:x2] = np.clip(70 + 12 * grain, 0, 255)[y1:y2, x1:x2, None]
    return laid


def looked_at_again(image: Image, seed: int = 9, gain: float = 0.85) -> Image:
    """From another spot, in other light, with the noise of a sensor."""
    moved = cv2.warpPerspective(image, LOOK_B, (640, 480), borderMode=cv2.BORDER_REFLECT)
    noise = np.random.default_rng(seed).normal(0, 2, moved.shape)
    return np.clip(moved * gain + noise, 0, 255).astype(np.uint8)


def there(box: tuple[float, float, float, float] = BOX) -> tuple[float, ...]:
    """The box in the second picture."""
    corners = np.array([[box[0], box[1]], [box[2], box[3]]], np.float64)[None]
    return tuple(float(value) for value in cv2.perspectiveTransform(corners, LOOK_B).ravel())


def seen(*found: tuple[DistressType, tuple[float, ...]]) -> Detections:
    """Detections with a score of 0.9 each."""
    boxes = np.array([box for _, box in found], np.float32).reshape(-1, 4)
    return Detections(boxes, tuple(kind for kind, _ in found), np.full(len(found), 0.9, np.float32))


class ScriptedDetector:
    """Says of the before and of the after picture what the test wrote down."""

    def __init__(self, before: Detections, after: Detections) -> None:
        self._answers = [before, after]
        self.card = ModelCard(
            name="scripted",
            classes=TRAINED_TYPES,
            input_size=320,
            head=Head.END_TO_END,
            taxonomy_version=TAXONOMY_VERSION,
            thresholds=dict.fromkeys(TRAINED_TYPES, 0.3),
            training_data="none",
            git_commit="0",
        )

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """Before and after, in one call: the same model on both."""
        assert len(images) == 2
        return self._answers
