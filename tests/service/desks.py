"""A desk with a clock that tests move, and the people of a district."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from roadwarden.cases.events import (
    Accepted,
    Approver,
    Assessed,
    Closed,
    Dispatched,
    Filed,
    RepairReported,
    RepairStarted,
    Role,
    Severity,
    Verdict,
)
from roadwarden.cases.permissions import Person
from roadwarden.service.cases import Ask, CaseDesk

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
LAKE = frozenset({"west-lake"})
INTAKE = Person("u1", Role.INTAKE, LAKE)
DISPATCHER = Person("u2", Role.DISPATCHER, LAKE)
DUTY = Person("u3", Role.DUTY_OFFICER, LAKE)
CHIEF = Person("u4", Role.ROAD_CHIEF, LAKE)
CREW = Person("u7", Role.CREW, department="roads", crew="crew-7")
JUDGE = Person("assessor", Role.ASSESSOR)
CHIEF_APPROVES = Approver("u4", Role.ROAD_CHIEF)


class Clock:
    def __init__(self, time=MONDAY):
        self.time = time

    def __call__(self):
        return self.time

    def wait(self, **time):
        self.time += timedelta(**time)
        return self.time


def desk_of(engine, clock=None):
    return CaseDesk(engine, now=clock or Clock())


def pothole(severity=Severity.NORMAL, area="west-lake", **more):
    return Filed("pothole", severity, area=area, domain="pavement", segment="s1", **more)


def file_one(desk, case=None, key=None, **more):
    return desk.file(INTAKE, pothole(**more), Ask(key=key), case).row.case_id


def to_crew(desk, case):
    desk.record(DISPATCHER, case, Dispatched("roads", "crew-7"))
    desk.record(CREW, case, Accepted())
    desk.record(CREW, case, RepairStarted())


def report(desk, case):
    return desk.record(CREW, case, RepairReported(("a" * 64,))).events[0].seq


def mend(desk, case):
    """From dispatch to closing."""
    to_crew(desk, case)
    desk.record(JUDGE, case, Assessed(Verdict.REPAIRED, report(desk, case)))
    return desk.record(DUTY, case, Closed())
