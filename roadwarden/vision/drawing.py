"""Draws detections for people."""

from __future__ import annotations

import cv2
import numpy as np

from roadwarden.detections import Detections, Image
from roadwarden.taxonomy import DistressType

PALETTE = {
    DistressType.LONGITUDINAL_CRACK: "#0072b2",
    DistressType.TRANSVERSE_CRACK: "#56b4e9",
    DistressType.ALLIGATOR_CRACK: "#e69f00",
    DistressType.POTHOLE: "#d55e00",
    DistressType.PATCH: "#009e73",
}
OTHER = "#cc79a7"
"""The colours of Okabe and Ito, which people with any kind of colour blindness can tell apart."""

REFERENCE_PX = 900


def hex_colour(distress: DistressType) -> str:
    """The colour of a type on every page and picture."""
    return PALETTE.get(distress, OTHER)


def draw(image: Image, detections: Detections) -> Image:
    """A copy with a box and a label for each detection, the surest on top; sizes follow the picture's."""
    drawn = image.copy()
    unit = max(1.0, max(image.shape[:2]) / REFERENCE_PX)
    for index in reversed(range(len(detections))):
        text = f"{detections.types[index].replace('_', ' ')} {detections.scores[index]:.2f}"
        _draw_one(drawn, detections.boxes_xyxy[index], text, _bgr(hex_colour(detections.types[index])), unit)
    return drawn


def _bgr(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return blue, green, red


def _draw_one(image: Image, box: np.ndarray, text: str, colour: tuple[int, int, int], unit: float) -> None:
    left, top, right, bottom = (round(float(edge)) for edge in box)
    cv2.rectangle(image, (left, top), (right, bottom), colour, round(2 * unit))
    scale, thickness, margin = 0.5 * unit, max(1, round(unit)), round(4 * unit)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    x = min(max(0, left), max(0, image.shape[1] - width - 2 * margin))
    y = top if top - height - 2 * margin >= 0 else min(image.shape[0], top + height + 2 * margin)
    cv2.rectangle(image, (x, y - height - 2 * margin), (x + width + 2 * margin, y), colour, cv2.FILLED)
    cv2.putText(image, text, (x + margin, y - margin), cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), thickness,
                cv2.LINE_AA)  # fmt: skip
