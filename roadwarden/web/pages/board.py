"""The countdown board: what is due next, live, by the server's clock."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response, StreamingResponse

from roadwarden.access.people import Principal
from roadwarden.access.policy import require, sight
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.event_types import format_time
from roadwarden.cases.rights import Right
from roadwarden.storage.case_rows import CaseFilter
from roadwarden.storage.case_unit import reading
from roadwarden.web.answers import answer
from roadwarden.web.api.seeing import seen_by
from roadwarden.web.identity import Caller
from roadwarden.web.pages.map import atlas_of
from roadwarden.web.pages.rendering import render
from roadwarden.web.parts import Parts, PartsOf

router = APIRouter(include_in_schema=False)
MOST: Final = 300
LOOK_EVERY_S: Final = 2.0
BEAT_EVERY_S: Final = 15.0
SOON: Final = timedelta(hours=24)
_WORDS: Final = ("board.", "light.", "state.", "severity.", "clock.")

Word = Annotated[str | None, Query(max_length=200)]


@router.get("/board")
def board_page(request: Request, caller: Caller, parts: PartsOf) -> HTMLResponse:
    """The page; areas and departments to choose from are those of the dispatch table."""
    require(caller, Right.CASES_READ, parts.permissions)
    table = parts.dispatch
    ids = [[one.id for one in rows] for rows in (table.areas, table.departments)]
    return render(request, "board.html", script_words=_WORDS, areas=ids[0], departments=ids[1])


@router.get("/board/rows")
def board_rows(
    request: Request, caller: Caller, parts: PartsOf, area: Word = None, department: Word = None
) -> Response:
    """The board once."""
    return answer(_board(request, caller, parts, area, department))


@router.get("/board/events")
async def board_events(
    request: Request, caller: Caller, parts: PartsOf, area: Word = None, department: Word = None
) -> Response:
    """The board again whenever it has changed (server-sent events), and a beat with the time in between."""
    require(caller, Right.CASES_READ, parts.permissions)

    def look() -> dict[str, Any]:
        return _board(request, caller, parts, area, department)

    stream = _changes(request, look, parts)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _changes(request: Request, look: Any, parts: Parts) -> AsyncIterator[str]:
    told, silent_s = "", BEAT_EVERY_S
    while not await request.is_disconnected():
        board = await run_in_threadpool(look)
        digest = hashlib.sha256(json.dumps([board["rows"], board["counts"]]).encode()).hexdigest()
        if digest != told:
            told, silent_s = digest, 0.0
            yield f"event: board\ndata: {json.dumps(board, ensure_ascii=False)}\n\n"
        elif silent_s >= BEAT_EVERY_S:
            silent_s = 0.0
            yield f"event: beat\ndata: {json.dumps({'now': format_time(parts.now())})}\n\n"
        await asyncio.sleep(LOOK_EVERY_S)
        silent_s += LOOK_EVERY_S


def _board(
    request: Request, caller: Principal, parts: Parts, area: str | None, department: str | None
) -> dict[str, Any]:
    now = parts.now()
    wanted = seen_by(CaseFilter(area=area, department=department), sight(caller, parts.permissions))
    with reading(parts.engine) as unit:
        rows = unit.rows.board(wanted, now, MOST)
    streets = _streets(request)
    return {
        "now": format_time(now),
        "counts": _counts(rows, now),
        "rows": [row_told(row, now, streets) for row in rows],
    }


def _counts(rows: Sequence[CaseRow], now: datetime) -> dict[str, int]:
    """By light, and how many end within 24 hours."""
    lights = [row.light(now).value for row in rows]
    soon = sum(row.due_at is not None and now <= row.due_at < now + SOON for row in rows)
    return {name: lights.count(name) for name in ("red", "yellow", "green")} | {"soon": soon}


def row_told(row: CaseRow, now: datetime, streets: dict[str, str]) -> dict[str, Any]:
    """What a list shows of a case: times, and nothing that passes with time, for the page ticks by itself."""
    due, started = row.due_at, row.clock_started_at
    limit_s = (due - started).total_seconds() - row.paused_s if due and started else None
    return {
        "case": row.case_id,
        "version": row.version,
        "state": row.state,
        "severity": row.severity.value,
        "distress": row.distress,
        "clock": row.clock,
        "due": format_time(due) if due else None,
        "filed": format_time(row.filed_at),
        "limit_s": limit_s,
        "rests_until": format_time(row.parked_until) if row.parked_until else None,
        "area": row.area,
        "street": streets.get(row.segment or "", ""),
        "department": row.department,
        "crew": row.crew,
        "bounces": row.bounces,
    }


def _streets(request: Request) -> dict[str, str]:
    return atlas_of(request).street_names()
