"""Optional clocks for parts of the way (dispatch, accept, close), where a policy has them; nothing depends on them."""

from __future__ import annotations

from datetime import datetime

from roadwarden.cases.answer import Attributed, ClockAnswer, ClockState
from roadwarden.cases.fold_state import Cycle, StageMarks
from roadwarden.cases.intervals import measure, union
from roadwarden.cases.policy import Stage, StageLimit


def stage_clocks(cycle: Cycle, now: datetime) -> tuple[ClockAnswer, ...]:
    """Those that have begun, in the order of the policy; the first time of each in a cycle counts."""
    return tuple(
        _stage_clock(cycle, row, cycle.stages[row.clock], started, now)
        for row in cycle.policy.stages
        if (started := cycle.stages[row.clock].started) is not None
    )


def _stage_clock(cycle: Cycle, row: StageLimit, marks: StageMarks, started: datetime, now: datetime) -> ClockAnswer:
    original = row.due(started)
    due = marks.extended or original
    state, end, cancelled_at = _end(cycle, row.clock, marks, now)
    late = measure(union([(due, end)]))
    return ClockAnswer(
        clock=row.clock.value,
        cycle=cycle.number,
        state=state,
        started_at=started,
        due_at=due,
        original_due_at=original,
        remaining=due - end,
        breached=late,
        stopped_at=marks.stopped,
        cancelled_at=cancelled_at,
        attributed=Attributed(crew=late) if row.clock is Stage.ACCEPT else Attributed(desk=late),
    )


def _end(cycle: Cycle, stage: Stage, marks: StageMarks, now: datetime) -> tuple[ClockState, datetime, datetime | None]:
    """A repair that is accepted makes the stages before it moot; void and merge cancel all."""
    if marks.stopped is not None:
        state = ClockState.STOPPED if cycle.cancelled_at is None else ClockState.CANCELLED
        return state, marks.stopped, cycle.cancelled_at
    moot = None if stage is Stage.CLOSE else cycle.final_since
    cancels = [at for at in (moot, cycle.cancelled_at) if at is not None]
    if cancels:
        return ClockState.CANCELLED, min(cancels), min(cancels)
    return ClockState.RUNNING, now, None
