"""What a city knows of its ground beside the road network: utility lines, and what pavements are made of.

Both are files of the city's tables folder, and neither has to be there.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import shapely
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from roadwarden.errors import DataError
from roadwarden.geo.plane import LocalPlane

UTILITIES_FILE, PAVEMENTS_FILE = "utilities.geojson", "pavements.csv"
_COLUMNS = ("segment", "material")


class UtilityKind(StrEnum):
    """What runs in the ground."""

    WATER = "water"  # 给水
    SEWER = "sewer"  # 污水
    STORM_DRAIN = "storm_drain"  # 雨水
    GAS = "gas"  # 燃气
    HEAT = "heat"  # 热力
    POWER = "power"  # 电力
    TELECOM = "telecom"  # 通信
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class UtilityLine:
    """One line in the ground; ``cut_at`` is when the road was last opened for it."""

    id: str
    kind: UtilityKind
    line: tuple[tuple[float, float], ...]  # latitude, longitude; WGS-84 degrees
    owner: str | None = None
    cut_at: date | None = None

    def within(self, plane: LocalPlane) -> shapely.LineString:
        """The line in metres of a plane."""
        return shapely.LineString(plane.to_metres(np.array(self.line, np.float64)))


@dataclass(frozen=True, slots=True)
class CityLayers:
    """Empty where the city told nothing."""

    utilities: tuple[UtilityLine, ...] = ()
    materials: Mapping[str, str] = field(default_factory=dict)  # by segment


Degrees = Annotated[float, Field(ge=-180, le=180)]


class _Geometry(BaseModel):
    type: Literal["LineString", "MultiLineString"]
    coordinates: list[Any]


class _Properties(BaseModel):
    id: str = Field(min_length=1)
    kind: UtilityKind
    owner: str | None = None
    cut_at: date | None = None


class _Feature(BaseModel):
    type: Literal["Feature"]
    geometry: _Geometry
    properties: _Properties


class _Features(BaseModel):
    model_config = ConfigDict(extra="ignore")
    type: Literal["FeatureCollection"]
    features: list[_Feature]


class _Line(BaseModel):
    points: list[tuple[Degrees, Annotated[float, Field(ge=-90, le=90)]]] = Field(min_length=2)


def read_utilities(path: Path) -> tuple[UtilityLine, ...]:
    """Lines of a GeoJSON file (RFC 7946) with ``id``, ``kind`` and, where known, ``owner`` and ``cut_at``.

    Raises DataError that names the feature and the key at fault.
    """
    try:
        content = _Features.model_validate(json.loads(path.read_text(encoding="utf-8-sig")))
        return tuple(line for feature in content.features for line in _lines(feature))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as exc:
        raise DataError(f"{path}: cannot be read as GeoJSON: {exc}") from exc
    except ValidationError as exc:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in exc.errors()[:3])
        raise DataError(f"{path}: {faults}") from exc


def read_pavements(path: Path) -> Mapping[str, str]:
    """Material by segment, from a CSV file with the columns ``segment`` and ``material``; raises DataError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if missing := set(_COLUMNS) - set(rows.fieldnames or ()):
                raise DataError(f"{path}: no column {', '.join(sorted(missing))}; wanted {', '.join(_COLUMNS)}")
            return _materials(path, rows)
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise DataError(f"{path}: cannot be read as CSV: {exc}") from exc


def _lines(feature: _Feature) -> Iterable[UtilityLine]:
    several = feature.geometry.type == "MultiLineString"
    told = feature.properties
    for part in feature.geometry.coordinates if several else [feature.geometry.coordinates]:
        points = _Line.model_validate({"points": [point[:2] for point in part]}).points
        line = tuple((lat, lon) for lon, lat in points)
        yield UtilityLine(told.id, told.kind, line, told.owner, told.cut_at)


def _materials(path: Path, rows: Iterable[Mapping[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        segment, material = (str(row[name] or "").strip() for name in _COLUMNS)
        if not segment or not material:
            raise DataError(f"{path}, line {number}: a segment and its material are wanted")
        if found.setdefault(segment, material) != material:
            raise DataError(f"{path}, line {number}: segment '{segment}' is of {found[segment]} and of {material}")
    return found
