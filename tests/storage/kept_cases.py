"""Events of cases, made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from roadwarden.cases.events import CaseEvent, EventType, Role, parse_data

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
ROLES = {
    EventType.FILED: Role.INTAKE,
    EventType.DISPATCHED: Role.DISPATCHER,
    EventType.ACCEPTED: Role.CREW,
    EventType.REPAIR_STARTED: Role.CREW,
    EventType.REPAIR_REPORTED: Role.CREW,
    EventType.SELF_HANDLED: Role.SUPERVISOR,
}
POTHOLE = {"distress": "pothole", "severity": "normal", "area": "west-lake", "segment": "s1", "domain": "pavement"}


def hours(number):
    return timedelta(hours=number)


def event(case, seq, kind, at=0.0, data=None, role=None, actor=None, occurred=None):
    """What happened ``at`` hours after Monday 8:00 UTC."""
    kind = EventType(kind)
    when = MONDAY + hours(at)
    role = role or ROLES.get(kind, Role.DUTY_OFFICER)
    return CaseEvent(
        case=case,
        seq=seq,
        type=kind,
        occurred_at=when if occurred is None else MONDAY + hours(occurred),
        received_at=when,
        actor=actor or f"a {role}",
        role=role,
        data=parse_data(kind, data or {}),
    )


def filed(case, at=0.0, **data):
    return event(case, 1, "filed", at, POTHOLE | data)


def repaired(case, at=0.0):
    """A whole story: filed, sent to a crew, mended, assessed, closed."""
    return [
        filed(case, at),
        event(case, 2, "dispatched", at + 1, {"department": "roads", "crew": "crew 7"}),
        event(case, 3, "accepted", at + 2, actor="crew 7"),
        event(case, 4, "repair_started", at + 3, actor="crew 7"),
        event(case, 5, "repair_reported", at + 5, {"evidence": ["a" * 64]}, actor="crew 7"),
        event(case, 6, "assessed", at + 6, {"verdict": "REPAIRED", "report_seq": 5}, role=Role.ASSESSOR, actor="judge"),
        event(case, 7, "closed", at + 7, actor="duty 1"),
    ]
