"""What the fold over a case's events builds up: cycles with their reports, parks and deadlines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from roadwarden.cases.answer import CaseState, Refusal
from roadwarden.cases.approval import RolesOf
from roadwarden.cases.dues import DueMove, Granted, Reckoned, Rest, reckon
from roadwarden.cases.events import Filed, Severity
from roadwarden.cases.intervals import Interval
from roadwarden.cases.ordering import Note, Placed
from roadwarden.cases.policy import ClockPolicy, Stage
from roadwarden.cases.reports import Decision, Report, Ruling


@dataclass(slots=True)
class Park:
    """As granted; ``end`` is earlier than ``until`` where it was resumed."""

    start: datetime
    until: datetime
    end: datetime


@dataclass(slots=True)
class StageMarks:
    """When a stage began and ended, and its deadline where that was extended."""

    started: datetime | None = None
    stopped: datetime | None = None
    extended: datetime | None = None

    def start(self, at: datetime) -> None:
        """The first time counts."""
        self.started = self.started or at

    def stop(self, at: datetime) -> None:
        """The first time counts, once it has begun."""
        if self.started is not None:
            self.stopped = self.stopped or at


@dataclass(slots=True)
class Cycle:
    """From filing or re-opening to closing."""

    number: int
    opened_at: datetime
    severity: Severity  # at its start
    policy: ClockPolicy
    false_reports: frozenset[int]  # rejected in the end
    work: CaseState = CaseState.FILED  # how far the work is, apart from reports and parks
    moves: list[DueMove | Park] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    standing_reports: list[Report] = field(default_factory=list)  # without those that are rejected in the end
    accepted: frozenset[int] = frozenset()  # reports whose standing verdict accepts the repair
    assess_due: dict[int, datetime] = field(default_factory=dict)  # extended ones
    stages: dict[Stage, StageMarks] = field(default_factory=lambda: {stage: StageMarks() for stage in Stage})
    extensions: dict[str, int] = field(default_factory=dict)  # how many, by clock
    safe: bool = False  # a safety measure is recorded
    final_since: datetime | None = None  # since when, without a break, some report has been accepted
    closed_at: datetime | None = None
    closed_on: frozenset[int] = frozenset()  # reports that were accepted when it was closed
    cancelled_at: datetime | None = None

    @property
    def parks(self) -> tuple[Park, ...]:
        """In the order of their starts."""
        return tuple(move for move in self.moves if isinstance(move, Park))

    def add_report(self, report: Report) -> None:
        """Of this cycle; one that is rejected in the end is kept for its assess clock only."""
        self.reports.append(report)
        if report.seq not in self.false_reports:
            self.standing_reports.append(report)

    def rule(self, report: Report, ruling: Ruling) -> None:
        """Takes a ruling on one of its reports."""
        report.rule(ruling)
        accepted = (one.seq for one in self.standing_reports if one.standing is Decision.ACCEPTED)
        self.accepted = frozenset(accepted)
        if not self.accepted:
            self.final_since = None
        elif self.final_since is None:
            self.final_since = ruling.at
            self.stages[Stage.CLOSE].start(ruling.at)

    @property
    def is_closed(self) -> bool:
        """Closed, and what it was closed on still stands."""
        return not self.accepted.isdisjoint(self.closed_on)

    def report(self, seq: int) -> Report | None:
        """By the seq of its event."""
        return next((report for report in self.reports if report.seq == seq), None)

    def parked(self) -> tuple[Interval, ...]:
        """From the start of each park to its end, which is a report that stands at the latest; empty after one."""
        cut = min((report.done_at for report in self.standing_reports), default=None)
        return tuple((park.start, park.end if cut is None else min(park.end, cut)) for park in self.parks)

    def reckoned(self, *, extensions: bool = True) -> Reckoned:
        """The deadline as it stands; without extensions the original one."""
        return reckon(self.opened_at, self.severity, self.policy, self._due_moves(extensions=extensions))

    def _due_moves(self, *, extensions: bool) -> Iterable[DueMove]:
        rests = iter(self.parked())
        for move in self.moves:
            if isinstance(move, Park):
                yield Rest(*next(rests))
            elif extensions or not isinstance(move, Granted):
                yield move


@dataclass(slots=True)
class CaseFold:
    """A case while its events are folded, and afterwards."""

    filing: Placed
    filed: Filed
    policy: ClockPolicy
    severity: Severity
    known_roles: RolesOf
    false_reports: frozenset[int]
    cycles: list[Cycle] = field(default_factory=list)
    absorbed: set[str] = field(default_factory=set)
    over: CaseState | None = None  # VOIDED or MERGED
    into: str | None = None
    refused: list[Refusal] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def cycle(self) -> Cycle:
        """The present one."""
        return self.cycles[-1]

    def open_cycle(self, at: datetime) -> Cycle:
        """A fresh clock."""
        cycle = Cycle(len(self.cycles) + 1, at, self.severity, self.policy, self.false_reports)
        cycle.stages[Stage.DISPATCH].start(at)
        self.cycles.append(cycle)
        return cycle

    @property
    def state(self) -> CaseState:
        """Without parks, which depend on the moment."""
        if self.over is not None:
            return self.over
        cycle = self.cycle
        if cycle.is_closed:
            return CaseState.CLOSED
        if cycle.accepted:
            return CaseState.ASSESSED
        return CaseState.REPAIR_REPORTED if cycle.standing_reports else cycle.work

    def state_at(self, now: datetime) -> CaseState:
        """The state that people see: parked from the start of a park to its end."""
        state = self.state
        if state is self.cycle.work and any(start <= now < end for start, end in self.cycle.parked()):
            return CaseState.PARKED
        return state
