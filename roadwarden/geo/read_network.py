"""Road networks from files: GeoJSON as cities deliver it, and extracts of OpenStreetMap."""

from __future__ import annotations

from pathlib import Path

from roadwarden.errors import DataError
from roadwarden.geo.cgcs2000 import Zone
from roadwarden.geo.coordinates import CoordinateSystem
from roadwarden.geo.highways import HighwayTable, highways
from roadwarden.geo.network_checks import NetworkRead
from roadwarden.geo.read_geojson import read_geojson
from roadwarden.geo.read_osm import read_osm


def read_network(
    path: Path, system: CoordinateSystem | Zone = CoordinateSystem.WGS84, table: HighwayTable | None = None
) -> NetworkRead:
    """Reads by the file's ending. Faults of single roads come as findings; raises DataError for a file of no use.

    ``system`` is what the coordinates of a GeoJSON file mean; extracts of OpenStreetMap are WGS-84.
    """
    ending = path.suffix.lower()
    if ending in {".geojson", ".json"}:
        return read_geojson(path, system, table or highways())
    if ending in {".osm", ".xml"}:
        if system is not CoordinateSystem.WGS84:
            raise DataError(f"{path}: OpenStreetMap is WGS-84, not {system}; leave the system out")
        return read_osm(path, table or highways())
    hint = "; turn it into XML with 'osmium cat FILE -o roads.osm'" if ending in {".pbf", ".bz2", ".o5m"} else ""
    raise DataError(f"{path}: road networks come as .geojson or .osm{hint}")
