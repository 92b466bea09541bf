"""Whose turn it is on a repair report: the machine's, a person's, or nobody's. Pure, over the fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from roadwarden.cases.clocks import answer
from roadwarden.cases.events import CaseEvent, EventType, RepairReported, Role, SelfHandled
from roadwarden.cases.fold import fold
from roadwarden.cases.fold_state import CaseFold
from roadwarden.cases.ordering import history
from roadwarden.cases.policy import ClockPolicies
from roadwarden.cases.reports import Decision, Report

REPORTS = frozenset({EventType.REPAIR_REPORTED, EventType.SELF_HANDLED})


class Turn(StrEnum):
    """Who is to rule next."""

    MACHINE = "machine"
    PERSON = "person"  # the machine, or a person, has left it open
    ACCEPTED = "accepted"  # by the machine, and the case is not closed yet
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class ReportStand:
    """One report as it stands, and what its pictures are measured by."""

    seq: int
    turn: Turn
    evidence: tuple[str, ...]
    by_crew: bool  # a crew's claim; else a patrol mended it on the spot
    received_at: datetime
    due_at: datetime  # of its assess clock
    cycle: int
    cycle_opened_at: datetime  # an after picture is younger


def report_stand(events: Sequence[CaseEvent], policies: ClockPolicies, seq: int, now: datetime) -> ReportStand | None:
    """How a report stands; None where the case has none of that seq that counts."""
    known = history(events, now)
    case = fold(known, policies)
    if case is None:
        return None
    told = next((one for one in events if one.seq == seq and one.type in REPORTS), None)
    found = [(cycle, report) for cycle in case.cycles if (report := cycle.report(seq)) is not None]
    if told is None or not found or not isinstance(told.data, RepairReported | SelfHandled):
        return None
    cycle, report = found[0]
    clock = answer(case, known, now).assess(seq)
    return ReportStand(
        seq=seq,
        turn=_turn(case, report) if cycle is case.cycle else Turn.NOBODY,
        evidence=told.data.evidence,
        by_crew=told.role is Role.CREW,
        received_at=report.received,
        due_at=clock.due_at,
        cycle=cycle.number,
        cycle_opened_at=cycle.opened_at,
    )


def _turn(case: CaseFold, report: Report) -> Turn:
    cycle = case.cycle
    if case.over is not None or cycle.is_closed:
        return Turn.NOBODY
    if report.standing is Decision.ACCEPTED:
        return Turn.NOBODY if report.ruled_by_person else Turn.ACCEPTED
    if report.standing is Decision.REJECTED or cycle.accepted:
        return Turn.NOBODY
    return Turn.PERSON if report.left_open or report.ruled_by_person else Turn.MACHINE
