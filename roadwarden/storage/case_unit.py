"""A unit of work on cases: events, rows, warnings and messages in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from roadwarden.storage import engine as engines
from roadwarden.storage.assessment_jobs import JobStore
from roadwarden.storage.assessments import AssessmentStore, ShownStore
from roadwarden.storage.case_commands import CommandStore
from roadwarden.storage.case_events import CaseEventStore
from roadwarden.storage.case_rows import CaseRowStore
from roadwarden.storage.case_warnings import CaseWarningStore
from roadwarden.storage.outbox import OutboxStore


@dataclass(frozen=True, slots=True)
class CaseUnit:
    """What one transaction sees and does."""

    events: CaseEventStore
    rows: CaseRowStore
    commands: CommandStore
    warnings: CaseWarningStore
    outbox: OutboxStore
    assessments: AssessmentStore
    shown: ShownStore
    jobs: JobStore

    @classmethod
    def of(cls, connection: Connection) -> CaseUnit:
        """The stores on one connection."""
        return cls(
            CaseEventStore(connection),
            CaseRowStore(connection),
            CommandStore(connection),
            CaseWarningStore(connection),
            OutboxStore(connection),
            AssessmentStore(connection),
            ShownStore(connection),
            JobStore(connection),
        )


@contextmanager
def writing(engine: Engine) -> Iterator[CaseUnit]:
    """A unit of work that is on the disk as a whole once it has ended, or not kept at all; one at a time."""
    with engines.writing(engine, durably=True) as connection:
        yield CaseUnit.of(connection)


@contextmanager
def reading(engine: Engine) -> Iterator[CaseUnit]:
    """A unit of work that only reads, one state throughout."""
    with engines.reading(engine) as connection:
        yield CaseUnit.of(connection)
