"""The queue of repair reports: found, leased, judged once, recorded with the case's event in one transaction.

Pictures and models are the worker's; here it is only told what came of them. Any number of workers may run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from roadwarden.cases.assessments import (
    AssessmentKind,
    JobRule,
    JobState,
    Wait,
    after_failure,
    after_verdict,
    drawn_for_audit,
)
from roadwarden.cases.events import Assessed, CaseEvent, Closed, EventData, Role, Verdict, format_time
from roadwarden.cases.permissions import Person
from roadwarden.cases.report_turn import Turn, report_stand
from roadwarden.errors import NotAllowed, StaleCase, UnknownCase
from roadwarden.ledger.canonical import canonical, sha256_hex
from roadwarden.service.assessment_messages import for_person
from roadwarden.service.case_looks import Taken, evidence_before, with_looks
from roadwarden.service.cases import Ask, CaseDesk, Done
from roadwarden.storage.assessment_jobs import FOR_PEOPLE, Job
from roadwarden.storage.assessments import AssessmentRow, ShownPicture
from roadwarden.storage.case_unit import CaseUnit, reading, writing

ASSESSOR = Person("assessor", Role.ASSESSOR)
CLOSING = Person("assessor", Role.SYSTEM)
"""Who judges, and who closes what was judged REPAIRED."""

COMPARED_AT_ONCE = 100
FIRST_LIMIT = timedelta(hours=24)
"""Until a job is compared with its case, which knows the real deadline."""
LONGEST_ERROR = 500
_OVER = "report {} was judged already, or its case has ended; see 'roadwarden repair show'"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a worker found; ``content`` is the record without case, report and times."""

    verdict: Verdict
    score: float
    english: str
    chinese: str
    content: Mapping[str, Any]
    overlay: str | None = None
    hashes: tuple[tuple[str, int], ...] = ()  # sha256 and perceptual hash of each after picture


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is kept of a judgement."""

    done: Done
    assessment: AssessmentRow
    wait: Wait | None  # why a person is to look; None where nobody has to


@dataclass(frozen=True, slots=True)
class Assessing:
    """The queue of one database, for one worker. Raises CaseError and StorageAway as the desk does."""

    desk: CaseDesk
    worker: str
    audit_share: float
    rule: JobRule = field(default_factory=JobRule)

    def sync(self) -> int:
        """Makes jobs of new reports, and compares open ones with cases that have moved on; returns how many changed."""
        changed = 0
        while self._news():
            with writing(self.desk.engine) as unit:
                new = unit.jobs.new_reports()
                unit.jobs.put(new, FIRST_LIMIT)
                moved = unit.jobs.moved(COMPARED_AT_ONCE)
                for job, version in moved:
                    self._compare(unit, job, version)
            changed += len(new) + len(moved)
        return changed

    def take(self) -> Taken | None:
        """The report whose deadline is nearest, for a while; None where nothing is due."""
        while self._has_due():
            with writing(self.desk.engine) as unit:
                job = unit.jobs.take(self.worker, self.desk.now(), self.rule.lease)
                taken = None if job is None else self._begun(unit, job)
            if taken is not None:
                return with_looks(self.desk.engine, taken)
        return None

    def look_up(self, case: str, report_seq: int | None = None) -> Taken:
        """The newest report of a case, or a given one, without taking it. Raises UnknownCase, NotAllowed."""
        self.sync()
        with reading(self.desk.engine) as unit:
            jobs = unit.jobs.of_case(case)
            row = unit.rows.get(case)
            if row is None:
                raise UnknownCase(f"there is no case {case}; 'roadwarden case list' shows those there are")
            found = [job for job in jobs if report_seq in (None, job.report_seq)]
            if not found:
                raise NotAllowed(f"case {case} has no such repair report; 'roadwarden case show {case}' lists them")
            job = found[-1]
            stand = report_stand(unit.events.of(case), self.desk.policies, job.report_seq, self.desk.now())
            if stand is None:
                raise NotAllowed(f"case {case}: its report {job.report_seq} was refused, there is nothing to judge")
            others = evidence_before(unit.events.of(case), job.report_seq)
        return with_looks(self.desk.engine, Taken(job, stand, row, (), others))

    def claim(self, case: str, report_seq: int) -> Taken:
        """Takes one report at once, also one that waits for its next try or for a person who has not ruled.

        Raises NotAllowed where it is not the machine's turn, or another worker has it.
        """
        self.sync()
        now = self.desk.now()
        with writing(self.desk.engine) as unit:
            job = unit.jobs.get(case, report_seq)
            if job is None or job.state is JobState.DONE or job.why in _JUDGED:
                raise NotAllowed(f"case {case}: {_OVER.format(report_seq)}")
            if job.leased_until is not None and job.leased_until > now:
                raise NotAllowed(f"case {case}: report {report_seq} is being judged by {job.leased_by}; wait for it")
            lease: dict[str, Any] = {"leased_by": self.worker, "leased_until": now + self.rule.lease, "tries": 1}
            unit.jobs.settle(case, report_seq, lease | {"state": JobState.WAITING.value, "why": None})
            taken = self._begun(unit, unit.jobs.get(case, report_seq) or job)
        if taken is None:
            raise NotAllowed(f"case {case}: {_OVER.format(report_seq)}")
        return with_looks(self.desk.engine, taken)

    def keep(self, taken: Taken, judged: Judged) -> Recorded:
        """Record, event, closing, hashes, the job's end and messages, in one transaction.

        Raises StaleCase where the lease has run out and another has it, or the case has moved on: nothing is kept then.
        """
        job, kept = taken.job, list[tuple[AssessmentRow, Wait | None]]()

        def choose(unit: CaseUnit, now: datetime) -> Sequence[tuple[Person, EventData]]:
            events = self._still_ours(unit, taken, judged, now)
            row = self._record(taken, judged, now)
            wait = after_verdict(judged.verdict, audited=row.audited)
            unit.assessments.add(row)
            unit.shown.add([ShownPicture(*one, job.case, job.report_seq) for one in judged.hashes])
            steps: list[tuple[Person, EventData]] = [(ASSESSOR, _assessed(job.report_seq, row.id, judged))]
            if judged.verdict is Verdict.REPAIRED and wait is None:
                steps.append((CLOSING, Closed(reason=f"REPAIRED, assessment {row.id[:12]}")))
            self._settle(unit, job, wait, len(events) + len(steps), now)
            kept.append((row, wait))
            return steps

        done = self.desk.decide_all(job.case, f"assess report {job.report_seq}", choose, Ask(key=_key(job)))
        if not kept:  # an earlier answer was lost on its way to us
            kept.append(self._kept_before(job))
        return Recorded(done, *kept[0])

    def fail(self, job: Job, why: Wait, error: str) -> JobState:
        """What becomes of a job that could not be judged: again later, or a person's with the clock running."""
        with writing(self.desk.engine) as unit:
            now = self.desk.now()
            if not unit.jobs.holds(job, self.worker):
                return JobState.WAITING
            step = after_failure(why, job.tries, job.due_at, now, self.rule)
            values: dict[str, Any] = {"state": step.state.value, "try_at": step.try_at, "error": error[:LONGEST_ERROR]}
            values |= {"why": None if step.state is JobState.WAITING else why.value}
            if why not in (Wait.FAILED, Wait.KILLS):
                values |= {"tries": 0}
            unit.jobs.settle(job.case, job.report_seq, values)
            if step.state is not JobState.WAITING:
                unit.outbox.put([for_person(job, why, error, now)])
        return step.state

    def release(self, job: Job) -> None:
        """Gives a job back that was not begun."""
        with writing(self.desk.engine) as unit:
            if unit.jobs.holds(job, self.worker):
                unit.jobs.settle(job.case, job.report_seq, {"tries": max(0, job.tries - 1)})

    def again(self, case: str, report_seq: int) -> None:
        """A quarantined report, or one that lacked a model or pictures, waits for the machine once more."""
        with writing(self.desk.engine) as unit:
            job = unit.jobs.get(case, report_seq)
            if job is None or job.state not in FOR_PEOPLE or job.why in _JUDGED:
                raise NotAllowed(f"case {case}: report {report_seq} is not one that a machine may try again")
            fresh = {"state": JobState.WAITING.value, "why": None, "tries": 0, "try_at": self.desk.now()}
            unit.jobs.settle(case, report_seq, fresh)

    def _news(self) -> bool:
        with reading(self.desk.engine) as unit:
            return bool(unit.jobs.new_reports(1) or unit.jobs.moved(1))

    def _has_due(self) -> bool:
        with reading(self.desk.engine) as unit:
            return unit.jobs.is_due(self.desk.now())

    def _compare(self, unit: CaseUnit, job: Job, version: int) -> None:
        now = self.desk.now()
        stand = report_stand(unit.events.of(job.case), self.desk.policies, job.report_seq, now)
        values: dict[str, Any] = {"version": version}
        if stand is None or _is_over(stand.turn, job):
            values |= {"state": JobState.DONE.value, "settled_at": now, "leased_by": None, "leased_until": None}
        else:
            values |= {"due_at": stand.due_at}
            if stand.turn is Turn.PERSON and job.state is JobState.WAITING:
                values |= {"state": JobState.PERSON.value, "why": Wait.UNCERTAIN.value}
        unit.jobs.change(job.case, job.report_seq, values)

    def _begun(self, unit: CaseUnit, job: Job) -> Taken | None:
        """None where it is nobody's work any more, or has killed too many."""
        now, events = self.desk.now(), unit.events.of(job.case)
        stand = report_stand(events, self.desk.policies, job.report_seq, now)
        row = unit.rows.get(job.case)
        if row is None or stand is None or stand.turn is not Turn.MACHINE:
            state, why = (JobState.DONE, None) if stand is None or _is_over(stand.turn, job) else _left_open()
            unit.jobs.settle(job.case, job.report_seq, {"state": state.value, "why": why, "settled_at": now})
            return None
        if job.tries > self.rule.most_tries:
            error = f"taken {job.tries - 1} times, and nobody came back; the last was {job.leased_by}"
            values = {"state": JobState.QUARANTINED.value, "why": Wait.KILLS.value, "error": error}
            unit.jobs.settle(job.case, job.report_seq, values)
            unit.outbox.put([for_person(job, Wait.KILLS, error, now)])
            return None
        return Taken(job, stand, row, (), evidence_before(events, job.report_seq))

    def _still_ours(self, unit: CaseUnit, taken: Taken, judged: Judged, now: datetime) -> Sequence[CaseEvent]:
        job, events = taken.job, unit.events.of(taken.job.case)
        if not unit.jobs.holds(job, self.worker):
            raise StaleCase(f"case {job.case}: the lease on report {job.report_seq} has run out; another has it")
        stand = report_stand(events, self.desk.policies, job.report_seq, now)
        if stand is None or stand.turn is not Turn.MACHINE:
            raise StaleCase(f"case {job.case}: report {job.report_seq} was ruled on meanwhile")
        shown = unit.shown.elsewhere([sha256 for sha256, _ in judged.hashes], job.case, job.report_seq)
        if shown and judged.verdict is Verdict.REPAIRED:
            raise StaleCase(f"case {job.case}: picture {min(shown)[:12]} was shown for another report meanwhile")
        return events

    def _record(self, taken: Taken, judged: Judged, now: datetime) -> AssessmentRow:
        job, stand = taken.job, taken.stand
        place = {"kind": AssessmentKind.MACHINE.value, "case": job.case, "report_seq": job.report_seq}
        times = {
            "recorded_at": format_time(now),
            "reported_at": format_time(stand.received_at),
            "due_at": format_time(stand.due_at),
        }
        content = {"v": 1} | place | {"cycle": stand.cycle, "times": times, "by": self.worker} | dict(judged.content)
        body = canonical(content)
        name = sha256_hex(body)
        audited = judged.verdict is Verdict.REPAIRED and drawn_for_audit(name, self.audit_share)
        return AssessmentRow(
            id=name,
            kind=AssessmentKind.MACHINE,
            case=job.case,
            report_seq=job.report_seq,
            verdict=judged.verdict,
            score=judged.score,
            audited=audited,
            overlay=judged.overlay,
            of=None,
            recorded_at=now,
            content=body.decode(),
        )

    def _settle(self, unit: CaseUnit, job: Job, wait: Wait | None, version: int, now: datetime) -> None:
        state = JobState.DONE if wait is None else JobState.PERSON
        values = {"state": state.value, "why": None if wait is None else wait.value, "version": version, "error": None}
        unit.jobs.settle(job.case, job.report_seq, values | {"settled_at": None if wait else now})
        if wait is not None:
            unit.outbox.put([for_person(job, wait, "", now)])

    def _kept_before(self, job: Job) -> tuple[AssessmentRow, Wait | None]:
        with reading(self.desk.engine) as unit:
            row = unit.assessments.by_machine(job.case, job.report_seq)
        if row is None:
            raise UnknownCase(f"case {job.case}: report {job.report_seq} was judged, and the record is not there")
        return row, after_verdict(row.verdict, audited=row.audited)


_JUDGED = frozenset({Wait.UNCERTAIN, Wait.WITH_DEFECT, Wait.AUDIT})
"""The machine has ruled: from here on it is a person's."""


def _is_over(turn: Turn, job: Job) -> bool:
    """Whether nobody has to look any more; a drawn REPAIRED waits for a person although it is accepted."""
    waits_for_audit = job.state is JobState.PERSON and job.why is Wait.AUDIT
    return turn is Turn.NOBODY or (turn is Turn.ACCEPTED and not waits_for_audit)


def _left_open() -> tuple[JobState, str]:
    return JobState.PERSON, Wait.UNCERTAIN.value


def _assessed(report_seq: int, assessment: str, judged: Judged) -> Assessed:
    return Assessed(judged.verdict, report_seq, assessment, f"{judged.english} {judged.chinese}")


def _key(job: Job) -> str:
    return f"assess:{job.case}:{job.report_seq}"
