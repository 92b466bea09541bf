"""Draws an assessment for people: before, after laid on it, what differs in structure, and the boxes."""

from __future__ import annotations

import cv2
import numpy as np

from roadwarden.detections import Image
from roadwarden.errors import DataError
from roadwarden.repairs.assess import Assessment
from roadwarden.repairs.pictures import Picture
from roadwarden.vision.drawing import draw
from roadwarden.vision.surface import aligned

_SPOT = (0, 0, 213)
_GAP_PX = 6


def overlay(before: Picture, after: Picture, assessment: Assessment) -> Image:
    """Three panels of the before picture's size: before, after as the before camera saw it, difference.

    The difference is of fine structure, for the eye only; no verdict rests on it. Where the pictures do not lie on each
    other the after picture stands as it is, and there is no difference.
    """
    ours = draw(before.image, assessment.before)
    height, width = ours.shape[:2]
    alignment = assessment.alignment
    if alignment is None or alignment.homography is None:
        theirs, difference = _fitted(after.image, (width, height)), np.zeros_like(ours)
    else:
        marked = draw(after.image, assessment.after)
        theirs, _ = aligned(marked, alignment.homography, (width, height))
        plain, seen = aligned(after.image, alignment.homography, (width, height))
        difference = _difference(before.image, plain) * seen[..., None].astype(np.uint8)
    panels = [ours, theirs, difference]
    x1, y1, x2, y2 = (round(edge) for edge in assessment.box)
    for panel in panels:
        cv2.rectangle(panel, (x1, y1), (x2, y2), _SPOT, max(2, width // 400))
    gap = np.full((height, _GAP_PX, 3), 255, np.uint8)
    strip = np.concatenate([panels[0], gap, panels[1], gap, panels[2]], axis=1)
    return np.concatenate([strip, _caption(assessment, strip.shape[1])], axis=0)


def _difference(before: Image, after: Image) -> Image:
    """Structure only in the before picture red, only in the after picture green."""
    ours, theirs = _structure(before), _structure(after)
    gone, come = np.clip(ours - theirs, 0, 255), np.clip(theirs - ours, 0, 255)
    return np.stack([np.zeros_like(gone), come, gone], axis=-1).astype(np.uint8)


def overlay_jpeg(before: Picture, after: Picture, done: Assessment, most_wide_px: int, quality: int) -> bytes:
    """The overlay as a file, no wider than that. Raises DataError where it cannot be encoded."""
    picture = overlay(before, after, done)
    scale = min(1.0, most_wide_px / picture.shape[1])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    ok, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise DataError("the overlay cannot be encoded")
    return data.tobytes()


def _structure(image: Image) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    detail = np.abs(cv2.GaussianBlur(grey, (0, 0), 1.0) - cv2.GaussianBlur(grey, (0, 0), 6.0))
    return np.asarray(6 * cv2.GaussianBlur(detail, (0, 0), 2.0))


def _fitted(image: Image, size: tuple[int, int]) -> Image:
    scale = min(size[0] / image.shape[1], size[1] / image.shape[0])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small[: size[1], : size[0]]
    return canvas


def _caption(assessment: Assessment, width: int) -> Image:
    """Latin letters only: OpenCV's fonts have no others, the Chinese sentence stands in the record."""
    bar = np.full((56, width, 3), 255, np.uint8)
    decision = assessment.decision
    head = f"{decision.verdict}  {decision.score.total:.0f}/100"
    cv2.putText(bar, head, (10, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2, cv2.LINE_AA)
    cv2.putText(bar, assessment.words.english, (10, 46), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (60, 60, 60), 1, cv2.LINE_AA)
    return bar
