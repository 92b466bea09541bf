"""Cases: the list, and one with its clocks, events, pictures and what may be done to it; also on paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse

from roadwarden.access.policy import may, sight
from roadwarden.cases.answer import CaseState
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.events import CaseEvent
from roadwarden.cases.rights import Right
from roadwarden.errors import DataError
from roadwarden.service.case_views import CaseView, impersonal
from roadwarden.service.defects import whole
from roadwarden.storage.case_rows import CaseFilter, Order, key_of
from roadwarden.storage.case_unit import reading
from roadwarden.taxonomy import Severity
from roadwarden.web.api.seeing import read_personal, seen_by, visible
from roadwarden.web.cursor import read_cursor, write_cursor
from roadwarden.web.identity import Caller
from roadwarden.web.pages.case_actions import actions_for, last_report
from roadwarden.web.pages.map import atlas_of
from roadwarden.web.pages.pictures import pictures_of, url_of
from roadwarden.web.pages.rendering import render
from roadwarden.web.parts import Parts, PartsOf

router = APIRouter(include_in_schema=False)
_WORDS: Final = ("case.", "do.", "field.", "verdict.", "severity.", "event.")
_A_PAGE: Final = 50

Word = Annotated[str, Query(max_length=200)]


@router.get("/cases")
def case_list(
    request: Request,
    caller: Caller,
    parts: PartsOf,
    state: Word = "",
    severity: Word = "",
    area: Word = "",
    open_: Annotated[str, Query(alias="open")] = "1",
    find: Word = "",
    after: Annotated[str, Query(max_length=600)] = "",
) -> Any:
    """The newest first; the filter stands in the address."""
    if find.strip():
        visible(parts, caller, find.strip())
        return RedirectResponse(f"/cases/{find.strip()}", 303)
    now = parts.now()
    wanted = CaseFilter(
        state=_one_of(CaseState, state),
        severity=_one_of(Severity, severity),
        area=area or None,
        is_open=True if open_ == "1" and not state else None,
    )
    seen = seen_by(wanted, sight(caller, parts.permissions))
    with reading(parts.engine) as unit:
        rows = unit.rows.list(seen, now, Order.NEWEST, _A_PAGE + 1, read_cursor(Order.NEWEST, after) if after else None)
    shown, streets = rows[:_A_PAGE], atlas_of(request).street_names()
    more = write_cursor(Order.NEWEST, key_of(shown[-1], Order.NEWEST)) if len(rows) > _A_PAGE else ""
    return render(
        request,
        "cases.html",
        rows=[listed(row, now, streets) for row in shown],
        states=[one.value for one in CaseState],
        areas=parts.dispatch.areas,
        chosen={"state": state, "severity": severity, "area": area, "open": open_},
        more=more,
    )


@router.get("/cases/{case}")
def case_page(request: Request, caller: Caller, parts: PartsOf, case: str, personal: bool = False) -> HTMLResponse:
    """One case. With ``personal`` names and free text too; that read is written down."""
    view = visible(parts, caller, case)
    if personal:
        read_personal(parts, caller, view)
    pictures = pictures_of(parts, case, view.events)
    before, after = ([url_of(one) for one in ones] for ones in (pictures.before, pictures.after))
    page = {
        "case": case,
        "version": view.row.version,
        "report": last_report(view.events),
        "actions": [asdict(one) | {"kind": one.kind.value} for one in actions_for(parts, caller, view)],
        "departments": _departments(parts),
        "before": before[:1],
        "after": after[:1],
    }
    return render(
        request,
        "case.html",
        script_words=_WORDS,
        page=page,
        case=view.row.as_json(view.answer.at),
        row=view.row,
        answer=view.answer,
        events=[_event(one, personal=personal) for one in view.events],
        street=atlas_of(request).street_names().get(view.row.segment or "", ""),
        place=_place(parts, view),
        before=before,
        after=after,
        personal=personal,
        may_personal=may(caller, Right.PERSONAL_READ, parts.permissions, view.belongs),
        at=view.answer.at,
    )


def listed(row: CaseRow, now: datetime, streets: Mapping[str, str]) -> dict[str, Any]:
    """A line of a list."""
    return {
        "row": row,
        "light": row.light(now).value,
        "left_s": row.remaining_s(now),
        "street": streets.get(row.segment or "", ""),
    }


def _event(event: CaseEvent, *, personal: bool) -> dict[str, Any]:
    told = event.as_json() if personal else impersonal(event)
    data = {name: value for name, value in dict(told.get("data") or {}).items() if not isinstance(value, dict | list)}
    return {"event": event, "actor": told.get("actor", ""), "data": data}


def _place(parts: Parts, view: CaseView) -> tuple[float, float] | None:
    """Where it is, by the case, or by its defect."""
    row = view.row
    if row.lat is not None and row.lon is not None:
        return row.lat, row.lon
    try:
        defect = whole(parts.engine, row.defect).defect if row.defect else None
    except DataError:
        return None
    return None if defect is None else (defect.position.lat, defect.position.lon)


def _departments(parts: Parts) -> list[dict[str, Any]]:
    crews = {one.id: [crew.id for crew in parts.dispatch.crews if crew.department == one.id] for one in _all(parts)}
    return [{"id": one.id, "en": one.english, "zh": one.chinese, "crews": crews[one.id]} for one in _all(parts)]


def _all(parts: Parts) -> Any:
    return parts.dispatch.departments


def _one_of(kind: Any, text: str) -> Any:
    return kind(text) if text in set(kind) else None
