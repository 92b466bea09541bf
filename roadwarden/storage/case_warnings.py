"""Warnings that were sent or passed over, and when each case has to be looked at next: the scheduler's memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from roadwarden.storage.case_tables import NO_REPORT, WarningState, case_warnings, case_watch
from roadwarden.storage.rows import OnConflict, chunks, insert_of, rows_where, upsert_of


@dataclass(frozen=True, slots=True)
class KeptWarning:
    """One threshold that a clock has passed; there is at most one of each key."""

    case: str
    clock: str
    cycle: int
    report_seq: int | None
    threshold: str
    state: WarningState
    due_since: datetime  # when the threshold was passed
    recorded_at: datetime

    @property
    def key(self) -> tuple[str, str, int, int | None, str]:
        """What makes it the same warning."""
        return self.case, self.clock, self.cycle, self.report_seq, self.threshold


class CaseWarningStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, warnings: Sequence[KeptWarning]) -> tuple[KeptWarning, ...]:
        """Keeps warnings; returns those that were not kept already, in any state: only those may be sent."""
        new = insert_of(self._connection, case_warnings).on_conflict_do_nothing()
        statement = new.returning(case_warnings.c.case_id)
        return tuple(one for one in warnings if self._connection.execute(statement, _values(one)).first() is not None)

    def of_cases(self, cases: Iterable[str]) -> Mapping[str, tuple[KeptWarning, ...]]:
        """What was kept of each case that has some, oldest first."""
        query = select(case_warnings).order_by(case_warnings.c.case_id, case_warnings.c.due_since)
        found: dict[str, list[KeptWarning]] = {}
        for row in rows_where(self._connection, query, case_warnings.c.case_id, cases):
            found.setdefault(row.case_id, []).append(_warning(row))
        return {case: tuple(kept) for case, kept in found.items()}

    def since(self, time: datetime, most: int) -> tuple[KeptWarning, ...]:
        """Those recorded since then, the oldest first."""
        query = select(case_warnings).where(case_warnings.c.recorded_at >= time)
        query = query.order_by(case_warnings.c.recorded_at, case_warnings.c.case_id, case_warnings.c.threshold)
        return tuple(map(_warning, self._connection.execute(query.limit(most))))

    def watch(self, looks: Mapping[str, datetime | None]) -> None:
        """Says when cases have to be looked at next; None: not before something happens."""
        statement = upsert_of(self._connection, case_watch, OnConflict(("case_id",), ("look_at",)))
        rows = [{"case_id": case, "look_at": at} for case, at in looks.items() if at is not None]
        for chunk in chunks(rows):
            self._connection.execute(statement, chunk)
        for names in chunks(case for case, at in looks.items() if at is None):
            self._connection.execute(delete(case_watch).where(case_watch.c.case_id.in_(names)))

    def to_look_at(self, now: datetime, most: int) -> tuple[str, ...]:
        """Cases whose time has come, the longest overdue first."""
        query = select(case_watch.c.case_id).where(case_watch.c.look_at <= now)
        query = query.order_by(case_watch.c.look_at, case_watch.c.case_id).limit(most)
        return tuple(self._connection.execute(query).scalars())

    def clear_watch(self) -> None:
        """Forgets when to look at which case."""
        self._connection.execute(delete(case_watch))


def _values(one: KeptWarning) -> dict[str, Any]:
    return {
        "case_id": one.case,
        "clock": one.clock,
        "cycle": one.cycle,
        "report_seq": NO_REPORT if one.report_seq is None else one.report_seq,
        "threshold": one.threshold,
        "state": one.state.value,
        "due_since": one.due_since,
        "recorded_at": one.recorded_at,
    }


def _warning(row: Any) -> KeptWarning:
    return KeptWarning(
        case=row.case_id,
        clock=row.clock,
        cycle=row.cycle,
        report_seq=None if row.report_seq == NO_REPORT else row.report_seq,
        threshold=row.threshold,
        state=WarningState(row.state),
        due_since=row.due_since,
        recorded_at=row.recorded_at,
    )
