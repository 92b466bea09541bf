"""What somebody may do to a case now: asked of the very rules that judge it when he does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from roadwarden.access.people import Principal
from roadwarden.access.policy import acting
from roadwarden.cases.event_types import EventType
from roadwarden.cases.events import (
    Accepted,
    Approver,
    Assessed,
    CaseEvent,
    Closed,
    Dispatched,
    EventData,
    EvidenceRequested,
    Extended,
    HandedBack,
    Merged,
    Parked,
    Reopened,
    RepairReported,
    RepairStarted,
    Resumed,
    Role,
    SafetyMeasure,
    Severity,
    SeverityChanged,
    Transferred,
    Unmerged,
    Verdict,
    Voided,
)
from roadwarden.cases.workflow import Move, why_not
from roadwarden.errors import Forbidden
from roadwarden.service.case_views import CaseView
from roadwarden.web.parts import Parts


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do: ``path`` of its command below the case, and what has to be filled in."""

    kind: EventType
    path: str
    fields: tuple[str, ...] = ()
    wish: bool = False  # another person has to approve


ACTIONS: Final = (
    Action(EventType.ACCEPTED, "accept"),
    Action(EventType.REPAIR_STARTED, "start"),
    Action(EventType.REPAIR_REPORTED, "report", ("evidence",)),
    Action(EventType.DISPATCHED, "dispatch", ("department", "crew")),
    Action(EventType.ASSESSED, "assess", ("verdict", "reason")),
    Action(EventType.EVIDENCE_REQUESTED, "ask-evidence", ("reason",)),
    Action(EventType.CLOSED, "close"),
    Action(EventType.RESUMED, "resume", ("reason",)),
    Action(EventType.SEVERITY_CHANGED, "severity", ("to", "reason")),
    Action(EventType.SAFETY_MEASURE, "safety", ("kind",)),
    Action(EventType.HANDED_BACK, "handback", ("reason",)),
    Action(EventType.TRANSFERRED, "transfer", ("department_to", "reason")),
    Action(EventType.MERGED, "merge", ("into",)),
    Action(EventType.UNMERGED, "unmerge"),
    Action(EventType.REOPENED, "reopen", ("reason",)),
    Action(EventType.PARKED, "parked", ("until", "reason"), wish=True),
    Action(EventType.EXTENDED, "extended", ("due", "reason"), wish=True),
    Action(EventType.VOIDED, "voided", ("reason",), wish=True),
)
"""The usual way first."""


def actions_for(parts: Parts, caller: Principal, view: CaseView) -> list[Action]:
    """Those that neither the table of permissions nor the workflow refuse."""
    probes = _probes(view)
    return [one for one in ACTIONS if one.kind in probes and _may(parts, caller, view, one, probes[one.kind])]


def _may(parts: Parts, caller: Principal, view: CaseView, action: Action, data: EventData) -> bool:
    try:
        person = acting(caller, action.kind, parts.permissions, view.belongs)
    except Forbidden:
        return False
    move = Move(view.row.case_id, action.kind, person, data)
    return why_not(move, view.events, parts.desk.policies, view.answer.at, parts.permissions) is None


def last_report(events: tuple[CaseEvent, ...]) -> int | None:
    """The seq of the newest repair report."""
    reports = [event.seq for event in events if event.type in (EventType.REPAIR_REPORTED, EventType.SELF_HANDLED)]
    return max(reports, default=None)


def _probes(view: CaseView) -> Mapping[EventType, EventData]:
    """Something of each kind that would be said; what it says does not matter to whether it may be said."""
    now, report = view.answer.at, last_report(view.events)
    other = Approver("somebody else", Role.ROAD_CHIEF)
    probes: dict[EventType, EventData] = {
        EventType.ACCEPTED: Accepted(),
        EventType.REPAIR_STARTED: RepairStarted(),
        EventType.REPAIR_REPORTED: RepairReported(),
        EventType.DISPATCHED: Dispatched("roads"),
        EventType.CLOSED: Closed(),
        EventType.RESUMED: Resumed(),
        EventType.SAFETY_MEASURE: SafetyMeasure("fence"),
        EventType.HANDED_BACK: HandedBack("reason"),
        EventType.TRANSFERRED: Transferred("roads", "reason"),
        EventType.MERGED: Merged("another"),
        EventType.UNMERGED: Unmerged(),
        EventType.REOPENED: Reopened("reason"),
        EventType.PARKED: Parked("weather", now + timedelta(hours=1), other),
        EventType.VOIDED: Voided("reason", other),
    }
    if view.row.severity is Severity.NORMAL:
        probes[EventType.SEVERITY_CHANGED] = SeverityChanged(Severity.SEVERE)
    if view.row.due_at is not None:
        probes[EventType.EXTENDED] = Extended("repair", view.row.due_at + timedelta(hours=1), "reason", other)
    if report is not None:
        probes[EventType.ASSESSED] = Assessed(Verdict.NOT_REPAIRED, report)
        probes[EventType.EVIDENCE_REQUESTED] = EvidenceRequested(report)
    return probes
