"""How often the machine passed a repair that a person then rejected: from the events alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from roadwarden.cases.event_types import Verdict
from roadwarden.cases.events import Assessed, CaseEvent
from roadwarden.cases.kpi_values import Period
from roadwarden.cases.ordering import Placed, history
from roadwarden.cases.reports import Decision, decision
from roadwarden.cases.roles import MACHINES


@dataclass(frozen=True, slots=True)
class MachineVerdicts:
    """Of verdicts in a period."""

    passed: int  # reports that a machine called REPAIRED
    checked: int  # of them: that a person judged too, one way or the other
    rejected: int  # of those: whose last word of a person is a rejection

    def __add__(self, other: MachineVerdicts) -> MachineVerdicts:
        return MachineVerdicts(self.passed + other.passed, self.checked + other.checked, self.rejected + other.rejected)


NONE = MachineVerdicts(0, 0, 0)


def machine_verdicts(cases: Iterable[Sequence[CaseEvent]], period: Period) -> MachineVerdicts:
    """Over the events of cases, as of ``period.now``; a request for evidence judges no work."""
    total = NONE
    for events in cases:
        total += _of_case(history(events, period.now).later, period)
    return total


def _of_case(later: Sequence[Placed], period: Period) -> MachineVerdicts:
    passed: set[int] = set()
    judged: dict[int, Decision] = {}
    for one in later:
        data, role = one.event.data, one.event.role
        if not isinstance(data, Assessed):
            continue
        if role in MACHINES:
            if data.verdict is Verdict.REPAIRED and one.at in period:
                passed.add(data.report_seq)
        elif (found := decision(data.verdict, role)) is not Decision.OPEN:
            judged[data.report_seq] = found
    checked = passed & judged.keys()
    return MachineVerdicts(len(passed), len(checked), sum(judged[seq] is Decision.REJECTED for seq in checked))
