"""Who may do what, and on which cases, ``tables/permissions.yaml``; the service and the web ask, a replay does not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Final, Self

from pydantic import Field, model_validator

from roadwarden.cases.events import EventType, Role
from roadwarden.cases.rights import OF_CASES, Right, never_may
from roadwarden.cases.roles import APPROVING, never_records
from roadwarden.cases.tables import Strict, require_once
from roadwarden.settings import read_shipped_table, read_strict_yaml

NEED_APPROVAL: Final = frozenset(
    {
        EventType.SEVERITY_CHANGED,  # down only
        EventType.EXTENDED,
        EventType.PARKED,
        EventType.VOIDED,
        EventType.TIME_ACCEPTED,
    }
)
"""What carries ``approved_by``."""


class Scope(StrEnum):
    """On which cases a role acts."""

    EVERYWHERE = "everywhere"
    AREAS = "areas"  # those of the person's areas
    OWN = "own"  # those that the person's department holds, and his crew if he has one


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts, in what capacity, and where he belongs."""

    actor: str
    role: Role
    areas: frozenset[str] = frozenset()
    """Area ids; with ``*`` all of them."""
    department: str | None = None
    crew: str | None = None


@dataclass(frozen=True, slots=True)
class Belongs:
    """Where a case belongs: the area of its filing, and who holds it now."""

    area: str | None = None
    department: str | None = None
    crew: str | None = None


class RoleRow(Strict):
    """What one role may do."""

    role: Role = Field(description="the role")
    scope: Scope = Field(description="on which cases")
    records: tuple[EventType, ...] = Field(description="events that it may record")
    approves: tuple[EventType, ...] = Field(default=(), description="events of others that it may approve")
    may: tuple[Right, ...] = Field(default=(), description="its rights on the web; none where a table says nothing")

    @model_validator(mode="after")
    def _check(self) -> Self:
        for kind in self.records:
            if why := never_records(self.role, kind):
                raise ValueError(f"role {self.role}: {why}; take {kind} out of 'records'")
        if self.approves and self.role not in APPROVING:
            raise ValueError(f"role {self.role}: only {', '.join(sorted(APPROVING))} can approve; empty 'approves'")
        if wrong := [kind for kind in self.approves if kind not in NEED_APPROVAL]:
            raise ValueError(f"role {self.role}: {', '.join(wrong)} needs no approval; take it out of 'approves'")
        for right in self.may:
            if why := never_may(self.role, right):
                raise ValueError(f"role {self.role}: {why}; take {right} out of 'may'")
        return self


class Permissions(Strict):
    """One row a role."""

    version: str = Field(min_length=1, description="changes when any row does")
    roles: tuple[RoleRow, ...] = Field(description="one row a role")

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_once((row.role for row in self.roles), "roles")
        if missing := [role for role in Role if role not in self._rows]:
            raise ValueError(f"no row for {', '.join(missing)}; a role that may do nothing has 'records: []'")
        return self

    @cached_property
    def _rows(self) -> dict[Role, RoleRow]:
        return {row.role: row for row in self.roles}

    def _who(self, kind: EventType, *, approve: bool = False) -> str:
        may = [row.role for row in self.roles if kind in (row.approves if approve else row.records)]
        return ", ".join(may) or "nobody"

    def scope(self, role: Role) -> Scope:
        """On which cases a role acts and reads."""
        return self._rows[role].scope

    def forbids_right(self, person: Person, right: Right, case: Belongs | None = None) -> str | None:
        """Why the person has not that right; None if he has. ``case``: where it belongs, for rights on one case."""
        row = self._rows[person.role]
        if right not in row.may:
            holders = ", ".join(one.role for one in self.roles if right in one.may)
            return f"the role {person.role} has no right {right}; {holders or 'nobody'} has"
        return _out_of_scope(person, row.scope, case) if case is not None and right in OF_CASES else None

    def forbids(self, person: Person, kind: EventType, case: Belongs) -> str | None:
        """Why the person may not record an event of this type on a case that belongs there; None if he may."""
        row = self._rows[person.role]
        if kind not in row.records:
            return f"the role {person.role} may not record {kind}; {self._who(kind)} may"
        return _out_of_scope(person, row.scope, case)

    def forbids_approval(self, person: Person, kind: EventType, case: Belongs) -> str | None:
        """Why the person may not approve an event of this type there; None if he may."""
        row = self._rows[person.role]
        if kind not in row.approves:
            return f"the role {person.role} may not approve {kind}; {self._who(kind, approve=True)} may"
        return _out_of_scope(person, row.scope, case)


def _out_of_scope(person: Person, scope: Scope, case: Belongs) -> str | None:
    if scope is Scope.AREAS and "*" not in person.areas and case.area not in person.areas:
        areas = ", ".join(sorted(person.areas)) or "none"
        return f"{person.actor} has no part in area {case.area or '(none)'}; areas of {person.actor}: {areas}"
    if scope is Scope.OWN and not _holds(person, case):
        held = ", crew ".join(filter(None, (case.department or "nobody", case.crew)))
        mine = " ".join(filter(None, (person.department or "(no department)", person.crew)))
        return f"the case is with {held}, and {person.actor} belongs to {mine}"
    return None


def _holds(person: Person, case: Belongs) -> bool:
    if case.department is None or person.department != case.department:
        return False
    return person.crew is None or case.crew is None or person.crew == case.crew


def read_permissions(path: Path) -> Permissions:
    """A city's own table; raises ConfigError that lists every fault."""
    return read_strict_yaml(path, Permissions)


@cache
def shipped_permissions() -> Permissions:
    """The table that comes with us."""
    return read_shipped_table("permissions.yaml", Permissions)
