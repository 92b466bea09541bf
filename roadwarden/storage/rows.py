"""Values to rows and back: what the stores have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from scipy.spatial import cKDTree
from sqlalchemy import ARRAY, Column, Connection, Table, TableValuedAlias, bindparam, func, insert, select, update
from sqlalchemy import column as sql_column
from sqlalchemy.dialects import postgresql, sqlite

from roadwarden.detections import PlaneCovariance, Position
from roadwarden.geo.plane import LocalPlane
from roadwarden.geo.tiles import Keys, tile_keys

Item = TypeVar("Item")
Values: TypeAlias = dict[str, Any]

MOST_VALUES = 8000
"""In one IN (...): below the 32766 that SQLite takes."""


def chunks(items: Iterable[Item], size: int = MOST_VALUES) -> Iterator[list[Item]]:
    """The items in lists of ``size``, the last one shorter; none where there are none."""
    left = iter(items)
    while chunk := list(islice(left, size)):
        yield chunk


def degrees(positions: Sequence[Position]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(n, 2) latitudes and longitudes."""
    return np.array([(position.lat, position.lon) for position in positions], np.float64).reshape(-1, 2)


def tiles(positions: Sequence[Position]) -> list[int]:
    """The tile of each position, as the databases' drivers take numbers."""
    keys: Keys = tile_keys(degrees(positions))
    return [int(key) for key in keys]


def place_columns(position: Position, covariance: PlaneCovariance) -> Values:
    """What sightings and defects have in common."""
    return {
        "lat": position.lat,
        "lon": position.lon,
        "east_m2": covariance.east_m2,
        "north_m2": covariance.north_m2,
        "east_north_m2": covariance.east_north_m2,
    }


class Placed(Protocol):
    """Something with a place."""

    @property
    def position(self) -> Position:
        """Where its middle is."""
        ...


Thing = TypeVar("Thing", bound=Placed)


def within(found: Sequence[Thing], places: Sequence[Position], radius_m: float) -> tuple[Thing, ...]:
    """Those that lie within ``radius_m`` of at least one of the places, in the order given."""
    if not found:
        return ()
    plane = LocalPlane.around(places)
    here, there = (plane.to_metres(degrees(these)) for these in ([one.position for one in found], places))
    distance, _ = cKDTree(there).query(here, distance_upper_bound=radius_m * (1 + 1e-9))
    return tuple(one for one, ok in zip(found, np.isfinite(distance), strict=True) if ok)


_INSERTS: Mapping[str, Callable[[Table], sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def insert_of(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say what to do ON CONFLICT: both databases have it, in words of their own."""
    return _INSERTS[connection.dialect.name](table)


def rows_where(connection: Connection, query: Any, column: Any, values: Iterable[Any]) -> Iterator[Any]:
    """The rows of ``query`` whose ``column`` is one of ``values``, however many those are."""
    arrays = connection.dialect.name == "postgresql"  # one parameter instead of thousands
    for chunk in chunks(values):
        among = column == func.any(bindparam(None, chunk, ARRAY(column.type))) if arrays else column.in_(chunk)
        yield from connection.execute(query.where(among))


@dataclass(frozen=True, slots=True)
class OnConflict:
    """What an insert does where a row with these keys is there: change those columns, or, where none, nothing."""

    keys: tuple[str, ...]
    changes: tuple[str, ...] = ()


@cache
def _upsert(dialect: str, table: Table, on_conflict: OnConflict) -> sqlite.Insert | postgresql.Insert:
    """Made once: naming the columns of ``excluded`` takes longer than the insert itself."""
    statement: sqlite.Insert | postgresql.Insert = _resolved(_INSERTS[dialect](table), on_conflict)
    return statement


def _resolved(statement: Any, on_conflict: OnConflict) -> Any:
    if not on_conflict.changes:
        return statement.on_conflict_do_nothing()
    changes = {name: statement.excluded[name] for name in on_conflict.changes}
    return statement.on_conflict_do_update(index_elements=on_conflict.keys, set_=changes)


def upsert_of(connection: Connection, table: Table, on_conflict: OnConflict) -> sqlite.Insert | postgresql.Insert:
    """An insert for rows of all columns that knows what to do where they are there."""
    return _upsert(connection.dialect.name, table, on_conflict)


def insert_rows(
    connection: Connection, table: Table, rows: Iterable[Values], on_conflict: OnConflict | None = None
) -> None:
    """Adds rows that all have the same columns. PostgreSQL gets each column as one array: a fifth of the time."""
    for chunk in chunks(rows):
        statement = insert_of(connection, table)
        if connection.dialect.name == "postgresql":
            arrays = _arrays(table, chunk)
            statement = statement.from_select(list(chunk[0]), select(*arrays.c))
        if on_conflict is not None:
            statement = _resolved(statement, on_conflict)
        if connection.dialect.name == "postgresql":
            connection.execute(statement)
        else:
            connection.execute(statement, chunk)


def update_rows(connection: Connection, table: Table, key: str, rows: Iterable[Values]) -> None:
    """Changes rows, found by ``key``; all have the same columns."""
    for chunk in chunks(rows):
        names = [name for name in chunk[0] if name != key]
        if connection.dialect.name == "postgresql":
            arrays = _arrays(table, chunk)
            statement = update(table).where(table.c[key] == arrays.c[key])
            connection.execute(statement.values({name: arrays.c[name] for name in names}))
        else:
            statement = update(table).where(table.c[key] == bindparam(f"of_{key}"))
            statement = statement.values({name: bindparam(f"new_{name}") for name in names})
            renamed = [{f"of_{key}": row[key]} | {f"new_{name}": row[name] for name in names} for row in chunk]
            connection.execute(statement, renamed)


def _arrays(table: Table, rows: Sequence[Values]) -> TableValuedAlias:
    """The rows as a table in PostgreSQL: one parameter a column."""
    names = list(rows[0])
    columns = [bindparam(None, [row[name] for row in rows], ARRAY(table.c[name].type)) for name in names]
    typed = [sql_column(name, table.c[name].type) for name in names]
    return func.unnest(*columns).table_valued(*typed, name="given").render_derived()


def numbers_of(connection: Connection, table: Table, column: Column[Any], names: Iterable[str]) -> Mapping[str, int]:
    """The number of each name in a table of (number, name); new names get new ones."""
    wanted = sorted(set(names))
    query = select(column, table.c.number)
    known = {row[0]: row[1] for row in rows_where(connection, query, column, wanted)}
    new = [{column.name: name} for name in wanted if name not in known]
    if not new:
        return known
    connection.execute(insert(table), new)
    return {row[0]: row[1] for row in rows_where(connection, query, column, wanted)}
