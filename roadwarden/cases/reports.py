"""Repair reports and the verdicts on them: which verdict stands, and which report is the stop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from roadwarden.cases.events import Role, Verdict
from roadwarden.cases.roles import DEFECT_ACCEPTING, MACHINES


class Decision(StrEnum):
    """What a verdict means for the clock."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    OPEN = "open"


_MEANING: Final = {
    Verdict.REPAIRED: Decision.ACCEPTED,
    Verdict.REPAIRED_WITH_DEFECT: Decision.OPEN,
    Verdict.PARTIAL: Decision.REJECTED,
    Verdict.NOT_REPAIRED: Decision.REJECTED,
    Verdict.WRONG_OBJECT: Decision.REJECTED,
    Verdict.LOCATION_UNCERTAIN: Decision.OPEN,
    Verdict.INSUFFICIENT_EVIDENCE: Decision.OPEN,
}


def decision(found: Verdict, role: Role) -> Decision:
    """What a verdict in that role means; a repair with a defect is accepted by a duty officer only."""
    if found is Verdict.REPAIRED_WITH_DEFECT and role in DEFECT_ACCEPTING:
        return Decision.ACCEPTED
    return _MEANING[found]


@dataclass(frozen=True, slots=True)
class Ruling:
    """One verdict, or a request for evidence, in its place in the order."""

    at: datetime
    decision: Decision
    by_machine: bool
    is_request: bool


def verdict(at: datetime, found: Verdict, role: Role) -> Ruling:
    """As recorded in that role."""
    return Ruling(at, decision(found, role), role in MACHINES, is_request=False)


def evidence_request(at: datetime, role: Role) -> Ruling:
    """Rejects the report."""
    return Ruling(at, Decision.REJECTED, role in MACHINES, is_request=True)


@dataclass(slots=True)
class Report:
    """One claim that the work is done, and what the rulings on it came to so far."""

    seq: int
    received: datetime  # the moment at which its event counts; its assess clock starts then
    done_at: datetime  # the same, or what a duty officer accepted
    standing: Decision = Decision.OPEN
    """A person's ruling beats a machine's, a later one an earlier one."""
    asked_anew: bool = False  # what stands is a request for evidence: nobody has judged the work
    decided_at: datetime | None = None
    """When it was first decided, whatever became of that decision."""
    left_open: bool = False  # by a machine
    ruled_by_person: bool = False

    def rule(self, ruling: Ruling) -> None:
        """What a machine has left open is for a person: no machine runs again until it passes."""
        if ruling.by_machine and self.left_open and not ruling.is_request:
            return
        if not (ruling.by_machine and self.ruled_by_person):
            self.standing, self.asked_anew = ruling.decision, ruling.is_request
        if ruling.decision is not Decision.OPEN:
            self.decided_at = self.decided_at or ruling.at
        self.left_open = self.left_open or (ruling.by_machine and ruling.decision is Decision.OPEN)
        self.ruled_by_person = self.ruled_by_person or not ruling.by_machine


def earliest(reports: Iterable[Report], standing: Decision) -> Report | None:
    """Of those that stand so, the one that was done first."""
    found = (report for report in reports if report.standing is standing)
    return min(found, key=lambda report: (report.done_at, report.seq), default=None)


def counting(reports: Sequence[Report]) -> Report | None:
    """The report that the clock looks at: the earliest accepted one, else the earliest undecided one."""
    return earliest(reports, Decision.ACCEPTED) or earliest(reports, Decision.OPEN)


def rejected(reports: Sequence[Report]) -> frozenset[int]:
    """Seqs of the reports that are as if they had never been sent."""
    return frozenset(report.seq for report in reports if report.standing is Decision.REJECTED)
