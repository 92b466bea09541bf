"""GeoJSON (RFC 7946) lines: id, name, grade, road_class, highway, width_m, lanes, oneway, owner, area."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from roadwarden.errors import DataError
from roadwarden.geo.cgcs2000 import GaussKrueger, Zone
from roadwarden.geo.coordinates import CoordinateSystem, to_wgs84
from roadwarden.geo.highways import HighwayTable
from roadwarden.geo.network_checks import Findings, NetworkFault, NetworkRead, check_degrees, sound_network
from roadwarden.geo.places import RoadClass, RoadGrade, Segment
from roadwarden.geo.plane import Degrees

GRADES = {
    **{grade.value: grade for grade in RoadGrade},
    **dict(zip("ⅠⅡⅢ", RoadGrade, strict=True)),
    **dict(zip("123", RoadGrade, strict=True)),
}
UNKNOWN_GRADE = RoadGrade.III
IN_DEGREES = ("CRS84", "4326", "4490")
"""How the CRS member of old GeoJSON names systems whose numbers are ours; newer files have none."""
YES, BACK = frozenset({"yes", "true", "1"}), frozenset({"-1", "reverse"})


def read_geojson(path: Path, system: CoordinateSystem | Zone, table: HighwayTable) -> NetworkRead:
    """Reads the lines of a FeatureCollection; raises DataError for a file of no use."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as exc:
        raise DataError(f"{path}: cannot be read as GeoJSON: {exc}") from exc
    if not isinstance(content, dict) or content.get("type") != "FeatureCollection":
        raise DataError(f"{path}: wanted a GeoJSON FeatureCollection of lines")
    _check_crs(path, content.get("crs"), system)
    findings = Findings.none()
    roads = list(_roads(content.get("features"), findings))
    if not roads:
        return sound_network(path, (), findings)
    degrees = _degrees(path, np.concatenate([line for _, _, line in roads]), system)
    ends = np.cumsum([len(line) for _, _, line in roads])
    lines = np.split(degrees, ends[:-1])
    segments = (
        _segment(name, properties, line, table, findings)
        for (name, properties, _), line in zip(roads, lines, strict=True)
    )
    return sound_network(path, segments, findings)


def _check_crs(path: Path, crs: object, system: CoordinateSystem | Zone) -> None:
    """Raises DataError where the file itself names another system than it is read in."""
    if not isinstance(crs, Mapping):
        return
    properties = crs.get("properties")
    name = str(properties.get("name", "")) if isinstance(properties, Mapping) else ""
    fits = (str(system.epsg),) if isinstance(system, Zone) else IN_DEGREES
    if name and not name.endswith(fits):
        raise DataError(f"{path}: says its coordinates are {name}; name that system, or write the file in WGS-84")


def _roads(features: object, findings: Findings) -> Iterator[tuple[str, Mapping[str, Any], Degrees]]:
    """Name, properties and (n, 2) first and second coordinates of each line."""
    for number, feature in enumerate(features if isinstance(features, list) else [], start=1):
        properties = (feature.get("properties") if isinstance(feature, Mapping) else None) or {}
        found = properties.get("id", feature.get("id")) if isinstance(feature, Mapping) else None
        name = f"feature {number}" if found is None or found == "" else str(found)
        parts = _parts(feature)
        if not parts:
            findings.add(NetworkFault.NOT_A_LINE, name)
            continue
        if found is None or found == "":
            findings.add(NetworkFault.NO_ID, name)
        for part, line in enumerate(parts, start=1):
            yield (f"{name}.{part}" if len(parts) > 1 else name), properties, line


def _parts(feature: object) -> list[Degrees]:
    geometry = feature.get("geometry") if isinstance(feature, Mapping) else None
    if not isinstance(geometry, Mapping):
        return []
    coordinates: Any = geometry.get("coordinates")
    lines = {"LineString": [coordinates], "MultiLineString": coordinates}.get(str(geometry.get("type")), [])
    try:
        parts = [np.array([point[:2] for point in line], np.float64) for line in lines]
    except (TypeError, ValueError):
        return []
    return parts if all(part.ndim == 2 and part.shape[0] > 1 and part.shape[1] == 2 for part in parts) else []


def _degrees(path: Path, coordinates: Degrees, system: CoordinateSystem | Zone) -> Degrees:
    """WGS-84 latitudes and longitudes of coordinates as they stand in the file, x first."""
    if isinstance(system, Zone):
        try:
            return np.stack(GaussKrueger(system).to_wgs84(*coordinates.T), axis=1)
        except DataError as exc:
            raise DataError(f"{path}: {exc}") from exc
    degrees = coordinates[:, ::-1]
    check_degrees(path, degrees)
    if system is CoordinateSystem.GCJ02:
        return np.array([to_wgs84(lat, lon, system) for lat, lon in degrees.tolist()])
    return degrees


def _segment(
    name: str, properties: Mapping[str, Any], line: Degrees, table: HighwayTable, findings: Findings
) -> Segment:
    row = table.roads.get(str(properties.get("highway")))
    grade, road_class = _grade(name, properties, findings), _class(name, properties, findings)
    if grade is None and row is None:
        findings.add(NetworkFault.NO_GRADE, name)
    way = str(properties.get("oneway", "")).lower()
    points = [(float(lat), float(lon)) for lat, lon in line.tolist()]
    lanes = _positive(name, properties, "lanes", findings) or (row.lanes if row else 2) / (
        2 if way in YES | BACK else 1
    )
    return Segment(
        id=name,
        name=str(properties.get("name") or ""),
        grade=grade or (row.grade if row else UNKNOWN_GRADE),
        line=tuple(points[::-1] if way in BACK else points),
        width_m=_positive(name, properties, "width_m", findings) or lanes * table.lane_width_m,
        road_class=road_class or (row.road_class if row else None),
        one_way=way in YES | BACK,
        owner=_text(properties, "owner"),
        area=_text(properties, "area"),
    )


def _text(properties: Mapping[str, Any], key: str) -> str | None:
    given = properties.get(key)
    return None if given is None else str(given).strip() or None


def _grade(name: str, properties: Mapping[str, Any], findings: Findings) -> RoadGrade | None:
    given = properties.get("grade")
    if given in (None, ""):
        return None
    grade = GRADES.get(str(given).strip().upper())
    if grade is None:
        findings.add(NetworkFault.WRONG_GRADE, name)
    return grade


def _class(name: str, properties: Mapping[str, Any], findings: Findings) -> RoadClass | None:
    given = properties.get("road_class")
    if given in (None, ""):
        return None
    try:
        return RoadClass(str(given).strip().lower())
    except ValueError:
        findings.add(NetworkFault.WRONG_GRADE, name)
        return None


def _positive(name: str, properties: Mapping[str, Any], key: str, findings: Findings) -> float | None:
    given = properties.get(key)
    if given in (None, ""):
        return None
    try:
        value = float(given)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 < value < 1000:
        findings.add(NetworkFault.WRONG_WIDTH, name)
        return None
    return value
