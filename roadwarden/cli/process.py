"""``roadwarden process``: how cases flow, as designed and as lived."""

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
from roadwarden.cli.city_tables import clock_policies
from roadwarden.cli.csv_files import write_csv
from roadwarden.cli.database import Database, opened
from roadwarden.cli.progress import progress
from roadwarden.errors import ConfigError


class Part(StrEnum):
    """What is shown, or written to the CSV file."""

    FLOWS = "flows"  # from state to state
    STAYS = "stays"  # how long cases are in each state
    PASSED = "passed"  # between departments
    REFUSED = "refused"  # what was tried and not allowed


COLUMNS: dict[Part, tuple[str, ...]] = {
    Part.FLOWS: ("from", "event", "to", "count", "mean_h", "p50_h", "p90_h"),
    Part.STAYS: ("state", "entered", "there", "oldest_h", "count", "mean_h", "p50_h", "p90_h"),
    Part.PASSED: ("from", "to", "count", "mean_h", "p50_h", "p90_h"),
    Part.REFUSED: ("event", "why", "count"),
}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(process)


def process(
    part: Annotated[Part, typer.Argument(help="flows, stays in each state, cases passed on, or what was refused")],
    from_: Annotated[str, typer.Option("--from", help="first day on which cases were filed, or a time")],
    to: Annotated[str, typer.Option("--to", help="the day after the last, or a time")],
    now: Annotated[str | None, typer.Option(help="as of this time, from what was received by then")] = None,
    csv: Annotated[Path | None, typer.Option(help="also write the table as CSV")] = None,
    policies: Annotated[Path | None, typer.Option(help="a city's own clock policies")] = None,
    zone: Annotated[str | None, typer.Option(help="time zone of days; without it that of the city")] = None,
    database: Database = None,
    as_json: Annotated[bool, typer.Option("--json", help="everything, keys as in docs/process.md")] = False,
) -> None:
    """Show how cases flow: from state to state, how long they stay, who passes them on, what was not allowed.

    Example: roadwarden process flows --from 2026-11-01 --to 2026-12-01
    """
    from roadwarden.cases.process_words import as_json as told
    from roadwarden.cases.process_words import designed_json
    from roadwarden.service.process import stored_process

    city, known = city_zone(zone), clock_policies(policies)
    moments = city_time("--from", from_, city), city_time("--to", to, city)
    if moments[0] >= moments[1]:
        raise ConfigError(f"--to {to} is not after --from {from_}")
    period = Period(*moments, datetime.now(UTC) if now is None else city_time("--now", now, city))
    engine = opened(database)
    try:
        with progress("cases", quiet=as_json) as tell:
            content = told(stored_process(engine, period, known, report=tell))
    finally:
        engine.dispose()
    if csv is not None:
        write_csv(csv, COLUMNS[part], content[part.value])
    if as_json:
        content["designed"] = designed_json(known.at_filing(period.start, None))
        print(json.dumps(content, ensure_ascii=False, indent=2))
    else:
        _show(part, content[part.value], content)


def _show(part: Part, rows: Sequence[dict[str, Any]], content: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(width=160, highlight=False)
    console.print(
        f"{content['filed']} cases filed, {content['closed']} closed, {content['straight']} of them straight; "
        f"{content['bounces']} bounces, {content['reworked']} cases reworked, {content['parked']} parked, "
        f"{content['void']} void"
    )
    table = Table(*COLUMNS[part], box=None)
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in COLUMNS[part]))
    console.print(table if rows else f"no {part.value}")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    return "" if value is None else str(value)
