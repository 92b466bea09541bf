"""``roadwarden campaign``: what an operation on some areas and problems changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from roadwarden.cases.campaigns import CampaignFigures, Occurrence, figures, occurrences, read_campaigns
from roadwarden.cases.events import format_time
from roadwarden.cases.kpi_values import Kpi
from roadwarden.cases.kpi_words import hours, percent
from roadwarden.cli.case_sources import city_time, facts_from
from roadwarden.cli.city_tables import clock_policies, domain_table
from roadwarden.cli.database import Database
from roadwarden.cli.progress import progress
from roadwarden.errors import DataError
from roadwarden.service.campaigns import around


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(campaign)


def campaign(
    file: Annotated[Path, typer.Argument(help="YAML file of campaigns, see docs/dispatch.md")],
    name: Annotated[str, typer.Argument(help="id of the campaign")],
    number: Annotated[
        int | None, typer.Option(min=1, help="which time of a recurring one; without it the last")
    ] = None,
    now: Annotated[str | None, typer.Option(help="reckon as of this time, from what was received by then")] = None,
    events: Annotated[Path | None, typer.Option(help="file of event lines to read instead of the database")] = None,
    policies: Annotated[Path | None, typer.Option(help="a city's own clock policies")] = None,
    database: Database = None,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Show the figures of a campaign's cases for as long before it, during it, and for as long after it.

    Example: roadwarden campaign campaigns.yaml hundred-days --number 1
    """
    table = read_campaigns(file, domain_table())
    asked = datetime.now(UTC) if now is None else city_time("--now", now, ZoneInfo(table.zone))
    held = _held(list(occurrences(table.campaign(name), table.zone, asked)), name, number)
    known = clock_policies(policies)
    period = around(held, asked)
    with progress("cases", quiet=as_json) as tell, facts_from(events, database, period, known, tell) as facts:
        told = figures(held, facts, asked)
    if as_json:
        print(json.dumps(_as_json(told), ensure_ascii=False))
    else:
        _show(told)


def _held(begun: list[Occurrence], name: str, number: int | None) -> Occurrence:
    if not begun:
        raise DataError(f"campaign {name} has not begun yet")
    if number is not None and number > len(begun):
        raise DataError(f"campaign {name} began {len(begun)} times so far, not {number}")
    return begun[(number or len(begun)) - 1]


def _rows(kpi: Kpi) -> dict[str, str]:
    return {
        "filed": str(kpi.flow.filed),
        "closure rate": percent(kpi.flow.closure),
        "repaired on time": percent(kpi.on_time.approved),
        "on time, original": percent(kpi.on_time.original),
        "mean to repair": hours(kpi.response.mean_h),
        "P90 to repair": hours(kpi.response.p90_h),
        "rejected repairs": percent(kpi.rework.rejected),
        "bounced": percent(kpi.branches.bounced),
        "missed": percent(kpi.branches.missed),
    }


def _show(told: CampaignFigures) -> None:
    held, console = told.occurrence, Console(highlight=False)
    days = f"{held.start:%Y-%m-%d} to {held.end:%Y-%m-%d}"
    console.print(f"{held.campaign.english}  {held.campaign.chinese}, time {held.number}: {days}", soft_wrap=True)
    rows = _rows(told.before), _rows(told.during), _rows(told.after) if told.after is not None else {}
    table = Table(box=None)
    for heading in ("", "before", "during", "after" if told.complete else "after, so far"):
        table.add_column(heading, justify="right" if heading else "left")
    for label, before in rows[0].items():
        table.add_row(label, before, rows[1][label], rows[2].get(label, ""))
    console.print(table)


def _as_json(told: CampaignFigures) -> dict[str, Any]:
    held = told.occurrence
    return {
        "campaign": held.campaign.id,
        "number": held.number,
        "from": format_time(held.start),
        "to": format_time(held.end),
        "complete": told.complete,
        "before": _plain(told.before),
        "during": _plain(told.during),
        "after": None if told.after is None else _plain(told.after),
    }


def _plain(kpi: Kpi) -> dict[str, Any]:
    """Keys as in docs/kpi.md."""
    return {
        "filed": kpi.flow.filed,
        "closure_rate": kpi.flow.closure.value,
        "on_time_approved": kpi.on_time.approved.value,
        "on_time_original": kpi.on_time.original.value,
        "mean_h": kpi.response.mean_h,
        "p90_h": kpi.response.p90_h,
        "rework_rate": kpi.rework.rejected.value,
        "bounced_rate": kpi.branches.bounced.value,
        "missed_rate": kpi.branches.missed.value,
    }
