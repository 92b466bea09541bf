"""What whoever asks may do: the rows of his roles in the table of permissions, within the scopes of his token.

Nothing here says who may what; ``tables/permissions.yaml`` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from roadwarden.access.people import ALL_AREAS, Principal
from roadwarden.cases.event_types import EventType, Role
from roadwarden.cases.permissions import Belongs, Permissions, Person, Scope
from roadwarden.cases.rights import Right
from roadwarden.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Within:
    """Cases that one role lets somebody see: those of areas, or those that a department (and crew) holds."""

    areas: frozenset[str] | None = None
    department: str | None = None
    crew: str | None = None  # cases of the department that are with this crew or with none


@dataclass(frozen=True, slots=True)
class Sight:
    """The cases that somebody sees: all, or those within any of ``parts`` (none where there is none)."""

    everything: bool
    parts: tuple[Within, ...] = ()


def forbids(who: Principal, right: Right, table: Permissions, case: Belongs | None = None) -> str | None:
    """Why he may not; None if he may."""
    if who.account.disabled_at is not None:
        return f"the account {who.name} is disabled"
    if right not in who.scopes:
        return f"the scope {right} is wanted; this {who.way} has {_listed(who.scopes)}"
    reasons = [table.forbids_right(person, right, case) for person in who.account.persons()]
    return _unless_one_allows(reasons, who)


def may(who: Principal, right: Right, table: Permissions, case: Belongs | None = None) -> bool:
    """Whether ``forbids`` has nothing against it."""
    return forbids(who, right, table, case) is None


def require(who: Principal, right: Right, table: Permissions, case: Belongs | None = None) -> None:
    """Raises Forbidden with the reason where he may not."""
    if why := forbids(who, right, table, case):
        raise Forbidden(why)


def acting(who: Principal, kind: EventType, table: Permissions, case: Belongs, as_role: Role | None = None) -> Person:
    """He in the role in which he may record that: the one he names, else the first of his that may.

    Raises Forbidden.
    """
    require(who, Right.CASES_RECORD, table)
    reasons: list[str | None] = []
    for person in _in_roles(who, as_role):
        why = table.forbids_right(person, Right.CASES_RECORD, case) or table.forbids(person, kind, case)
        if why is None:
            return person
        reasons.append(why)
    raise Forbidden(_unless_one_allows(reasons, who) or "")


def approving(
    who: Principal, kind: EventType, table: Permissions, case: Belongs, as_role: Role | None = None
) -> Person:
    """He in a role in which he may approve that of another person. Raises Forbidden."""
    require(who, Right.CASES_RECORD, table)
    reasons: list[str | None] = []
    for person in _in_roles(who, as_role):
        why = table.forbids_right(person, Right.CASES_RECORD, case) or table.forbids_approval(person, kind, case)
        if why is None:
            return person
        reasons.append(why)
    raise Forbidden(_unless_one_allows(reasons, who) or "")


def sight(who: Principal, table: Permissions, right: Right = Right.CASES_READ) -> Sight:
    """On which cases he has a right; raises Forbidden where he has it on none whatever they are."""
    require(who, right, table)
    held = [person for person in who.account.persons() if table.forbids_right(person, right) is None]
    parts: list[Within] = []
    for person in held:
        scope = table.scope(person.role)
        if scope is Scope.EVERYWHERE or (scope is Scope.AREAS and ALL_AREAS in person.areas):
            return Sight(everything=True)
        if scope is Scope.AREAS and person.areas:
            parts.append(Within(areas=person.areas))
        if scope is Scope.OWN and person.department is not None:
            parts.append(Within(department=person.department, crew=person.crew))
    return Sight(everything=False, parts=tuple(dict.fromkeys(parts)))


def _in_roles(who: Principal, as_role: Role | None) -> tuple[Person, ...]:
    if as_role is None:
        return who.account.persons()
    if as_role not in who.account.roles:
        raise Forbidden(f"{who.name} is no {as_role}, but {_listed(who.account.roles)}")
    return (who.account.person(as_role),)


def _unless_one_allows(reasons: list[str | None], who: Principal) -> str | None:
    if not reasons:
        return f"{who.name} has no role yet; an administrator gives one"
    if None in reasons:
        return None
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "none"
