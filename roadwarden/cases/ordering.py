"""When an event counts, and which comes first: the same answer whatever the order in which events arrived.

Contract of issue 7: people at desks are believed within 2 minutes ahead and 7 days back; crews and citizens count from
the moment the server heard of them, because nobody beats a deadline with the clock of a phone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from roadwarden.cases.events import CaseEvent, EventType, Role, Severity, SeverityChanged
from roadwarden.cases.roles import never_records
from roadwarden.errors import DataError

AHEAD: Final = timedelta(minutes=2)
"""A desk's clock may be this much ahead of the server's."""
BACK: Final = timedelta(days=7)
"""A desk may enter something this much later than it happened."""

DESK: Final = frozenset(Role) - {Role.CREW, Role.CITIZEN, Role.AUDITOR}
"""Roles whose ``occurred_at`` is believed; an auditor records nothing."""


class Flag(StrEnum):
    """What a reader of an answer should know."""

    CLAMPED = "clamped"  # an event counts at another time than it says
    APPROVER_ROLE_UNKNOWN = "approver_role_unknown"
    UNKNOWN_POLICY = "unknown_policy"
    UNKNOWN_KEY = "unknown_key"  # a line says something that nobody here understands


@dataclass(frozen=True, slots=True)
class Note:
    """A flag, the event it came from, and why."""

    seq: int
    flag: Flag
    why: str


@dataclass(frozen=True, slots=True)
class Placed:
    """An event and the moment at which it counts (UTC)."""

    event: CaseEvent
    at: datetime

    @property
    def seq(self) -> int:
        """Of the event."""
        return self.event.seq

    @property
    def order(self) -> tuple[datetime, datetime, int]:
        """Effective time, then received, then seq."""
        return self.at, self.event.received_at, self.event.seq


@dataclass(frozen=True, slots=True)
class History:
    """The events of one case that are known by a moment, in the order in which they count; the filing first."""

    filing: Placed | None
    later: tuple[Placed, ...]
    """Everything else; without a filing all of it."""
    notes: tuple[Note, ...]


def history(events: Iterable[CaseEvent], now: datetime) -> History:
    """What is known at ``now``, in order; raises DataError for two cases, or one seq that says two things."""
    known = [event for event in _once(events) if event.received_at <= now]
    placed = [_place(event) for event in known]
    filings = [one for one in placed if _files(one.event)]
    if not filings:
        return History(None, tuple(sorted(placed, key=lambda one: one.order)), _strange(known))
    filing = min(filings, key=lambda one: one.order)
    later = [_not_before(one, filing.at) for one in placed if one is not filing]
    later.sort(key=lambda one: one.order)
    notes = [note for one in (filing, *later) if (note := _note(one, filing.at)) is not None]
    return History(filing, tuple(later), (*notes, *_strange(known)))


def _once(events: Iterable[CaseEvent]) -> Iterable[CaseEvent]:
    known: dict[int, CaseEvent] = {}
    case = None
    for event in events:
        case = case or event.case
        if event.case != case:
            raise DataError(f"events of two cases, {case} and {event.case}; judge one case at a time")
        if known.setdefault(event.seq, event) != event:
            raise DataError(f"case {case} seq {event.seq}: two events that differ; one of them is not this case's")
    return known.values()


def _files(event: CaseEvent) -> bool:
    return event.type is EventType.FILED and never_records(event.role, event.type) is None


def _place(event: CaseEvent) -> Placed:
    said = event.occurred_at if event.role in DESK and not _incredible(event) else event.received_at
    if _never_back(event):
        said = max(said, event.received_at)
    return Placed(event, said)


def _incredible(event: CaseEvent) -> bool:
    return not event.received_at - BACK <= event.occurred_at <= event.received_at + AHEAD


def _never_back(event: CaseEvent) -> bool:
    """What would gain by being dated back: a start, a tighter deadline, a rest."""
    if event.type is EventType.SEVERITY_CHANGED:
        return isinstance(event.data, SeverityChanged) and event.data.to is Severity.SEVERE
    return event.type in (EventType.FILED, EventType.PARKED)


def _not_before(placed: Placed, filed_at: datetime) -> Placed:
    return placed if placed.at >= filed_at else Placed(placed.event, filed_at)


def _note(placed: Placed, filed_at: datetime) -> Note | None:
    event = placed.event
    if event.role in DESK and _incredible(event):
        ahead = event.occurred_at > event.received_at
        limit = "more than 2 minutes after" if ahead else "more than 7 days before"
        return Note(event.seq, Flag.CLAMPED, f"said to have happened {limit} it was received; counts from then")
    if _place(event).at < filed_at:
        return Note(event.seq, Flag.CLAMPED, "said to have happened before the filing; counts from the filing")
    return None


def _strange(events: Iterable[CaseEvent]) -> tuple[Note, ...]:
    return tuple(
        Note(event.seq, Flag.UNKNOWN_KEY, f"left out, not known here: {', '.join(event.unknown)}")
        for event in events
        if event.unknown
    )
