"""Repair reports and the verdicts on them: which verdict stands, and which report is the stop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
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


def decision(verdict: Verdict, role: Role) -> Decision:
    """What a verdict in that role means; a repair with a defect is accepted by a duty officer only."""
    if verdict is Verdict.REPAIRED_WITH_DEFECT and role in DEFECT_ACCEPTING:
        return Decision.ACCEPTED
    return _MEANING[verdict]


@dataclass(frozen=True, slots=True)
class Ruling:
    """One verdict, or a request for evidence, in its place in the order."""

    at: datetime
    decision: Decision
    by_machine: bool


def ruling(at: datetime, decided: Decision, role: Role) -> Ruling:
    """As recorded in that role."""
    return Ruling(at, decided, role in MACHINES)


@dataclass(slots=True)
class Report:
    """One claim that the work is done, with the rulings on it in their order."""

    seq: int
    received: datetime  # the moment at which its event counts; its assess clock starts then
    done_at: datetime  # the same, or what a duty officer accepted
    rulings: list[Ruling] = field(default_factory=list)

    @property
    def standing(self) -> Decision:
        """A person's beats a machine's, a later one an earlier one."""
        people = [one for one in self.rulings if not one.by_machine]
        last = (people or self.rulings)[-1:]
        return last[0].decision if last else Decision.OPEN

    @property
    def decided_at(self) -> datetime | None:
        """When it was first decided, whatever became of that decision."""
        return next((one.at for one in self.rulings if one.decision is not Decision.OPEN), None)


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
