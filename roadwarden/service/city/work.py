"""How the people of the city deal with one case: what is recorded next, and when.

Everything follows from what is kept: the case's row and its events. So a city that was broken off goes on where it
stopped, and needs no memory of its own.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from roadwarden.cases.answer import CaseState
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.dispatch_table import DispatchTable
from roadwarden.cases.domains import shipped_domain_table
from roadwarden.cases.events import (
    Accepted,
    Approver,
    Assessed,
    CaseEvent,
    Closed,
    EventData,
    EventType,
    HandedBack,
    Parked,
    RepairReported,
    RepairStarted,
    Resumed,
    Role,
    SafetyMeasure,
    Severity,
    Verdict,
    Voided,
)
from roadwarden.cases.permissions import Person
from roadwarden.service.cases import PLAIN, Ask, CaseDesk, Done
from roadwarden.service.dispatching import dispatch_by_rules

EVERYWHERE = frozenset({"*"})
DISPATCHER = Person("dispatcher-1", Role.DISPATCHER, EVERYWHERE)
DUTY = Person("duty-1", Role.DUTY_OFFICER, EVERYWHERE)
ASSESSOR = Person("assessor", Role.ASSESSOR)
CHIEF = Approver("chief-1", Role.ROAD_CHIEF)
HASTY_CREW = "crew-3"
"""Does more of its work twice than the others."""

_FALSE_REPORT, _FALSE_REPORT_HASTY, _POOR_PICTURES = 0.07, 0.2, 0.04
_VOIDED, _HANDED_BACK, _RAINED_ON = 0.02, 0.05, 0.05
_ELSEWHERE = frozenset({EventType.SEVERITY_CHANGED})
"""What other rooms record about a case while its people work on it."""
_LEFT_OPEN = frozenset({Verdict.INSUFFICIENT_EVIDENCE, Verdict.LOCATION_UNCERTAIN, Verdict.REPAIRED_WITH_DEFECT})


class Evidence(Protocol):
    """Where the pictures of a report come from."""

    def after(self, case: str, verdict: Verdict) -> tuple[str, ...]:
        """Names of pictures of a repair that will be judged so; none where nobody makes pictures."""


class NoPictures:
    """Reports without pictures."""

    def after(self, case: str, verdict: Verdict) -> tuple[str, ...]:
        """None."""
        return ()


@dataclass(frozen=True, slots=True)
class Chance:
    """What is decided by chance about a case, each time the same: by the city's seed and the case's name."""

    seed: int
    case: str

    def draw(self, *of: int) -> np.random.Generator:
        """For one decision, named by numbers."""
        return np.random.default_rng([self.seed, zlib.crc32(self.case.encode()), *of])

    def is_true(self, report: int, crew: str | None) -> bool:
        """Whether the crew did what it says in that report of the case, counted from 0."""
        fault = _FALSE_REPORT_HASTY if crew == HASTY_CREW else _FALSE_REPORT
        return bool(self.draw(1, report).random() >= fault)

    def verdict(self, report: int, crew: str | None) -> Verdict:
        """What a machine that makes few mistakes says of it, where nobody looks at pictures."""
        chance = self.draw(2, report).random()
        if self.is_true(report, crew):
            return Verdict.INSUFFICIENT_EVIDENCE if chance < _POOR_PICTURES else Verdict.REPAIRED
        return Verdict.NOT_REPAIRED if chance < 0.5 else Verdict.PARTIAL


@dataclass(frozen=True, slots=True)
class Move:
    """What somebody will record, and when; without ``data`` the case is dispatched by the rules."""

    at: datetime
    who: Person
    data: EventData | None = None


@dataclass(frozen=True, slots=True)
class Office:
    """What everybody works with. ``queue``: verdicts come from the queue of assessments, and nobody plays them."""

    desk: CaseDesk
    table: DispatchTable
    evidence: Evidence
    seed: int
    queue: bool = False

    def next_move(self, row: CaseRow, events: Sequence[CaseEvent], *, anything_there: bool = True) -> Move | None:
        """None where nobody of the city's people has anything to do with the case.

        ``anything_there``: whether there is damage at the place, or only something that looks like it.
        """
        return _Case(row, events, self, anything_there).move()

    def do(self, move: Move, case: str, ask: Ask = PLAIN) -> Done:
        """Records it. Raises CaseError and StorageAway as the desk does."""
        if move.data is None:
            return dispatch_by_rules(self.desk, move.who, case, self.table, shipped_domain_table(), ask)[0]
        return self.desk.record(move.who, case, move.data, ask)

    def is_mended(self, event: CaseEvent, events: Sequence[CaseEvent]) -> bool:
        """Whether this event is the report of a repair that was really done."""
        if not isinstance(event.data, RepairReported):
            return False
        number = sum(isinstance(one.data, RepairReported) and one.seq < event.seq for one in events)
        return Chance(self.seed, event.case).is_true(number, crew_of(event))


def crew_of(event: CaseEvent) -> str:
    """Of a foreman who recorded it."""
    return event.actor.removesuffix("-foreman")


@dataclass(frozen=True, slots=True)
class _Case:
    row: CaseRow
    events: Sequence[CaseEvent]
    office: Office
    anything_there: bool

    def move(self) -> Move | None:
        steps = [one for one in self.events if one.type not in _ELSEWHERE]
        hands: Mapping[CaseState, Callable[[], Move | None]] = {
            CaseState.FILED: self._at_intake,
            CaseState.DISPATCHED: self._at_crew,
            CaseState.ACCEPTED: self._before_work,
            CaseState.PARKED: lambda: self._in(20.0, DUTY, Resumed(), exactly=True),
            CaseState.UNDER_REPAIR: self._at_work,
            CaseState.REPAIR_REPORTED: self._reported,
            CaseState.ASSESSED: self._assessed,
        }
        hand = hands.get(CaseState(self.row.state))
        return None if hand is None or not steps else hand()

    def _at_intake(self) -> Move:
        if not self.row.bounces:
            if self._chance.draw(3).random() < _VOIDED:
                return self._in(0.4, DUTY, Voided("no defect", CHIEF))
            return self._in(0.4, DISPATCHER, None)
        return self._in(1.0, DISPATCHER, None) if self.anything_there else self._in(
            1.0, DUTY, Voided("nothing to be seen on the spot", CHIEF)
        )  # fmt: skip

    def _at_crew(self) -> Move:
        if not self.anything_there:
            return self._in(1.5, self._crew, HandedBack("nothing to be seen here"))
        if not self.row.bounces and self._chance.draw(4).random() < _HANDED_BACK:
            return self._in(1.5, self._crew, HandedBack("not our road"))
        return self._in(1.2, self._crew, Accepted())

    def _before_work(self) -> Move:
        """One case in twenty waits for the weather."""
        if not self._count(EventType.PARKED) and self._chance.draw(5).random() < _RAINED_ON:
            if self.row.severity is Severity.SEVERE and not self._count(EventType.SAFETY_MEASURE):
                return self._in(0.0, DUTY, SafetyMeasure("fence"))
            return self._in(0.0, DUTY, Parked("weather", self._last.received_at + timedelta(hours=30), CHIEF))
        return self._in(8.0 if self.row.severity is Severity.SEVERE else 24.0, self._crew, RepairStarted())

    def _at_work(self) -> Move:
        """Also again, after a verdict that the crew does not like."""
        again = self._last.type in {EventType.ASSESSED, EventType.EVIDENCE_REQUESTED}
        number = self._count(EventType.REPAIR_REPORTED)
        expected = self._chance.verdict(number, self.row.crew)
        pictures = self.office.evidence.after(self.row.case_id, expected)
        return self._in(6.2 if again else 1.2, self._crew, RepairReported(pictures))

    def _reported(self) -> Move | None:
        report, number = self._newest_report()
        verdicts = [one.data for one in self.events if isinstance(one.data, Assessed) and one.data.report_seq == report]
        if not verdicts:
            if self.office.queue:
                return None
            return self._in(3.0, ASSESSOR, Assessed(self._chance.verdict(number, self.row.crew), report))
        if verdicts[-1].verdict in _LEFT_OPEN:
            return self._in(4.0, DUTY, self._seen_on_the_spot(report, number))
        return self._at_work()

    def _assessed(self) -> Move:
        """Whoever closes a case has looked at what the machine said; now and then it was wrong."""
        report, number = self._newest_report()
        by_machine = self._last.role is Role.ASSESSOR
        if by_machine and self.office.queue and not self._chance.is_true(number, self.row.crew):
            return self._in(4.0, DUTY, self._seen_on_the_spot(report, number))
        return self._in(0.5, DUTY, Closed())

    def _seen_on_the_spot(self, report: int, number: int) -> Assessed:
        verdict = Verdict.REPAIRED if self._chance.is_true(number, self.row.crew) else Verdict.NOT_REPAIRED
        return Assessed(verdict, report, reason="seen on the spot")

    def _newest_report(self) -> tuple[int, int]:
        """Its seq, and its number among the reports of the case."""
        reports = [one.seq for one in self.events if one.type is EventType.REPAIR_REPORTED]
        return reports[-1], len(reports) - 1

    def _count(self, kind: EventType) -> int:
        return sum(one.type is kind for one in self.events)

    def _in(self, hours: float, who: Person, data: EventData | None, *, exactly: bool = False) -> Move:
        length = len([one for one in self.events if one.type not in _ELSEWHERE])
        spread = 1.0 if exactly else min(float(self._chance.draw(6, length).lognormal(0, 0.55)), 6.0)
        return Move(self._last.received_at + timedelta(hours=hours * spread), who, data)

    @property
    def _last(self) -> CaseEvent:
        return [one for one in self.events if one.type not in _ELSEWHERE][-1]

    @property
    def _chance(self) -> Chance:
        return Chance(self.office.seed, self.row.case_id)

    @property
    def _crew(self) -> Person:
        name = self.row.crew or f"{self.row.department}-1"
        return Person(f"{name}-foreman", Role.CREW, department=self.row.department, crew=self.row.crew)
