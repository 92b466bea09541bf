"""A witness in the database of another department: one table of its own, beside whatever else that database holds.

The department makes the table (``roadwarden ledger witness URL``) and gives our service the rights to SELECT and INSERT
on it, no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, Text, func, insert, inspect, select, text

from roadwarden.storage.columns import UtcTime
from roadwarden.storage.engine import POSTGRESQL, reading, writing

TABLE = "roadwarden_witness"
_metadata = MetaData()  # not that of our own schema: the database is somebody else's
witness_checkpoints = Table(
    TABLE,
    _metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("origin", Text, nullable=False, index=True),
    Column("note", Text, nullable=False),
    Column("taken_at", UtcTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class WitnessRow:
    """A checkpoint as the witness took it."""

    note: str
    taken_at: datetime


class WitnessStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def kept(self, origin: str) -> tuple[WitnessRow, ...]:
        """What it has of one log, in the order in which it took them."""
        query = select(witness_checkpoints).where(witness_checkpoints.c.origin == origin)
        rows = self._connection.execute(query.order_by(witness_checkpoints.c.number))
        return tuple(WitnessRow(row.note, row.taken_at) for row in rows)

    def add(self, origin: str, note: str, now: datetime) -> None:
        """Keeps one more."""
        last = self._connection.execute(select(func.max(witness_checkpoints.c.number))).scalar_one() or 0
        values = {"number": last + 1, "origin": origin, "note": note, "taken_at": now}
        self._connection.execute(insert(witness_checkpoints), values)


def has_table(engine: Engine) -> bool:
    """Whether the database is a witness already."""
    with reading(engine) as connection:
        return inspect(connection).has_table(TABLE)


def make_table(engine: Engine) -> None:
    """Makes it a witness: the table, and triggers that refuse to change or delete what it has."""
    with writing(engine) as connection:
        if inspect(connection).has_table(TABLE):
            return
        _metadata.create_all(connection)
        for statement in _guards(engine.dialect.name):
            connection.execute(text(statement))


def _guards(dialect: str) -> list[str]:
    if dialect == POSTGRESQL:
        return [
            f"CREATE FUNCTION {TABLE}_only_added_to() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{TABLE} is only added to'; END $$",
            f"CREATE TRIGGER {TABLE}_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_only_added_to()",
        ]
    return [
        f"CREATE TRIGGER {TABLE}_no_{what.lower()} BEFORE {what} ON {TABLE} "
        f"BEGIN SELECT RAISE(ABORT, '{TABLE} is only added to'); END"
        for what in ("UPDATE", "DELETE")
    ]
