"""Integer keys of small tiles of the Earth: what a B-tree needs to find neighbours and boxes of a map.

Rows are 1/8192 degree of latitude high (13.5 to 13.6 m). Within a band of one degree all rows have the same number of
columns, so many that a tile is at least 13.5 m wide at the end of the band nearer to a pole and 2 % wider at the other
(at 45 degrees). The key interleaves the bits of row and column (Morton 1966): tiles near each other mostly have keys
near each other, and the tiles of a square of 2^k by 2^k are one run of keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.int64]

ROWS_PER_DEGREE = 8192
BAND_LEVEL = 13  # 2^13 rows are a band of one degree
LARGEST_KEY = (1 << 44) - 1
LARGEST_RADIUS_M = 500.0
_METRES_PER_DEGREE = 110_574.0
"""The least that a degree of latitude is (WGS-84, at the equator); one of longitude is more than its cosine of that."""
_SPREAD = ((16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F), (2, 0x3333333333333333))


@dataclass(frozen=True, slots=True)
class MapBox:
    """A box of the map, WGS-84 degrees, its edges inside; ``west`` > ``east`` where it crosses 180 degrees."""

    south: float
    west: float
    north: float
    east: float

    def __post_init__(self) -> None:
        lats, lons = (self.south, self.north), (self.west, self.east)
        if not (-90 <= self.south <= self.north <= 90 and all(-180 <= lon <= 180 for lon in lons)):
            raise ValueError(f"{self}: a box is south, west, north, east in degrees; latitudes are {lats}")

    def parts(self) -> tuple[MapBox, ...]:
        """Itself, or its two halves on either side of 180 degrees."""
        if self.west <= self.east:
            return (self,)
        return MapBox(self.south, self.west, self.north, 180.0), MapBox(self.south, -180.0, self.north, self.east)


def tile_keys(degrees: npt.ArrayLike) -> Keys:
    """The keys of the tiles that (n, 2) latitudes and longitudes lie in."""
    places = _places(degrees)
    rows = _rows(places[:, 0])
    return _key(rows, _columns(rows, places[:, 1]))


def tiles_within(degrees: npt.ArrayLike, radius_m: float) -> Keys:
    """Every tile that may hold a place within ``radius_m`` of one of the n places, sorted, each once.

    Up to 9 a place where the radius is no more than a tile. Raises ValueError for a radius above 500 m: ask for a box.
    """
    if not 0 <= radius_m <= LARGEST_RADIUS_M:
        raise ValueError(f"a radius of {radius_m} m; up to {LARGEST_RADIUS_M:.0f} m are looked up by tiles")
    places = _places(degrees)
    lat, lon = places.T
    reach_lat = radius_m / _METRES_PER_DEGREE
    reach_lon = reach_lat / np.maximum(np.cos(np.radians(np.minimum(np.abs(lat) + reach_lat, 90.0))), 1e-3)
    lowest, highest = _rows(lat - reach_lat), _rows(lat + reach_lat)
    found: list[Keys] = []
    for step in range(int((highest - lowest).max(initial=-1)) + 1):
        rows = lowest + step
        inside = rows <= highest
        found += _keys_across(rows[inside], (lon - reach_lon)[inside], (lon + reach_lon)[inside])
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)


def key_ranges(box: MapBox, most: int = 64) -> tuple[tuple[int, int], ...]:
    """First and last key of runs that together hold every tile of the box, and some around it; about ``most`` runs.

    One run of everything where the box is larger than about ``most`` square degrees: no index helps there.
    """
    runs = sorted(run for part in box.parts() for run in _runs(part, most))
    joined: list[tuple[int, int]] = []
    for first, last in runs:
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return tuple(joined)


def _places(degrees: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.asarray(degrees, np.float64).reshape(-1, 2)


def _rows(lat: npt.NDArray[np.float64]) -> Keys:
    return np.asarray(np.clip(np.floor((lat + 90) * ROWS_PER_DEGREE), 0, 180 * ROWS_PER_DEGREE - 1), np.int64)


def _columns_of_row(rows: Keys) -> Keys:
    """How many columns the whole circle has in the band of the row."""
    south = (rows >> BAND_LEVEL) - 90
    poleward = np.maximum(np.abs(south), np.abs(south + 1))
    return np.asarray(np.maximum(1, np.floor(360 * ROWS_PER_DEGREE * np.cos(np.radians(poleward)))), np.int64)


def _columns(rows: Keys, lon: npt.NDArray[np.float64]) -> Keys:
    """Not wrapped: below 0 west of -180 degrees."""
    return np.asarray(np.floor((lon + 180) * (_columns_of_row(rows) / 360)), np.int64)


def _key(rows: Keys, columns: Keys) -> Keys:
    return np.asarray(_spread(rows) << 1 | _spread(columns % _columns_of_row(rows)), np.int64)


def _spread(numbers: Keys) -> Keys:
    """A zero before each of the lower 22 bits."""
    bits = numbers.astype(np.int64)
    for shift, mask in _SPREAD:
        bits = (bits | bits << shift) & mask
    return np.asarray((bits | bits << 1) & 0x5555555555555555)


def _keys_across(rows: Keys, west: npt.NDArray[np.float64], east: npt.NDArray[np.float64]) -> list[Keys]:
    """Keys of the tiles from west to east, one array for each step."""
    first = _columns(rows, west)
    last = np.minimum(_columns(rows, east), first + _columns_of_row(rows) - 1)
    steps = range(int((last - first).max(initial=-1)) + 1)
    return [_key(rows[ok], (first + step)[ok]) for step in steps if (ok := first + step <= last).any()]


def _runs(box: MapBox, most: int) -> Iterator[tuple[int, int]]:
    bands = list(_bands(box))
    for level in range(BAND_LEVEL + 1):
        size = [((north >> level) - (south >> level) + 1, (east >> level) - (west >> level) + 1)
                for south, west, north, east in bands]  # fmt: skip
        if sum(height * width for height, width in size) <= most:
            break
    else:
        yield 0, LARGEST_KEY
        return
    for south, west, north, east in bands:
        rows, columns = np.meshgrid(
            np.arange(south >> level, (north >> level) + 1), np.arange(west >> level, (east >> level) + 1)
        )
        for key in np.asarray(_spread(rows.ravel()) << 1 | _spread(columns.ravel())):
            yield int(key) << 2 * level, ((int(key) + 1) << 2 * level) - 1


def _bands(box: MapBox) -> Iterator[tuple[int, int, int, int]]:
    """South, west, north and east rows and columns of the box in each band that it touches."""
    south, north = (int(row) for row in _rows(np.array([box.south, box.north])))
    for band in range(south >> BAND_LEVEL, (north >> BAND_LEVEL) + 1):
        lowest, highest = max(south, band << BAND_LEVEL), min(north, ((band + 1) << BAND_LEVEL) - 1)
        rows = np.array([lowest])
        last = int(_columns_of_row(rows)[0]) - 1
        west, east = (int(_columns(rows, np.array([lon]))[0]) for lon in (box.west, box.east))
        yield lowest, west, highest, min(east, last)
