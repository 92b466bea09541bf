"""Scales frames into a network's input, and boxes back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from roadwarden.detections import Boxes, Image

PADDING_GREY = 114
STRIDE_PX = 32


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a frame of one size lies in the input: scaled, centred, grey around.

    The input is the smallest multiple of the stride that holds the scaled frame, so that a 16:9 frame costs
    9/16 of a square one; the arithmetic is that of Ultralytics, whose weights expect it.
    """

    frame_height: int
    frame_width: int
    scale: float
    left: int
    top: int
    input_height: int
    input_width: int

    @classmethod
    def of(cls, frame_height: int, frame_width: int, input_size: int) -> Letterbox:
        """The letterbox of a frame whose longer side becomes ``input_size`` pixels."""
        scale = min(input_size / frame_height, input_size / frame_width)
        height, width = max(1, round(frame_height * scale)), max(1, round(frame_width * scale))
        pad_y, pad_x = (input_size - height) % STRIDE_PX / 2, (input_size - width) % STRIDE_PX / 2
        top, left = round(pad_y - 0.1), round(pad_x - 0.1)
        return cls(
            frame_height=frame_height,
            frame_width=frame_width,
            scale=scale,
            left=left,
            top=top,
            input_height=height + top + round(pad_y + 0.1),
            input_width=width + left + round(pad_x + 0.1),
        )

    def apply(self, image: Image) -> npt.NDArray[np.float32]:
        """The network's input: (3, input_height, input_width), RGB, 0..1."""
        height, width = (max(1, round(side * self.scale)) for side in (self.frame_height, self.frame_width))
        if image.shape[:2] != (height, width):
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        canvas = np.full((self.input_height, self.input_width, 3), PADDING_GREY, np.uint8)
        canvas[self.top : self.top + height, self.left : self.left + width] = image
        planes = np.empty((3, self.input_height, self.input_width), np.float32)
        for plane, channel in zip(planes, (2, 1, 0), strict=True):  # BGR to RGB; half the time of one transposed step
            np.multiply(canvas[..., channel], np.float32(1 / 255), out=plane, dtype=np.float32)
        return planes

    def restore(self, boxes: Boxes) -> Boxes:
        """Boxes of the input as boxes of the frame, clipped to it."""
        shift = np.array([self.left, self.top, self.left, self.top], np.float32)
        limit = np.array([self.frame_width, self.frame_height] * 2, np.float32)
        return np.asarray(np.clip((boxes - shift) / np.float32(self.scale), 0, limit), np.float32)
