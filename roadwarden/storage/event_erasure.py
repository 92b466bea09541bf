"""The one way in which what is only added to is ever written over: what is personal in it gives way to a mark.

The triggers that forbid it rest for this one transaction, so it takes the owner of the tables. The log says that it was
done (``service.ledger_erasure``, ``service.privacy``); an update of an event past it is found by an audit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text, update

from roadwarden.storage.case_tables import case_events
from roadwarden.storage.engine import POSTGRESQL


def overwrite_events(connection: Connection, events: Mapping[int, tuple[str, Mapping[str, Any]]]) -> None:
    """Position to the actor and data that shall stand there, in a transaction that writes."""
    with unguarded(connection, "case_events"):
        for position, (actor, data) in events.items():
            values = {"actor": actor, "data": json.dumps(data, ensure_ascii=False)}
            connection.execute(update(case_events).where(case_events.c.position == position).values(values))


@contextmanager
def unguarded(connection: Connection, table: str) -> Iterator[None]:
    """The triggers of a table that is only added to rest meanwhile; an error rolls them back with everything else."""
    if connection.dialect.name == POSTGRESQL:
        trigger = f"{table}_only_added_to"
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}"))
        yield
        connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}"))
        return
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
    guards = connection.execute(text(query), {"table": table}).all()
    for name, _ in guards:
        connection.execute(text(f'DROP TRIGGER "{name}"'))
    yield
    for _, statement in guards:
        connection.exec_driver_sql(statement)
