"""The crew's page: a phone, often without a network. It works from what it has kept and sends what it owes later."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request, UploadFile
from starlette.responses import HTMLResponse, Response

from roadwarden.access.people import Principal
from roadwarden.access.policy import require
from roadwarden.cases.answer import CaseState
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.event_types import format_time, parse_time
from roadwarden.cases.events import Assessed, CaseEvent, RepairReported
from roadwarden.cases.permissions import Person
from roadwarden.cases.rights import Right
from roadwarden.cases.roles import MACHINES
from roadwarden.errors import DataError, Forbidden
from roadwarden.geo.coordinates import wgs84_to_gcj02
from roadwarden.service.defects import whole
from roadwarden.storage.case_rows import CaseFilter, Order
from roadwarden.storage.case_unit import reading
from roadwarden.storage.evidence import UseKind
from roadwarden.web.answers import answer
from roadwarden.web.api.commands import record
from roadwarden.web.api.seeing import visible
from roadwarden.web.assets import asset_url, files, version
from roadwarden.web.identity import Caller
from roadwarden.web.pages.map import atlas_of
from roadwarden.web.pages.pictures import pictures_of, url_of
from roadwarden.web.pages.rendering import render
from roadwarden.web.parts import Parts, PartsOf
from roadwarden.web.writes import NewWrite

router = APIRouter(include_in_schema=False)
DONE_FOR: Final = timedelta(hours=24)
MOST: Final = 200
_WORDS: Final = ("crew.", "verdict.", "severity.", "state.", "light.", "do.", "field.", "case.before")
_SHELL: Final = ("mark.svg", "tokens.css", "page.css", "crew.css", "look.js")


@router.get("/crew")
def crew_page(request: Request, caller: Caller, parts: PartsOf) -> HTMLResponse:
    """The page without its cases: they come by themselves, so that the page can be kept."""
    _crew(caller)
    require(caller, Right.CASES_RECORD, parts.permissions)
    return render(request, "crew.html", script_words=_WORDS, page={"who": caller.name})


@router.get("/crew/sw.js")
def service_worker() -> Response:
    """The worker that keeps the page, with the list of files that it keeps."""
    shell = [asset_url(name) for name in files() if name in _SHELL or name.startswith("crew/") or name == "kit.js"]
    source = (resources.files("roadwarden.web") / "static" / "crew" / "worker.js").read_text(encoding="utf-8")
    told = f"const SHELL = {json.dumps(['/crew', *shell])};\nconst VERSION = {json.dumps(version())};\n"
    headers = {"service-worker-allowed": "/crew", "cache-control": "no-cache"}
    return Response(told + source, media_type="text/javascript", headers=headers)


@router.get("/crew/app.webmanifest")
def manifest() -> Response:
    """So that a phone can put the page among its apps."""
    icon = {"src": asset_url("mark.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
    told = {"name": "智慧路长 · 养护", "short_name": "智慧路长", "start_url": "/crew", "scope": "/crew"}
    look = {"display": "standalone", "background_color": "#0d1418", "theme_color": "#0b5cad", "icons": [icon]}
    return Response(json.dumps(told | look, ensure_ascii=False), media_type="application/manifest+json")


@router.get("/crew/day")
def day(request: Request, caller: Caller, parts: PartsOf) -> Response:
    """What the crew has in hand, and what became of what it has reported since yesterday."""
    person, now = _crew(caller), parts.now()
    own = CaseFilter(department=person.department, crew=person.crew, news_since=now - DONE_FOR)
    with reading(parts.engine) as unit:
        rows = unit.rows.list(own, now, Order.NEWEST, MOST)
    streets = atlas_of(request).street_names()
    kept = [row for row in rows if row.state not in (CaseState.VOIDED, CaseState.MERGED)]
    return answer(
        {"who": caller.name, "now": format_time(now), "cases": [_told(parts, row, now, streets) for row in kept]}
    )


@router.post("/crew/reports")
def report(
    caller: Caller,
    parts: PartsOf,
    write: NewWrite,
    case: Annotated[str, Form(max_length=200)],
    pictures: list[UploadFile],
    occurred_at: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """A repair report with its pictures, once for each key: pictures are known by their bytes, the event by the key."""
    person = _crew(caller)
    visible(parts, caller, case, Right.EVIDENCE_ADD)
    if not 1 <= len(pictures) <= 8:
        raise DataError("a report has 1 to 8 pictures: one from some metres away, one close up")
    desk = parts.requests.evidence
    taken = [desk.take_in(one.file.read(), received_from=person.actor).sha256 for one in pictures]
    desk.belongs(UseKind.CASE, case, taken)
    at = _time(occurred_at)
    return record(parts, caller, case, RepairReported(tuple(dict.fromkeys(taken))), write.ask(caller, at), person.role)


def _crew(caller: Principal) -> Person:
    """The caller as a crew. Raises Forbidden."""
    found = [person for person in caller.account.persons() if person.role == "crew"]
    if not found:
        raise Forbidden(f"{caller.name} belongs to no crew; an administrator can add the role")
    return found[0]


def _time(text: str) -> datetime | None:
    try:
        return parse_time(text).astimezone(UTC) if text else None
    except ValueError as exc:
        raise DataError(f"occurred_at: {exc}") from exc


def _told(parts: Parts, row: CaseRow, now: datetime, streets: dict[str, str]) -> dict[str, Any]:
    events = parts.desk.events(row.case_id)
    place = _place(parts, row)
    pictures = pictures_of(parts, row.case_id, events)
    return {
        "case": row.case_id,
        "state": row.state,
        "severity": row.severity.value,
        "distress": row.distress,
        "street": streets.get(row.segment or "", ""),
        "due": format_time(row.repair_due_at) if row.repair_due_at else None,
        "light": row.light(now).value,
        "place": None if place is None else {"lat": place[0], "lon": place[1]},
        "gcj02": None if place is None else dict(zip(("lat", "lon"), wgs84_to_gcj02(*place), strict=True)),
        "before": [url_of(one) for one in pictures.before],
        "verdict": _verdict(events),
    }


def _verdict(events: tuple[CaseEvent, ...]) -> dict[str, Any] | None:
    """On the newest report: nothing where it waits."""
    reports = [event.seq for event in events if isinstance(event.data, RepairReported)]
    if not reports:
        return None
    judged = [event for event in events if isinstance(event.data, Assessed) and event.data.report_seq == reports[-1]]
    if not judged or not isinstance(judged[-1].data, Assessed):
        return {"verdict": None}
    last = judged[-1]
    by_machine = last.role in MACHINES
    return {"verdict": judged[-1].data.verdict.value, "reason": judged[-1].data.reason, "by_machine": by_machine}


def _place(parts: Parts, row: CaseRow) -> tuple[float, float] | None:
    if row.lat is not None and row.lon is not None:
        return row.lat, row.lon
    try:
        found = whole(parts.engine, row.defect).defect if row.defect else None
    except DataError:
        return None
    return None if found is None else (found.position.lat, found.position.lon)
