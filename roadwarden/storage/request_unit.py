"""A unit of work on requests: what lies near is looked at, and what joins it is kept, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from roadwarden.storage import engine as engines
from roadwarden.storage.case_unit import CaseUnit
from roadwarden.storage.defects import DefectStore
from roadwarden.storage.evidence import EvidenceStore
from roadwarden.storage.request_news import NewsStore
from roadwarden.storage.requests import RequestStore
from roadwarden.storage.tips import TipStore


@dataclass(frozen=True, slots=True)
class RequestUnit:
    """What one transaction sees and does."""

    requests: RequestStore
    news: NewsStore
    tips: TipStore
    defects: DefectStore
    evidence: EvidenceStore
    cases: CaseUnit

    @classmethod
    def of(cls, connection: Connection) -> RequestUnit:
        """The stores on one connection."""
        return cls(
            RequestStore(connection),
            NewsStore(connection),
            TipStore(connection),
            DefectStore(connection),
            EvidenceStore(connection),
            CaseUnit.of(connection),
        )


@contextmanager
def writing(engine: Engine) -> Iterator[RequestUnit]:
    """A unit of work that is on the disk as a whole once it has ended, or not kept at all; one at a time."""
    with engines.writing(engine, durably=True) as connection:
        yield RequestUnit.of(connection)


@contextmanager
def reading(engine: Engine) -> Iterator[RequestUnit]:
    """A unit of work that only reads, one state throughout."""
    with engines.reading(engine) as connection:
        yield RequestUnit.of(connection)
