"""Defects and cases of a box of the map: one by one, or counted on a grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, cast, func, literal_column, or_, select
from sqlalchemy import Integer as SqlInteger

from roadwarden.cases.answer import CaseState
from roadwarden.defects.presence import Presence
from roadwarden.geo.tiles import MapBox
from roadwarden.storage.case_tables import cases
from roadwarden.storage.tables import defects
from roadwarden.taxonomy import DistressType, Severity

MOST_POINTS = 5000


@dataclass(frozen=True, slots=True)
class MapFilter:
    """What of the map's points is wanted; what is empty or None does not matter. ``at``: as the map stood then."""

    at: datetime
    types: tuple[str, ...] = ()
    severity: Severity | None = None
    states: tuple[CaseState, ...] = ()  # of cases; without any, those that are open
    overdue: bool | None = None
    areas: tuple[str, ...] | None = None  # of cases, that the reader may see; None: all
    of_today: bool = False  # ``at`` is now: what is closed is closed, so that closed cases need not be read


@dataclass(frozen=True, slots=True)
class DefectPoint:
    """One defect."""

    id: str
    lat: float
    lon: float
    type: DistressType
    severe: bool
    seen: bool  # by the last good passes, too


@dataclass(frozen=True, slots=True)
class CasePoint:
    """One case."""

    id: str
    lat: float
    lon: float
    state: str
    severe: bool
    late: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Several on one cell of the grid, at the middle of their places."""

    lat: float
    lon: float
    count: int
    severe: int
    late: int


class MapPoints:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def defects(self, at: datetime) -> Iterator[DefectPoint]:
        """All that were seen by then, by id."""
        columns = (defects.c.id, defects.c.lat, defects.c.lon, defects.c.type, defects.c.severity, defects.c.presence)
        query = select(*columns).where(defects.c.first_seen_at <= at).order_by(defects.c.id)
        for row in self._connection.execute(query):
            severe, seen = row.severity == Severity.SEVERE, row.presence == Presence.SEEN
            yield DefectPoint(row.id, row.lat, row.lon, DistressType(row.type), severe, seen)

    def extent(self) -> tuple[list[str], datetime | None]:
        """The types that occur, the most frequent first, and when the first of all was seen."""
        count = func.count()
        query = select(defects.c.type, count, func.min(defects.c.first_seen_at)).group_by(defects.c.type)
        rows = self._connection.execute(query.order_by(count.desc(), defects.c.type)).all()
        return [row[0] for row in rows], min((row[2] for row in rows), default=None)

    def cases(self, box: MapBox, wanted: MapFilter) -> tuple[CasePoint, ...]:
        """Those that have a place, by id, at most 5,000."""
        columns = (cases.c.case_id, cases.c.lat, cases.c.lon, cases.c.state, cases.c.severity, _late(wanted.at))
        query = _cases(select(*columns), box, wanted).order_by(cases.c.case_id).limit(MOST_POINTS)
        return tuple(
            CasePoint(row.case_id, row.lat, row.lon, row.state, row.severity == Severity.SEVERE, bool(row[5]))
            for row in self._connection.execute(query)
        )

    def case_groups(self, box: MapBox, wanted: MapFilter, step_deg: float) -> tuple[Group, ...]:
        """On squares of so many degrees."""
        cell = [cast(func.floor(column / step_deg), SqlInteger) for column in (cases.c.lat, cases.c.lon)]
        severe = case((cases.c.severity == Severity.SEVERE.value, 1), else_=0)
        sums = (func.count(), func.sum(severe), func.sum(_late(wanted.at)))
        query = _cases(select(func.avg(cases.c.lat), func.avg(cases.c.lon), *sums), box, wanted)
        query = query.group_by(*cell).order_by(*cell)
        return tuple(Group(row[0], row[1], row[2], int(row[3]), int(row[4])) for row in self._connection.execute(query))


def _cases(query: Select[Any], box: MapBox, wanted: MapFilter) -> Select[Any]:
    query = query.where(_inside(cases, box))
    if wanted.states:
        query = query.where(cases.c.state.in_([state.value for state in wanted.states]))
    elif wanted.of_today:
        query = query.where(literal_column("is_open"))  # the word of the partial indexes
    else:
        query = query.where(or_(literal_column("is_open"), cases.c.closed_at > wanted.at))
    if not wanted.of_today:
        query = query.where(cases.c.filed_at <= wanted.at)
    if wanted.overdue is not None:
        query = query.where(_late(wanted.at) == int(wanted.overdue))
    for column, values in ((cases.c.distress, wanted.types), (cases.c.area, wanted.areas)):
        if values or values is wanted.areas is not None:
            query = query.where(column.in_(values or ()))
    return query if wanted.severity is None else query.where(cases.c.severity == wanted.severity.value)


def _late(at: datetime) -> ColumnElement[int]:
    """1 where the repair was not reported by its due time, at that moment."""
    stopped = func.coalesce(cases.c.repair_stopped_at, at)
    return case((and_(cases.c.repair_due_at < stopped, cases.c.repair_due_at < at), 1), else_=0)


def _inside(table: Any, box: MapBox) -> ColumnElement[bool]:
    return or_(
        *(
            and_(table.c.lat.between(part.south, part.north), table.c.lon.between(part.west, part.east))
            for part in box.parts()
        )
    )
