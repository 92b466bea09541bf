"""Wishes: lowering the severity, parking, extending, voiding, accepting a time. Somebody else approves, as himself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from roadwarden.access.people import Principal
from roadwarden.access.policy import acting, approving, may
from roadwarden.cases.event_types import EventType, Role
from roadwarden.cases.events import parse_data
from roadwarden.cases.rights import Right
from roadwarden.errors import NotFound, UnknownCase
from roadwarden.service.case_views import CaseView, belongs_of
from roadwarden.service.wishes import Wishes
from roadwarden.storage.people_tables import WishState
from roadwarden.storage.wishes import Wish
from roadwarden.web.answers import answer
from roadwarden.web.api.case_models import CommandDone
from roadwarden.web.api.command_table import EXAMPLES_OF_WISHES
from roadwarden.web.api.commands import told
from roadwarden.web.api.fields import CaseName, Prose
from roadwarden.web.api.seeing import visible
from roadwarden.web.identity import Caller
from roadwarden.web.parts import Parts, PartsOf
from roadwarden.web.problems import answers
from roadwarden.web.writes import SeenWrite

router = APIRouter(prefix="/api/v1", tags=["wishes"])
FAILS: Final = answers(401, 403, 404, 409, 412, 422)
WISH_EXAMPLE: Final[dict[str, Any]] = {
    "id": "7be1d2d3f5a94e0c8c11",
    "case_id": "2026-000001",
    "version": 3,
    "type": "parked",
    "data": {"reason": "rain", "until": "2026-03-06T00:00:00Z"},
    "actor": "ma",
    "role": "dispatcher",
    "created_at": "2026-03-02T09:00:00Z",
    "state": "waiting",
    "decided_by": None,
    "decided_at": None,
    "reason": None,
}
WishName = Annotated[str, Path(pattern=r"^[0-9a-f]{20}$", examples=["7be1d2d3f5a94e0c8c11"])]
WishType = Literal["severity_changed", "extended", "parked", "voided", "time_accepted"]


class WishBody(BaseModel):
    """What is wished: an event's type and data (docs/events.md), without an approver."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"type": kind.value, "data": dict(data)} for kind, data in EXAMPLES_OF_WISHES.items()]
        },
    )
    type: WishType
    data: dict[str, Any]
    as_role: Role | None = None


class DecisionBody(BaseModel):
    """In which role, and for a refusal why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "it does not rain"}]})
    reason: Prose | None = None
    as_role: Role | None = None


class WishItem(BaseModel):
    """A wish. It is seen by whoever sees the case; names and reasons are part of what is to be decided."""

    model_config = ConfigDict(json_schema_extra={"examples": [WISH_EXAMPLE]})
    id: str
    case_id: str
    version: int = Field(description="of the case as whoever wishes saw it")
    type: EventType
    data: dict[str, Any]
    actor: str
    role: Role
    created_at: datetime
    state: WishState
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


class WishList(BaseModel):
    """The oldest first, 500 at most."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [WISH_EXAMPLE]}]})
    items: list[WishItem]


@router.post("/cases/{case}/wishes", response_model=WishItem, status_code=201, responses=FAILS)
def wish(case: CaseName, body: WishBody, write: SeenWrite, caller: Caller, parts: PartsOf) -> Response:
    """Ask for what needs another person's approval (延时, 挂账, 作废 …); it waits until one of them decides."""
    view = visible(parts, caller, case, Right.CASES_RECORD)
    kind = EventType(body.type)
    content = {name: value for name, value in body.data.items() if name != "approved_by"}
    who = acting(caller, kind, parts.permissions, view.belongs, body.as_role)
    version = view.row.version if write.version is None else write.version
    made = wishes_of(parts).ask(who, case, kind, parse_data(kind, content), version, write.key)
    return answer(_told(made), 201)


@router.get("/wishes", response_model=WishList, responses=answers(401, 403, 422))
def list_wishes(caller: Caller, parts: PartsOf, state: Annotated[WishState, Query()] = WishState.WAITING) -> Response:
    """Wishes about cases that you may change."""
    seen: list[Wish] = []
    for one in wishes_of(parts).list(state):
        row = parts.desk.row(one.case)
        if one.actor == caller.name or may(caller, Right.CASES_RECORD, parts.permissions, belongs_of(row)):
            seen.append(one)
    return answer({"items": [_told(one) for one in seen]})


@router.post("/wishes/{wish}/approve", response_model=CommandDone, responses=FAILS)
def approve(
    wish: WishName, write: SeenWrite, caller: Caller, parts: PartsOf, body: Annotated[DecisionBody, Body()]
) -> Response:
    """Approve what another person wishes: it is recorded in that person's name, with yours as approver."""
    made, view = _seen(parts, caller, wish)
    person = approving(caller, made.type, parts.permissions, view.belongs, body.as_role)
    return told(parts, caller, wishes_of(parts).approve(made, person, write.version))


@router.post("/wishes/{wish}/refuse", response_model=WishItem, responses=FAILS)
def refuse(wish: WishName, caller: Caller, parts: PartsOf, body: Annotated[DecisionBody, Body()]) -> Response:
    """Refuse it; whoever wished reads why."""
    made, view = _seen(parts, caller, wish)
    person = approving(caller, made.type, parts.permissions, view.belongs, body.as_role)
    return answer(_told(wishes_of(parts).refuse(made, person, body.reason or "no reason given")))


def wishes_of(parts: Parts) -> Wishes:
    """The use cases on the parts of a server."""
    return Wishes(parts.desk, parts.access.account)


def _seen(parts: Parts, caller: Principal, name: str) -> tuple[Wish, CaseView]:
    try:
        made = wishes_of(parts).get(name)
        return made, visible(parts, caller, made.case, Right.CASES_RECORD)
    except UnknownCase:
        raise NotFound(f"there is no wish {name}") from None


def _told(wish: Wish) -> dict[str, Any]:
    return {
        "id": wish.id,
        "case_id": wish.case,
        "version": wish.version,
        "type": wish.type,
        "data": dict(wish.data),
        "actor": wish.actor,
        "role": wish.role,
        "created_at": wish.created_at,
        "state": wish.state,
        "decided_by": wish.decided_by,
        "decided_at": wish.decided_at,
        "reason": wish.reason,
    }
