"""The canvas of the road plane: metres to pixels, windows, masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from roadwarden.data.synthetic.noise import Field
from roadwarden.data.synthetic.street import HALF_STRIP_M, Polygon
from roadwarden.detections import Image

PX_PER_M = 100
AHEAD_M = 45.0
"""The plane goes on this far behind the street's end, so that its last frame still has a road to look at."""


@dataclass(slots=True)
class Plane:
    """Brightness of the strip, 0..255: rows go from left to right of the drive, columns along it."""

    grey: Field
    length: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.grey.shape[0], self.grey.shape[1]

    def pixel(self, points: Polygon) -> Polygon:
        """Columns and rows of (n, 2) metres."""
        return np.asarray(np.stack([points[:, 0], points[:, 1] + HALF_STRIP_M], axis=1) * PX_PER_M)

    def window(self, bounds: tuple[float, float, float, float], margin: float) -> tuple[slice, slice]:
        """Rows and columns around a rectangle of metres."""
        x1, y1, x2, y2 = bounds
        (left, top), (right, bottom) = self.pixel(np.array([[x1 - margin, y1 - margin], [x2 + margin, y2 + margin]]))
        rows, columns = self.shape
        return (
            slice(max(0, int(top)), min(rows, int(bottom) + 1)),
            slice(max(0, int(left)), min(columns, int(right) + 1)),
        )

    def mask(self, draw: Callable[[Image], None], window: tuple[slice, slice], blur: float = 0.7) -> Field:
        """0..1 inside ``window`` where ``draw`` put 255 on a canvas as large as the window."""
        canvas = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.uint8)
        draw(canvas)
        return np.asarray(cv2.GaussianBlur(canvas, (0, 0), blur).astype(np.float32) / 255, np.float32)


def _shifted(points: Polygon, window: tuple[slice, slice]) -> npt.NDArray[np.int32]:
    """Pixels of the window with four binary digits of fraction, as OpenCV's drawing takes them."""
    return np.asarray(np.round((points - [window[1].start, window[0].start]) * 16), np.int32)


def draw_line(
    canvas: Image, points: Polygon, window: tuple[slice, slice], thickness: int, *, closed: bool = False
) -> None:
    """Draws a line, anti-aliased; pixels of the plane."""
    cv2.polylines(canvas, [_shifted(points, window)], closed, 255, thickness, cv2.LINE_AA, shift=4)


def fill(canvas: Image, points: Polygon, window: tuple[slice, slice]) -> None:
    """Fills an outline, anti-aliased; pixels of the plane."""
    cv2.fillPoly(canvas, [_shifted(points, window)], 255, cv2.LINE_AA, shift=4)
