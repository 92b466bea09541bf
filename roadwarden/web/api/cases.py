"""Reading cases: the list, and one with its clocks and events."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from roadwarden.access.people import Principal
from roadwarden.access.policy import Sight, require, sight
from roadwarden.cases.answer import CaseState
from roadwarden.cases.event_types import EARLIEST, LATEST, Role, format_time, parse_text
from roadwarden.cases.rights import Right
from roadwarden.errors import Forbidden, UnknownCase
from roadwarden.service.case_views import CaseView, impersonal, view_case
from roadwarden.service.cases import no_such_case
from roadwarden.storage.case_rows import CaseFilter, Order, key_of
from roadwarden.storage.case_unit import reading
from roadwarden.storage.engine import writing
from roadwarden.storage.reads import ReadStore
from roadwarden.taxonomy import Severity
from roadwarden.web.answers import answer, etag
from roadwarden.web.api.case_models import CaseDetail, CasePage
from roadwarden.web.cursor import read_cursor, write_cursor
from roadwarden.web.identity import Caller
from roadwarden.web.parts import Parts, PartsOf
from roadwarden.web.problems import answers

router = APIRouter(prefix="/api/v1/cases", tags=["cases"])
Value = TypeVar("Value")
MOST = 200


def _within_calendar(at: datetime) -> datetime:
    if not EARLIEST <= at < LATEST:
        raise ValueError("wanted a year from 1970 to 2199")
    return at


Word = Annotated[str, AfterValidator(parse_text), Field(min_length=1, max_length=200)]
Moment = Annotated[AwareDatetime, AfterValidator(_within_calendar)]
CaseName = Annotated[str, Path(description="name of the case", min_length=1, max_length=200, examples=["2026-000001"])]


class CaseQuery(BaseModel):
    """Filters of the list; what is not given does not matter."""

    model_config = ConfigDict(extra="forbid")
    order: Order = Field(
        default=Order.NEWEST, description="due: the countdown board, open cases of which something is due"
    )
    state: CaseState | None = None
    open: bool | None = None
    overdue: bool | None = None
    severity: Severity | None = None
    area: Word | None = None
    department: Word | None = None
    crew: Word | None = None
    distress: Word | None = None
    domain: Word | None = None
    segment: Word | None = None
    defect: Word | None = None
    filed_from: Moment | None = None
    filed_before: Moment | None = None
    due_before: Moment | None = None
    as_role: Role | None = Field(default=None, description="only what you see in this role of yours")
    limit: int = Field(default=50, ge=1, le=MOST)
    after: str | None = Field(default=None, max_length=600, description="``next`` of the page before")


@router.get("", response_model=CasePage, responses=answers(401, 403, 422))
def list_cases(query: Annotated[CaseQuery, Query()], caller: Caller, parts: PartsOf) -> Response:
    """The cases that you may see, newest first or the most urgent first; without personal data."""
    now = parts.now()
    wanted = _filter(query, sight(_in_role(caller, query.as_role), parts.permissions))
    after = read_cursor(query.order, query.after) if query.after else None
    with reading(parts.engine) as unit:
        rows = unit.rows.list(wanted, now, query.order, query.limit + 1, after)
    shown = rows[: query.limit]
    more = write_cursor(query.order, key_of(shown[-1], query.order)) if len(rows) > len(shown) else None
    return answer({"now": format_time(now), "items": [row.as_json(now) for row in shown], "next": more})


@router.get("/{case}", response_model=CaseDetail, responses=answers(401, 403, 404, 422))
def show_case(
    case: CaseName,
    caller: Caller,
    parts: PartsOf,
    personal: Annotated[bool, Query(description="with who acted and free text; that is written down")] = False,
) -> Response:
    """One case: its clocks, its events, what of them does not count. Its ETag is what If-Match of a command wants."""
    view = visible(parts, caller, case)
    if personal:
        read_personal(parts, caller, view)
    return answer(detail(view, personal=personal), headers={"etag": etag(view.row.version)})


def visible(parts: Parts, caller: Principal, case: str, right: Right = Right.CASES_READ) -> CaseView:
    """A case that the caller may see. Raises UnknownCase for others too, so that nobody learns that they exist."""
    require(caller, right, parts.permissions)
    view = view_case(parts.desk, case)
    try:
        require(caller, right, parts.permissions, view.belongs)
    except Forbidden:
        raise UnknownCase(no_such_case(case)) from None
    return view


def read_personal(parts: Parts, caller: Principal, view: CaseView, what: str = "events") -> None:
    """Writes down who reads it, before he does. Raises Forbidden."""
    require(caller, Right.PERSONAL_READ, parts.permissions, view.belongs)
    with writing(parts.engine) as connection:
        ReadStore(connection).add(parts.now(), caller.name, caller.credential, view.row.case_id, what)


def detail(view: CaseView, *, personal: bool) -> dict[str, Any]:
    """A case for whoever may see it."""
    told, now = view.answer.as_json(), view.answer.at
    notes, refused = told["notes"], told["refused"]
    if not personal:  # the reasons name people
        notes, refused = ([{k: v for k, v in one.items() if k != "why"} for one in ones] for ones in (notes, refused))
    return {
        "case": view.row.as_json(now),
        "clocks": told["clocks"],
        "events": [event.as_json() if personal else impersonal(event) for event in view.events],
        "flags": told["flags"],
        "notes": notes,
        "refused": refused,
        "personal": personal,
    }


def seen_by(wanted: CaseFilter, seen: Sight) -> CaseFilter:
    """The same, of what somebody may see; of a single area or department in words that let the index be used."""
    return wanted if seen.everything else dataclasses.replace(wanted, within=seen.parts)


def _in_role(caller: Principal, role: Role | None) -> Principal:
    if role is None:
        return caller
    if role not in caller.account.roles:
        raise Forbidden(f"{caller.name} is no {role}")
    return dataclasses.replace(caller, account=dataclasses.replace(caller.account, roles=frozenset({role})))


def _filter(query: CaseQuery, seen: Sight) -> CaseFilter:
    wanted = CaseFilter(
        state=query.state,
        is_open=query.open,
        overdue=query.overdue,
        severity=query.severity,
        area=query.area,
        department=query.department,
        crew=query.crew,
        distress=query.distress,
        domain=query.domain,
        segment=query.segment,
        defect=query.defect,
        filed_from=query.filed_from,
        filed_before=query.filed_before,
        due_before=query.due_before,
    )
    return seen_by(wanted, seen)
