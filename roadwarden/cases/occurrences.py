"""The times that something was there: from its filing, or its re-opening, to the repair that counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from roadwarden.cases.answer import REPAIR, CaseAnswer, CaseState, ClockState
from roadwarden.cases.case_facts import counted_events
from roadwarden.cases.clocks import answer
from roadwarden.cases.events import CaseEvent, EventType, RepairReported, SelfHandled, Severity
from roadwarden.cases.fold import fold
from roadwarden.cases.fold_state import CaseFold, Cycle
from roadwarden.cases.hand_overs import holder
from roadwarden.cases.ordering import Placed, history
from roadwarden.cases.policy import ClockPolicies
from roadwarden.cases.reports import Decision, earliest

PATROL: Final = "patrol"
"""In the place of a crew where a patrol mended it on the spot."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One cycle of one case; times are those at which events count."""

    case: str
    cycle: int  # from 1
    problem: str
    severity: Severity  # at the start of the cycle
    came_at: datetime  # filed, or opened again
    repaired_at: datetime | None  # finally; None while that is not sure
    closed_at: datetime | None
    warranty_until: datetime | None  # None where it is not repaired
    crew: str  # that had the case when the repair was reported, or PATROL; no person is named; empty where unknown
    department: str  # empty where nobody had it
    evidence: tuple[str, ...]  # of the report that counted
    area: str
    segment: str
    defect: str
    recurrence_of: str
    latitude: float | None  # WGS-84, degrees
    longitude: float | None


def occurrences(events: Sequence[CaseEvent], policies: ClockPolicies, now: datetime) -> tuple[Occurrence, ...]:
    """The occurrences of one case from what was received by ``now``, in their order.

    None of a case that was not filed by then, or is void or merged then: a merged one counts with its survivor. Raises
    DataError for events of two cases, and for one seq that says two things.
    """
    known = history(events, now)
    folded = fold(known, policies)
    if folded is None or folded.over in (CaseState.VOIDED, CaseState.MERGED):
        return ()
    told = answer(folded, known, now)
    counted = counted_events(known, told)
    return tuple(_occurrence(folded, cycle, told, counted) for cycle in folded.cycles)


def _occurrence(folded: CaseFold, cycle: Cycle, told: CaseAnswer, counted: Sequence[Placed]) -> Occurrence:
    filed = folded.filed
    clock = next(one for one in told.clocks if one.clock == REPAIR and one.cycle == cycle.number)
    stopped = clock.stopped_at if clock.state is ClockState.STOPPED else None
    closed_at = cycle.closed_at if cycle.is_closed else None
    department, crew, evidence = _who(cycle, counted) if stopped else ("", "", ())
    since = None if stopped is None else (closed_at or stopped)
    return Occurrence(
        case=told.case,
        cycle=cycle.number,
        problem=filed.distress,
        severity=cycle.severity,
        came_at=cycle.opened_at,
        repaired_at=stopped,
        closed_at=closed_at,
        warranty_until=None if since is None else since + folded.policy.warranty_days,
        crew=crew,
        department=department,
        evidence=evidence,
        area=filed.area or "",
        segment=filed.segment or "",
        defect=filed.defect or "",
        recurrence_of=filed.recurrence_of or "",
        latitude=filed.latitude,
        longitude=filed.longitude,
    )


def _who(cycle: Cycle, counted: Sequence[Placed]) -> tuple[str, str, tuple[str, ...]]:
    """Department and crew that had the case at the report that counted, and its pictures."""
    report = earliest(cycle.standing_reports, Decision.ACCEPTED)
    if report is None:
        return "", "", ()
    before = [one for one in counted if one.order <= _order_of(counted, report.seq)]
    event = before[-1].event
    department, crew = holder([one.event.data for one in before])
    if event.type is EventType.SELF_HANDLED:
        department, crew = None, PATROL  # whoever had the case
    evidence = event.data.evidence if isinstance(event.data, RepairReported | SelfHandled) else ()
    return department or "", crew or "", evidence


def _order_of(counted: Sequence[Placed], seq: int) -> tuple[datetime, datetime, int]:
    return next(one.order for one in counted if one.seq == seq)
