"""A drive along the street: where the camera was at each frame, and what its receiver wrote down."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from roadwarden.data.synthetic.camera import Camera
from roadwarden.data.track import METRES_PER_DEGREE, Fix

START_LAT, START_LON, HEADING_DEG = 30.2741, 120.1551, 62.0  # WGS-84; a made-up street in Hangzhou
SPEED_MPS = 10.0
FRAMES_A_SECOND = 10
FIX_EVERY_S = 0.2
GNSS_NOISE_M = 0.15


@dataclass(frozen=True, slots=True)
class Pose:
    """One exposure: time, metres along the street, and the camera as it was tilted just then."""

    time: datetime
    at_x: float
    camera: Camera


@dataclass(frozen=True, slots=True)
class Drive:
    """How and when the street is driven along."""

    camera: Camera = field(default_factory=lambda: Camera(lateral_m=0.9))
    start: datetime = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)  # 10:00 in Hangzhou
    seed: int = 7

    def poses(self, frames: int) -> Iterator[Pose]:
        """One exposure a metre; the vehicle nods by a fraction of a degree."""
        generator = np.random.default_rng([self.seed, 21])
        nod = 0.0
        for number in range(frames):
            nod = 0.7 * nod + float(generator.normal(0, 0.12))
            yield Pose(
                self.start + timedelta(seconds=number / FRAMES_A_SECOND),
                number * SPEED_MPS / FRAMES_A_SECOND,
                replace(self.camera, pitch_deg=self.camera.pitch_deg + nod),
            )

    def fixes(self, frames: int) -> list[Fix]:
        """The receiver's track, from just before the first to just after the last frame."""
        generator = np.random.default_rng([self.seed, 22])
        seconds = np.arange(-FIX_EVERY_S, frames / FRAMES_A_SECOND + FIX_EVERY_S, FIX_EVERY_S)
        fixes = []
        for second in seconds:
            along, right = generator.normal(0, GNSS_NOISE_M, 2)
            lat, lon = place_of(second * SPEED_MPS + along, self.camera.lateral_m + right)
            when = self.start + timedelta(seconds=round(float(second), 3))
            fixes.append(Fix(when, round(lat, 7), round(lon, 7), HEADING_DEG, SPEED_MPS))
        return fixes


def place_of(x: float, y: float) -> tuple[float, float]:
    """Latitude and longitude of a point of the road plane."""
    heading = math.radians(HEADING_DEG)
    north = x * math.cos(heading) - y * math.sin(heading)
    east = x * math.sin(heading) + y * math.cos(heading)
    lat = START_LAT + north / METRES_PER_DEGREE
    return lat, START_LON + east / (METRES_PER_DEGREE * math.cos(math.radians(START_LAT)))
