"""What the figures of a period want to know of one case, taken once from its events and the answer about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from roadwarden.cases.answer import CaseAnswer, CaseState, ClockAnswer
from roadwarden.cases.clocks import answer
from roadwarden.cases.events import CaseEvent, EventType, Role, Severity
from roadwarden.cases.filing import Source
from roadwarden.cases.fold import fold
from roadwarden.cases.hand_overs import BOUNCES
from roadwarden.cases.ordering import History, Placed, history
from roadwarden.cases.policy import ClockPolicies
from roadwarden.cases.reports import Decision, Report
from roadwarden.cases.stages import ProcessStage, first_closed_at, stage_hours


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

    Refused events are left out of everything. Raises DataError for events of two cases, and for one seq that says two
    things.
    """
    known = history(events, now)
    folded = fold(known, policies)
    if folded is None:
        return None
    told = answer(folded, known, now)
    accepted = counted_events(known, told)
    filed = folded.filed
    reports = tuple(_reported(report) for cycle in folded.cycles for report in cycle.reports)
    voids = [one.event.actor for one in accepted if one.event.type is EventType.VOIDED]
    done = sorted((one.done_at, one.seq) for one in reports if one.outcome is Outcome.ACCEPTED)
    return CaseFacts(
        case=told.case,
        filed_at=folded.filing.at,
        state=folded.state_at(now),
        severity=folded.severity,
        problem=filed.distress,
        domain=filed.domain or "",
        area=filed.area or "",
        citizen_first=folded.filing.event.role is Role.CITIZEN or filed.source == Source.CITIZEN,
        clocks=told.clocks,
        closings=_times(accepted, EventType.CLOSED),
        reopenings=_times(accepted, EventType.REOPENED),
        parks=len(_times(accepted, EventType.PARKED)),
        bounces=sum(one.event.type in BOUNCES for one in accepted),
        voided_by=voids[-1] if voids else None,
        actors=frozenset(one.event.actor for one in accepted),
        reports=reports,
        first_closed_at=first_closed_at(accepted),
        stage_hours=stage_hours(accepted, told, done),
    )


def counted_events(known: History, told: CaseAnswer) -> tuple[Placed, ...]:
    """The events that an answer rests on, without refused ones, the filing first, in the order in which they count."""
    refused = {one.seq for one in told.refused}
    placed = ((known.filing,) if known.filing else ()) + known.later
    return tuple(one for one in placed if one.seq not in refused)


def _times(accepted: Iterable[Placed], kind: EventType) -> tuple[datetime, ...]:
    return tuple(one.at for one in accepted if one.event.type is kind)


def _reported(report: Report) -> ReportFact:
    outcome = Outcome.EVIDENCE_REQUESTED if report.asked_anew else _OUTCOME[report.standing]
    return ReportFact(report.seq, report.received, report.done_at, outcome)
