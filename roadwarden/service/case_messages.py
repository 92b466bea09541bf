"""What the outside is told of cases: every event, and a clock whose history had to be written anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from roadwarden.cases.answer import CaseAnswer, ClockAnswer
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.events import CaseEvent, format_time
from roadwarden.cases.warnings import CaseWarning
from roadwarden.storage.outbox import Message


def of_event(event: CaseEvent, row: CaseRow | None, now: datetime) -> Message:
    """Topic ``case.<type of the event>``."""
    title = f"{event.type} by {event.role}"
    payload: dict[str, Any] = {"title": title, "event": event.as_json(), "stands": None if row is None else stands(row)}
    return Message(f"event:{event.case}:{event.seq}", f"case.{event.type}", event.case, payload, now)


def of_restated(event: CaseEvent, before: CaseAnswer | None, after: CaseAnswer, now: datetime) -> Iterator[Message]:
    """Topic ``clock.restated``: by an event that came late, a clock counts as breached that did not, or the other way.

    A breach that somebody was told of does not vanish without a word.
    """
    known = {} if before is None else {_key(clock): clock for clock in before.clocks}
    for clock in after.clocks:
        earlier = known.get(_key(clock))
        if earlier is None or earlier.is_breached == clock.is_breached:
            continue
        name = ":".join(str(part) for part in _key(clock))
        verb = "is breached" if clock.is_breached else "is not breached any more"
        payload = {
            "title": f"the {clock.clock} clock {verb}, by {event.type}",
            "by_seq": event.seq,
            "before": earlier.as_json(),
            "after": clock.as_json(),
        }
        yield Message(f"restated:{event.case}:{event.seq}:{name}", "clock.restated", event.case, payload, now)


def of_warning(warning: CaseWarning, skipped: Iterable[CaseWarning], row: CaseRow | None, now: datetime) -> Message:
    """Topic ``warning.<threshold>``; says which lighter ones were passed over."""
    report = "" if warning.report_seq is None else str(warning.report_seq)
    key = f"warning:{warning.case}:{warning.clock}:{warning.cycle}:{report}:{warning.threshold}"
    payload = {
        "title": warning.text.english,
        "text": f"{warning.text.chinese}\n{warning.text.english}",
        "clock": warning.clock,
        "cycle": warning.cycle,
        "report_seq": warning.report_seq,
        "threshold": warning.threshold,
        "severity": warning.severity.value,
        "due_since": format_time(warning.due_since),
        "due_at": format_time(warning.due_at),
        "recipients": [recipient.value for recipient in warning.recipients],
        "passed_over": [one.threshold for one in skipped],
        "stands": None if row is None else stands(row),
    }
    return Message(key, f"warning.{warning.threshold}", warning.case, payload, now)


def stands(row: CaseRow) -> dict[str, Any]:
    """The part of a row that others need."""
    return {
        "version": row.version,
        "state": row.state,
        "severity": row.severity.value,
        "clock": row.clock,
        "due_at": None if row.due_at is None else format_time(row.due_at),
        "area": row.area,
        "department": row.department,
        "crew": row.crew,
        "distress": row.distress,
        "segment": row.segment,
        "filed_at": format_time(row.filed_at),
        "road_grade": row.road_grade,
        "latitude": row.lat,  # WGS-84
        "longitude": row.lon,
    }


def _key(clock: ClockAnswer) -> tuple[str, int, int | None]:
    return clock.clock, clock.cycle, clock.report_seq
