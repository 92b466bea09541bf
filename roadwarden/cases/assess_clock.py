"""The assess clock: one for every repair report, from its arrival to the first decided verdict on it."""

from __future__ import annotations

from datetime import datetime

from roadwarden.cases.answer import ASSESS, Attributed, ClockAnswer, ClockState
from roadwarden.cases.fold_state import Cycle
from roadwarden.cases.intervals import Interval, measure, union
from roadwarden.cases.reports import Report


def assess_clock(cycle: Cycle, report: Report, now: datetime) -> ClockAnswer:
    """Of one report at ``now``; what is late is the assessor's."""
    original = report.received + cycle.policy.assess_hours
    due = cycle.assess_due.get(report.seq, original)
    state, end, cancelled_at = _end(cycle, report, now)
    late = measure(union([(due, end)]))
    return ClockAnswer(
        clock=ASSESS,
        cycle=cycle.number,
        report_seq=report.seq,
        state=state,
        started_at=report.received,
        due_at=due,
        original_due_at=original,
        remaining=due - end,
        breached=late,
        stopped_at=report.decided_at,
        cancelled_at=cancelled_at,
        attributed=Attributed(assessor=late),
    )


def overdue(clock: ClockAnswer) -> Interval:
    """When it was late; empty if it was not."""
    return clock.due_at, clock.counts_until


def _end(cycle: Cycle, report: Report, now: datetime) -> tuple[ClockState, datetime, datetime | None]:
    """What it does, the moment that it counts to, and when it was cancelled."""
    if report.decided_at is not None:
        if cycle.cancelled_at is not None:
            return ClockState.CANCELLED, report.decided_at, cycle.cancelled_at
        return ClockState.STOPPED, report.decided_at, None
    cancels = [at for at in (cycle.final_since, cycle.cancelled_at) if at is not None]
    if cancels:
        at = max(report.received, min(cancels))
        return ClockState.CANCELLED, at, at
    return ClockState.RUNNING, now, None
