"""From the bytes of a file to a picture, or to the reason why not."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from roadwarden.detections import Image
from roadwarden.errors import DataError


class UndecodableReason(StrEnum):
    """Why a file is no picture; the word after ``unreadable:``."""

    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    CORRUPT = "corrupt"


class UndecodableFrame(DataError):
    """A file that cannot be decoded."""

    def __init__(self, reason: UndecodableReason, text: str) -> None:
        """``text`` is for people."""
        super().__init__(text)
        self.reason = reason

    def __reduce__(self) -> tuple[type[UndecodableFrame], tuple[UndecodableReason, str]]:
        """So that it comes back whole from another process."""
        return UndecodableFrame, (self.reason, str(self))


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What is refused from its header, before memory is spent on it."""

    pixels: int = 200_000_000
    file_bytes: int = 256 * 2**20


DEFAULT_LIMITS = DecodeLimits()


def decode(data: bytes, limits: DecodeLimits = DEFAULT_LIMITS) -> Image:
    """The picture as people see it: EXIF rotation applied, grey and CMYK as colour, 16 bits as 8, no alpha.

    Raises UndecodableFrame. A JPEG that breaks off is refused although OpenCV would fill the rest with grey:
    a detector would take the edge for a distress.
    """
    if not data:
        raise UndecodableFrame(UndecodableReason.EMPTY, "the file is empty")
    if len(data) > limits.file_bytes:
        raise UndecodableFrame(UndecodableReason.TOO_LARGE, f"{len(data)} bytes; at most {limits.file_bytes}")
    size = size_in_header(data)
    if size is None:
        raise UndecodableFrame(UndecodableReason.NOT_AN_IMAGE, "neither JPEG, PNG, BMP, WebP nor TIFF")
    if size[0] * size[1] > limits.pixels:
        raise UndecodableFrame(UndecodableReason.TOO_LARGE, f"{size[0]} × {size[1]} pixels; at most {limits.pixels}")
    if _breaks_off(data):
        raise UndecodableFrame(UndecodableReason.TRUNCATED, "the file breaks off before its end")
    return _decode_pixels(data)


def _decode_pixels(data: bytes) -> Image:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as exc:
        raise UndecodableFrame(UndecodableReason.CORRUPT, f"OpenCV refuses it: {exc.err}") from exc
    if image is None:
        raise UndecodableFrame(UndecodableReason.CORRUPT, "the picture's data is damaged")
    return np.asarray(image, np.uint8)


def size_in_header(data: bytes) -> tuple[int, int] | None:
    """(width, height) as the header says, (0, 0) where a known format hides it, None for an unknown format."""
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg_size(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return struct.unpack(">II", data[16:24]) if len(data) >= 24 else (0, 0)
    if data.startswith(b"BM"):
        return _bmp_size(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_size(data)
    if data[:4] in {b"II*\0", b"MM\0*"}:
        return _tiff_size(data)
    return None


def _jpeg_size(data: bytes) -> tuple[int, int]:
    place = 2
    while place + 9 <= len(data):
        if data[place] != 0xFF:
            return 0, 0
        marker = data[place + 1]
        if marker == 0xFF or 0xD0 <= marker <= 0xD9 or marker == 0x01:
            place += 1 if marker == 0xFF else 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return width, height
        place += 2 + struct.unpack(">H", data[place + 2 : place + 4])[0]
    return 0, 0


def _bmp_size(data: bytes) -> tuple[int, int]:
    if len(data) < 26:
        return 0, 0
    width, height = struct.unpack("<ii", data[18:26])
    return abs(width), abs(height)


def _webp_size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8 " and len(data) >= 30:
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return 0, 0


def _tiff_size(data: bytes) -> tuple[int, int]:
    order = "<" if data[:2] == b"II" else ">"
    sides = {256: 0, 257: 0}
    try:
        (directory,) = struct.unpack_from(f"{order}I", data, 4)
        (entries,) = struct.unpack_from(f"{order}H", data, directory)
        for index in range(entries):
            tag, kind = struct.unpack_from(f"{order}HH", data, directory + 2 + 12 * index)
            if tag in sides:
                layout = "H" if kind == 3 else "I"
                (sides[tag],) = struct.unpack_from(f"{order}{layout}", data, directory + 10 + 12 * index)
    except struct.error:
        return 0, 0
    return sides[256], sides[257]


TAIL_BYTES = 65_536
"""Cameras pad after the end marker; it is looked for in this much of the file's end."""


def _breaks_off(data: bytes) -> bool:
    if data.startswith(b"\xff\xd8\xff"):
        return b"\xff\xd9" not in data[-TAIL_BYTES:]
    if data.startswith(b"\x89PNG"):
        return b"IEND" not in data[-TAIL_BYTES:]
    if data.startswith(b"BM") and len(data) >= 6:
        return len(data) < int.from_bytes(data[2:6], "little")
    if data[:4] == b"RIFF":
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    return False
