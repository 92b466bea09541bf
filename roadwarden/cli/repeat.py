"""``roadwarden repeat``: what keeps coming back, and whose repairs do not last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from roadwarden.cases.kpi_values import Period
from roadwarden.cli.case_sources import city_time, city_zone
from roadwarden.cli.city_tables import city_layers, clock_policies
from roadwarden.cli.csv_files import write_csv
from roadwarden.cli.database import Database, existing
from roadwarden.cli.progress import progress
from roadwarden.errors import ConfigError

MOST = 20


class Part(StrEnum):
    """What is shown, or written to the CSV file."""

    PLACES = "places"
    GROUPS = "groups"
    CLAIMS = "claims"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(repeat)


def repeat(
    part: Annotated[Part, typer.Argument(help="places that came back, groups of repairs, or claims in warranty")],
    from_: Annotated[str, typer.Option("--from", help="first day of the repairs, or a time")],
    to: Annotated[str, typer.Option("--to", help="the day after the last, or a time")],
    by: Annotated[str | None, typer.Option(help="only groups by this, such as crew or material")] = None,
    now: Annotated[str | None, typer.Option(help="as of this time, from what was received by then")] = None,
    csv: Annotated[Path | None, typer.Option(help="also write the table as CSV")] = None,
    policies: Annotated[Path | None, typer.Option(help="a city's own clock policies")] = None,
    zone: Annotated[str | None, typer.Option(help="time zone of days and seasons; without it that of the city")] = None,
    database: Database = None,
    as_json: Annotated[bool, typer.Option("--json", help="everything, keys as in docs/repeats.md")] = False,
) -> None:
    """Show what keeps coming back: places, groups whose repairs do not last, and returns within warranty.

    A repair without a return counts as good up to the last look at its place; docs/repeats.md defines every figure.

    Example: roadwarden repeat claims --from 2026-09-01 --to 2026-12-01 --csv var/claims.csv
    """
    from roadwarden.cases.repeat_words import as_json as told
    from roadwarden.cases.repeats import By, Repeats
    from roadwarden.service.repeats import stored_repeats

    if by is not None and by not in set(By):
        raise ConfigError(f"--by {by}: wanted one of {', '.join(By)}")
    city = city_zone(zone)
    moments = city_time("--from", from_, city), city_time("--to", to, city)
    if moments[0] >= moments[1]:
        raise ConfigError(f"--to {to} is not after --from {from_}")
    period = Period(*moments, datetime.now(UTC) if now is None else city_time("--now", now, city))
    engine = existing(database)
    try:
        with progress("cases", quiet=as_json) as tell:
            found: Repeats = stored_repeats(engine, period, clock_policies(policies), city, city_layers(), report=tell)
    finally:
        engine.dispose()
    content = told(found)
    if by is not None:
        content["groups"] = [one for one in content["groups"] if one["by"] == by]
    rows = content[{Part.PLACES: "offenders"}.get(part, part.value)]
    columns = COLUMNS[part]
    if csv is not None:
        write_csv(csv, columns, rows)
    if as_json:
        print(json.dumps(content, ensure_ascii=False, indent=2))
    else:
        _show(part, rows, columns, content)


COLUMNS: dict[Part, tuple[str, ...]] = {
    Part.PLACES: (
        *("place", "returns", "mean_interval_days", "type", "area", "segment"),
        *("first_at", "last_at", "open", "crews"),
    ),
    Part.GROUPS: (
        *("by", "group", "repairs", "returns", "median_days", "back_in_30_days", "back_low", "back_high"),
        *("p", "p_adjusted", "standing"),
    ),
    Part.CLAIMS: (
        *("case", "cycle", "crew", "department", "type", "segment", "repaired_at", "back_at", "after_days"),
        *("warranty_until", "back_as", "back_cycle", "evidence"),
    ),
}


def _show(part: Part, rows: Sequence[dict[str, Any]], columns: Sequence[str], content: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(width=200, highlight=False)
    rate = "-" if content["returned_rate"] is None else f"{100 * content['returned_rate']:.1f} %"
    console.print(
        f"{content['repairs']} repairs, {content['returned']} came back ({rate}); "
        f"{content['unseen']} were not looked at since, {content['not_watched']} at places whose looks nobody knows"
    )
    table = Table(*columns, box=None)
    for row in rows[:MOST]:
        table.add_row(*(_cell(row[name]) for name in columns))
    console.print(table if rows else f"no {part.value}")
    if len(rows) > MOST:
        console.print(f"{MOST} of {len(rows)}; --csv or --json gives all")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "" if value is None else "; ".join(value) if isinstance(value, list) else str(value)
