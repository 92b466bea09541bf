"""``roadwarden kpi``: the figures of a period, from the database or from a file of events."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
import yaml
from rich.console import Console
from rich.table import Table

from roadwarden.cases.kpi_report import KpiReport, kpi_report
from roadwarden.cases.kpi_values import Period
from roadwarden.cases.kpi_words import sections
from roadwarden.cases.time_saved import read_baseline, recorded
from roadwarden.cli.case_sources import city_time, city_zone, facts_from
from roadwarden.cli.city_tables import clock_policies
from roadwarden.cli.database import Database
from roadwarden.cli.progress import progress
from roadwarden.errors import ConfigError, DataError, OutputError

USUAL = timedelta(days=30)
"""The period of whoever names none."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(kpi)


def kpi(
    from_: Annotated[
        str | None,
        typer.Option("--from", help="first day, or a time such as 2026-11-02T08:00+08:00; 30 days before --to"),
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="the day after the last, or a time; tomorrow")] = None,
    now: Annotated[str | None, typer.Option(help="reckon as of this time, from what was received by then")] = None,
    events: Annotated[Path | None, typer.Option(help="file of event lines to read instead of the database")] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="recorded hours of the process before, for the time saved")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="write the hours of this period as a baseline file")] = None,
    source: Annotated[str, typer.Option(help="who vouches for the recorded baseline, with --record")] = "",
    policies: Annotated[Path | None, typer.Option(help="a city's own clock policies")] = None,
    zone: Annotated[str | None, typer.Option(help="time zone of days and weeks; without it that of the city")] = None,
    html: Annotated[Path | None, typer.Option(help="also write a page that opens offline")] = None,
    database: Database = None,
    as_json: Annotated[bool, typer.Option("--json", help="for machines, keys as in docs/kpi.md")] = False,
) -> None:
    """Reckon the figures of a period: on time, response to repair, rework, voids, bounces, time saved.

    Every figure is reckoned from the events each time; docs/kpi.md gives its formula.

    Example: roadwarden kpi --from 2026-11-02 --to 2026-11-30 --html var/kpi.html
    """
    if record is not None and not source.strip():
        raise ConfigError("--record wants --source: who vouches for these hours, and what they were taken from")
    city = city_zone(zone)
    period = _period(from_, to, now, city)
    known = clock_policies(policies)
    before = None if baseline is None else read_baseline(baseline)
    with progress("cases", quiet=as_json) as tell, facts_from(events, database, period, known, tell) as facts:
        report = kpi_report(facts, period, before, city.key)
    if record is not None:
        _write(record, _baseline_text(report, source))
    if html is not None:
        from roadwarden.service.kpi_page import render_kpi

        _write(html, render_kpi(report))
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    else:
        _show(report)


def _period(start: str | None, end: str | None, now: str | None, city: ZoneInfo) -> Period:
    asked = datetime.now(UTC) if now is None else city_time("--now", now, city)
    tomorrow = datetime.combine(asked.astimezone(city).date() + timedelta(days=1), time(), city)
    last = tomorrow.astimezone(UTC) if end is None else city_time("--to", end, city)
    first = last - USUAL if start is None else city_time("--from", start, city)
    if first >= last:
        raise ConfigError(f"--to {end or 'tomorrow'} is not after --from {start}")
    return Period(first, last, asked)


def _show(report: KpiReport) -> None:
    console, city = Console(highlight=False), ZoneInfo(report.zone)
    period = report.kpi.period
    days = [moment.astimezone(city).strftime("%Y-%m-%d %H:%M") for moment in (period.start, period.end, period.now)]
    console.print(f"{days[0]} to {days[1]} {report.zone}, as of {days[2]}", soft_wrap=True)
    for section in sections(report):
        table = Table(title=f"{section.words.english}  {section.words.chinese}", box=None, show_header=False)
        table.title_justify = "left"
        table.add_column()
        table.add_column(justify="right", no_wrap=True)
        table.add_column()
        for line in section.lines:
            table.add_row(line.words.english, line.value, "" if line.note is None else line.note.english)
        console.print(table)
    table = Table(title="Weeks  逐周", box=None, title_justify="left")
    for name in ("from", "reported", "filed", "closed", ""):
        table.add_column(name, justify="left" if name in ("from", "") else "right")
    for week in report.weeks:
        counted = (str(number) for number in (week.reported, week.filed, week.closed))
        table.add_row(week.start.strftime("%Y-%m-%d"), *counted, "" if week.whole else "not a whole week")
    console.print(table)


def _baseline_text(report: KpiReport, source: str) -> str:
    if not report.stage_hours:
        raise DataError("no case was closed for the first time in this period, so there is nothing to record")
    content = recorded(report.stage_hours, report.kpi.period, source, report.zone)
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise OutputError(f"{path}: cannot be written: {exc.strerror or exc}") from exc
