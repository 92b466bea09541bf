"""Capture time and position from a JPEG's EXIF block; damaged EXIF is no EXIF."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from roadwarden.detections import Position

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}
_FORMATS = {3: "H", 4: "I", 9: "i"}
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_TIME, _OFFSET, _SUBSECONDS = 0x9003, 0x9011, 0x9291
_KMH, _MPH, _KNOTS = 1 / 3.6, 0.44704, 0.514444
_SPEED_UNITS = {"K": _KMH, "M": _MPH, "N": _KNOTS}

Tags = dict[int, Any]


@dataclass(frozen=True, slots=True)
class Exif:
    """What a picture knows of itself; None where it does not."""

    captured_at: datetime | None = None
    position: Position | None = None


def read_exif(data: bytes, zone: tzinfo | None = None) -> Exif:
    """Reads a JPEG; a time without an offset is GPS time where there is one, else in ``zone``, else unknown."""
    try:
        tiff = _tiff_block(data)
        if tiff is None:
            return Exif()
        order = "<" if tiff[:2] == b"II" else ">"
        main = _directory(tiff, order, struct.unpack_from(f"{order}I", tiff, 4)[0])
        camera = _directory(tiff, order, main[_EXIF_IFD]) if _EXIF_IFD in main else {}
        gps = _directory(tiff, order, main[_GPS_IFD]) if _GPS_IFD in main else {}
        return Exif(_camera_time(camera, zone) or _gps_time(gps), _position(gps))
    except (struct.error, ValueError, KeyError, IndexError, TypeError, ZeroDivisionError, OverflowError):
        return Exif()


def _tiff_block(data: bytes) -> bytes | None:
    if not data.startswith(b"\xff\xd8"):
        return None
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] not in {0xDA, 0xD9}:
        length = struct.unpack_from(">H", data, place + 2)[0]
        if data[place + 1] == 0xE1 and data[place + 4 : place + 10] == b"Exif\0\0":
            return data[place + 10 : place + 2 + length]
        place += 2 + length
    return None


def _directory(tiff: bytes, order: str, place: int) -> Tags:
    (count,) = struct.unpack_from(f"{order}H", tiff, place)
    tags: Tags = {}
    for start in range(place + 2, place + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(f"{order}HHI", tiff, start)
        size = _SIZES.get(kind, 0) * number
        if not 0 < size <= len(tiff):
            continue
        at = start + 8 if size <= 4 else struct.unpack_from(f"{order}I", tiff, start + 8)[0]
        tags[tag] = _value(tiff[at : at + size], order, kind, number)
    return tags


def _value(raw: bytes, order: str, kind: int, number: int) -> Any:
    if kind in {1, 7}:
        return raw
    if kind == 2:
        return raw.split(b"\0")[0].decode("ascii", "replace").strip()
    if kind in {5, 10}:
        layout = "I" if kind == 5 else "i"
        parts = struct.unpack(f"{order}{2 * number}{layout}", raw)
        return [top / bottom for top, bottom in zip(parts[::2], parts[1::2], strict=True)]
    values = struct.unpack(f"{order}{number}{_FORMATS[kind]}", raw)
    return values[0] if number == 1 else list(values)


def _camera_time(tags: Tags, zone: tzinfo | None) -> datetime | None:
    if not tags.get(_TIME):
        return None
    if tags.get(_OFFSET):
        sign = -1 if tags[_OFFSET].startswith("-") else 1
        hours, minutes = tags[_OFFSET].lstrip("+-").split(":")
        zone = timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))
    if zone is None:
        return None
    local = datetime.strptime(tags[_TIME], "%Y:%m:%d %H:%M:%S").replace(tzinfo=zone)
    digits = str(tags.get(_SUBSECONDS, "")).strip()
    fraction = int(digits[:6].ljust(6, "0")) if digits.isdigit() else 0
    return local.replace(microsecond=fraction).astimezone(UTC)


def _gps_time(gps: Tags) -> datetime | None:
    if not (gps.get(29) and gps.get(7)):
        return None
    hours, minutes, seconds = gps[7]
    day = datetime.strptime(gps[29], "%Y:%m:%d").replace(tzinfo=UTC)
    return day + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _position(gps: Tags) -> Position | None:
    if not all(tag in gps for tag in (1, 2, 3, 4)):
        return None
    speed = gps[13][0] * _SPEED_UNITS.get(gps.get(12, "K"), _KMH) if 13 in gps else None
    heading = gps[17][0] % 360 if 17 in gps else gps[15][0] % 360 if 15 in gps else None
    return Position(_degrees(gps[2], gps[1] == "S"), _degrees(gps[4], gps[3] == "W"), heading, speed)


def _degrees(parts: list[float], negative: bool) -> float:
    degrees = parts[0] + parts[1] / 60 + parts[2] / 3600
    return -degrees if negative else degrees
