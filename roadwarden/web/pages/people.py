"""People and what they may, for administrators; who has read personal data, for auditors."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse

from roadwarden.access.people import Account
from roadwarden.access.policy import require
from roadwarden.cases.event_types import Role
from roadwarden.cases.rights import Right
from roadwarden.storage.engine import reading
from roadwarden.storage.reads import ReadStore
from roadwarden.web.identity import Caller
from roadwarden.web.pages.rendering import render
from roadwarden.web.parts import PartsOf

router = APIRouter(include_in_schema=False)
_A_PAGE: Final = 100
GIVEN: Final = tuple(role for role in Role if role not in (Role.SYSTEM, Role.CITIZEN))
"""Roles that people have."""

Text = Annotated[str, Form(max_length=200)]


@router.get("/people")
def people_page(request: Request, caller: Caller, parts: PartsOf) -> HTMLResponse:
    """All accounts, and a form for a new one."""
    require(caller, Right.PEOPLE_MANAGE, parts.permissions)
    accounts = sorted(parts.people.all(), key=lambda one: (one.disabled_at is not None, one.name))
    rows = [(one, sorted(one.roles, key=list(Role).index)) for one in accounts]
    return render(request, "people.html", rows=rows, roles=GIVEN, table=parts.dispatch, permissions=parts.permissions)


@router.post("/people")
def add_person(
    caller: Caller,
    parts: PartsOf,
    name: Text,
    display_name: Text,
    password: Annotated[str, Form(max_length=256)],
    roles: Annotated[list[Role] | None, Form()] = None,
    areas: Annotated[list[str] | None, Form()] = None,
    department: Text = "",
    crew: Text = "",
) -> RedirectResponse:
    """A new account."""
    require(caller, Right.PEOPLE_MANAGE, parts.permissions)
    where = frozenset(areas or ())
    account = Account(name, display_name, frozenset(roles or ()), where, department or None, crew or None)
    parts.people.add(account, by=caller.name, password=password)
    return RedirectResponse("/people", 303)


@router.post("/people/{name}/disable")
def disable(caller: Caller, parts: PartsOf, name: str) -> RedirectResponse:
    """Nobody logs in with it any more; what was done with it stays."""
    require(caller, Right.PEOPLE_MANAGE, parts.permissions)
    parts.people.disable(name, by=caller.name)
    return RedirectResponse("/people", 303)


@router.post("/people/{name}/enable")
def enable(caller: Caller, parts: PartsOf, name: str) -> RedirectResponse:
    """It is let in again."""
    require(caller, Right.PEOPLE_MANAGE, parts.permissions)
    parts.people.enable(name, by=caller.name)
    return RedirectResponse("/people", 303)


@router.get("/audit")
def audit_page(
    request: Request, caller: Caller, parts: PartsOf, before: Annotated[int | None, Query(ge=1)] = None
) -> HTMLResponse:
    """Who has read personal data of which case, the newest first."""
    require(caller, Right.READS_READ, parts.permissions)
    with reading(parts.engine) as connection:
        reads = ReadStore(connection).list(before, most=_A_PAGE)
    return render(request, "audit.html", reads=reads, more=reads[-1].number if len(reads) == _A_PAGE else None)
