"""``roadwarden simulate holes|photos``: cases on the synthetic street that can be mended, and pictures of that."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.cli.case_common import Case, open_desk
from roadwarden.cli.database import Database
from roadwarden.detections import Position
from roadwarden.errors import DataError, OutputError

if TYPE_CHECKING:
    from roadwarden.cases.case_row import CaseRow
    from roadwarden.cli.demo_pictures import DemoStreet
    from roadwarden.data.synthetic import PlacedDefect

MOST = 1000
"""A street has a few cases."""

Street = Annotated[Path, typer.Option(help="archive from 'roadwarden sample' that the cases were found in")]


def holes(street: Street, database: Database = None) -> None:
    """Name the open cases that are about what was really drawn there, one a line: in the others the model was wrong.

    Example: roadwarden simulate holes --street var/street
    """
    from roadwarden.cli.demo_pictures import demo_street
    from roadwarden.storage.case_rows import CaseFilter, Order
    from roadwarden.storage.case_unit import reading

    desk, town = open_desk(database), demo_street(*_drawn(street))
    with reading(desk.engine) as unit:
        rows = unit.rows.list(CaseFilter(is_open=True), desk.now(), Order.NEWEST, MOST)
    found = [row for row in rows if (hole := _hole_of(town, row)) is not None and hole.type == row.distress]
    for row in sorted(found, key=lambda row: row.case_id):
        print(row.case_id)
    if not found:
        raise DataError(f"no open case is about a pothole or a net of cracks that was drawn in {street}")


def photos(
    case: Case,
    out: Annotated[Path, typer.Option(help="folder for the pictures")],
    street: Street,
    mended: Annotated[bool, typer.Option(help="after the repair, or with the defect as it was")] = True,
    database: Database = None,
) -> None:
    """Photograph the place of a case on the synthetic street: from some metres away, and close up.

    They bear time and position as a telephone's do, so that a repair can be reported without a road.

    Example: roadwarden simulate photos 2026-000001 --street street --out photos
    """
    from roadwarden.cli.demo_pictures import demo_street
    from roadwarden.cli.demo_pictures import photos as taken

    seed, frames = _drawn(street)
    town = demo_street(seed, frames)
    hole = _hole_of(town, open_desk(database).row(case))
    if hole is None:
        raise DataError(
            f"case {case}: no pothole or net of cracks was drawn there in {street}; "
            f"'roadwarden simulate holes --street {street}' names cases where one was"
        )
    scene = town.scene([hole], hour=15.0) if mended else town.scene([], hour=14.0)
    pictures = taken(scene, hole, datetime.now(UTC), seed + mended)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, data in zip(("context.jpg", "close-up.jpg"), pictures, strict=True):
            (out / name).write_bytes(data)
            print(out / name)
    except OSError as exc:
        raise OutputError(f"{out}: cannot be written: {exc.strerror or exc}") from exc


def _hole_of(town: DemoStreet, row: CaseRow) -> PlacedDefect | None:
    return None if row.lat is None or row.lon is None else town.hole_at(Position(row.lat, row.lon))


def _drawn(street: Path) -> tuple[int, int]:
    """Seed and number of frames of an archive, by which the same street is drawn again. Raises DataError."""
    place = street / "truth.json"
    try:
        truth = json.loads(place.read_text(encoding="utf-8"))
        return int(truth["street"]["seed"]), len(truth["frames"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise DataError(f"{place}: wanted what 'roadwarden sample' writes beside its frames") from exc
