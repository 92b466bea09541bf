"""Pictures as strangers send them: honest ones, and those that are made to do harm."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL.TiffImagePlugin import IFDRational

TAKEN = "2026:03:02 09:30:00"
WHERE = ((30, 16, 30.0), (120, 9, 0.0))


def road(seed=1, width=640, height=480):
    """A picture with structure, another one for each seed."""
    generator = np.random.default_rng(seed)
    coarse = generator.normal(120, 45, (12, 16)).astype(np.float32)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    picture += generator.normal(0, 6, (height, width))
    return np.dstack([picture.clip(0, 255).astype(np.uint8)] * 3)


def jpeg(image, quality=92):
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def png(image):
    return bytes(cv2.imencode(".png", image)[1])


def with_exif(image):
    """A phone's JPEG: place, time, maker, and the owner's name in a comment."""
    picture = Pillow.fromarray(image[..., ::-1])
    exif = picture.getexif()
    exif[0x010F], exif[0x0110], exif[0x0131] = "Huawei", "P60", "camera 4.2"
    exif[0x013B] = "Wang Xiaoming"
    exif.get_ifd(0x8769).update({0x9003: TAKEN, 0x9011: "+08:00"})
    degrees = [tuple(IFDRational(part) for part in one) for one in WHERE]
    exif.get_ifd(0x8825).update({1: "N", 2: degrees[0], 3: "E", 4: degrees[1], 16: "T", 17: IFDRational(87)})
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92, exif=exif, comment=b"taken by Wang Xiaoming, 138 0013 8000")
    return buffer.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(width=60_000, height=60_000):
    """A few kilobytes that want gigabytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (width + 1) * 40, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def png_with_text_bomb(image):
    """A small picture with 64 MB of compressed text before its pixels."""
    whole = png(image)
    text = b"Comment\0\0" + zlib.compress(b"A" * 64 * 2**20, 9)
    return whole[:33] + chunk(b"zTXt", text) + whole[33:]


def polyglot(image):
    """A JPEG that is a web page and a zip as well."""
    page = b"<html><script>alert(document.cookie)</script></html>"
    return jpeg(image) + page + b"PK\x03\x04" + b"\0" * 26 + b"PK\x05\x06" + b"\0" * 18 + b"\xff\xd9"
