"""Wishes about cases that wait for another person's approval, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from roadwarden.cases.event_types import EventType, Role
from roadwarden.storage.people_tables import WishState, case_wishes

MOST_WISHES = 500


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to do to a case once another person approves."""

    id: str
    case: str
    version: int  # of the case as he saw it
    type: EventType
    data: Mapping[str, Any]  # of the event, without an approver
    actor: str
    role: Role
    created_at: datetime
    state: WishState = WishState.WAITING
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None  # why it was refused


class WishStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, wish: Wish) -> None:
        """A new one."""
        values = {"id": wish.id, "case_id": wish.case, "version": wish.version, "type": wish.type.value}
        values |= {"data": json.dumps(dict(wish.data), ensure_ascii=False), "actor": wish.actor}
        values |= {"role": wish.role.value, "created_at": wish.created_at, "state": wish.state.value}
        self._connection.execute(insert(case_wishes), values)

    def get(self, name: str) -> Wish | None:
        """None where there is none."""
        row = self._connection.execute(select(case_wishes).where(case_wishes.c.id == name)).first()
        return None if row is None else _wish(row)

    def list(self, state: WishState | None = None, case: str | None = None) -> tuple[Wish, ...]:
        """The oldest first, 500 at most."""
        query = select(case_wishes).order_by(case_wishes.c.created_at, case_wishes.c.id).limit(MOST_WISHES)
        if state is not None:
            query = query.where(case_wishes.c.state == state.value)
        if case is not None:
            query = query.where(case_wishes.c.case_id == case)
        return tuple(map(_wish, self._connection.execute(query)))

    def decide(self, name: str, state: WishState, by: str, now: datetime, reason: str | None = None) -> bool:
        """Whether it still waited."""
        query = update(case_wishes).where(case_wishes.c.id == name, case_wishes.c.state == WishState.WAITING.value)
        values = {"state": state.value, "decided_by": by, "decided_at": now, "reason": reason}
        return self._connection.execute(query.values(**values)).rowcount == 1


def _wish(row: Any) -> Wish:
    return Wish(
        row.id,
        row.case_id,
        row.version,
        EventType(row.type),
        json.loads(row.data),
        row.actor,
        Role(row.role),
        row.created_at,
        WishState(row.state),
        row.decided_by,
        row.decided_at,
        row.reason,
    )
