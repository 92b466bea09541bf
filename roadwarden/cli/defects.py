"""``roadwarden defects``: look them up, hand them on, and say that two are one or one is two."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadwarden.cli import defects_export
from roadwarden.cli.database import Database, existing
from roadwarden.cli.defects_wanted import AsJson, Box, Present, Segment_, Severe, Types, every, segments_of, wanted
from roadwarden.cli.progress import progress
from roadwarden.taxonomy import describe

if TYPE_CHECKING:
    from roadwarden.service.defects import Whole
    from roadwarden.storage.unit import Absorbed

defects_app = typer.Typer(help="List, show, export, split and merge defects.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    defects_app.command()(defects_export.export)
    app.add_typer(defects_app, name="defects")


@defects_app.callback()
def _group() -> None:
    """List, show, export, split and merge defects."""


@defects_app.command("list")
def list_(
    types: Types = None,
    severity: Severe = None,
    presence: Present = None,
    segment: Segment_ = None,
    box: Box = None,
    most: Annotated[int, typer.Option(min=1, help="at most so many")] = 100,
    database: Database = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object a line")] = False,
) -> None:
    """List defects, by id.

    Example: roadwarden defects list --type pothole --severity severe
    """
    from roadwarden.service.exports.rows import row_of
    from roadwarden.storage.unit import reading

    with reading(existing(database)) as unit:
        segments = segments_of(unit)
        found = [
            row_of(one, segments) for one in islice(every(unit, wanted(types, severity, presence, segment, box)), most)
        ]
        total = unit.defects.count()
    for row in found:
        print(json.dumps(row, ensure_ascii=False) if as_json else _line(row))
    if not as_json:
        print(f"{len(found)} shown, {total} in the database")


@defects_app.command()
def show(
    defect: Annotated[str, typer.Argument(help="id, also one that it had once, or enough of its beginning")],
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Show a defect with its sightings, and why it is as severe as it is.

    Example: roadwarden defects show 3f2a
    """
    from roadwarden.service.defects import whole

    found = whole(existing(database), defect)
    print(json.dumps(_as_dict(found), ensure_ascii=False, indent=2) if as_json else _page(found))


@defects_app.command()
def split(
    defect: Annotated[str, typer.Argument(help="id, or enough of its beginning")],
    apart: Annotated[
        list[str],
        typer.Option(help="sightings that are not this defect but one other, with commas; several times for several"),
    ],
    by: Annotated[str, typer.Option(help="who says so; it is kept with the decision")],
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Say that a defect is several. The decision is kept, and later sightings go by it.

    What is put apart is a defect of its own, or belongs to a neighbour where it fits.

    Example: roadwarden defects split 3f2a --apart 9b01,77aa --by inspector-7
    """
    from roadwarden.service.defects import split as split_

    parts = [[name for name in part.split(",") if name.strip()] for part in apart]
    _say_changed(split_(existing(database), defect, parts, by, datetime.now(UTC)), as_json=as_json)


@defects_app.command()
def merge(
    defects: Annotated[list[str], typer.Argument(help="two or more ids, or enough of their beginnings")],
    by: Annotated[str, typer.Option(help="who says so; it is kept with the decision")],
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Say that several defects are one. The decision is kept, and later sightings go by it.

    Example: roadwarden defects merge 3f2a 80cc --by inspector-7
    """
    from roadwarden.service.defects import merge as merge_

    _say_changed(merge_(existing(database), defects, by, datetime.now(UTC)), as_json=as_json)


@defects_app.command()
def rebuild(
    database: Database = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="no progress")] = False,
) -> None:
    """Merge all sightings anew, by the rules of this version; decisions of people hold. May be broken off and goes on.

    Example: roadwarden defects rebuild
    """
    from roadwarden.service.merging import remerge

    with progress("merge", quiet=quiet) as tell:
        done = remerge(existing(database), tell=tell)
    print(f"{done} sightings merged")


def _line(row: dict[str, Any]) -> str:
    place = f"{row['street'] or row['segment']} {row['chainage_m']:.0f} m" if row["segment"] else "off all known roads"
    return (
        f"{row['id'][:8]}  {row['name']:28.28}  {row['severity'] or '-':7} {row['presence']:8} "
        f"{row['length_m']:5.2f} x {row['width_m']:4.2f} m  {row['passes']:3} passes  {place}"
    )


def _page(found: Whole) -> str:
    from roadwarden.service.exports.rows import row_of

    defect = found.defect
    row = row_of(defect, {})
    shares = ", ".join(f"{describe(type_).english} {share:.2f}" for type_, share in defect.vote.shares)
    lines = [
        f"{defect.id}",
        f"{row['name']} {row['chinese']}, margin {defect.vote.margin:.2f} ({shares})",
        f"{defect.position.lat:.7f}, {defect.position.lon:.7f} ± {row['position_sigma_m']:.2f} m",
        f"{defect.length_m:.2f} x {defect.width_m:.2f} m ± {defect.size_sigma_m:.2f}",
        f"{defect.presence.replace('_', ' ')}; {defect.sightings} sightings in {defect.passes} passes, "
        f"{defect.first_seen_at:%Y-%m-%d %H:%M} to {defect.last_seen_at:%Y-%m-%d %H:%M} UTC",
    ]
    if defect.road is not None:
        road = defect.road
        lines.append(
            f"{found.street or road.segment}: {road.chainage_m:.1f} m, {road.offset_m:.1f} m to the {road.side}"
        )
    if found.assessed is not None:
        lines += [
            f"{found.assessed.severity} (table {found.assessed.table})",
            *(f"  {why}" for why in found.assessed.reasons),
        ]
    lines += [f"ruled by {one.by or 'unknown'} at {one.decided_at:%Y-%m-%d %H:%M} ({one.id})" for one in found.rulings]
    lines += [
        f"  {one.id}  {one.seen_at:%Y-%m-%d %H:%M:%S}  {one.type} {one.score:.2f}  {one.pass_id}"
        for one in found.sightings
    ]
    return "\n".join(lines)


def _as_dict(found: Whole) -> dict[str, Any]:
    from roadwarden.service.exports.rows import row_of

    defect, assessed = found.defect, found.assessed
    return {
        **row_of(defect, {}),
        "street": found.street or None,
        "lat": defect.position.lat,
        "lon": defect.position.lon,
        "shares": {str(type_): round(share, 4) for type_, share in defect.vote.shares},
        "reasons": list(assessed.reasons) if assessed else [],
        "severity_table": assessed.table if assessed else None,
        "rulings": [{"id": one.id, "by": one.by, "at": one.decided_at.isoformat()} for one in found.rulings],
        "sightings": [
            {
                "id": one.id,
                "frame": one.frame,
                "seen_at": one.seen_at.isoformat(),
                "pass": one.pass_id,
                "type": str(one.type),
                "score": round(one.score, 4),
                "lat": one.position.lat,
                "lon": one.position.lon,
                "model": one.model,
            }
            for one in found.sightings
        ],
    }


def _say_changed(absorbed: Absorbed, *, as_json: bool) -> None:
    if as_json:
        ids = [defect.id for defect in absorbed.defects]
        print(json.dumps({"defects": ids, "gone": dict(absorbed.gone)}))
        return
    for defect in absorbed.defects:
        print(f"{defect.id[:8]}  {describe(defect.type).english}: {len(defect.sightings)} sightings")
    for gone, now in sorted(absorbed.gone.items()):
        print(f"{gone[:8]} is now {now[:8]}")
