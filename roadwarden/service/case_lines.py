"""Events as JSON Lines in and out: histories of another system, an auditor's copy, one database into another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from roadwarden.cases.case_projection import row_of
from roadwarden.cases.event_lines import read_event_lines, write_event_lines
from roadwarden.cases.events import CaseEvent, format_time
from roadwarden.cases.ordering import AHEAD
from roadwarden.cases.policy import ClockPolicies
from roadwarden.errors import DataError
from roadwarden.storage.case_unit import CaseUnit, reading, writing

LINES_AT_ONCE = 2000
"""In one transaction; between two others may write."""

Numbered = tuple[int, CaseEvent]


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a file."""

    events: int  # new ones
    known: int  # kept already
    cases: int  # that got new ones


def import_events(
    engine: Engine,
    path: Path,
    policies: ClockPolicies,
    now: datetime,
    tell: Callable[[int], None] = lambda _lines: None,
) -> Imported:
    """Keeps the events of a file that are not kept yet, as they are; nobody outside is told of them.

    They are facts of elsewhere, so the workflow does not judge them: what it would refuse shows in the replay. Raises
    DataError that names the line for what is broken, contradicts what is kept, or comes from the future. The lines
    before it stay; mend the file and import it again, what is known is passed over.
    """
    new = known = 0
    touched: set[str] = set()
    for piece in _pieces(read_event_lines(path)):
        with writing(engine) as unit:
            added = _import_piece(unit, piece, path, policies, now)
        new += sum(added.values())
        known += len(piece) - sum(added.values())
        touched |= added.keys()
        tell(new + known)
    return Imported(new, known, len(touched))


def export_events(engine: Engine, path: Path, cases: Sequence[str] | None = None) -> int:
    """Writes the events of all cases, or of some, in the order in which they were kept; returns how many.

    Raises DataError for a case that is not there, OutputError where the file cannot be written.
    """
    with reading(engine) as unit:
        events = unit.events.all() if cases is None else _of_cases(unit, cases)
        return write_event_lines(path, events)


def _of_cases(unit: CaseUnit, cases: Sequence[str]) -> Iterable[CaseEvent]:
    found = unit.events.of_cases(cases)
    if missing := [case for case in cases if case not in found]:
        raise DataError(f"there is no case {missing[0]}; nothing was written")
    return [event for case in cases for event in found[case]]


def _pieces(lines: Iterator[Numbered]) -> Iterator[list[Numbered]]:
    piece: list[Numbered] = []
    for line in lines:
        piece.append(line)
        if len(piece) == LINES_AT_ONCE:
            yield piece
            piece = []
    if piece:
        yield piece


def _import_piece(
    unit: CaseUnit, piece: list[Numbered], path: Path, policies: ClockPolicies, now: datetime
) -> dict[str, int]:
    """How many new events each case got that got some."""
    kept = unit.events.of_cases({event.case for _, event in piece})
    by_seq = {case: {event.seq: event for event in events} for case, events in kept.items()}
    new: dict[str, list[CaseEvent]] = {}
    in_order: list[CaseEvent] = []
    for number, event in piece:
        _check_time(event, path, number, now)
        there = by_seq.setdefault(event.case, {}).setdefault(event.seq, event)
        if there is event:
            new.setdefault(event.case, []).append(event)
            in_order.append(event)
        elif there != event:
            raise DataError(
                f"{path}:{number}: case {event.case} has another event with seq {event.seq} already; an event is never "
                "replaced"
            )
    unit.events.add(in_order, {case: len(events) for case, events in kept.items()}, now)
    rows = [row_of([*kept.get(case, ()), *events], policies) for case, events in new.items()]
    unit.rows.put([row for row in rows if row is not None])
    unit.warnings.watch({row.case_id: now if row.is_open else None for row in rows if row is not None})
    return {case: len(events) for case, events in new.items()}


def _check_time(event: CaseEvent, path: Path, number: int, now: datetime) -> None:
    if event.received_at > now + AHEAD:
        raise DataError(
            f"{path}:{number}: case {event.case} seq {event.seq} was received in the future, "
            f"{format_time(event.received_at)}; set the clock of the machine that wrote it, or ours"
        )
