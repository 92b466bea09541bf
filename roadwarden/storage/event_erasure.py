"""The one way in which an event is ever written over: what is personal in it gives way to a mark.

The triggers that forbid it rest for this one transaction, so it takes the owner of the tables. The log says that it was
done (``service.ledger_erasure``); an update past it is found by an audit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text, update

from roadwarden.storage.case_tables import case_events
from roadwarden.storage.engine import POSTGRESQL

_TRIGGER = "case_events_only_added_to"


def overwrite_events(connection: Connection, events: Mapping[int, tuple[str, Mapping[str, Any]]]) -> None:
    """Position to the actor and data that shall stand there, in a transaction that writes."""
    with _unguarded(connection):
        for position, (actor, data) in events.items():
            values = {"actor": actor, "data": json.dumps(data, ensure_ascii=False)}
            connection.execute(update(case_events).where(case_events.c.position == position).values(values))


@contextmanager
def _unguarded(connection: Connection) -> Iterator[None]:
    if connection.dialect.name == POSTGRESQL:
        connection.execute(text(f"ALTER TABLE case_events DISABLE TRIGGER {_TRIGGER}"))
        yield
        connection.execute(text(f"ALTER TABLE case_events ENABLE TRIGGER {_TRIGGER}"))
        return
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'case_events'"
    guards = connection.execute(text(query)).all()
    for name, _ in guards:
        connection.execute(text(f'DROP TRIGGER "{name}"'))
    yield
    for _, statement in guards:
        connection.exec_driver_sql(statement)
