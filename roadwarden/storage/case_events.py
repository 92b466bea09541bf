"""What happened to cases: only ever added to. The database itself refuses to change or delete an event."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from roadwarden.cases.events import (
    SCHEMA_VERSION,
    CaseEvent,
    EventType,
    Role,
    data_as_json,
    parse_data,
)
from roadwarden.errors import DataError, StaleCase
from roadwarden.storage.case_tables import case_events, case_series
from roadwarden.storage.rows import Values, chunks, insert_of, rows_where

READ_AT_ONCE = 5000


class CaseEventStore:
    """Within one transaction. ``version`` counts a case's events in the order in which they were kept, from 1."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, case: str, events: Sequence[CaseEvent], *, after: int, recorded_at: datetime) -> int:
        """Keeps events of one case that had ``after`` of them; returns how many it has now.

        Raises StaleCase where it has another number by now, DataError where one of the ``seq`` is kept already.
        """
        version = self.version(case)
        if version != after:
            raise StaleCase(
                f"case {case} is at version {version}, not {after}: somebody was faster; look at it again and repeat"
            )
        self._refuse_known(case, events)
        self.add(events, {case: after}, recorded_at)
        return after + len(events)

    def add(self, events: Sequence[CaseEvent], after: Mapping[str, int], recorded_at: datetime) -> None:
        """Keeps events of many cases in the order given; ``after``: how many each case that has some had before.

        For those who have just read what is kept, in the same transaction. Raises DataError for a seq that is kept.
        """
        versions, rows = dict(after), []
        for event in events:
            versions[event.case] = versions.get(event.case, 0) + 1
            rows.append(_row(event, versions[event.case], recorded_at))
        for chunk in chunks(rows):
            self._connection.execute(insert(case_events), chunk)

    def version(self, case: str) -> int:
        """How many events the case has; 0 where there is none of that name."""
        query = select(func.max(case_events.c.version)).where(case_events.c.case_id == case)
        return self._connection.execute(query).scalar_one() or 0

    def of(self, case: str) -> tuple[CaseEvent, ...]:
        """The events of one case in the order in which they were kept; none where there is no such case."""
        return self.of_cases([case]).get(case, ())

    def of_cases(self, cases: Iterable[str]) -> Mapping[str, tuple[CaseEvent, ...]]:
        """The events of each case that has some, in the order in which they were kept: one query for thousands."""
        query = select(case_events).order_by(case_events.c.case_id, case_events.c.version)
        found: dict[str, list[CaseEvent]] = {}
        for row in rows_where(self._connection, query, case_events.c.case_id, cases):
            found.setdefault(row.case_id, []).append(_event(row))
        return {case: tuple(events) for case, events in found.items()}

    def all(self) -> Iterator[CaseEvent]:
        """Every event in the order in which they were kept, read piece by piece."""
        query = select(case_events).order_by(case_events.c.position)
        rows = self._connection.execution_options(yield_per=READ_AT_ONCE).execute(query)
        yield from map(_event, rows)

    def cases(self, after: str = "", most: int = READ_AT_ONCE) -> tuple[str, ...]:
        """Names of cases in order, those behind ``after``, at most ``most``."""
        query = select(case_events.c.case_id).where(case_events.c.version == 1, case_events.c.case_id > after)
        return tuple(self._connection.execute(query.order_by(case_events.c.case_id).limit(most)).scalars())

    def count_cases(self) -> int:
        """How many cases have events."""
        query = select(func.count()).select_from(case_events).where(case_events.c.version == 1)
        return self._connection.execute(query).scalar_one()

    def count(self) -> int:
        """How many events there are; O(n)."""
        return self._connection.execute(select(func.count()).select_from(case_events)).scalar_one()

    def next_number(self, series: str) -> int:
        """The next number of a series, from 1: without gaps, as it is undone with its transaction."""
        statement = insert_of(self._connection, case_series).values(series=series, last=1)
        statement = statement.on_conflict_do_update(index_elements=["series"], set_={"last": case_series.c.last + 1})
        return int(self._connection.execute(statement.returning(case_series.c.last)).scalar_one())

    def _refuse_known(self, case: str, events: Sequence[CaseEvent]) -> None:
        if strange := {event.case for event in events} - {case}:
            raise DataError(f"events of case {min(strange)} among those of case {case}")
        seqs = [event.seq for event in events]
        query = select(case_events.c.seq).where(case_events.c.case_id == case)
        known = {row[0] for row in rows_where(self._connection, query, case_events.c.seq, seqs)}
        if twice := known | {seq for seq in seqs if seqs.count(seq) > 1}:
            raise DataError(f"case {case} has an event with seq {min(twice)} already; an event is never replaced")


def _row(event: CaseEvent, version: int, recorded_at: datetime) -> Values:
    return {
        "case_id": event.case,
        "version": version,
        "seq": event.seq,
        "type": event.type.value,
        "occurred_at": event.occurred_at,
        "received_at": event.received_at,
        "recorded_at": recorded_at,
        "actor": event.actor,
        "role": event.role.value,
        "data": json.dumps(data_as_json(event.data), ensure_ascii=False),
        "event_schema": SCHEMA_VERSION,
    }


def _event(row: Any) -> CaseEvent:
    kind = EventType(row.type)
    return CaseEvent(
        case=row.case_id,
        seq=row.seq,
        type=kind,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        actor=row.actor,
        role=Role(row.role),
        data=parse_data(kind, json.loads(row.data)),
    )
