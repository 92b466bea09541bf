"""What waits for people, by role: reports of others, cases to dispatch, repairs to judge, wishes to approve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse, Response

from roadwarden.access.people import Principal
from roadwarden.access.policy import Sight, acting, may, require, sight
from roadwarden.cases.answer import CaseState
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.event_types import EventType, format_time
from roadwarden.cases.filing import Source
from roadwarden.cases.permissions import Belongs
from roadwarden.cases.rights import Right
from roadwarden.cases.tips import KeptTip
from roadwarden.errors import Forbidden, NotFound
from roadwarden.service.case_views import belongs_of
from roadwarden.service.tips import drop_tip, file_tip, waiting_tips
from roadwarden.storage.case_rows import CaseFilter, Order
from roadwarden.storage.case_unit import CaseUnit, reading
from roadwarden.storage.people_tables import WishState
from roadwarden.taxonomy import Severity
from roadwarden.web.answers import answer
from roadwarden.web.api.seeing import seen_by
from roadwarden.web.api.wishes import wishes_of
from roadwarden.web.identity import Caller
from roadwarden.web.pages.case_actions import last_report
from roadwarden.web.pages.map import atlas_of
from roadwarden.web.pages.pictures import overlay_url, pictures_of, url_of
from roadwarden.web.pages.rendering import render
from roadwarden.web.pages.type_queue import frames_that_wait, labels_here, labels_told
from roadwarden.web.parts import Parts, PartsOf

router = APIRouter(include_in_schema=False)
MOST: Final = 100
_WORDS: Final = ("work.", "do.", "field.", "verdict.", "severity.", "state.", "case.", "event.", "board.", "light.")


@dataclass(frozen=True, slots=True)
class Queue:
    """One list of things that wait."""

    name: str
    kind: EventType  # whoever may record this has the queue
    state: CaseState | None = None


QUEUES: Final = (
    Queue("intake", EventType.FILED),
    Queue("dispatch", EventType.DISPATCHED, CaseState.FILED),
    Queue("review", EventType.ASSESSED, CaseState.REPAIR_REPORTED),
    Queue("close", EventType.CLOSED, CaseState.ASSESSED),
    Queue("wishes", EventType.PARKED),
    Queue("types", EventType.ASSESSED),
)


class DropBody(BaseModel):
    """Why a report needs no case."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=500)


class FileTipBody(BaseModel):
    """How severe it is; without it as the table says."""

    model_config = ConfigDict(extra="forbid")
    severity: Severity | None = None


@router.get("/work")
def work_page(request: Request, caller: Caller, parts: PartsOf, queue: Annotated[str, Query()] = "") -> HTMLResponse:
    """The queue he chose, or the first of his in which something waits."""
    require(caller, Right.CASES_RECORD, parts.permissions)
    own = [one for one in QUEUES if _has(caller, parts, one)]
    if not own:
        raise Forbidden(f"no queue waits for {caller.name}")
    counts = {one.name: _count(request, caller, parts, one) for one in own}
    usual = next((one for one in own if counts[one.name]), own[0])
    chosen = next((one for one in own if one.name == queue), usual)
    found = _items(request, caller, parts, chosen)
    page = {"queue": chosen.name, "items": found, "labels": labels_told(parts) if chosen.name == "types" else []}
    return render(request, "work.html", script_words=_WORDS, page=page, queues=own, chosen=chosen, counts=counts)


@router.get("/work/items")
def work_items(request: Request, caller: Caller, parts: PartsOf, queue: str) -> Response:
    """The queue again."""
    chosen = next((one for one in QUEUES if one.name == queue and _has(caller, parts, one)), None)
    if chosen is None:
        raise NotFound(f"there is no queue {queue} for {caller.name}")
    return answer({"items": _items(request, caller, parts, chosen)})


@router.post("/work/tips/{source}/{name}/file")
def file_reported(caller: Caller, parts: PartsOf, source: Source, name: str, body: FileTipBody) -> Response:
    """The case that a report becomes."""
    person = acting(caller, EventType.FILED, parts.permissions, Belongs(area=_tip_area(parts, source, name)))
    case = file_tip(parts.desk, person, source, name, parts.requests.rules, body.severity)
    return answer({"case": case}, 201)


@router.post("/work/tips/{source}/{name}/drop")
def drop_reported(caller: Caller, parts: PartsOf, source: Source, name: str, body: DropBody) -> Response:
    """It needs no case."""
    person = acting(caller, EventType.FILED, parts.permissions, Belongs(area=_tip_area(parts, source, name)))
    drop_tip(parts.desk, person, source, name, body.reason)
    return answer({"dropped": name})


def _has(caller: Principal, parts: Parts, queue: Queue) -> bool:
    """Whether one of the roles records what the queue waits for, wherever."""
    if not may(caller, Right.CASES_RECORD, parts.permissions):
        return False
    if queue.name == "types":
        return labels_here(caller, parts)
    rows = [row for row in parts.permissions.roles if row.role in caller.account.roles]
    if queue.name == "wishes":
        return any(row.approves for row in rows)
    return any(queue.kind in row.records and row.role != "crew" for row in rows)


def _items(request: Request, caller: Principal, parts: Parts, queue: Queue) -> list[dict[str, Any]]:
    if queue.name == "intake":
        return [_tip(one) for one in _tips(caller, parts)]
    if queue.name == "wishes":
        return _wishes(caller, parts)
    if queue.name == "types":
        return frames_that_wait(parts)
    streets = atlas_of(request).street_names()
    now = parts.now()
    with reading(parts.engine) as unit:
        rows = _rows(unit, caller, parts, queue)
        machine = {row.case_id: _machine(unit, row) for row in rows} if queue.name == "review" else {}
    told = [_case(row, now, streets) | machine.get(row.case_id, {}) for row in rows]
    return [one | _shown(parts, one["case"]) for one in told] if queue.name == "review" else told


def _count(request: Request, caller: Principal, parts: Parts, queue: Queue) -> int:
    if queue.state is None:
        return len(_items(request, caller, parts, queue))
    with reading(parts.engine) as unit:
        return unit.rows.count(_wanted(caller, parts, queue), parts.now())


def _rows(unit: CaseUnit, caller: Principal, parts: Parts, queue: Queue) -> tuple[CaseRow, ...]:
    """The nearest deadline first; what has none behind."""
    now = parts.now()
    rows = unit.rows.list(_wanted(caller, parts, queue), now, Order.NEWEST, MOST)
    return tuple(sorted(rows, key=lambda row: (row.due_at is None, row.due_at or now, row.case_id)))


def _wanted(caller: Principal, parts: Parts, queue: Queue) -> CaseFilter:
    seen = sight(caller, parts.permissions, Right.CASES_RECORD)
    return seen_by(CaseFilter(state=queue.state), seen)


def _case(row: CaseRow, now: Any, streets: dict[str, str]) -> dict[str, Any]:
    return {
        "case": row.case_id,
        "version": row.version,
        "distress": row.distress,
        "severity": row.severity.value,
        "area": row.area,
        "owner": row.owner,
        "street": streets.get(row.segment or "", ""),
        "left_s": row.remaining_s(now),
        "light": row.light(now).value,
        "bounces": row.bounces,
        "crew": row.crew or row.department,
    }


def _machine(unit: CaseUnit, row: CaseRow) -> dict[str, Any]:
    report = last_report(unit.events.of(row.case_id))
    said = None if report is None else unit.assessments.by_machine(row.case_id, report)
    verdict = None if said is None else {"verdict": said.verdict.value, "score": said.score}
    return {"report": report, "machine": verdict, "overlay": overlay_url(said)}


def _shown(parts: Parts, case: str) -> dict[str, Any]:
    pictures = pictures_of(parts, case, parts.desk.events(case))
    return {"before": [url_of(one) for one in pictures.before], "after": [url_of(one) for one in pictures.after]}


def _tips(caller: Principal, parts: Parts) -> list[KeptTip]:
    seen = sight(caller, parts.permissions, Right.CASES_RECORD)
    return [one for one in waiting_tips(parts.desk) if _in_sight(seen, one.tip.area)][:MOST]


def _in_sight(seen: Sight, area: str | None) -> bool:
    return seen.everything or any(area in (part.areas or ()) for part in seen.parts)


def _tip(kept: KeptTip) -> dict[str, Any]:
    tip = kept.tip
    place = None if tip.latitude is None else {"lat": tip.latitude, "lon": tip.longitude}
    return {
        "id": tip.id,
        "source": tip.source.value,
        "problem": tip.problem,
        "area": tip.area,
        "seen_at": format_time(tip.seen_at),
        "place": place,
        "note": tip.note,
    }


def _tip_area(parts: Parts, source: Source, name: str) -> str | None:
    found = [one.tip.area for one in waiting_tips(parts.desk) if one.tip.source is source and one.tip.id == name]
    if not found:
        raise NotFound(f"no report {source} {name} waits")
    return found[0]


def _wishes(caller: Principal, parts: Parts) -> list[dict[str, Any]]:
    """Of others, on cases that the caller may change."""
    found = []
    for one in wishes_of(parts).list(WishState.WAITING):
        row = parts.desk.row(one.case)
        if one.actor != caller.name and may(caller, Right.CASES_RECORD, parts.permissions, belongs_of(row)):
            told = {"id": one.id, "case": one.case, "version": one.version, "type": one.type, "data": dict(one.data)}
            found.append(told | {"role": one.role, "at": format_time(one.created_at)})
    return found[:MOST]
