"""Coordinate systems that Chinese devices and maps speak."""

from __future__ import annotations

import math
from enum import StrEnum

SEMI_MAJOR_M = 6378245.0
ECCENTRICITY_SQUARED = 0.00669342162296594323
"""Krasovsky 1940, as the published obfuscation uses it."""
ROUNDS, CLOSE_ENOUGH_DEG = 30, 1e-9


class CoordinateSystem(StrEnum):
    """What a latitude and longitude mean; never guessed."""

    WGS84 = "wgs84"  # GNSS receivers
    CGCS2000 = "cgcs2000"  # the survey system of China, as degrees; its plane zones are in geo/cgcs2000.py
    GCJ02 = "gcj02"  # Chinese maps and phones: shifted by up to some hundred metres inside China


def to_wgs84(lat: float, lon: float, system: CoordinateSystem) -> tuple[float, float]:
    """A place in ``system`` as WGS-84 degrees.

    CGCS2000 keeps its numbers, as EPSG has it: the frames agreed to centimetres in the year 2000. Plates have moved
    China some 3 cm a year since; that is left in, because files do not say the epoch of their WGS-84.
    """
    return gcj02_to_wgs84(lat, lon) if system is CoordinateSystem.GCJ02 else (lat, lon)


def from_wgs84(lat: float, lon: float, system: CoordinateSystem) -> tuple[float, float]:
    """The inverse of ``to_wgs84``, to a millimetre."""
    return wgs84_to_gcj02(lat, lon) if system is CoordinateSystem.GCJ02 else (lat, lon)


def outside_china(lat: float, lon: float) -> bool:
    """Whether the published shift does not apply: it works in a rectangle around China."""
    return not (0.8293 <= lat <= 55.8271 and 72.004 <= lon <= 137.8347)


def wgs84_to_gcj02(lat: float, lon: float) -> tuple[float, float]:
    """The published shift of GCJ-02, which no standard documents; identity outside China."""
    if outside_china(lat, lon):
        return lat, lon
    north, east = _north(lon - 105.0, lat - 35.0), _east(lon - 105.0, lat - 35.0)
    sine = math.sin(math.radians(lat))
    magic = 1 - ECCENTRICITY_SQUARED * sine * sine
    metres_north = SEMI_MAJOR_M * (1 - ECCENTRICITY_SQUARED) / (magic * math.sqrt(magic))
    metres_east = SEMI_MAJOR_M / math.sqrt(magic) * math.cos(math.radians(lat))
    return lat + math.degrees(north / metres_north), lon + math.degrees(east / metres_east)


def gcj02_to_wgs84(lat: float, lon: float) -> tuple[float, float]:
    """The inverse, by fixed-point iteration to a billionth of a degree (0.1 mm)."""
    if outside_china(lat, lon):
        return lat, lon
    guess_lat, guess_lon = lat, lon
    for _ in range(ROUNDS):
        back_lat, back_lon = wgs84_to_gcj02(guess_lat, guess_lon)
        error_lat, error_lon = back_lat - lat, back_lon - lon
        guess_lat, guess_lon = guess_lat - error_lat, guess_lon - error_lon
        if max(abs(error_lat), abs(error_lon)) < CLOSE_ENOUGH_DEG:
            break
    return guess_lat, guess_lon


def _waves(x: float) -> float:
    return (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0


def _north(x: float, y: float) -> float:
    shift = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + _waves(x)
    shift += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    return shift + (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0


def _east(x: float, y: float) -> float:
    shift = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + _waves(x)
    shift += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    return shift + (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
