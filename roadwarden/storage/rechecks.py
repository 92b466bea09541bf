"""What later passes said of repairs: only ever added to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from roadwarden.cases.durability_words import Durability
from roadwarden.storage import engine as engines
from roadwarden.storage.assessment_tables import rechecks
from roadwarden.storage.rows import insert_of, rows_where


@dataclass(frozen=True, slots=True)
class KeptRecheck:
    """One answer about one repair."""

    case: str
    cycle: int
    day: int
    outcome: Durability
    repaired_at: datetime
    seen_at: datetime | None
    pass_id: str | None
    department: str | None
    crew: str | None
    recorded_at: datetime


class RecheckStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, one: KeptRecheck) -> bool:
        """Keeps an answer; False where that day has one already."""
        values = {
            "case_id": one.case,
            "cycle": one.cycle,
            "day": one.day,
            "outcome": one.outcome.value,
            "repaired_at": one.repaired_at,
            "seen_at": one.seen_at,
            "pass": one.pass_id,
            "department": one.department,
            "crew": one.crew,
            "recorded_at": one.recorded_at,
        }
        statement = insert_of(self._connection, rechecks).on_conflict_do_nothing()
        return self._connection.execute(statement.returning(rechecks.c.day), values).first() is not None

    def of_cases(self, cases: Iterable[str]) -> Mapping[str, tuple[KeptRecheck, ...]]:
        """The answers of each case that has some."""
        query = select(rechecks).order_by(rechecks.c.case_id, rechecks.c.cycle, rechecks.c.day)
        found: dict[str, list[KeptRecheck]] = {}
        for row in rows_where(self._connection, query, rechecks.c.case_id, cases):
            found.setdefault(row.case_id, []).append(_kept(row))
        return {case: tuple(ones) for case, ones in found.items()}

    def counts(self) -> Mapping[tuple[str, str, int, Durability], int]:
        """How many answers of each (department, crew, day, outcome) there are; empty where nobody is named."""
        columns = (rechecks.c.department, rechecks.c.crew, rechecks.c.day, rechecks.c.outcome)
        rows = self._connection.execute(select(*columns, func.count()).group_by(*columns))
        return {(row[0] or "", row[1] or "", row[2], Durability(row[3])): row[4] for row in rows}


@contextmanager
def writing(engine: Engine) -> Iterator[RecheckStore]:
    """A transaction that is on the disk once it has ended, or not kept at all."""
    with engines.writing(engine, durably=True) as connection:
        yield RecheckStore(connection)


@contextmanager
def reading(engine: Engine) -> Iterator[RecheckStore]:
    """A transaction that only reads."""
    with engines.reading(engine) as connection:
        yield RecheckStore(connection)


def _kept(row: Any) -> KeptRecheck:
    return KeptRecheck(
        case=row.case_id,
        cycle=row.cycle,
        day=row.day,
        outcome=Durability(row.outcome),
        repaired_at=row.repaired_at,
        seen_at=row.seen_at,
        pass_id=row._mapping["pass"],
        department=row.department,
        crew=row.crew,
        recorded_at=row.recorded_at,
    )
