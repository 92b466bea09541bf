"""The features of a tile as GeoJSON: what the map would be sent without vector tiles, for benches to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from roadwarden.geo.vector_tile import Coordinates, Feature, Layer, Shape
from roadwarden.geo.web_tiles import EXTENT, WebTile

_DIGITS = 6
"""Of a degree: a tenth of a metre, as exact as a tile of zoom 16."""


def geojson(layers: Sequence[Layer], tile: WebTile) -> dict[str, Any]:
    """One collection; each feature says its layer. Units are turned back into degrees."""
    features = [_feature(one, layer.name, tile) for layer in layers for one in layer.features]
    return {"type": "FeatureCollection", "features": features}


def _feature(one: Feature, layer: str, tile: WebTile) -> dict[str, Any]:
    parts = [_degrees(part, tile) for part in one.parts]
    if one.shape is Shape.POINT:
        geometry: dict[str, Any] = {"type": "Point", "coordinates": parts[0][0]}
    elif one.shape is Shape.LINE:
        geometry = {"type": "MultiLineString", "coordinates": parts}
    else:
        geometry = {"type": "MultiPolygon", "coordinates": [[[*ring, ring[0]]] for ring in parts]}
    return {"type": "Feature", "properties": {"layer": layer, **one.properties}, "geometry": geometry}


def _degrees(units: Coordinates, tile: WebTile) -> list[list[float]]:
    """Longitude, latitude."""
    x, y = ((np.asarray(units, np.float64) / EXTENT + (tile.x, tile.y)) / 2**tile.z).T
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * y))))
    return [[lon, north] for lon, north in zip(np.round(x * 360 - 180, _DIGITS), np.round(lat, _DIGITS), strict=True)]
