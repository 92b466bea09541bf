"""Tiles of defects and cases: points near by, counts from afar."""

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

POINTS_FROM = 14
"""Zoom. Above it a tile has at most a few thousand cells of the grid, however many there are."""
_MARGIN = 0.06
_CELLS = 32
"""Of the grid, across a tile."""

Told = Mapping[str, Value]


def defect_tile(defects: DefectPoints, tile: WebTile, wanted: MapFilter) -> bytes:
    """Layer ``defects``; one with a very crowded tile shows its first 5,000."""
    severe = None if wanted.severity is None else wanted.severity is Severity.SEVERE
    rows = defects.wanted(tile, _MARGIN, wanted.types, severe)
    if not len(rows):
        return b""
    units = tile.units(defects.world[rows])
    if tile.z < POINTS_FROM:
        return _counted(units, defects.severe[rows])
    columns = [column[rows].tolist() for column in (defects.ids, defects.type, defects.severe, defects.seen)]
    told = [
        {"id": name.decode(), "type": TYPES[kind].value, "severe": bad, "seen": seen}
        for name, kind, bad, seen in zip(*columns, strict=True)
    ]
    return _layer("defects", units[:MOST_POINTS], told[:MOST_POINTS])


def _counted(units: Floats, severe: Flags) -> bytes:
    cells = np.floor(units / (EXTENT / _CELLS)).astype(np.int64)
    _, inverse, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    group = inverse.ravel()
    middles = np.stack([np.bincount(group, axis) / counts for axis in units.T], axis=1)
    severes = np.bincount(group, severe)
    told: list[dict[str, Value]] = [
        {"count": int(count), "severe": int(bad)} for count, bad in zip(counts, severes, strict=True)
    ]
    return _layer("defects", middles, told)


def case_tile(engine: Engine, tile: WebTile, wanted: MapFilter) -> bytes:
    """Layer ``cases``."""
    with reading(engine) as connection:
        points, box = MapPoints(connection), tile.box(_MARGIN)
        if tile.z < POINTS_FROM:
            return _groups("cases", tile, points.case_groups(box, wanted, (box.north - box.south) / _CELLS))
        found = points.cases(box, wanted)
    told: list[dict[str, Value]] = [
        {"id": one.id, "state": one.state, "severe": one.severe, "late": one.late} for one in found
    ]
    return _placed("cases", tile, [(one.lat, one.lon) for one in found], told)


def _groups(name: str, tile: WebTile, groups: Sequence[Group]) -> bytes:
    told: list[dict[str, Value]] = [{"count": one.count, "severe": one.severe, "late": one.late} for one in groups]
    return _placed(name, tile, [(one.lat, one.lon) for one in groups], told)


def _placed(name: str, tile: WebTile, places: Sequence[tuple[float, float]], told: Sequence[Told]) -> bytes:
    return _layer(name, tile.units(to_world(places)), told) if places else b""


def _layer(name: str, units: Floats, told: Sequence[Told]) -> bytes:
    features = [Feature(Shape.POINT, [unit[None]], one) for unit, one in zip(units, told, strict=True)]
    return encode_tile([Layer(name, features)])
