"""From the events of a case to its row: always the same row, whenever it is made.

The fold is asked for the moment at which the newest event was received, and where a park lasts, once more for its end.
Nothing else changes a case without an event.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from roadwarden.cases.answer import ASSESS, CaseAnswer, CaseState, ClockAnswer, ClockState
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.clocks import clocks
from roadwarden.cases.events import (
    CaseEvent,
    EventType,
    Filed,
    Parked,
    Severity,
)
from roadwarden.cases.hand_overs import bounces, holder
from roadwarden.cases.policy import ClockPolicies

ENDED = frozenset({CaseState.CLOSED, CaseState.VOIDED, CaseState.MERGED})
"""Nothing is to be done; all other states are open."""
_REPORTS = frozenset({EventType.REPAIR_REPORTED, EventType.SELF_HANDLED})


def row_of(events: Sequence[CaseEvent], policies: ClockPolicies) -> CaseRow | None:
    """The row of one case; None where nothing files it. ``events`` are all that are kept of it, in any order."""
    as_of = max(event.received_at for event in events)
    now = clocks(events, policies, as_of)
    if now.state is None or now.filed_at is None:
        return None
    later = _after_park(events, policies, now)
    parked_until = None if later is now else later.at
    counting = _counting(later)
    repair, standing = later.repair, _standing(events, now)
    filed = _filed(standing)
    department, crew = holder(event.data for event in standing)
    return CaseRow(
        case_id=now.case,
        version=len(events),
        as_of=as_of,
        state=now.state.value,
        is_open=now.state not in ENDED,
        severity=now.severity or Severity.NORMAL,
        policy=now.policy or "",
        cycle=now.cycle,
        filed_at=now.filed_at,
        first_seen_at=now.first_seen_at,
        closed_at=_closed_at(standing, now),
        clock=None if counting is None else counting.clock,
        clock_started_at=None if counting is None else counting.started_at,
        due_at=None if counting is None else counting.due_at,
        original_due_at=None if counting is None else counting.original_due_at,
        paused_s=0.0 if counting is None else counting.paused.total_seconds(),
        parked_until=parked_until,
        state_after_park=None if parked_until is None or later.state is None else later.state.value,
        repair_due_at=repair.due_at,
        repair_stopped_at=repair.stopped_at,
        repair_final=repair.state is ClockState.STOPPED,
        reports=_count(standing, _REPORTS),
        bounces=bounces(standing),
        transfers=_count(standing, {EventType.TRANSFERRED}),
        distress=filed.distress,
        domain=filed.domain,
        area=filed.area,
        department=department,
        crew=crew,
        road_grade=filed.road_grade,
        owner=filed.owner,
        segment=filed.segment,
        lat=filed.latitude,
        lon=filed.longitude,
        defect=filed.defect,
        source=filed.source,
    )


def _after_park(events: Sequence[CaseEvent], policies: ClockPolicies, now: CaseAnswer) -> CaseAnswer:
    """The answer for the end of the parks that last; the one of now where none does."""
    if now.state is not CaseState.PARKED:
        return now
    ends = {event.data.until for event in events if isinstance(event.data, Parked)}
    for end in sorted(end for end in ends if end > now.at):
        later = clocks(events, policies, end)
        if later.state is not CaseState.PARKED:
            return later
    return now


def _counting(answer: CaseAnswer) -> ClockAnswer | None:
    """The clock that is to be met next: the repair clock, or once a repair is reported the first assessment due."""
    if answer.state in ENDED:
        return None
    repair = answer.repair
    if repair.state in (ClockState.RUNNING, ClockState.PAUSED):
        return repair
    waiting = [clock for clock in answer.clocks if clock.clock == ASSESS and clock.state is ClockState.RUNNING]
    return min(waiting, key=lambda clock: (clock.due_at, clock.started_at), default=None)


def _standing(events: Sequence[CaseEvent], answer: CaseAnswer) -> list[CaseEvent]:
    """The events that were not refused, in the order in which they were received."""
    refused = {one.seq for one in answer.refused}
    return sorted((one for one in events if one.seq not in refused), key=lambda one: (one.received_at, one.seq))


def _filed(standing: Sequence[CaseEvent]) -> Filed:
    return next(event.data for event in standing if isinstance(event.data, Filed))


def _closed_at(standing: Sequence[CaseEvent], answer: CaseAnswer) -> datetime | None:
    if answer.state is not CaseState.CLOSED:
        return None
    return max(event.received_at for event in standing if event.type is EventType.CLOSED)


def _count(standing: Sequence[CaseEvent], kinds: frozenset[EventType] | set[EventType]) -> int:
    return sum(event.type in kinds for event in standing)
