"""``roadwarden case list|show|export|import``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from roadwarden.cases.answer import CaseAnswer, CaseState
from roadwarden.cases.case_facts import counted_events
from roadwarden.cases.case_row import CaseRow, Light
from roadwarden.cases.events import CaseEvent, Severity, data_as_json
from roadwarden.cases.hand_overs import HandOver, hand_overs
from roadwarden.cases.ordering import history
from roadwarden.cli.case_common import AsJson, Case, line_of, moment, open_desk, shown, span
from roadwarden.cli.database import Database
from roadwarden.cli.progress import progress

if TYPE_CHECKING:
    from datetime import datetime

    from roadwarden.service.cases import CaseDesk

STYLES = {Light.RED: "red", Light.YELLOW: "yellow", Light.GREEN: "green", Light.NONE: ""}


def register(case_app: typer.Typer) -> None:
    """Adds the commands to ``roadwarden case``."""
    case_app.command("list")(list_cases)
    case_app.command()(show)
    case_app.command()(export)
    case_app.command("import")(import_cases)


def list_cases(
    due: Annotated[bool, typer.Option("--due", help="the countdown board: open cases, the most urgent first")] = False,
    state: Annotated[CaseState | None, typer.Option(help="only cases in this state")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="only late ones")] = False,
    is_open: Annotated[bool | None, typer.Option("--open/--ended", help="only open, or only ended ones")] = None,
    severity: Annotated[Severity | None, typer.Option(help="only these")] = None,
    area: Annotated[str | None, typer.Option(help="only of this area")] = None,
    department: Annotated[str | None, typer.Option(help="only with this department")] = None,
    crew: Annotated[str | None, typer.Option(help="only with this crew")] = None,
    distress: Annotated[str | None, typer.Option(help="only of this type")] = None,
    domain: Annotated[str | None, typer.Option(help="only of this domain")] = None,
    segment: Annotated[str | None, typer.Option(help="only on this road segment")] = None,
    now: Annotated[str | None, typer.Option(help="as of this moment, with its offset; without it now")] = None,
    most: Annotated[int, typer.Option(min=1, max=1000, help="rows at most")] = 50,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """List cases, newest first; with --due the countdown board.

    Example: roadwarden case list --due --area demo
    """
    from roadwarden.storage.case_rows import CaseFilter, Order
    from roadwarden.storage.case_unit import reading

    desk = open_desk(database)
    when = moment("--now", now) if now else desk.now()
    wanted = CaseFilter(
        state=state,
        is_open=True if due else is_open,
        overdue=overdue or None,
        severity=severity,
        area=area,
        department=department,
        crew=crew,
        distress=distress,
        domain=domain,
        segment=segment,
    )
    with reading(desk.engine) as unit:
        rows = unit.rows.list(wanted, when, Order.DUE if due else Order.NEWEST, most)
        total = unit.rows.count(wanted, when)
    if as_json:
        print(json.dumps([row.as_json(when) for row in rows], ensure_ascii=False, indent=2))
    else:
        _print_table(rows, total, when)


def show(
    case: Case,
    now: Annotated[str | None, typer.Option(help="as of this moment, with its offset; without it now")] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Show a case: its clocks, and all that happened to it.

    Example: roadwarden case show 2026-000001
    """
    desk = open_desk(database)
    when = moment("--now", now) if now else desk.now()
    answer, events = desk.answer(case, when), desk.events(case)
    if as_json:
        hands = [change.as_json() for change in _hand_overs(answer, events)]
        told = answer.as_json() | {"hand_overs": hands, "events": [event.as_json() for event in events]}
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return
    _print_case(desk, case, when)


def export(
    file: Annotated[Path, typer.Argument(help="JSON Lines to write, see docs/events.md")],
    case: Annotated[list[str] | None, typer.Option(help="only this case; may be given again")] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Write the events of all cases, or of some, as JSON Lines: anybody can recompute the clocks from them.

    Example: roadwarden case export var/cases.jsonl
    """
    from roadwarden.service.case_lines import export_events

    number = export_events(open_desk(database).engine, file, case)
    print(json.dumps({"events": number, "file": str(file)}) if as_json else f"{number} events in {file}")


def import_cases(
    file: Annotated[Path, typer.Argument(help="JSON Lines to read, see docs/events.md")],
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Keep the events of a file that are not kept yet; the same file again adds nothing.

    Example: roadwarden case import var/cases.jsonl
    """
    from roadwarden.service.case_lines import import_events

    desk = open_desk(database, new=True)
    total = _lines(file)
    with progress("lines", quiet=as_json) as report:
        done = import_events(desk.engine, file, desk.policies, desk.now(), lambda lines: report(lines, total))
    if as_json:
        print(json.dumps({"new": done.events, "cases": done.cases, "known": done.known}))
    else:
        print(f"{done.events} new events of {done.cases} cases; {done.known} were known")


def _lines(file: Path) -> int:
    """For the progress bar; a file that cannot be read is told about by whoever reads it."""
    if not file.is_file():
        return 0
    with file.open("rb") as lines:
        return sum(1 for _ in lines)


def _print_table(rows: tuple[CaseRow, ...], total: int, now: datetime) -> None:
    console = Console()
    console = console if console.is_terminal else Console(width=160)
    table = Table("case", "state", "severity", "type", "area", "department", "crew", "clock", "due", "left")
    for row in rows:
        left = row.remaining_s(now)
        table.add_row(
            row.case_id,
            row.state,
            row.severity.value,
            row.distress,
            row.area or "",
            row.department or "",
            row.crew or "",
            row.clock or "",
            "" if row.due_at is None else shown(row.due_at),
            "" if left is None else span(left),
            style=STYLES[row.light(now)],
        )
    console.print(table if rows else "no such case; 'roadwarden case file' files one")
    if total > len(rows):
        console.print(f"{len(rows)} of {total}; --most shows more")


def _print_case(desk: CaseDesk, case: str, now: datetime) -> None:
    row, answer = desk.row(case), desk.answer(case, now)
    print(line_of(row, now))
    for clock in answer.clocks:
        about = "" if clock.report_seq is None else f" of report {clock.report_seq}"
        late = f", late by {clock.breached}" if clock.is_breached else ""
        print(f"  {clock.clock}{about}, cycle {clock.cycle}: {clock.state}, due {shown(clock.due_at)}{late}")
    events = desk.events(case)
    hands = _hand_overs(answer, events)
    if hands:
        way = " → ".join(change.after or "(handed back)" for change in hands)
        print(f"  in the hands of: {way}; bounces: {sum(change.is_bounce for change in hands)}")
    refused = {one.seq: one.why for one in answer.refused}
    for event in events:
        said = json.dumps(data_as_json(event.data), ensure_ascii=False)
        why = f"  refused: {refused[event.seq]}" if event.seq in refused else ""
        print(f"  {event.seq:3} {shown(event.received_at)} {event.type} by {event.actor} ({event.role}) {said}{why}")


def _hand_overs(answer: CaseAnswer, events: Sequence[CaseEvent]) -> tuple[HandOver, ...]:
    return hand_overs([one.event for one in counted_events(history(events, answer.at), answer)])
