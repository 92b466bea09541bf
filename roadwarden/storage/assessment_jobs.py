"""The queue of repair reports that wait for a verdict: leases, tries, and who has to look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from roadwarden.cases.assessments import JobState, Wait
from roadwarden.cases.report_turn import REPORTS
from roadwarden.storage.assessment_tables import assessment_jobs
from roadwarden.storage.case_tables import case_events, cases
from roadwarden.storage.rows import Values, chunks, insert_of

OPEN_STATES = (JobState.WAITING, JobState.PERSON, JobState.QUARANTINED)
FOR_PEOPLE = (JobState.PERSON, JobState.QUARANTINED)


@dataclass(frozen=True, slots=True)
class Job:
    """The work on one report."""

    case: str
    report_seq: int
    version: int  # of the case when it was last compared with it
    state: JobState
    why: Wait | None
    error: str | None
    due_at: datetime
    tries: int  # begun, the present one too
    try_at: datetime
    leased_by: str | None = None
    leased_until: datetime | None = None
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewReport:
    """A report that is in no job yet."""

    case: str
    seq: int
    position: int
    received_at: datetime


class JobStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def new_reports(self, most: int = 2000) -> tuple[NewReport, ...]:
        """Reports behind the newest that has a job, in the order in which they were kept."""
        newest = self._connection.execute(select(func.max(assessment_jobs.c.position))).scalar_one() or 0
        query = select(case_events).where(case_events.c.position > newest)
        query = query.where(case_events.c.type.in_([kind.value for kind in REPORTS]))
        rows = self._connection.execute(query.order_by(case_events.c.position).limit(most))
        return tuple(NewReport(row.case_id, row.seq, row.position, row.received_at) for row in rows)

    def put(self, reports: Sequence[NewReport], limit: timedelta) -> None:
        """Makes jobs; each is compared with its case before anybody takes it."""
        rows = [
            {
                "case_id": one.case,
                "report_seq": one.seq,
                "position": one.position,
                "version": 0,
                "state": JobState.WAITING.value,
                "due_at": one.received_at + limit,
                "tries": 0,
                "try_at": one.received_at,
            }
            for one in reports
        ]
        statement = insert_of(self._connection, assessment_jobs).on_conflict_do_nothing()
        for chunk in chunks(rows, 500):
            self._connection.execute(statement, chunk)

    def moved(self, most: int = 500) -> tuple[tuple[Job, int], ...]:
        """Open jobs whose cases have moved on since they were compared, with the cases' versions."""
        query = select(assessment_jobs, cases.c.version.label("now")).join(
            cases, cases.c.case_id == assessment_jobs.c.case_id
        )
        query = query.where(_open(), cases.c.version != assessment_jobs.c.version)
        rows = self._connection.execute(query.order_by(assessment_jobs.c.due_at).limit(most))
        return tuple((_job(row), row.now) for row in rows)

    def take(self, by: str, now: datetime, lease: timedelta) -> Job | None:
        """The waiting job whose deadline is nearest, held for a while; counted as a try. None where nothing is due."""
        query = select(assessment_jobs).where(_due(now))
        order = (assessment_jobs.c.due_at, assessment_jobs.c.case_id, assessment_jobs.c.report_seq)
        row = self._connection.execute(query.order_by(*order).limit(1)).first()
        if row is None:
            return None
        held = {"leased_by": by, "leased_until": now + lease, "tries": row.tries + 1}
        self.change(row.case_id, row.report_seq, held)
        return self.get(row.case_id, row.report_seq)

    def is_due(self, now: datetime) -> bool:
        """Whether ``take`` would find something: asked first, as readers never wait."""
        return self._connection.execute(select(assessment_jobs.c.case_id).where(_due(now)).limit(1)).first() is not None

    def get(self, case: str, report_seq: int) -> Job | None:
        """One job."""
        row = self._connection.execute(select(assessment_jobs).where(_is(case, report_seq))).first()
        return None if row is None else _job(row)

    def holds(self, job: Job, by: str) -> bool:
        """Whether ``by`` still has it: a lease that ran out may be another's by now."""
        now = self.get(job.case, job.report_seq)
        return now is not None and now.leased_by == by and now.state is JobState.WAITING

    def settle(self, case: str, report_seq: int, values: Values) -> None:
        """Writes what became of a job; its lease ends."""
        self.change(case, report_seq, {"leased_by": None, "leased_until": None} | values)

    def list(self, states: Iterable[JobState], most: int = 1000) -> tuple[Job, ...]:
        """Jobs of those states, the nearest deadline first."""
        query = select(assessment_jobs).where(assessment_jobs.c.state.in_([state.value for state in states]))
        rows = self._connection.execute(query.order_by(assessment_jobs.c.due_at, assessment_jobs.c.case_id).limit(most))
        return tuple(map(_job, rows))

    def of_case(self, case: str) -> tuple[Job, ...]:
        """Jobs of one case, by report."""
        query = select(assessment_jobs).where(assessment_jobs.c.case_id == case)
        return tuple(map(_job, self._connection.execute(query.order_by(assessment_jobs.c.report_seq))))

    def counts(self) -> Mapping[JobState, int]:
        """How many jobs are in each state."""
        query = select(assessment_jobs.c.state, func.count()).group_by(assessment_jobs.c.state)
        found = {JobState(row[0]): row[1] for row in self._connection.execute(query)}
        return {state: found.get(state, 0) for state in JobState}

    def nearest_due(self) -> datetime | None:
        """The nearest deadline of an open job."""
        found = self.list(OPEN_STATES, 1)
        return found[0].due_at if found else None

    def change(self, case: str, report_seq: int, values: Values) -> None:
        """Writes columns of a job; who holds it holds it still."""
        self._connection.execute(update(assessment_jobs).where(_is(case, report_seq)).values(**values))


def _is(case: str, report_seq: int) -> Any:
    return and_(assessment_jobs.c.case_id == case, assessment_jobs.c.report_seq == report_seq)


def _due(now: datetime) -> Any:
    return and_(
        assessment_jobs.c.state == JobState.WAITING.value,
        assessment_jobs.c.version > 0,
        assessment_jobs.c.try_at <= now,
        or_(assessment_jobs.c.leased_until.is_(None), assessment_jobs.c.leased_until <= now),
    )


def _open() -> Any:
    return assessment_jobs.c.state.in_([state.value for state in OPEN_STATES])


def _job(row: Any) -> Job:
    return Job(
        case=row.case_id,
        report_seq=row.report_seq,
        version=row.version,
        state=JobState(row.state),
        why=None if row.why is None else Wait(row.why),
        error=row.error,
        due_at=row.due_at,
        tries=row.tries,
        try_at=row.try_at,
        leased_by=row.leased_by,
        leased_until=row.leased_until,
        settled_at=row.settled_at,
    )
