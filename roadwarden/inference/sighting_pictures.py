"""Pictures of sightings for people to look at: the redacted frame with the box drawn, whole or around the box."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import cv2

from roadwarden.detections import Image, Sighting
from roadwarden.errors import NotFound
from roadwarden.inference.picture_matcher import Look, Looks
from roadwarden.service.evidence import BadPicture, Limits, PictureRead, Pictures
from roadwarden.vision.decode import decode
from roadwarden.vision.surface import Box

KEPT: Final = 48
"""Redacted frames in memory, some 0.5 MB each: redacting takes long, and a defect is looked at more than once."""
QUALITY: Final = 85
LEAST_PX: Final = 480
"""Width of what is shown around a box: less road tells nobody where it is."""
TIMES: Final = 3.0
"""So many times as wide and high as its box, where that is more."""
COLOUR: Final = (64, 220, 255)  # BGR
WIDTH_PX: Final = 3


class Part(StrEnum):
    """How much of the frame is shown."""

    WHOLE = "frame"
    AROUND = "around"


@dataclass(slots=True)
class SightingPictures:
    """Of the archives that sightings were surveyed from; may be asked by several threads."""

    looks: Looks
    pictures: Pictures  # redacts
    limits: Limits = field(default_factory=Limits)
    _kept: OrderedDict[str, PictureRead] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def show(self, sighting: Sighting, part: Part) -> bytes:
        """A JPEG. Raises NotFound where the archive is gone, was never told, or holds no picture any more."""
        look = self.looks(sighting)
        if look is None or look.box_xyxy is None:
            raise NotFound(f"the picture of sighting {sighting.id[:12]} is not at hand: is its archive where it was?")
        read = self._read(sighting, look)
        image = decode(read.public_jpeg)
        scale = image.shape[1] / read.width
        left, top, right, bottom = look.box_xyxy
        box = (left * scale, top * scale, right * scale, bottom * scale)
        drawn = boxed(image, box)
        return _jpeg(drawn if part is Part.WHOLE else around(drawn, box))

    def _read(self, sighting: Sighting, look: Look) -> PictureRead:
        with self._lock:
            if (kept := self._kept.get(sighting.frame)) is not None:
                self._kept.move_to_end(sighting.frame)
                return kept
        try:
            read = self.pictures.read(look.data, self.limits)
        except BadPicture as exc:
            raise NotFound(f"the frame of sighting {sighting.id[:12]} cannot be shown: {exc}") from exc
        with self._lock:
            self._kept[sighting.frame] = read
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return read


def boxed(image: Image, box: Box) -> Image:
    """A copy with the box drawn on it; ``box``: pixels of the image."""
    left, top, right, bottom = (round(edge) for edge in box)
    drawn = image.copy()
    cv2.rectangle(drawn, (left, top), (right, bottom), COLOUR, WIDTH_PX)
    return drawn


def around(image: Image, box: Box) -> Image:
    """The part of the image around the box, 4 to 3 where there is room for it."""
    height, width = image.shape[:2]
    left, top, right, bottom = box
    wide = min(width, max(LEAST_PX, TIMES * (right - left), TIMES * (bottom - top) * 4 / 3))
    high = min(height, wide * 3 / 4)
    x = _within((left + right - wide) / 2, width - wide)
    y = _within((top + bottom - high) / 2, height - high)
    return image[round(y) : round(y + high), round(x) : round(x + wide)]


def _within(value: float, most: float) -> float:
    return max(0.0, min(value, most))


def _jpeg(image: Image) -> bytes:
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])
