"""What the commands about cases have in common: who acts, on which database, and how the outcome is told."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.events import EventType, Role, parse_data, parse_time
from roadwarden.cases.ordering import history
from roadwarden.cases.permissions import Person
from roadwarden.cli.city_tables import clock_policies, permissions
from roadwarden.cli.database import Database, existing, opened
from roadwarden.errors import ConfigError
from roadwarden.settings import time_zone

if TYPE_CHECKING:
    from roadwarden.service.cases import Ask, CaseDesk, Done

State = TypeVar("State", bound=StrEnum)
Case = Annotated[str, typer.Argument(help="name of the case")]
Reason = Annotated[str, typer.Option(help="why, for those who read the history")]
ApprovedBy = Annotated[str, typer.Option(help="another person who approves, as NAME:ROLE")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
ReportSeq = Annotated[int, typer.Option("--report", min=0, help="seq of the repair report")]


@dataclass(frozen=True, slots=True)
class Common:
    """The options that every command has which changes a case."""

    by: Annotated[str, typer.Option(help="who acts")]
    role: Annotated[Role, typer.Option(help="in what role")]
    areas: Annotated[str, typer.Option(help="areas of that person, with commas; * for all")] = "*"
    of_department: Annotated[str | None, typer.Option(help="department of that person, where he is of a crew")] = None
    of_crew: Annotated[str | None, typer.Option(help="his crew")] = None
    at: Annotated[str | None, typer.Option(help="when it happened, with its offset; without it now")] = None
    key: Annotated[
        str | None, typer.Option(help="idempotency key: the same command again under it does nothing again")
    ] = None
    expect: Annotated[
        int | None, typer.Option(min=1, help="version of the case that you have seen; refused where it has moved on")
    ] = None
    database: Database = None
    as_json: AsJson = False

    @property
    def who(self) -> Person:
        """The person who acts."""
        return Person(self.by, self.role, split(self.areas), self.of_department, self.of_crew)

    @property
    def ask(self) -> Ask:
        """How the command is meant."""
        from roadwarden.service.cases import Ask

        return Ask(self.key, self.expect, moment("--at", self.at) if self.at else None)


def case_command(act: Callable[..., None]) -> Callable[..., None]:
    """Makes a command of a function whose first argument is a Common: its options come behind those of the function.

    Typer reads options off a signature, so we give it one; else every command would repeat ten parameters.
    """
    own = list(inspect.signature(act, eval_str=True).parameters.values())[1:]
    shared = list(inspect.signature(Common, eval_str=True).parameters.values())
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*own, *shared)]
    names = {field.name for field in fields(Common)}

    def command(**values: Any) -> None:
        act(Common(**{name: values.pop(name) for name in names}), **values)

    command.__name__, command.__doc__ = act.__name__, act.__doc__
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


def record(common: Common, case: str, kind: EventType, /, **data: Any) -> None:
    """Records one event and tells how the case stands; what is None is left out of its data."""
    event_data = parse_data(kind, {name: value for name, value in data.items() if value is not None})
    desk = open_desk(common.database)
    tell(desk, desk.record(common.who, case, event_data, common.ask), as_json=common.as_json)


def open_desk(database: str | None, *, new: bool = False) -> CaseDesk:
    """The use cases on a database, which gets the newest schema; ``new``: it may be made by this."""
    from roadwarden.service.cases import CaseDesk  # SQLAlchemy takes its time, and other commands want none

    return CaseDesk((opened if new else existing)(database), clock_policies(), permissions())


def tell(desk: CaseDesk, done: Done, *, as_json: bool) -> None:
    """How the case stands after a command, and what of it counts otherwise than it was said."""
    now = desk.now()
    added = {event.seq for event in done.events}
    notes = [one for one in history(desk.events(done.row.case_id), now).notes if one.seq in added]
    if as_json:
        told = {"repeated": done.repeated, "events": [event.as_json() for event in done.events]}
        told["notes"] = [{"seq": one.seq, "flag": one.flag, "why": one.why} for one in notes]
        print(json.dumps(told | {"case": done.row.as_json(now)}, ensure_ascii=False))
        return
    print(line_of(done.row, now) + (" (was done before)" if done.repeated else ""))
    for one in notes:
        print(f"  {one.flag}: {one.why}")


def tell_counts(
    counts: Mapping[tuple[str, State], int], states: Iterable[State], nothing: str, *, as_json: bool
) -> None:
    """A line a name: how many of it are in each state; ``nothing`` where there is no name."""
    names = sorted({name for name, _ in counts})
    told = {name: {state.value: counts.get((name, state), 0) for state in states} for name in names}
    if as_json:
        print(json.dumps(told))
        return
    for name, numbers in told.items():
        print(f"{name}: " + ", ".join(f"{number} {state}" for state, number in numbers.items()))
    if not told:
        print(nothing)


def line_of(row: CaseRow, now: datetime) -> str:
    """For example ``2026-000001 v2 dispatched, normal; repair due 2026-03-04 16:00 +0800, 47 h 59 min left``."""
    line = f"{row.case_id} v{row.version} {row.state}, {row.severity}"
    left = row.remaining_s(now)
    if row.due_at is None or left is None:
        return line
    return f"{line}; {row.clock} due {shown(row.due_at)}, {span(left)}"


def span(seconds: int) -> str:
    """Time left, or time late, rounded so that nobody is shown time that he does not have."""
    minutes = abs(timedelta(seconds=seconds)) // timedelta(minutes=1)
    words = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    return f"{words} left" if seconds >= 0 else f"late by {words}"


def shown(time: datetime) -> str:
    """In the zone of the people here."""
    return time.astimezone(time_zone()).strftime("%Y-%m-%d %H:%M %z")


def moment(option: str, text: str) -> datetime:
    """A time from the command line; raises ConfigError that names the option."""
    try:
        return parse_time(text)
    except ValueError as exc:
        raise ConfigError(f"{option}: {exc}") from exc


def split(areas: str) -> frozenset[str]:
    """Names between commas."""
    return frozenset(name.strip() for name in areas.split(",") if name.strip())
