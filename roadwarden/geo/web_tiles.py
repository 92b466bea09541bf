"""Tiles of the web's map (spherical Mercator): where they lie, and places as units within them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roadwarden.errors import DataError
from roadwarden.geo.tiles import MapBox

EXTENT = 4096
"""Units across a tile."""
DEEPEST = 22

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WebTile:
    """``x`` from the west, ``y`` from the north, of 2^z each."""

    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        if not (0 <= self.z <= DEEPEST and 0 <= self.x < 2**self.z and 0 <= self.y < 2**self.z):
            raise DataError(f"there is no tile {self.z}/{self.x}/{self.y}; z is 0 to {DEEPEST}, x and y below 2^z")

    def box(self, margin: float = 0.0) -> MapBox:
        """The degrees it covers, and a margin in widths of a tile on every side."""
        count = 2**self.z
        west, east = ((self.x + part) / count * 360 - 180 for part in (-margin, 1 + margin))
        north, south = (_latitude((self.y + part) / count) for part in (-margin, 1 + margin))
        return MapBox(max(south, -90.0), max(west, -180.0), min(north, 90.0), min(east, 180.0))

    def units(self, world: Floats) -> Floats:
        """(n, 2) places of the world (``to_world``) as units of this tile, y downwards; not rounded."""
        return np.asarray((world * 2**self.z - (self.x, self.y)) * EXTENT)

    def bounds(self, margin: float) -> tuple[float, float, float, float]:
        """West, north, east, south in the world's own measure."""
        size = 2.0**-self.z
        low, high = -margin, 1 + margin
        return (self.x + low) * size, (self.y + low) * size, (self.x + high) * size, (self.y + high) * size


def to_world(degrees: npt.ArrayLike) -> Floats:
    """(n, 2) latitudes and longitudes as x and y of the whole map, 0..1, y downwards."""
    places = np.asarray(degrees, np.float64).reshape(-1, 2)
    lat = np.radians(np.clip(places[:, 0], -85.0511, 85.0511))
    y = (1 - np.arcsinh(np.tan(lat)) / math.pi) / 2
    return np.stack([(places[:, 1] + 180) / 360, y], axis=1)


def _latitude(y: float) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * min(max(y, 0.0), 1.0)))))
