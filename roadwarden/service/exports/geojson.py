"""GeoJSON (RFC 7946): a feature a line, WGS-84, longitude first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from roadwarden.geo.places import Segment
from roadwarden.service.exports.rows import row_of
from roadwarden.storage.defects import KeptDefect

Geometry = Mapping[str, Any]
_DIGITS = 7  # a centimetre


def write_features(place: Path, features: Iterable[tuple[Geometry, Mapping[str, Any]]]) -> int:
    """Writes a collection in one step; returns how many features. OSError is the caller's."""
    draft, count = place.with_name(f"{place.name}.tmp"), 0
    with draft.open("w", encoding="utf-8") as handle:
        handle.write('{"type":"FeatureCollection","features":[')
        for geometry, properties in features:
            feature = {"type": "Feature", "geometry": geometry, "properties": properties}
            handle.write((",\n" if count else "\n") + json.dumps(feature, ensure_ascii=False))
            count += 1
        handle.write("\n]}\n")
    draft.replace(place)
    return count


def defects_geojson(place: Path, defects: Iterable[KeptDefect], segments: Mapping[str, Segment]) -> int:
    """A point for each defect: its middle."""
    return write_features(place, ((point(one), row_of(one, segments)) for one in defects))


def point(defect: KeptDefect) -> Geometry:
    """Where it is."""
    where = defect.position
    return {"type": "Point", "coordinates": [round(where.lon, _DIGITS), round(where.lat, _DIGITS)]}


def line(degrees: Iterable[tuple[float, float]]) -> Geometry:
    """Through latitudes and longitudes."""
    return {"type": "LineString", "coordinates": [[round(lon, _DIGITS), round(lat, _DIGITS)] for lat, lon in degrees]}
