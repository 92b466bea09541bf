"""Reading cases: the list, and one with its clocks and events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from roadwarden.access.policy import Sight, sight
from roadwarden.cases.answer import CaseState
from roadwarden.cases.event_types import Role, format_time
from roadwarden.storage.case_rows import CaseFilter, Order, key_of
from roadwarden.storage.case_unit import reading
from roadwarden.taxonomy import Severity
from roadwarden.web.answers import answer, etag
from roadwarden.web.api.case_json import case_item
from roadwarden.web.api.case_models import CaseDetail, CasePage
from roadwarden.web.api.fields import CaseName, Moment, Word
from roadwarden.web.api.seeing import detail, in_role, read_personal, seen_by, visible
from roadwarden.web.cursor import read_cursor, write_cursor
from roadwarden.web.identity import Caller
from roadwarden.web.parts import PartsOf
from roadwarden.web.problems import answers

router = APIRouter(prefix="/api/v1/cases", tags=["cases"])
MOST = 200


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
    wanted = _filter(query, sight(in_role(caller, query.as_role), parts.permissions))
    after = read_cursor(query.order, query.after) if query.after else None
    with reading(parts.engine) as unit:
        rows = unit.rows.list(wanted, now, query.order, query.limit + 1, after)
    shown = rows[: query.limit]
    more = write_cursor(query.order, key_of(shown[-1], query.order)) if len(rows) > len(shown) else None
    return answer({"now": format_time(now), "items": [case_item(row, now) for row in shown], "next": more})


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
