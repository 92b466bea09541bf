"""Accounts with their roles and areas, and the record of what was changed about them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from roadwarden.access.people import Account
from roadwarden.cases.event_types import Role
from roadwarden.storage.people_tables import access_events, people, people_areas, people_roles

_NEWEST_CHANGE = select(func.max(access_events.c.number))  # made once: every request asks


@dataclass(frozen=True, slots=True)
class AccessEvent:
    """One change of somebody's access."""

    at: datetime
    actor: str
    person: str
    what: str
    details: Mapping[str, Any]


class PeopleStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> Account | None:
        """An account, disabled ones too; None where there is none of that name."""
        row = self._connection.execute(select(people).where(people.c.name == name)).first()
        if row is None:
            return None
        return _account(row, self._words(people_roles.c.role, name), self._words(people_areas.c.area, name))

    def version(self) -> int:
        """Grows with every change of an account or token: each is written down in its own transaction."""
        return self._connection.execute(_NEWEST_CHANGE).scalar_one() or 0

    def all(self) -> tuple[Account, ...]:
        """Every account, by name."""
        rows = self._connection.execute(select(people).order_by(people.c.name)).all()
        return tuple(
            _account(row, self._words(people_roles.c.role, row.name), self._words(people_areas.c.area, row.name))
            for row in rows
        )

    def password_hash(self, name: str) -> str | None:
        """None where the account has no password, or is not there."""
        return self._connection.execute(select(people.c.password_hash).where(people.c.name == name)).scalar()

    def add(self, account: Account, now: datetime) -> None:
        """A new account, with its roles and areas; raises DataError where the name is taken."""
        values = {"name": account.name, "display_name": account.display_name, "created_at": now}
        values |= {"department": account.department, "crew": account.crew}
        self._connection.execute(insert(people), values)
        self.set_roles(account.name, account.roles)
        self.set_areas(account.name, account.areas)

    def set_roles(self, name: str, roles: Iterable[Role]) -> None:
        """These and no others."""
        self._connection.execute(delete(people_roles).where(people_roles.c.person == name))
        if rows := [{"person": name, "role": role.value} for role in sorted(roles)]:
            self._connection.execute(insert(people_roles), rows)

    def set_areas(self, name: str, areas: Iterable[str]) -> None:
        """These and no others."""
        self._connection.execute(delete(people_areas).where(people_areas.c.person == name))
        if rows := [{"person": name, "area": area} for area in sorted(areas)]:
            self._connection.execute(insert(people_areas), rows)

    def change(self, name: str, **columns: Any) -> None:
        """Sets columns of the account."""
        self._connection.execute(update(people).where(people.c.name == name).values(**columns))

    def has_role(self, role: Role) -> int:
        """How many accounts that are not disabled have it."""
        query = select(func.count()).select_from(people_roles.join(people, people.c.name == people_roles.c.person))
        query = query.where(people_roles.c.role == role.value, people.c.disabled_at.is_(None))
        return int(self._connection.execute(query).scalar_one())

    def record(self, at: datetime, actor: str, person: str, what: str, /, **details: Any) -> None:
        """Writes down a change; never a secret."""
        told = json.dumps(details, ensure_ascii=False, sort_keys=True)
        values = {"at": at, "actor": actor, "person": person, "what": what, "details": told}
        self._connection.execute(insert(access_events), values)

    def recorded(self, person: str | None = None) -> tuple[AccessEvent, ...]:
        """What was changed, the oldest first."""
        query = select(access_events).order_by(access_events.c.number)
        if person is not None:
            query = query.where(access_events.c.person == person)
        rows = self._connection.execute(query)
        return tuple(AccessEvent(row.at, row.actor, row.person, row.what, json.loads(row.details)) for row in rows)

    def _words(self, column: Any, name: str) -> list[str]:
        return list(self._connection.execute(select(column).where(column.table.c.person == name)).scalars())


def _account(row: Any, roles: Iterable[str], areas: Iterable[str]) -> Account:
    return Account(
        row.name,
        row.display_name,
        frozenset(map(Role, roles)),
        frozenset(areas),
        row.department,
        row.crew,
        row.disabled_at,
    )
