"""The repair clock of one cycle: from filing to the earliest accepted report, whatever was reported in between."""

from __future__ import annotations

from datetime import datetime, timedelta

from roadwarden.cases.answer import REPAIR, ZERO, Attributed, ClockAnswer, ClockState
from roadwarden.cases.dues import Reckoned
from roadwarden.cases.fold_state import Cycle
from roadwarden.cases.intervals import Interval, clipped, measure, overlap
from roadwarden.cases.reports import Decision, counting


def repair_clock(cycle: Cycle, assess_late: tuple[Interval, ...], now: datetime) -> ClockAnswer:
    """At ``now``; ``assess_late`` is when assessment clocks of the cycle were overdue."""
    reckoned = cycle.reckoned()
    state, end = _end(cycle, now)
    left = reckoned.due - end
    if state is ClockState.RUNNING and (rest := _rest_at(reckoned, now)):
        state = ClockState.PAUSED
        left = reckoned.due - rest[1] if reckoned.due >= rest[1] else left
    late = reckoned.late(end)
    assessors = measure(overlap(late, assess_late))
    return ClockAnswer(
        clock=REPAIR,
        cycle=cycle.number,
        state=state,
        started_at=reckoned.started_at,
        due_at=reckoned.due,
        original_due_at=cycle.reckoned(extensions=False).due,
        remaining=left,
        breached=measure(late),
        stopped_at=_stopped_at(cycle, end),
        cancelled_at=cycle.cancelled_at,
        paused=_paused(reckoned, end),
        attributed=Attributed(crew=measure(late) - assessors, assessor=assessors),
    )


def _end(cycle: Cycle, now: datetime) -> tuple[ClockState, datetime]:
    """What the clock does, and the moment that it counts to."""
    report = counting(cycle.reports)
    if report is None:
        state, end = ClockState.RUNNING, now
    elif report.standing is Decision.ACCEPTED:
        state, end = ClockState.STOPPED, report.done_at
    else:
        state, end = ClockState.PROVISIONAL, report.done_at
    if cycle.cancelled_at is not None:
        end = cycle.cancelled_at if report is None else min(end, cycle.cancelled_at)
        return ClockState.CANCELLED, end
    return state, end


def _stopped_at(cycle: Cycle, end: datetime) -> datetime | None:
    return end if cycle.accepted else None


def _rest_at(reckoned: Reckoned, now: datetime) -> Interval | None:
    """The parked time that holds at ``now``; none once the deadline has passed, it rests nothing then."""
    if now > reckoned.due:
        return None
    return next((rest for rest in reckoned.rests if rest[0] <= now < rest[1]), None)


def _paused(reckoned: Reckoned, end: datetime) -> timedelta:
    return measure(clipped(reckoned.rests, end)) or ZERO
