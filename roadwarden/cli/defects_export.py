"""``roadwarden defects export``: defects in the files that other programs read."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadwarden.cli.database import Database, existing
from roadwarden.cli.defects_wanted import AsJson, Box, Present, Segment_, Severe, Types, every, segments_of, wanted
from roadwarden.defects.jtg5210_table import Level
from roadwarden.errors import ConfigError, OutputError
from roadwarden.inference.workspace import writing as writing_files
from roadwarden.taxonomy import Pavement

if TYPE_CHECKING:
    from roadwarden.storage.defects import KeptDefect, Wanted
    from roadwarden.storage.unit import UnitOfWork


class ExportFormat(StrEnum):
    """What other programs read."""

    GEOJSON = "geojson"
    GPKG = "gpkg"
    JTG_CSV = "jtg-csv"


def export(
    out: Annotated[
        Path, typer.Argument(help="file to write, .geojson or .gpkg; of jtg-csv a folder, a file a segment")
    ],
    format_: Annotated[
        ExportFormat | None, typer.Option("--format", help="what to write; without it by the file's ending")
    ] = None,
    types: Types = None,
    severity: Severe = None,
    presence: Present = None,
    segment: Segment_ = None,
    box: Box = None,
    pavement: Annotated[Pavement, typer.Option(help="of the roads, for jtg-csv")] = Pavement.ASPHALT,
    unknown_level: Annotated[
        Level, typer.Option(help="jtg-csv: what to write where light and heavy cannot be told from pictures")
    ] = Level.HEAVY,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Write defects for maps (GeoJSON, GeoPackage) or in the layout of JTG 5210-2018.

    Example: roadwarden defects export var/defects.gpkg
    """
    from roadwarden.service.exports.geojson import defects_geojson
    from roadwarden.service.exports.geopackage import defects_geopackage
    from roadwarden.storage.unit import reading

    if unknown_level not in (Level.LIGHT, Level.HEAVY):
        raise ConfigError(f"--unknown-level {unknown_level}: wanted light or heavy")
    chosen, which = format_ or _by_ending(out), wanted(types, severity, presence, segment, box)
    with reading(existing(database)) as unit, writing_files(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        found, segments = every(unit, which), segments_of(unit)
        if chosen is ExportFormat.JTG_CSV:
            result = _write_jtg(unit, out, which, pavement, unknown_level)
        elif chosen is ExportFormat.GPKG:
            try:
                result = {"defects": defects_geopackage(out, found, segments, datetime.now(UTC))}
            except sqlite3.Error as exc:
                raise OutputError(f"{out}: cannot be written ({exc}); choose another place") from exc
        else:
            result = {"defects": defects_geojson(out, found, segments)}
    if as_json:
        print(json.dumps({**result, "out": str(out)}, ensure_ascii=False))
    else:
        print(", ".join(f"{value} {name.replace('_', ' ')}" for name, value in result.items()) + f" in {out}")


def _by_ending(out: Path) -> ExportFormat:
    endings = {".geojson": ExportFormat.GEOJSON, ".json": ExportFormat.GEOJSON, ".gpkg": ExportFormat.GPKG}
    if out.suffix.lower() not in endings:
        raise ConfigError(f"{out}: name a .geojson or .gpkg file, or say --format jtg-csv for a folder")
    return endings[out.suffix.lower()]


def _write_jtg(unit: UnitOfWork, out: Path, which: Wanted, pavement: Pavement, level: Level) -> dict[str, Any]:
    from roadwarden.service.coverage import newest_roads
    from roadwarden.service.exports.jtg import jtg_file

    roads, sums = newest_roads(unit), {"defects": 0, "files": 0, "of_unknown_level": 0, "left_out": 0}
    out.mkdir(parents=True, exist_ok=True)
    by_segment: dict[str, list[KeptDefect]] = {}
    for one in every(unit, which):
        if one.road is not None and one.network == roads.number:
            by_segment.setdefault(one.road.segment, []).append(one)
        else:
            sums["left_out"] += 1
    for segment, defects in sorted(by_segment.items()):
        made = jtg_file(defects, roads.roadways[segment], pavement, level)
        place = out / f"{_file_name(segment)}.csv"
        place.write_bytes(b"\xef\xbb\xbf" + made.text.encode())
        sums["files"] += 1
        sums["defects"] += made.defects
        sums["of_unknown_level"] += made.level_assumed
        sums["left_out"] += made.left_out.total()
    return sums


def _file_name(segment: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_.#" else "_" for letter in segment)
