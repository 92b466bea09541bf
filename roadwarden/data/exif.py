"""Capture time and position from a picture's EXIF block; damaged EXIF is no EXIF."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from PIL import Image as Pillow
from PIL.ExifTags import GPS, IFD, Base

from roadwarden.data.track import KMH, KNOTS, MPH
from roadwarden.detections import Position

_SPEED_UNITS = {"K": KMH, "M": MPH, "N": KNOTS}
_WHAT_BAD_EXIF_RAISES = (
    OSError, SyntaxError, ValueError, KeyError, IndexError, TypeError, ZeroDivisionError, OverflowError,
    Pillow.DecompressionBombError,
)  # fmt: skip

Tags = Mapping[int, Any]


@dataclass(frozen=True, slots=True)
class Exif:
    """What a picture knows of itself; None where it does not."""

    captured_at: datetime | None = None
    position: Position | None = None
    software: str | None = None  # the program that wrote the file last
    device: str | None = None  # maker and model of the camera


def read_exif(data: bytes, zone: tzinfo | None = None) -> Exif:
    """Reads the head of a picture; a time without an offset is GPS time where there is one, else in ``zone``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of damaged blocks; for us they are none
            exif = Pillow.open(io.BytesIO(data)).getexif()
            camera, gps = exif.get_ifd(IFD.Exif), exif.get_ifd(IFD.GPSInfo)
    except _WHAT_BAD_EXIF_RAISES:
        return Exif()
    captured_at = _or_none(_camera_time, camera, zone) or _or_none(_gps_time, gps, None)
    software, device = _or_none(_software, exif, None), _or_none(_device, exif, None)
    return Exif(captured_at, _or_none(_position, gps, None), software, device)


def _or_none(read: Any, tags: Tags, zone: tzinfo | None) -> Any:
    try:
        return read(tags, zone)
    except _WHAT_BAD_EXIF_RAISES:
        return None


def _camera_time(tags: Tags, zone: tzinfo | None) -> datetime | None:
    if not tags.get(Base.DateTimeOriginal):
        return None
    if offset := tags.get(Base.OffsetTimeOriginal):
        hours, minutes = offset.strip("\0 ").lstrip("+-").split(":")
        size = timedelta(hours=int(hours), minutes=int(minutes))
        zone = timezone(-size if offset.startswith("-") else size)
    if zone is None:
        return None
    local = datetime.strptime(tags[Base.DateTimeOriginal].strip("\0 "), "%Y:%m:%d %H:%M:%S").replace(tzinfo=zone)
    digits = str(tags.get(Base.SubsecTimeOriginal, "")).strip("\0 ")
    fraction = int(digits[:6].ljust(6, "0")) if digits.isdigit() else 0
    return local.replace(microsecond=fraction).astimezone(UTC)


def _gps_time(gps: Tags, _zone: tzinfo | None) -> datetime | None:
    if not (gps.get(GPS.GPSDateStamp) and gps.get(GPS.GPSTimeStamp)):
        return None
    hours, minutes, seconds = (float(part) for part in gps[GPS.GPSTimeStamp])
    day = datetime.strptime(gps[GPS.GPSDateStamp].strip("\0 "), "%Y:%m:%d").replace(tzinfo=UTC)
    return day + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _software(tags: Tags, _zone: tzinfo | None) -> str | None:
    return str(tags.get(Base.Software, "")).strip("\0 ") or None


def _device(tags: Tags, _zone: tzinfo | None) -> str | None:
    words = (str(tags.get(tag, "")).strip("\0 ") for tag in (Base.Make, Base.Model))
    return " ".join(filter(None, words)) or None


def _position(gps: Tags, _zone: tzinfo | None) -> Position | None:
    if not all(tag in gps for tag in (GPS.GPSLatitudeRef, GPS.GPSLatitude, GPS.GPSLongitudeRef, GPS.GPSLongitude)):
        return None
    speed = gps.get(GPS.GPSSpeed)
    heading = gps.get(GPS.GPSImgDirection, gps.get(GPS.GPSTrack))
    return Position(
        _degrees(gps[GPS.GPSLatitude], gps[GPS.GPSLatitudeRef], "S"),
        _degrees(gps[GPS.GPSLongitude], gps[GPS.GPSLongitudeRef], "W"),
        None if heading is None else float(heading) % 360,
        None if speed is None else float(speed) * _SPEED_UNITS.get(gps.get(GPS.GPSSpeedRef, "K"), KMH),
    )


def _degrees(parts: tuple[Any, Any, Any], reference: str, negative: str) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    return -value if reference.startswith(negative) else value
