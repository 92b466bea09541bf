"""A GeoPackage (OGC 12-128r19, version 1.3): an SQLite file of points that QGIS and GDAL open. No library is needed.

The tables and their contents are those of clauses 1.1.2 (spatial reference systems), 1.1.3 (contents), 2.1.3 (geometry
header) and 2.1.5 (geometry columns).
"""

from __future__ import annotations

import math
import sqlite3
import struct
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from roadwarden.geo.places import Segment
from roadwarden.service.exports.rows import COLUMNS, row_of
from roadwarden.storage.defects import KeptDefect

APPLICATION_ID, USER_VERSION = 0x47504B47, 10300  # "GPKG", 1.3.0
WGS84 = 4326
_SQL_TYPES = {str: "TEXT", float: "REAL", int: "INTEGER"}
_WGS84_WKT = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,'
    'AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]]'
)
_SYSTEMS = (
    ("Undefined cartesian SRS", -1, "NONE", -1, "undefined", "undefined cartesian coordinate reference system"),
    ("Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic coordinate reference system"),
    ("WGS 84 geodetic", WGS84, "EPSG", WGS84, _WGS84_WKT, "longitude/latitude coordinates in decimal degrees"),
)
_TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
"""


def defects_geopackage(
    place: Path, defects: Iterable[KeptDefect], segments: Mapping[str, Segment], now: datetime
) -> int:
    """Writes the layer ``defects`` in one step; returns how many. OSError and sqlite3.Error are the caller's."""
    draft = place.with_name(f"{place.name}.tmp")
    draft.unlink(missing_ok=True)
    connection = sqlite3.connect(draft)
    try:
        with connection:
            count = _write(connection, defects, segments, now)
    finally:
        connection.close()
    draft.replace(place)
    return count


def _write(
    connection: sqlite3.Connection, defects: Iterable[KeptDefect], segments: Mapping[str, Segment], now: datetime
) -> int:
    connection.executescript(f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={USER_VERSION};{_TABLES}")
    connection.executemany("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)", _SYSTEMS)
    columns = ", ".join(f'"{name}" {_SQL_TYPES[kind]}' for name, kind in COLUMNS.items())
    connection.execute(f"CREATE TABLE defects (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POINT, {columns})")
    bounds = _Bounds()
    marks = ", ".join("?" * (len(COLUMNS) + 1))
    connection.executemany(
        f"INSERT INTO defects (geom, {', '.join(COLUMNS)}) VALUES ({marks})",
        (_row(one, segments, bounds) for one in defects),
    )
    connection.execute(
        "INSERT INTO gpkg_contents VALUES ('defects', 'features', 'defects', 'pavement defects', ?, ?, ?, ?, ?, ?)",
        (now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"), *bounds.values(), WGS84),
    )
    connection.execute("INSERT INTO gpkg_geometry_columns VALUES ('defects', 'geom', 'POINT', ?, 0, 0)", (WGS84,))
    return bounds.count


class _Bounds:
    """Of all points that were seen: west, south, east, north."""

    def __init__(self) -> None:
        self.count = 0
        self._ends = [math.inf, math.inf, -math.inf, -math.inf]

    def add(self, lon: float, lat: float) -> None:
        west, south, east, north = self._ends
        self.count += 1
        self._ends = [min(west, lon), min(south, lat), max(east, lon), max(north, lat)]

    def values(self) -> list[float | None]:
        return [*self._ends] if self.count else [None] * 4


def _row(defect: KeptDefect, segments: Mapping[str, Segment], bounds: _Bounds) -> tuple[Any, ...]:
    lon, lat = defect.position.lon, defect.position.lat
    bounds.add(lon, lat)
    values = row_of(defect, segments)
    return (_geometry(lon, lat), *(values[name] for name in COLUMNS))


def _geometry(lon: float, lat: float) -> bytes:
    """Header (magic, version 0, little endian without an envelope, reference system), then a WKB point."""
    return struct.pack("<2sBBi", b"GP", 0, 1, WGS84) + struct.pack("<BIdd", 1, 1, lon, lat)
