"""A GNSS track: where the vehicle was, by time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from roadwarden.detections import Position

DEFAULT_TOLERANCE_S = 2.0
METRES_PER_DEGREE = 111_320.0
"""Of latitude, near enough for distances of some kilometres."""
KMH, MPH, KNOTS = 1 / 3.6, 0.44704, 0.514444
"""Metres a second."""
_STANDING_M = 0.3  # below this a movement between two fixes is noise and gives no heading

Column = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fix:
    """One row of a track; heading and speed None where the receiver gave none."""

    time: datetime
    lat: float
    lon: float
    heading_deg: float | None = None
    speed_mps: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Fixes sorted by time, one an instant; NaN where a heading or speed is not known."""

    seconds: Column  # since 1970-01-01 UTC
    lat: Column
    lon: Column
    heading_deg: Column
    speed_mps: Column

    @classmethod
    def of(cls, fixes: Iterable[Fix]) -> Track:
        """Sorts, drops fixes of an instant that was there before, and takes missing headings from the movement."""
        by_time = {fix.time.timestamp(): fix for fix in sorted(fixes, key=lambda fix: fix.time)}
        seconds = np.array(list(by_time), np.float64)
        lat, lon = (np.array([getattr(fix, name) for fix in by_time.values()], np.float64) for name in ("lat", "lon"))
        heading, speed = (
            np.array([math.nan if (value := getattr(fix, name)) is None else value for fix in by_time.values()])
            for name in ("heading_deg", "speed_mps")
        )
        return cls(seconds, lat, lon, np.where(np.isnan(heading), _headings(lat, lon), heading), speed)

    def __len__(self) -> int:
        """Number of fixes."""
        return len(self.seconds)

    def at(self, time: datetime, tolerance_s: float = DEFAULT_TOLERANCE_S) -> Position | None:
        """The position at that time, between the fixes on either side by straight line; None beyond the tolerance.

        Never extrapolates: before the first and after the last fix only an exact hit counts.
        """
        now = time.astimezone(UTC).timestamp()
        after = int(np.searchsorted(self.seconds, now))
        if after < len(self.seconds) and self.seconds[after] == now:
            return self._between(after, after, 0.0)
        if after in {0, len(self.seconds)}:
            return None
        before = after - 1
        if max(now - self.seconds[before], self.seconds[after] - now) > tolerance_s:
            return None
        share = (now - self.seconds[before]) / (self.seconds[after] - self.seconds[before])
        return self._between(before, after, float(share))

    def _between(self, before: int, after: int, share: float) -> Position:
        east = (self.lon[after] - self.lon[before] + 180) % 360 - 180
        turn = (self.heading_deg[after] - self.heading_deg[before] + 180) % 360 - 180
        return Position(
            lat=float(self.lat[before] + share * (self.lat[after] - self.lat[before])),
            lon=float((self.lon[before] + share * east + 180) % 360 - 180),
            heading_deg=_known((self.heading_deg[before] + share * turn) % 360),
            speed_mps=_known(self.speed_mps[before] + share * (self.speed_mps[after] - self.speed_mps[before])),
        )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _headings(lat: Column, lon: Column) -> Column:
    """Headings of the movement to the next fix; while standing, the last one goes on."""
    if len(lat) < 2:
        return np.full(len(lat), math.nan)
    north = np.diff(lat)
    east = ((np.diff(lon) + 180) % 360 - 180) * np.cos(np.radians(lat[:-1]))
    heading = np.degrees(np.arctan2(east, north)) % 360
    heading[np.hypot(north, east) * METRES_PER_DEGREE < _STANDING_M] = math.nan
    heading = np.append(heading, heading[-1])
    for index in range(1, len(heading)):
        if math.isnan(heading[index]):
            heading[index] = heading[index - 1]
    return np.asarray(heading, np.float64)
