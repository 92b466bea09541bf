"""People and what they may, for administrators; who has read personal data, for auditors."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from roadwarden.access.people import Account
from roadwarden.access.policy import require
from roadwarden.cases.event_types import Role
from roadwarden.cases.rights import Right
from roadwarden.errors import ConfigError
from roadwarden.storage.engine import reading
from roadwarden.storage.people import PeopleStore
from roadwarden.storage.reads import ReadStore
from roadwarden.web.identity import Caller
from roadwarden.web.pages.rendering import render
from roadwarden.web.parts import Parts, PartsOf

router = APIRouter(include_in_schema=False)
_A_PAGE: Final = 100
GIVEN: Final = tuple(role for role in Role if role not in (Role.SYSTEM, Role.CITIZEN))
"""Roles that people have."""

_CHANGES: Final = 30
"""Of an account, the newest, on its page."""

Text = Annotated[str, Form(max_length=200)]
Password = Annotated[str, Form(max_length=256)]
Roles = Annotated[list[Role] | None, Form()]
Areas = Annotated[list[str] | None, Form()]


@router.get("/people")
def people_page(request: Request, caller: Caller, parts: PartsOf) -> HTMLResponse:
    """All accounts, a form for a new one, and who may record what."""
    require(caller, Right.PEOPLE_MANAGE, parts.permissions)
    return _all(request, parts)


@router.post("/people")
def add_person(
    request: Request,
    caller: Caller,
    parts: PartsOf,
    name: Text,
    display_name: Text,
    password: Password,
    roles: Roles = None,
    areas: Areas = None,
    department: Text = "",
    crew: Text = "",
) -> Response:
    """A new account."""
    require(caller, Right.PEOPLE_MANAGE, parts.permissions)
    where = frozenset(areas or ())
    account = Account(name, display_name, frozenset(roles or ()), where, department or None, crew or None)
    try:
        parts.people.add(account, by=caller.name, password=password)
    except ConfigError as exc:
        return _all(request, parts, str(exc))
    return RedirectResponse("/people", 303)


@router.get("/people/{name}")
def person_page(request: Request, caller: Caller, parts: PartsOf, name: str) -> HTMLResponse:
    """One account, to be changed, and who changed what about it."""
    require(caller, Right.PEOPLE_MANAGE, parts.permissions)
    return _one(request, parts, name)


@router.post("/people/{name}")
def change_person(
    request: Request,
    caller: Caller,
    parts: PartsOf,
    name: str,
    roles: Roles = None,
    areas: Areas = None,
    department: Text = "",
    crew: Text = "",
) -> Response:
    """These roles and areas and no others; they hold from the next request on."""
    require(caller, Right.PEOPLE_MANAGE, parts.permissions)
    try:
        parts.people.change(name, caller.name, roles=roles or (), areas=areas or (), department=department, crew=crew)
    except ConfigError as exc:
        return _one(request, parts, name, str(exc))
    return RedirectResponse(f"/people/{quote(name)}", 303)


@router.post("/people/{name}/password")
def set_password(request: Request, caller: Caller, parts: PartsOf, name: str, password: Password) -> Response:
    """Who was logged in with the old one is not any more."""
    require(caller, Right.PEOPLE_MANAGE, parts.permissions)
    try:
        parts.people.set_password(name, password, by=caller.name)
    except ConfigError as exc:
        return _one(request, parts, name, str(exc))
    return RedirectResponse(f"/people/{quote(name)}", 303)


@router.post("/people/{name}/disable")
def disable(request: Request, caller: Caller, parts: PartsOf, name: str) -> Response:
    """Nobody logs in with it any more; what was done with it stays."""
    require(caller, Right.PEOPLE_MANAGE, parts.permissions)
    try:
        parts.people.disable(name, by=caller.name)
    except ConfigError as exc:
        return _all(request, parts, str(exc))
    return RedirectResponse("/people", 303)


@router.post("/people/{name}/enable")
def enable(caller: Caller, parts: PartsOf, name: str) -> RedirectResponse:
    """It is let in again."""
    require(caller, Right.PEOPLE_MANAGE, parts.permissions)
    parts.people.enable(name, by=caller.name)
    return RedirectResponse("/people", 303)


def _all(request: Request, parts: Parts, problem: str = "") -> HTMLResponse:
    """With what was wrong with a form: the words of the rule that refused it."""
    accounts = sorted(parts.people.all(), key=lambda one: (one.disabled_at is not None, one.name))
    rows = [(one, sorted(one.roles, key=list(Role).index)) for one in accounts]
    status = HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK
    return render(
        request,
        "people.html",
        status,
        rows=rows,
        roles=GIVEN,
        table=parts.dispatch,
        permissions=parts.permissions,
        problem=problem,
    )


def _one(request: Request, parts: Parts, name: str, problem: str = "") -> HTMLResponse:
    account = parts.people.get(name)
    with reading(parts.engine) as connection:
        changes = PeopleStore(connection).recorded(name)[: -_CHANGES - 1 : -1]
    status = HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK
    return render(
        request,
        "person.html",
        status,
        person=account,
        roles=GIVEN,
        table=parts.dispatch,
        problem=problem,
        changes=changes,
    )


@router.get("/audit")
def audit_page(
    request: Request, caller: Caller, parts: PartsOf, before: Annotated[int | None, Query(ge=1)] = None
) -> HTMLResponse:
    """Who has read personal data of which case, the newest first."""
    require(caller, Right.READS_READ, parts.permissions)
    with reading(parts.engine) as connection:
        reads = ReadStore(connection).list(before, most=_A_PAGE)
    return render(request, "audit.html", reads=reads, more=reads[-1].number if len(reads) == _A_PAGE else None)
