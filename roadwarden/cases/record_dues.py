"""How what moves deadlines is folded: severity, extensions, parks."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from roadwarden.cases.answer import ASSESS, REPAIR
from roadwarden.cases.approval import doubt, not_approved
from roadwarden.cases.dues import Granted, Lowered, Raised
from roadwarden.cases.events import Approver, EventType, Extended, Parked, Resumed, Severity, SeverityChanged
from roadwarden.cases.fold_state import CaseFold, Park
from roadwarden.cases.intervals import measure
from roadwarden.cases.ordering import Placed
from roadwarden.cases.policy import Stage

TYPES: Final = frozenset({EventType.SEVERITY_CHANGED, EventType.PARKED, EventType.RESUMED, EventType.EXTENDED})


def record(case: CaseFold, placed: Placed) -> str | None:
    """Why it is refused; None if it was folded."""
    match placed.event.data:
        case SeverityChanged() as data:
            return _change_severity(case, placed, data)
        case Parked() as data:
            return _park(case, placed, data)
        case Resumed():
            return _resume(case, placed)
        case Extended() as data:
            return _extend(case, placed, data)
    return None


def _change_severity(case: CaseFold, placed: Placed, data: SeverityChanged) -> str | None:
    """Up tightens; down needs an approval."""
    if data.to is case.severity:
        return f"the case is {data.to} already"
    if data.to is Severity.NORMAL:
        if why := _unapproved(case, placed, data.approved_by):
            return why
        case.cycle.moves.append(Lowered(placed.at))
    else:
        case.cycle.moves.append(Raised(placed.at))
    case.severity = data.to
    return None


def _park(case: CaseFold, placed: Placed, data: Parked) -> str | None:
    """The repair clock rests, within the policy's cap and count; severe cases after a safety measure only."""
    cycle, limit = case.cycle, case.policy.parks
    if data.until <= placed.at:
        return "'until' is not after the start of the park"
    if case.severity is Severity.SEVERE and not cycle.safe:
        return "a severe case is parked only after a safety measure"
    if len(cycle.parks) >= limit.most:
        return f"parked {limit.most} times in this cycle already, which is the most"
    granted = ((park.start, park.end) for park in cycle.parks)  # a report that stands makes them moot, a false one not
    if measure((*granted, (placed.at, data.until))) > limit.total_days:
        return f"longer than the {limit.total_days.days} days that the parks of a cycle may take together"
    if why := _unapproved(case, placed, data.approved_by):
        return why
    cycle.moves.append(Park(placed.at, data.until, data.until))
    return None


def _resume(case: CaseFold, placed: Placed) -> str | None:
    """Ends every park that runs; a report does not hide one, it may turn out to be false."""
    running = [park for park in case.cycle.parks if park.start <= placed.at < park.end]
    if not running:
        return "no park runs"
    for park in running:
        park.end = placed.at
    return None


def _extend(case: CaseFold, placed: Placed, data: Extended) -> str | None:
    """A later deadline for one clock, granted while it is in time."""
    allowed = case.policy.extensions.most
    if allowed is not None and case.cycle.extensions.get(data.clock, 0) >= allowed:
        return f"{data.clock} was extended {allowed} times in this cycle already, which is the most"
    if data.clock == REPAIR:
        why = _too_late(placed, data, case.cycle.reckoned().due)
    elif data.clock == ASSESS:
        why = _extend_assess(case, placed, data)
    elif data.clock in list(Stage):
        why = _extend_stage(case, placed, data)
    else:
        return f"there is no clock {data.clock!r}; there are {REPAIR}, {ASSESS}, {', '.join(Stage)}"
    if why := why or _unapproved(case, placed, data.approved_by):
        return why
    _grant(case, data)
    return None


def _grant(case: CaseFold, data: Extended) -> None:
    cycle = case.cycle
    cycle.extensions[data.clock] = cycle.extensions.get(data.clock, 0) + 1
    if data.clock == REPAIR:
        cycle.moves.append(Granted(data.due))
    elif data.clock == ASSESS:
        cycle.assess_due[_assess_target(case, data) or 0] = data.due
    else:
        cycle.stages[Stage(data.clock)].extended = data.due


def _extend_assess(case: CaseFold, placed: Placed, data: Extended) -> str | None:
    target = _assess_target(case, data)
    report = None if target is None else case.cycle.report(target)
    if report is None:
        return "no assess clock of this cycle runs that could be extended"
    due = case.cycle.assess_due.get(report.seq, report.received + case.policy.assess_hours)
    return _too_late(placed, data, due)


def _assess_target(case: CaseFold, data: Extended) -> int | None:
    running = [report.seq for report in case.cycle.reports if report.decided_at is None]
    if data.report_seq is not None:
        return data.report_seq if data.report_seq in running else None
    return running[-1] if running else None


def _extend_stage(case: CaseFold, placed: Placed, data: Extended) -> str | None:
    stage = Stage(data.clock)
    marks, limit = case.cycle.stages[stage], case.policy.stage_limit(stage)
    if limit is None or marks.started is None or marks.stopped is not None:
        return f"the clock {stage} does not run"
    return _too_late(placed, data, marks.extended or limit.due(marks.started))


def _too_late(placed: Placed, data: Extended, due: datetime) -> str | None:
    if placed.at >= due:
        return "granted when the clock was due already"
    return None if data.due > due else "not later than the present due time"


def _unapproved(case: CaseFold, placed: Placed, approver: Approver | None) -> str | None:
    if why := not_approved(placed.event, approver, case.known_roles):
        return why
    if note := doubt(placed.event, approver, case.known_roles):
        case.notes.append(note)
    return None
