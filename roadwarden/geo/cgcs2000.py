"""CGCS2000 as Chinese cities deliver it: metres in 3-degree Gauss-Krueger zones, by way of PROJ.

A zone is always named, by its EPSG code or by central meridian and form. The form with the zone's number before the
easting (EPSG 4513 to 4533) and the form without (4534 to 4554) differ by millions of metres and are checked; so is the
order of the axes, because Chinese surveyors write x for north and y for east. Systems of a single city's own are not
published and have no code: ask the city's survey office for CGCS2000.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

from roadwarden.errors import ConfigError, DataError

FIRST_MERIDIAN, LAST_MERIDIAN, ZONE_DEGREES = 75, 135, 3
FIRST_PREFIXED, FIRST_PLAIN = 4513, 4534
"""EPSG codes of the zones around 75 degrees."""
ZONES = 21
PREFIX_M = 1_000_000
EASTINGS_M = (150_000.0, 850_000.0)
"""Without the prefix: a zone is less than 170 km to either side of 500 km, neighbours overlap."""
NORTHINGS_M = (0.0, 6_000_000.0)

Column = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Zone:
    """One 3-degree zone; ``prefixed`` where eastings begin with its number."""

    central_meridian: int
    prefixed: bool = False

    def __post_init__(self) -> None:
        if not (FIRST_MERIDIAN <= self.central_meridian <= LAST_MERIDIAN and self.central_meridian % 3 == 0):
            raise ConfigError(
                f"no 3-degree zone around {self.central_meridian}: central meridians are multiples of 3 "
                f"from {FIRST_MERIDIAN} to {LAST_MERIDIAN}"
            )

    @classmethod
    def of_meridian(cls, degrees: int, *, prefixed: bool = False) -> Zone:
        """The zone around that meridian, e.g. 120 for Hangzhou."""
        return cls(degrees, prefixed)

    @classmethod
    def of_epsg(cls, code: int) -> Zone:
        """The zone of an EPSG code."""
        for first, prefixed in ((FIRST_PREFIXED, True), (FIRST_PLAIN, False)):
            if first <= code < first + ZONES:
                return cls(FIRST_MERIDIAN + ZONE_DEGREES * (code - first), prefixed)
        raise ConfigError(
            f"EPSG {code} is no 3-degree zone of CGCS2000: 4513 to 4533 (eastings begin with the zone) "
            "or 4534 to 4554 (they do not)"
        )

    @classmethod
    def all(cls) -> Iterator[Zone]:
        """Every zone in both forms."""
        for meridian in range(FIRST_MERIDIAN, LAST_MERIDIAN + 1, ZONE_DEGREES):
            yield cls(meridian)
            yield cls(meridian, prefixed=True)

    @property
    def epsg(self) -> int:
        """The code in the EPSG register."""
        first = FIRST_PREFIXED if self.prefixed else FIRST_PLAIN
        return first + (self.central_meridian - FIRST_MERIDIAN) // ZONE_DEGREES

    @property
    def number(self) -> int:
        """The number before prefixed eastings: 40 for 120 degrees."""
        return self.central_meridian // ZONE_DEGREES


@dataclass(frozen=True, slots=True)
class GaussKrueger:
    """Metres of one zone, into WGS-84 degrees and back."""

    zone: Zone

    def to_wgs84(self, east_m: npt.ArrayLike, north_m: npt.ArrayLike) -> tuple[Column, Column]:
        """Latitudes and longitudes; raises DataError where the numbers cannot be of this zone."""
        east, north = np.asarray(east_m, np.float64), np.asarray(north_m, np.float64)
        self._check(east, north)
        lon, lat = _transformer(self.zone.epsg).transform(east, north, direction="INVERSE", errcheck=True)
        return np.asarray(lat), np.asarray(lon)

    def from_wgs84(self, lat: npt.ArrayLike, lon: npt.ArrayLike) -> tuple[Column, Column]:
        """Eastings and northings, metres."""
        east, north = _transformer(self.zone.epsg).transform(
            np.asarray(lon, np.float64), np.asarray(lat, np.float64), errcheck=True
        )
        return np.asarray(east), np.asarray(north)

    def _check(self, east: Column, north: Column) -> None:
        if not np.size(east):
            return
        fault = self._fault(float(np.median(east)), float(np.median(north)))
        if fault:
            raise DataError(f"EPSG {self.zone.epsg} (around {self.zone.central_meridian} degrees): {fault}")

    def _fault(self, east: float, north: float) -> str:
        number, plain = divmod(east, PREFIX_M)
        if abs(east) <= 360 and abs(north) <= 90:
            return f"{east}, {north} are degrees, not metres; name the system cgcs2000 without a zone"
        if not _within(north, NORTHINGS_M) or 0 < number < FIRST_MERIDIAN // ZONE_DEGREES:
            return f"{east:.0f} east, {north:.0f} north: x and y are exchanged; x is north on Chinese plans"
        if number and number != self.zone.number * self.zone.prefixed:
            return f"easting {east:.0f} begins with zone {number:.0f}; name the zone and form the file is in"
        if self.zone.prefixed and not number:
            return f"easting {east:.0f} has no zone number before it; name the form without"
        return "" if _within(plain, EASTINGS_M) else f"easting {east:.0f} is not in a 3-degree zone"


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


@cache
def _transformer(epsg: int) -> Transformer:
    """CGCS2000 degrees (the numbers of WGS-84, see ``coordinates.to_wgs84``) into the zone; x is east."""
    return Transformer.from_crs(4490, epsg, always_xy=True)
