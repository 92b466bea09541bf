"""How each case stands: rows for lists and the countdown board, written in the transaction of their event.

What passes with time alone is not in a row: whether a case is late and how long it has left is reckoned when rows are
read, for the time that is asked for, and a park that ends by itself is heeded then too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, false, func, literal_column, or_, select
from sqlalchemy import case as sql_case

from roadwarden.access.policy import Within
from roadwarden.cases.answer import CaseState
from roadwarden.cases.case_projection import ENDED
from roadwarden.cases.case_row import CaseRow
from roadwarden.geo.tiles import MapBox
from roadwarden.storage.case_tables import cases
from roadwarden.storage.rows import OnConflict, chunks, rows_where, upsert_of
from roadwarden.taxonomy import Severity

_NAMES = tuple(field.name for field in dataclasses.fields(CaseRow))
_SEVERITY = _NAMES.index("severity")
_SELECT = select(*(cases.c[name] for name in _NAMES))
"""Columns in the order of the fields: a row of a list is made without asking for any by name."""
_BY_NAME = OnConflict(("case_id",), tuple(name for name in _NAMES if name != "case_id"))
MOST_ROWS = 1000


class Order(StrEnum):
    """Of a list."""

    DUE = "due"  # the most urgent first; open cases of which something is due
    NEWEST = "newest"  # by filing


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a list is to show; what is None does not matter."""

    state: str | None = None
    is_open: bool | None = None
    overdue: bool | None = None
    severity: Severity | None = None
    area: str | None = None
    areas: tuple[str, ...] | None = None  # that the reader may see
    within: tuple[Within, ...] | None = None  # any of these; with none of them nothing
    department: str | None = None
    crew: str | None = None
    distress: str | None = None
    domain: str | None = None
    segment: str | None = None
    defect: str | None = None
    filed_from: datetime | None = None
    filed_before: datetime | None = None
    due_before: datetime | None = None
    news_since: datetime | None = None  # open, or something of it was received since then


@dataclass(frozen=True, slots=True)
class Problem:
    """Where a case lies and what it is about."""

    case_id: str
    distress: str
    segment: str | None
    defect: str | None
    lat: float  # WGS-84, degrees
    lon: float


ALL = CaseFilter()
_EQUAL = ("severity", "area", "department", "crew", "distress", "domain", "segment", "defect")


class CaseRowStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, rows: Sequence[CaseRow]) -> None:
        """Writes how cases stand now."""
        statement = upsert_of(self._connection, cases, _BY_NAME)
        for chunk in chunks(rows):
            self._connection.execute(statement, [_values(row) for row in chunk])

    def remove(self, names: Iterable[str]) -> None:
        """Forgets rows."""
        for chunk in chunks(names):
            self._connection.execute(delete(cases).where(cases.c.case_id.in_(chunk)))

    def between(self, after: str, up_to: str | None) -> Mapping[str, CaseRow]:
        """The rows of the cases behind ``after`` up to ``up_to``, which is one of them; all of the rest if None."""
        query = _SELECT.where(cases.c.case_id > after)
        if up_to is not None:
            query = query.where(cases.c.case_id <= up_to)
        return {row.case_id: _row(row) for row in self._connection.execute(query)}

    def get(self, case_id: str) -> CaseRow | None:
        """One row as of its newest event; None where there is no such case."""
        row = self._connection.execute(_SELECT.where(cases.c.case_id == case_id)).first()
        return None if row is None else _row(row)

    def of_names(self, names: Iterable[str]) -> tuple[CaseRow, ...]:
        """The cases of those names, the oldest first, as of their newest events."""
        return self._read(cases.c.case_id, names)

    def of_defects(self, ids: Iterable[str]) -> tuple[CaseRow, ...]:
        """The cases that were filed of defects with those ids, the oldest first, as of their newest events."""
        return self._read(cases.c.defect, ids)

    def of_segments(self, segments: Iterable[str]) -> tuple[CaseRow, ...]:
        """The cases that were filed on those segments, the oldest first, as of their newest events."""
        return self._read(cases.c.segment, segments)

    def open_in(self, box: MapBox) -> tuple[CaseRow, ...]:
        """The open cases in a box of the map, the oldest first; O(open cases), of which a city has hundreds."""
        query = _SELECT.where(_is_open())
        query = query.where(cases.c.lat.between(box.south, box.north), cases.c.lon.between(box.west, box.east))
        found = map(_row, self._connection.execute(query))
        return tuple(sorted(found, key=lambda row: (row.filed_at, row.case_id)))

    def named(self, names: Iterable[str]) -> tuple[CaseRow, ...]:
        """The cases of those names that there are, the oldest first, as of their newest events."""
        return self._read(cases.c.case_id, names)

    def list(
        self,
        wanted: CaseFilter,
        now: datetime,
        order: Order = Order.NEWEST,
        most: int = 50,
        after: tuple[datetime, str] | None = None,
    ) -> tuple[CaseRow, ...]:
        """The rows of a filter as they stand at ``now``, at most 1,000: O(log n + found) for the usual filters.

        ``after`` is the key (``key_of``) of the last row that was seen, so that pages neither repeat nor leave out.
        """
        query = _where(_SELECT, wanted, now)
        if order is Order.DUE:
            key: ColumnElement[Any] = cases.c.due_at
            query = query.where(_is_open(), key.is_not(None))  # the two databases put NULL at different ends
            query = query.order_by(key, cases.c.case_id)
            if after is not None:
                query = query.where(or_(key > after[0], and_(key == after[0], cases.c.case_id > after[1])))
        else:
            key = cases.c.filed_at
            query = query.order_by(key.desc(), cases.c.case_id.desc())
            if after is not None:
                query = query.where(key <= after[0])
                query = query.where(or_(key < after[0], cases.c.case_id < after[1]))
        rows = self._connection.execute(query.limit(min(most, MOST_ROWS))).all()  # at once: one by one takes longer
        return tuple(_row(row).at(now) for row in rows)

    def board(
        self, wanted: CaseFilter, now: datetime, most: int = 50, after: tuple[datetime, str] | None = None
    ) -> tuple[CaseRow, ...]:
        """The countdown board: open cases of which something is due at ``now``, the most urgent first."""
        return self.list(wanted, now, Order.DUE, most, after)

    def count(self, wanted: CaseFilter, now: datetime) -> int:
        """How many rows a filter has."""
        query = _where(select(func.count()).select_from(cases), wanted, now)
        return int(self._connection.execute(query).scalar_one())

    def count_by_state(self, wanted: CaseFilter, now: datetime) -> Mapping[str, int]:
        """How many rows a filter has in each state."""
        state = _state(now).label("now")
        query = _where(select(state, func.count()), wanted, now).group_by(state)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def open_by_crew(self) -> Mapping[str, int]:
        """How many open cases each crew has that has some."""
        query = select(cases.c.crew, func.count()).where(_is_open(), cases.c.crew.is_not(None)).group_by(cases.c.crew)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def names(self, wanted: CaseFilter, now: datetime) -> Iterable[str]:
        """Names of the cases of a filter, in order."""
        query = _where(select(cases.c.case_id), wanted, now).order_by(cases.c.case_id)
        return self._connection.execute(query).scalars().all()

    def problems(self, since: datetime, until: datetime) -> Iterator[Problem]:
        """Cases with a place, filed from ``since`` to ``until``, both inside, by name; no void or merged ones."""
        dropped = [CaseState.VOIDED.value, CaseState.MERGED.value]
        query = (
            select(cases.c.case_id, cases.c.distress, cases.c.segment, cases.c.defect, cases.c.lat, cases.c.lon)
            .where(cases.c.filed_at >= since, cases.c.filed_at <= until, cases.c.state.not_in(dropped))
            .where(cases.c.lat.is_not(None), cases.c.lon.is_not(None))
            .order_by(cases.c.case_id)
        )
        for row in self._connection.execution_options(yield_per=10_000).execute(query):
            yield Problem(*row)

    def _read(self, column: ColumnElement[Any], values: Iterable[str]) -> tuple[CaseRow, ...]:
        found = map(_row, rows_where(self._connection, _SELECT, column, values))
        return tuple(sorted(found, key=lambda row: (row.filed_at, row.case_id)))


def key_of(row: CaseRow, order: Order) -> tuple[datetime, str]:
    """Where a row stands in a list: what ``after`` wants."""
    at = row.due_at if order is Order.DUE else row.filed_at
    if at is None:
        raise ValueError(f"case {row.case_id} is not open and has no place among those that are due")
    return at, row.case_id


def _where(query: Any, wanted: CaseFilter, now: datetime) -> Any:
    for name in _EQUAL:
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(cases.c[name] == value)
    if wanted.areas is not None:
        query = query.where(cases.c.area.in_(wanted.areas))
    if wanted.within is not None:
        query = query.where(or_(false(), *map(_within, wanted.within)))
    if wanted.is_open is not None:
        query = query.where(_is_open() if wanted.is_open else ~_is_open())
    if wanted.state is not None:
        query = query.where(_in_state(str(wanted.state), now))
    if wanted.overdue is not None:
        late = and_(_is_open(), cases.c.due_at < now)
        query = query.where(late if wanted.overdue else or_(~_is_open(), cases.c.due_at >= now))
    return _within_times(query, wanted)


def _within(part: Within) -> ColumnElement[bool]:
    rules: list[ColumnElement[bool]] = []
    if part.areas is not None:
        areas = sorted(part.areas)
        rules.append(cases.c.area == areas[0] if len(areas) == 1 else cases.c.area.in_(areas))
    if part.department is not None:
        rules.append(cases.c.department == part.department)
    if part.crew is not None:
        rules.append(or_(cases.c.crew == part.crew, cases.c.crew.is_(None)))
    return and_(*rules) if rules else false()


def _within_times(query: Any, wanted: CaseFilter) -> Any:
    if wanted.filed_from is not None:
        query = query.where(cases.c.filed_at >= wanted.filed_from)
    if wanted.filed_before is not None:
        query = query.where(cases.c.filed_at < wanted.filed_before)
    if wanted.due_before is not None:
        query = query.where(_is_open(), cases.c.due_at < wanted.due_before)
    if wanted.news_since is not None:
        query = query.where(or_(_is_open(), cases.c.as_of >= wanted.news_since))
    return query


def _is_open() -> ColumnElement[Any]:
    """In the very words of the partial indexes: SQLite does not see that ``is_open = 1`` may use them."""
    return literal_column("is_open")


def _in_state(state: str, now: datetime) -> ColumnElement[bool]:
    """In words that let the index on the state be used: only a park ends by itself, and then the case is open."""
    if state in ENDED:
        return cases.c.state == state
    if state == CaseState.PARKED:
        return and_(cases.c.state == state, cases.c.parked_until > now)
    after_park = and_(cases.c.state == CaseState.PARKED.value, cases.c.parked_until <= now)
    return and_(
        cases.c.state.in_([state, CaseState.PARKED.value]),
        or_(cases.c.state == state, and_(after_park, cases.c.state_after_park == state)),
    )


def _state(now: datetime) -> ColumnElement[str]:
    return sql_case((cases.c.parked_until <= now, cases.c.state_after_park), else_=cases.c.state)


def _values(row: CaseRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _NAMES}


def _row(row: Any) -> CaseRow:
    values = list(row)
    values[_SEVERITY] = Severity(values[_SEVERITY])
    return CaseRow(*values)
