"""Tiles of defects and cases: points near by, counts from afar and where there are too many to tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy import Engine

from roadwarden.geo.vector_tile import Feature, Layer, Shape, Value, encode_tile
from roadwarden.geo.web_tiles import EXTENT, Floats, WebTile, to_world
from roadwarden.service.atlas.defect_points import TYPES, DefectPoints, Flags
from roadwarden.storage.engine import reading
from roadwarden.storage.map_points import MOST_POINTS, Group, MapFilter, MapPoints
from roadwarden.taxonomy import Severity

POINTS_FROM, ALWAYS_POINTS_FROM = 14, 16
"""Zooms. Above the first a tile has at most a thousand cells of the grid, however many there are. From the second on,
half a kilometre across, everything can be chosen; the map goes there when a count is clicked."""
MOST_SHOWN = 800
"""Between the two, a tile with more points is counted, too: 60 bytes each, 12 tiles in a window of 1440 x 900."""
_MARGIN = 0.06
_CELLS = 32
"""Of the grid, across a tile."""

Told = Mapping[str, Value]


def defect_tile(defects: DefectPoints, tile: WebTile, wanted: MapFilter) -> bytes:
    """See ``defect_layers``."""
    return encode_tile(defect_layers(defects, tile, wanted))


def case_tile(engine: Engine, tile: WebTile, wanted: MapFilter) -> bytes:
    """See ``case_layers``."""
    return encode_tile(case_layers(engine, tile, wanted))


def defect_layers(defects: DefectPoints, tile: WebTile, wanted: MapFilter) -> list[Layer]:
    """``defects``; one of half a kilometre with more than 5,000 shows the first of them."""
    severe = None if wanted.severity is None else wanted.severity is Severity.SEVERE
    rows = defects.wanted(tile, _MARGIN, wanted.types, severe)
    if not len(rows):
        return []
    units = tile.units(defects.world[rows])
    if tile.z < POINTS_FROM or _crowded(tile, len(rows)):
        return _counted(units, defects.severe[rows])
    rows, units = rows[:MOST_POINTS], units[:MOST_POINTS]
    columns = [column[rows].tolist() for column in (defects.ids, defects.type, defects.severe, defects.seen)]
    told: list[dict[str, Value]] = [
        {"id": name.decode(), "type": TYPES[kind].value, "severe": bad, "seen": seen}
        for name, kind, bad, seen in zip(*columns, strict=True)
    ]
    return _layer("defects", units, told)


def _crowded(tile: WebTile, points: int) -> bool:
    return tile.z < ALWAYS_POINTS_FROM and points > MOST_SHOWN


def _counted(units: Floats, severe: Flags) -> list[Layer]:
    column, row = np.floor(units.T / (EXTENT / _CELLS)).astype(np.int64)
    cells = row * 2 * _CELLS + column  # a margin is less than half a tile: no two cells have one number
    _, group, counts = np.unique(cells, return_inverse=True, return_counts=True)
    middles = np.stack([np.bincount(group, axis) / counts for axis in units.T], axis=1)
    severes = np.bincount(group, severe)
    told: list[dict[str, Value]] = [
        {"count": int(count), "severe": int(bad)} for count, bad in zip(counts, severes, strict=True)
    ]
    return _layer("defects", middles, told)


def case_layers(engine: Engine, tile: WebTile, wanted: MapFilter) -> list[Layer]:
    """``cases``."""
    with reading(engine) as connection:
        points, box = MapPoints(connection), tile.box(_MARGIN)
        found = points.cases(box, wanted) if tile.z >= POINTS_FROM else ()
        if tile.z < POINTS_FROM or _crowded(tile, len(found)):
            return _groups("cases", tile, points.case_groups(box, wanted, (box.north - box.south) / _CELLS))
    told: list[dict[str, Value]] = [
        {"id": one.id, "state": one.state, "severe": one.severe, "late": one.late} for one in found
    ]
    return _placed("cases", tile, [(one.lat, one.lon) for one in found], told)


def _groups(name: str, tile: WebTile, groups: Sequence[Group]) -> list[Layer]:
    told: list[dict[str, Value]] = [{"count": one.count, "severe": one.severe, "late": one.late} for one in groups]
    return _placed(name, tile, [(one.lat, one.lon) for one in groups], told)


def _placed(name: str, tile: WebTile, places: Sequence[tuple[float, float]], told: Sequence[Told]) -> list[Layer]:
    return _layer(name, tile.units(to_world(places)), told) if places else []


def _layer(name: str, units: Floats, told: Sequence[Told]) -> list[Layer]:
    features = [Feature(Shape.POINT, [unit[None]], one) for unit, one in zip(units, told, strict=True)]
    return [Layer(name, features)]
