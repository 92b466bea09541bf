"""``roadwarden condition``: the condition index of every street."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadwarden.cli.database import Database, existing
from roadwarden.taxonomy import Pavement

if TYPE_CHECKING:
    from roadwarden.service.condition import SegmentCondition


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(condition)


def condition(
    pavement: Annotated[Pavement, typer.Option(help="of the roads")] = Pavement.ASPHALT,
    most: Annotated[int | None, typer.Option(min=1, help="at most so many segments, the worst first")] = None,
    database: Database = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object a line")] = False,
) -> None:
    """Show the condition index of CJJ 36-2016 of every segment, the worst first.

    Segments that nobody has seen have none. Read docs/condition.md before you quote one.

    Example: roadwarden condition --most 20
    """
    from roadwarden.service.condition import conditions
    from roadwarden.service.coverage import newest_roads
    from roadwarden.storage.unit import reading

    with reading(existing(database)) as unit:
        found = list(conditions(unit, newest_roads(unit), datetime.now(UTC), pavement))
    found.sort(key=lambda one: (one.index.pci if one.index else 101.0, one.segment.id))
    for one in found[:most]:
        print(json.dumps(_as_dict(one), ensure_ascii=False) if as_json else _line(one))


def _line(one: SegmentCondition) -> str:
    figure = f"{one.index.pci:6.2f} {one.grade or '-'}" if one.index else "     - -"
    return f"{figure}  seen {one.seen_share:6.1%}  {one.defects:4} defects  {one.segment.id}  {one.segment.name}" + (
        f"  ({one.why})" if one.why else ""
    )


def _as_dict(one: SegmentCondition) -> dict[str, Any]:
    index = one.index
    return {
        "segment": one.segment.id,
        "name": one.segment.name,
        "pci": round(index.pci, 3) if index else None,
        "grade": str(one.grade) if one.grade else None,
        "seen_share": round(one.seen_share, 4),
        "defects": one.defects,
        "not_counted": [str(distress) for distress in index.not_counted] if index else [],
        "why": one.why,
        "table": index.table if index else None,
    }
