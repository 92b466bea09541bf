"""What the figures of a period want to know of one case, taken once from its events and the answer about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from roadwarden.cases.answer import CaseAnswer, CaseState, ClockAnswer
from roadwarden.cases.clocks import clocks
from roadwarden.cases.events import (
    Assessed,
    CaseEvent,
    EventType,
    EvidenceRequested,
    Filed,
    Role,
    Severity,
    TimeAccepted,
)
from roadwarden.cases.filing import Source
from roadwarden.cases.hand_overs import BOUNCES
from roadwarden.cases.ordering import Placed, history
from roadwarden.cases.policy import ClockPolicies
from roadwarden.cases.reports import Decision, decision
from roadwarden.cases.roles import MACHINES
from roadwarden.cases.stages import ProcessStage, first_closed_at, stage_hours

_REPORTS = frozenset({EventType.REPAIR_REPORTED, EventType.SELF_HANDLED})


class Outcome(StrEnum):
    """What stands on a report: the last word of a person, else of a machine."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # not repaired, in part, or the wrong thing: bad work
    EVIDENCE_REQUESTED = "evidence_requested"  # bad pictures; nobody knows about the work
    OPEN = "open"


_OUTCOME = {Decision.ACCEPTED: Outcome.ACCEPTED, Decision.REJECTED: Outcome.REJECTED, Decision.OPEN: Outcome.OPEN}


@dataclass(frozen=True, slots=True)
class ReportFact:
    """A claim that the work is done, and what became of it."""

    seq: int
    reported_at: datetime
    done_at: datetime  # the same, or what a duty officer accepted
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One case that was filed, as of a moment; times are those at which events count."""

    case: str
    filed_at: datetime
    state: CaseState
    severity: Severity
    problem: str
    domain: str
    area: str
    citizen_first: bool
    clocks: tuple[ClockAnswer, ...]
    closings: tuple[datetime, ...]
    reopenings: tuple[datetime, ...]
    parks: int
    bounces: int
    voided_by: str | None
    actors: frozenset[str]
    reports: tuple[ReportFact, ...]
    first_closed_at: datetime | None
    stage_hours: Mapping[ProcessStage, float]

    @property
    def counts(self) -> bool:
        """A merged case is counted with its survivor."""
        return self.state is not CaseState.MERGED


def case_facts(events: Sequence[CaseEvent], policies: ClockPolicies, now: datetime) -> CaseFacts | None:
    """The facts of one case from the events that were received by ``now``; None where it was not filed by then.

    Refused events are left out of everything. Raises DataError as ``clocks`` does.
    """
    answer = clocks(events, policies, now)
    if answer.state is None or answer.severity is None or answer.filed_at is None:
        return None
    accepted = accepted_events(events, answer)
    filing = accepted[0].event
    filed = filing.data if isinstance(filing.data, Filed) else None
    reports = _reports(accepted)
    voids = [one.event.actor for one in accepted if one.event.type is EventType.VOIDED]
    done = sorted((one.done_at, one.seq) for one in reports if one.outcome is Outcome.ACCEPTED)
    return CaseFacts(
        case=answer.case,
        filed_at=accepted[0].at,
        state=answer.state,
        severity=answer.severity,
        problem=filed.distress if filed is not None else "",
        domain=(filed and filed.domain) or "",
        area=(filed and filed.area) or "",
        citizen_first=filing.role is Role.CITIZEN or (filed is not None and filed.source == Source.CITIZEN),
        clocks=answer.clocks,
        closings=_times(accepted, EventType.CLOSED),
        reopenings=_times(accepted, EventType.REOPENED),
        parks=len(_times(accepted, EventType.PARKED)),
        bounces=sum(one.event.type in BOUNCES for one in accepted),
        voided_by=voids[-1] if voids else None,
        actors=frozenset(one.event.actor for one in accepted),
        reports=reports,
        first_closed_at=first_closed_at(accepted),
        stage_hours=stage_hours(accepted, answer, done),
    )


def accepted_events(events: Iterable[CaseEvent], answer: CaseAnswer) -> tuple[Placed, ...]:
    """The events that ``answer`` rests on, the filing first, in the order in which they count."""
    known = history(events, answer.at)
    refused = {one.seq for one in answer.refused}
    placed = ((known.filing,) if known.filing else ()) + known.later
    return tuple(one for one in placed if one.seq not in refused)


def _times(accepted: Iterable[Placed], kind: EventType) -> tuple[datetime, ...]:
    return tuple(one.at for one in accepted if one.event.type is kind)


def _reports(accepted: Sequence[Placed]) -> tuple[ReportFact, ...]:
    """Reports in their order, each with what stands on it."""
    said: dict[int, dict[bool, Outcome]] = {}  # by seq: the last word of people (False) and of machines (True)
    times: dict[int, tuple[datetime, datetime]] = {}
    for one in accepted:
        data, by_machine = one.event.data, one.event.role in MACHINES
        if one.event.type in _REPORTS:
            times[one.seq] = (one.at, one.at)
        elif isinstance(data, TimeAccepted) and data.report_seq in times:
            times[data.report_seq] = (times[data.report_seq][0], data.at)
        elif isinstance(data, Assessed):
            said.setdefault(data.report_seq, {})[by_machine] = _OUTCOME[decision(data.verdict, one.event.role)]
        elif isinstance(data, EvidenceRequested):
            said.setdefault(data.report_seq, {})[by_machine] = Outcome.EVIDENCE_REQUESTED
    words = {seq: said.get(seq, {}) for seq in times}
    return tuple(
        ReportFact(seq, reported_at, done_at, words[seq].get(False) or words[seq].get(True) or Outcome.OPEN)
        for seq, (reported_at, done_at) in times.items()
    )
