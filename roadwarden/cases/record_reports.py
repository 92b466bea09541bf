"""How reports, verdicts, closing and re-opening are folded."""

from __future__ import annotations

from typing import Final

from roadwarden.cases.approval import doubt, not_approved
from roadwarden.cases.events import (
    Assessed,
    Closed,
    EventType,
    EvidenceRequested,
    Reopened,
    RepairReported,
    SelfHandled,
    TimeAccepted,
)
from roadwarden.cases.fold_state import CaseFold
from roadwarden.cases.ordering import Placed
from roadwarden.cases.policy import Stage
from roadwarden.cases.reports import Report, Ruling, evidence_request, verdict

TYPES: Final = frozenset(
    {
        EventType.REPAIR_REPORTED,
        EventType.SELF_HANDLED,
        EventType.ASSESSED,
        EventType.EVIDENCE_REQUESTED,
        EventType.TIME_ACCEPTED,
        EventType.CLOSED,
        EventType.REOPENED,
    }
)


def record(case: CaseFold, placed: Placed) -> str | None:
    """Why it is refused; None if it was folded."""
    match placed.event.data:
        case RepairReported() | SelfHandled():
            _report(case, placed)
        case Assessed(verdict=found, report_seq=seq):
            return _rule(case, seq, verdict(placed.at, found, placed.event.role))
        case EvidenceRequested(report_seq=seq):
            return _rule(case, seq, evidence_request(placed.at, placed.event.role))
        case TimeAccepted() as data:
            return _accept_time(case, placed, data)
        case Closed():
            _close(case, placed)
        case Reopened():
            return _reopen(case, placed)
    return None


def _report(case: CaseFold, placed: Placed) -> None:
    """A claim that the work is done; what it does to the clock is known when it is decided."""
    cycle = case.cycle
    cycle.add_report(Report(placed.seq, placed.at, placed.at))
    if placed.seq not in case.false_reports:
        cycle.stages[Stage.ACCEPT].stop(placed.at)


def _accept_time(case: CaseFold, placed: Placed, data: TimeAccepted) -> str | None:
    """The report counts from an earlier moment, of this cycle."""
    cycle = case.cycle
    if (report := cycle.report(data.report_seq)) is None:
        return _no_report(case, data.report_seq)
    if why := not_approved(placed.event, data.approved_by, case.known_roles):
        return why
    if not cycle.opened_at <= data.at <= report.received:
        return "the accepted time is not between the start of the cycle and the report"
    report.done_at = data.at
    _note(case, placed, data)
    return None


def _close(case: CaseFold, placed: Placed) -> None:
    """The stop is final, the workflow has seen to that."""
    cycle = case.cycle
    cycle.closed_at, cycle.closed_on = placed.at, cycle.accepted
    cycle.stages[Stage.CLOSE].stop(placed.at)


def _reopen(case: CaseFold, placed: Placed) -> str | None:
    """A new cycle with a fresh clock, within warranty."""
    closed_at = case.cycle.closed_at
    if closed_at is not None and placed.at > closed_at + case.policy.warranty_days:
        return f"out of warranty ({case.policy.warranty_days.days} days); file a new case with 'recurrence_of'"
    case.open_cycle(placed.at)
    return None


def _rule(case: CaseFold, report_seq: int, ruling: Ruling) -> str | None:
    cycle = case.cycle
    if (report := cycle.report(report_seq)) is None:
        return _no_report(case, report_seq)
    cycle.rule(report, ruling)
    return None


def _no_report(case: CaseFold, seq: int) -> str:
    if any(cycle.report(seq) for cycle in case.cycles[:-1]):
        return f"report {seq} is of an earlier cycle, whose result stays"
    return f"there is no report {seq} before this event"


def _note(case: CaseFold, placed: Placed, data: TimeAccepted) -> None:
    if note := doubt(placed.event, data.approved_by, case.known_roles):
        case.notes.append(note)
