"""The way that one case went: the states that it was in as people saw them then, and what led from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from roadwarden.cases.answer import CaseState
from roadwarden.cases.case_facts import counted_events
from roadwarden.cases.clocks import answer
from roadwarden.cases.events import Assessed, CaseEvent, EventType, EvidenceRequested
from roadwarden.cases.fold import fold
from roadwarden.cases.hand_overs import HandOver, hand_overs
from roadwarden.cases.ordering import Placed, history
from roadwarden.cases.policy import ClockPolicies
from roadwarden.cases.reports import Decision, Report, evidence_request, verdict

LEADS_TO: Final = {
    EventType.FILED: CaseState.FILED,
    EventType.DISPATCHED: CaseState.DISPATCHED,
    EventType.ACCEPTED: CaseState.ACCEPTED,
    EventType.REPAIR_STARTED: CaseState.UNDER_REPAIR,
    EventType.HANDED_BACK: CaseState.FILED,
    EventType.REOPENED: CaseState.FILED,
    EventType.CLOSED: CaseState.CLOSED,
    EventType.VOIDED: CaseState.VOIDED,
}
"""Where events lead that lead to one state from everywhere; reports and verdicts depend on what was reported before."""
REPORTS: Final = frozenset({EventType.REPAIR_REPORTED, EventType.SELF_HANDLED})
VERDICTS: Final = frozenset({EventType.ASSESSED, EventType.EVIDENCE_REQUESTED})


@dataclass(frozen=True, slots=True)
class Step:
    """The case entered a state."""

    state: CaseState
    at: datetime
    by: EventType  # what led there


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something that was refused."""

    type: EventType
    why: str


@dataclass(frozen=True, slots=True)
class Walk:
    """One case as of a moment; a park rests a clock and is no state here."""

    case: str
    filed_at: datetime
    steps: tuple[Step, ...]  # the filing first
    hands: tuple[HandOver, ...]
    happened: tuple[EventType, ...]  # every event that counts, in order
    rejected: int  # verdicts that sent the work back
    refused: tuple[Attempt, ...]

    @property
    def state(self) -> CaseState:
        """Where it is."""
        return self.steps[-1].state


def walk(events: Sequence[CaseEvent], policies: ClockPolicies, now: datetime) -> Walk | None:
    """The way of one case from what was received by ``now``; None where it was not filed by then, or is merged then.

    Raises DataError for events of two cases, and for one seq that says two things.
    """
    known = history(events, now)
    folded = fold(known, policies)
    if folded is None or folded.over is CaseState.MERGED:
        return None
    told = answer(folded, known, now)
    counted = counted_events(known, told)
    going = _Going()
    for one in counted:
        going.take(one)
    types = {event.seq: event.type for event in events}
    return Walk(
        case=told.case,
        filed_at=folded.filing.at,
        steps=tuple(going.steps),
        hands=hand_overs([one.event for one in counted]),
        happened=tuple(one.event.type for one in counted),
        rejected=going.rejected,
        refused=tuple(Attempt(types[one.seq], one.why) for one in told.refused),
    )


class _Going:
    """What is known of a case while its events are gone through."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.rejected = 0
        self._work = CaseState.FILED
        self._reports: dict[int, Report] = {}
        self._over: CaseState | None = None
        self._closed = False

    def take(self, placed: Placed) -> None:
        kind = placed.event.type
        if kind is EventType.REOPENED:
            self._reports, self._closed = {}, False
        if kind in LEADS_TO:
            self._lead(LEADS_TO[kind])
        if kind in REPORTS:
            self._reports[placed.seq] = Report(placed.seq, placed.at, placed.at)
        if kind in VERDICTS:
            self._judge(placed)
        state = self._state()
        if not self.steps or self.steps[-1].state is not state:
            self.steps.append(Step(state, placed.at, kind))

    def _lead(self, state: CaseState) -> None:
        if state is CaseState.CLOSED:
            self._closed = True
        elif state is CaseState.VOIDED:
            self._over = state
        else:
            self._work = state

    def _judge(self, placed: Placed) -> None:
        data, role = placed.event.data, placed.event.role
        if isinstance(data, Assessed):
            report, ruling = self._reports.get(data.report_seq), verdict(placed.at, data.verdict, role)
        elif isinstance(data, EvidenceRequested):
            report, ruling = self._reports.get(data.report_seq), evidence_request(placed.at, role)
        else:
            return
        if report is None:
            return
        before = report.standing
        report.rule(ruling)
        self.rejected += report.standing is Decision.REJECTED and before is not Decision.REJECTED
        self._closed = self._closed and self._any(Decision.ACCEPTED)

    def _any(self, standing: Decision) -> bool:
        return any(report.standing is standing for report in self._reports.values())

    def _state(self) -> CaseState:
        if self._over is not None:
            return self._over
        if self._any(Decision.ACCEPTED):
            return CaseState.CLOSED if self._closed else CaseState.ASSESSED
        return CaseState.REPAIR_REPORTED if self._any(Decision.OPEN) else self._work
