"""``roadwarden eval missed``: what citizens found and the cameras did not, although they had just been there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from roadwarden.cli.case_sources import city_time, city_zone
from roadwarden.cli.city_tables import request_table
from roadwarden.cli.database import Database, opened
from roadwarden.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Adds the command to the group ``eval``."""
    app.command()(missed)


def missed(
    from_: Annotated[str, typer.Option("--from", help="first day, or a time such as 2026-11-02T08:00+08:00")],
    to: Annotated[str, typer.Option("--to", help="the day after the last, or a time")],
    days: Annotated[float, typer.Option(min=0.04, max=90, help="a pass counts that long before a report")] = 3.0,
    zone: Annotated[str | None, typer.Option(help="time zone of days; without it that of the city")] = None,
    database: Database = None,
    as_json: Annotated[bool, typer.Option("--json", help="for machines, every report with its finding")] = False,
) -> None:
    """Count citizens' reports of what the cameras did not see on good passes over that place.

    A hole that opened after the last pass counts as missed: the share is an upper bound (docs/citizens.md).

    Example: roadwarden eval missed --from 2026-11-01 --to 2026-12-01 --days 3
    """
    from roadwarden.eval import missed as missing

    city = city_zone(zone)
    start, end = city_time("--from", from_, city), city_time("--to", to, city)
    if start >= end:
        raise ConfigError(f"--to {to} is not after --from {from_}")
    found = missing.missed(opened(database), request_table(), start, end, datetime.now(UTC), timedelta(days=days))
    if as_json:
        print(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
        return
    words = {
        missing.Finding.MISSED: f"missed: every lane was seen in the {days:g} days before, and nothing near by",
        missing.Finding.KNOWN: "known to the cameras before the report",
        missing.Finding.NOT_LOOKED: "not looked at in that time",
        missing.Finding.NO_PLACE: "without coordinates, or on no known road",
        missing.Finding.NOT_THEIRS: "nothing that cameras type",
    }
    for finding, text in words.items():
        print(f"{found.counts[finding]:6d}  {text}")
    print(f"{found.unconfirmed:6d}  not confirmed by intake, and {found.repeats} repeats: not counted")
    if found.share is None:
        print("no share: of none of them the cameras had a chance")
    else:
        print(f"missed {found.share:.1%} (95 % interval {found.interval.low:.1%} to {found.interval.high:.1%})")
