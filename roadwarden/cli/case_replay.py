"""``roadwarden case replay``: what the clocks of cases say, recomputed from their events alone."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cases.answer import CaseAnswer, ClockAnswer
from roadwarden.cases.clocks import clocks
from roadwarden.cases.event_lines import histories, read_event_lines
from roadwarden.cases.events import UnknownKeys, format_time, parse_time
from roadwarden.cli.city_tables import clock_policies
from roadwarden.cli.exits import EXIT_USAGE
from roadwarden.errors import ConfigError, DataError


def register(case_app: typer.Typer) -> None:
    """Adds the command to ``roadwarden case``."""
    case_app.command()(replay)


def replay(
    file: Annotated[Path, typer.Argument(help="events, one JSON object a line; see docs/events.md")],
    now: Annotated[
        str | None, typer.Option(help="the moment to answer for, with its offset; what came later is not used")
    ] = None,
    policies: Annotated[
        Path | None, typer.Option(help="YAML file of clock policies; without it the ones we ship")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="print one JSON object a line for each case, by case id")
    ] = False,
) -> None:
    """Recompute every clock and every breach from the events alone, as of a moment; docs/clocks.md says how.

    Example: roadwarden case replay events.jsonl --now 2026-03-05T00:00:00Z --json
    """
    moment = _moment(now) if now else datetime.now(UTC)
    table = clock_policies(policies)
    try:
        cases = histories(read_event_lines(file, UnknownKeys.NOTED), str(file))
        answers = [clocks(cases[name], table, moment) for name in sorted(cases)]
    except DataError as exc:
        print(f"roadwarden: {exc}", file=sys.stderr)
        raise typer.Exit(EXIT_USAGE) from exc
    if as_json:
        for answer in answers:
            print(json.dumps(answer.as_json(), ensure_ascii=False))
    else:
        _tell(answers, moment)


def _moment(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as exc:
        raise ConfigError(f"--now: {exc}") from exc


def _tell(answers: list[CaseAnswer], moment: datetime) -> None:
    for answer in answers:
        print(f"{answer.case}: {_headline(answer)}")
        for clock in answer.clocks:
            print(f"  {_name(clock):28} {clock.state:11} {_times(clock)}; {_balance(clock)}")
        for note in answer.notes:
            print(f"  event {note.seq} {note.flag}: {note.why}")
        for refusal in answer.refused:
            print(f"  event {refusal.seq} refused: {refusal.why}")
    number = "1 case" if len(answers) == 1 else f"{len(answers)} cases"
    print(f"{number} as of {format_time(moment)}")


def _headline(answer: CaseAnswer) -> str:
    if answer.state is None:
        return "not filed by then"
    return f"{answer.state}, {answer.severity}, cycle {answer.cycle}, policy {answer.policy}"


def _name(clock: ClockAnswer) -> str:
    about = "" if clock.report_seq is None else f" of report {clock.report_seq}"
    return f"{clock.clock}{about}" + ("" if clock.cycle == 1 else f", cycle {clock.cycle}")


def _times(clock: ClockAnswer) -> str:
    stopped = "" if clock.stopped_at is None else f", stopped {format_time(clock.stopped_at)}"
    return f"{format_time(clock.started_at)} to {format_time(clock.due_at)}{stopped}"


def _balance(clock: ClockAnswer) -> str:
    if clock.is_breached:
        shares = (
            ("crew", clock.attributed.crew),
            ("assessor", clock.attributed.assessor),
            ("desk", clock.attributed.desk),
        )
        whose = ", ".join(f"{who} {_hours(share)}" for who, share in shares if share)
        return f"late {_hours(clock.breached)} ({whose})" + _parked(clock)
    return ("in time" if clock.stopped_at else f"{_hours(clock.remaining)} left") + _parked(clock)


def _parked(clock: ClockAnswer) -> str:
    return f", parked {_hours(clock.paused)}" if clock.paused else ""


def _hours(time: timedelta) -> str:
    """``-26:00:00``, with a fraction only where there is one."""
    whole, fraction = divmod(abs(time), timedelta(seconds=1))
    text = f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    digits = f".{fraction.microseconds:06}" if fraction else ""
    return ("-" if time < timedelta(0) else "") + text + digits
