"""``roadwarden roads``: the streets that defects lie on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.cli.database import Database, existing, opened
from roadwarden.errors import ConfigError
from roadwarden.geo.cgcs2000 import Zone
from roadwarden.geo.coordinates import CoordinateSystem
from roadwarden.geo.read_network import read_network

if TYPE_CHECKING:
    from sqlalchemy import Engine

roads_app = typer.Typer(help="Import and list road networks.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    app.add_typer(roads_app, name="roads")


@roads_app.callback()
def _group() -> None:
    """Import and list road networks."""


@roads_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="GeoJSON of lines, or an extract of OpenStreetMap in XML (.osm)")],
    coordinates: Annotated[
        str, typer.Option(help="system of a GeoJSON file: wgs84, cgcs2000, gcj02, or an EPSG zone from 4513 to 4554")
    ] = "wgs84",
    database: Database = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the result as one JSON object")] = False,
) -> None:
    """Keep a road network as the newest version, and place all defects on it.

    Example: roadwarden roads import var/street/roads.geojson
    """
    import_file(opened(database), file, _system(coordinates), as_json=as_json)


@roads_app.command("list")
def list_(
    database: Database = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object a line")] = False,
) -> None:
    """List the networks that were imported, the newest last: that is the one surveys go by.

    Example: roadwarden roads list
    """
    from roadwarden.storage.unit import reading

    with reading(existing(database)) as unit:
        known = [(one, unit.segments.of_network(one.number)) for one in unit.segments.networks()]
    for network, segments in known:
        row = {
            "number": network.number,
            "imported_at": network.imported_at.isoformat(),
            "segments": len(segments),
            "source": network.source,
            "sha256": network.sha256,
        }
        if as_json:
            print(json.dumps(row, ensure_ascii=False))
        else:
            when = f"{network.imported_at:%Y-%m-%d %H:%M}"
            print(f"{network.number:4}  {when}  {len(segments):8} segments  {network.source}")
    if not known and not as_json:
        print("no road network; run 'roadwarden roads import FILE'")


def import_file(
    engine: Engine, file: Path, system: CoordinateSystem | Zone, *, as_json: bool = False, quiet: bool = False
) -> None:
    """Reads, keeps, and says what was found."""
    from roadwarden.service.roads import import_roads

    read = read_network(file, system)
    done = import_roads(engine, read.network.segments, file.name, datetime.now(UTC))
    if as_json:
        row = {
            "number": done.network.number,
            "new": done.new,
            "segments": done.segments,
            "defects_placed": done.placed,
            "defects_off_road": done.off_road,
            "findings": [str(finding) for finding in read.findings],
        }
        print(json.dumps(row, ensure_ascii=False))
    elif not quiet:
        state = "imported" if done.new else "is here already"
        print(f"network {done.network.number} {state}: {done.segments} segments of {file}")
        for finding in read.findings:
            print(f"  {finding}")
        if done.placed or done.off_road:
            print(f"{done.placed} defects placed on it, {done.off_road} lie beside all of its roads")


def _system(name: str) -> CoordinateSystem | Zone:
    try:
        return Zone.of_epsg(int(name)) if name.isdigit() else CoordinateSystem(name)
    except ValueError as exc:
        wanted = ", ".join(CoordinateSystem)
        raise ConfigError(f"--coordinates {name}: wanted {wanted}, or an EPSG code from 4513 to 4554") from exc
