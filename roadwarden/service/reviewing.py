"""A person's verdict on a repair report: recorded beside the machine's, never over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from roadwarden.cases.answer import CaseState
from roadwarden.cases.assessments import AssessmentKind, JobState, Wait
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.events import Assessed, Closed, EventData, Verdict, format_time
from roadwarden.cases.permissions import Person
from roadwarden.cases.reports import Decision, decision
from roadwarden.cases.roles import MACHINES
from roadwarden.errors import NotAllowed
from roadwarden.ledger.canonical import canonical, sha256_hex
from roadwarden.service.assessing import CLOSING
from roadwarden.service.cases import PLAIN, Ask, CaseDesk, Done
from roadwarden.storage.assessment_jobs import FOR_PEOPLE, Job
from roadwarden.storage.assessments import AssessmentRow
from roadwarden.storage.case_unit import CaseUnit, reading


@dataclass(frozen=True, slots=True)
class ToReview:
    """A report that waits for a person, with what the machine said of it."""

    job: Job
    row: CaseRow
    machine: AssessmentRow | None  # None where no machine could judge


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What became of a review."""

    done: Done
    review: AssessmentRow | None  # None where the key was used before
    agrees: bool | None  # with the machine; None where it had said nothing decided


def to_review(desk: CaseDesk, most: int = 100, areas: frozenset[str] | None = None) -> tuple[ToReview, ...]:
    """Reports that wait for people, the nearest deadline first; ``areas``: only of cases there, None for all."""
    with reading(desk.engine) as unit:
        found = []
        for job in unit.jobs.list(FOR_PEOPLE):
            row = unit.rows.get(job.case)
            if row is not None and (areas is None or row.area in areas):
                found.append(ToReview(job, row, unit.assessments.by_machine(job.case, job.report_seq)))
            if len(found) == most:
                break
        return tuple(found)


def review(
    desk: CaseDesk,
    who: Person,
    case: str,
    report_seq: int,
    verdict: Verdict,
    reason: str | None = None,
    ask: Ask = PLAIN,
) -> Reviewed:
    """Records a person's verdict. Accepted as REPAIRED the case closes; any other verdict closes nothing by itself.

    Raises NotAllowed for a machine, for who may not, and where a report of that seq cannot be ruled on.
    """
    if who.role in MACHINES:
        raise NotAllowed(f"case {case}: a review is a person's, and {who.role} is a machine")
    kept = list[tuple[AssessmentRow, bool | None]]()

    def choose(unit: CaseUnit, now: datetime) -> Sequence[tuple[Person, EventData]]:
        events = unit.events.of(case)
        before = unit.rows.get(case)
        machine = unit.assessments.by_machine(case, report_seq)
        agrees = None if machine is None or _is_open(machine.verdict, who) else machine.verdict is verdict
        row = _row(case, report_seq, verdict, who, machine, agrees, now)
        unit.assessments.add(row)
        steps: list[tuple[Person, EventData]] = [(who, Assessed(verdict, report_seq, row.id, reason))]
        if verdict is Verdict.REPAIRED and before is not None and before.state != CaseState.CLOSED:
            steps.append((CLOSING, Closed(reason=f"REPAIRED by a person, review {row.id[:12]}")))
        _settle(unit, case, report_seq, len(events) + len(steps), now, still_open=_is_open(verdict, who))
        kept.append((row, agrees))
        return steps

    done = desk.decide_all(case, f"review report {report_seq} by {who.actor}: {verdict}", choose, ask)
    return Reviewed(done, *kept[0]) if kept else Reviewed(done, None, None)


def _is_open(verdict: Verdict, who: Person) -> bool:
    return decision(verdict, who.role) is Decision.OPEN


def _settle(unit: CaseUnit, case: str, report_seq: int, version: int, now: datetime, *, still_open: bool) -> None:
    if unit.jobs.get(case, report_seq) is None:
        return
    state = JobState.PERSON if still_open else JobState.DONE
    values = {"state": state.value, "version": version, "why": Wait.UNCERTAIN.value if still_open else None}
    unit.jobs.settle(case, report_seq, values | {"settled_at": None if still_open else now})


def _row(
    case: str,
    report_seq: int,
    verdict: Verdict,
    who: Person,
    machine: AssessmentRow | None,
    agrees: bool | None,
    now: datetime,
) -> AssessmentRow:
    """Who it was stands in the event, where it can be erased."""
    content = {
        "v": 1,
        "kind": AssessmentKind.REVIEW.value,
        "case": case,
        "report_seq": report_seq,
        "verdict": verdict.value,
        "role": who.role.value,
        "of": None if machine is None else machine.id,
        "machine_verdict": None if machine is None else machine.verdict.value,
        "agrees": agrees,
        "was_audit": machine is not None and machine.audited,
        "times": {"recorded_at": format_time(now)},
    }
    body = canonical(content)
    of = None if machine is None else machine.id
    return AssessmentRow(
        sha256_hex(body), AssessmentKind.REVIEW, case, report_seq, verdict, 0.0, False, None, of, now, body.decode()
    )
