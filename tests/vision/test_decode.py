"""Every file that claims to be a picture becomes one, or says why not."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest

from roadwarden.vision.decode import DecodeLimits, UndecodableFrame, UndecodableReason, decode

ROAD = np.zeros((48, 64, 3), np.uint8)
ROAD[:, :, 2] = 200  # red, so that swapped channels are seen
ROAD[:, 32:] = (40, 40, 40)


def encoded(ending: str, image: np.ndarray = ROAD) -> bytes:
    return bytes(cv2.imencode(ending, image)[1])


def png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    head = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + head + end


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    block = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]


@pytest.mark.parametrize("ending", [".jpg", ".png", ".bmp", ".webp", ".tiff"])
def test_the_formats_cameras_write(ending):
    image = decode(encoded(ending))
    assert image.shape == ROAD.shape
    assert np.abs(image.astype(int) - ROAD).mean() < 6


@pytest.mark.parametrize(
    "picture",
    [
        ROAD[..., 2],
        (ROAD[..., 2].astype(np.uint16) * 257),
        np.dstack([ROAD, np.full(ROAD.shape[:2], 128, np.uint8)]),
    ],
    ids=["grey", "16 bits", "transparent"],
)
def test_grey_deep_and_transparent_pictures_become_three_channels_of_8_bits(picture):
    image = decode(encoded(".png", picture))
    assert image.dtype == np.uint8
    assert image.shape == ROAD.shape
    assert image[0, 0, 2] == 200


def test_a_cmyk_jpeg_is_not_inverted():
    pillow = pytest.importorskip("PIL.Image")
    import io

    target = io.BytesIO()
    pillow.fromarray(ROAD[..., ::-1]).convert("CMYK").save(target, "JPEG", quality=95)
    image = decode(target.getvalue())
    assert np.abs(image.astype(int) - ROAD).mean() < 20


def test_a_picture_held_upright_comes_upright():
    assert decode(with_orientation(encoded(".jpg"), 6)).shape == (64, 48, 3)


def test_a_bomb_is_refused_from_its_header():
    with pytest.raises(UndecodableFrame, match="40000 × 40000") as refused:
        decode(png_header(40_000, 40_000))
    assert refused.value.reason is UndecodableReason.TOO_LARGE


def test_a_file_beyond_the_limit_is_refused():
    with pytest.raises(UndecodableFrame) as refused:
        decode(encoded(".bmp"), DecodeLimits(file_bytes=100))
    assert refused.value.reason is UndecodableReason.TOO_LARGE


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", UndecodableReason.EMPTY),
        (b"frame 1: all quiet on the road\n" * 9, UndecodableReason.NOT_AN_IMAGE),
        (encoded(".jpg")[:400], UndecodableReason.TRUNCATED),
        (encoded(".png")[:-30], UndecodableReason.TRUNCATED),
        (encoded(".webp")[:-10], UndecodableReason.TRUNCATED),
        (encoded(".bmp")[:-10], UndecodableReason.TRUNCATED),
        (png_header(64, 48), UndecodableReason.CORRUPT),
        (b"\xff\xd8\xff\xe0" + b"\0" * 50 + b"\xff\xd9", UndecodableReason.CORRUPT),
    ],
    ids=["empty", "text", "cut jpeg", "cut png", "cut webp", "cut bmp", "png without pixels", "jpeg of nothing"],
)
def test_what_is_no_picture_says_why(data, reason):
    with pytest.raises(UndecodableFrame) as refused:
        decode(data)
    assert refused.value.reason is reason
