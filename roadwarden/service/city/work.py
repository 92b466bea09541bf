"""How the people of the city deal with one case: waits, and what they record after each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from roadwarden.cases.dispatch_table import DispatchTable
from roadwarden.cases.domains import shipped_domain_table
from roadwarden.cases.events import (
    Accepted,
    Approver,
    Assessed,
    Closed,
    Dispatched,
    EventData,
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
from roadwarden.service.cases import CaseDesk
from roadwarden.service.dispatching import dispatch_by_rules

EVERYWHERE = frozenset({"*"})
DISPATCHER = Person("dispatcher-1", Role.DISPATCHER, EVERYWHERE)
DUTY = Person("duty-1", Role.DUTY_OFFICER, EVERYWHERE)
ASSESSOR = Person("assessor", Role.ASSESSOR)
CHIEF = Approver("chief-1", Role.ROAD_CHIEF)
HASTY_CREW = "crew-3"
"""Does more of its work twice than the others."""

Life = Iterator[timedelta]
"""Of a case: each wait is over when the iterator is asked for the next."""


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
class Office:
    """What everybody works with; ``mended`` is told when and by whom a case was really repaired."""

    desk: CaseDesk
    table: DispatchTable
    evidence: Evidence
    mended: Callable[[str, datetime, str], None]


def life(case: str, severity: Severity, office: Office, rng: np.random.Generator) -> Life:
    """From filing to closing, with what goes wrong on the way."""
    return _Worker(case, severity, office, rng).life()


@dataclass(frozen=True, slots=True)
class _Worker:
    case: str
    severity: Severity
    office: Office
    rng: np.random.Generator

    def life(self) -> Life:
        yield self._about(0.4)
        if self.rng.random() < 0.02:
            self._do(DUTY, Voided("no defect", CHIEF))
            return
        crew = self._dispatch()
        if self.rng.random() < 0.05:
            yield self._about(1.5)
            self._do(crew, HandedBack("not our road"))
            yield self._about(1.0)
            crew = self._dispatch()
        yield self._about(1.2)
        self._do(crew, Accepted())
        yield from self._rain()
        yield self._about(8.0 if self.severity is Severity.SEVERE else 24.0)
        self._do(crew, RepairStarted())
        yield from self._until_repaired(crew)
        yield self._about(0.5)
        self._do(DUTY, Closed())

    def _until_repaired(self, crew: Person) -> Life:
        """The crew says done; now and then it is not, or its pictures do not show it."""
        fault = 0.2 if crew.crew == HASTY_CREW else 0.07
        while True:
            yield self._about(1.2)
            verdict = self._verdict(fault)
            self._do(crew, RepairReported(self.office.evidence.after(self.case, verdict)))
            report = self.office.desk.events(self.case)[-1].seq
            yield self._about(3.0)
            self._do(ASSESSOR, Assessed(verdict, report))
            if verdict is Verdict.INSUFFICIENT_EVIDENCE:
                yield self._about(4.0)
                self._do(DUTY, Assessed(Verdict.REPAIRED, report, reason="seen on the spot"))
                verdict = Verdict.REPAIRED
            if verdict is Verdict.REPAIRED:
                self.office.mended(self.case, self.office.desk.now(), crew.crew or "")
                return
            yield self._about(5.0)

    def _verdict(self, fault: float) -> Verdict:
        chance = self.rng.random()
        if chance < fault:
            return Verdict.NOT_REPAIRED if chance < fault / 2 else Verdict.PARTIAL
        return Verdict.INSUFFICIENT_EVIDENCE if chance < fault + 0.04 else Verdict.REPAIRED

    def _rain(self) -> Life:
        """One case in twenty waits for the weather."""
        if self.rng.random() >= 0.05:
            return
        if self.severity is Severity.SEVERE:
            self._do(DUTY, SafetyMeasure("fence"))
        self._do(DUTY, Parked("weather", self.office.desk.now() + timedelta(hours=30), CHIEF))
        yield timedelta(hours=20)
        self._do(DUTY, Resumed())

    def _dispatch(self) -> Person:
        _, sent = dispatch_by_rules(self.office.desk, DISPATCHER, self.case, self.office.table, shipped_domain_table())
        return _crew(sent)

    def _do(self, who: Person, data: EventData) -> None:
        self.office.desk.record(who, self.case, data)

    def _about(self, hours: float) -> timedelta:
        return timedelta(hours=hours * min(float(self.rng.lognormal(0, 0.55)), 6.0))


def _crew(sent: Dispatched) -> Person:
    name = sent.crew or f"{sent.department}-1"
    return Person(f"{name}-foreman", Role.CREW, department=sent.department, crew=sent.crew)
