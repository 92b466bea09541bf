"""Key figures of a period, and the warnings that clocks have given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from roadwarden.access.policy import may, require, sight
from roadwarden.cases.event_types import EARLIEST, format_time
from roadwarden.cases.kpi_report import kpi_report
from roadwarden.cases.kpi_values import Period
from roadwarden.cases.rights import Right
from roadwarden.errors import DataError
from roadwarden.service.case_views import belongs_of
from roadwarden.service.kpi import stored_facts
from roadwarden.storage.case_tables import WarningState
from roadwarden.storage.case_unit import reading
from roadwarden.storage.case_warnings import KeptWarning
from roadwarden.web.answers import answer
from roadwarden.web.api.fields import Moment
from roadwarden.web.figures import Figures
from roadwarden.web.identity import Caller
from roadwarden.web.parts import Parts, PartsOf
from roadwarden.web.problems import answers

router = APIRouter(prefix="/api/v1", tags=["figures"])
LONGEST: Final = timedelta(days=93)
PERSONAL: Final = ("voids_by",)
WARNING_EXAMPLE: Final[dict[str, Any]] = {
    "case_id": "2026-000001",
    "clock": "repair",
    "cycle": 1,
    "report_seq": None,
    "threshold": "4h",
    "state": "sent",
    "due_since": "2026-03-04T04:00:00Z",
    "recorded_at": "2026-03-04T04:00:01Z",
}


class Kpi(BaseModel):
    """Flat keys as docs/kpi.md lists them, but for those that name people."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "schema": 1,
                    "from": "2026-02-01T00:00:00Z",
                    "to": "2026-03-01T00:00:00Z",
                    "now": "2026-03-02T08:00:00Z",
                    "filed": 412,
                    "closed": 380,
                    "on_time_original": 0.94,
                }
            ]
        },
    )
    schema_: int = Field(alias="schema")
    from_: datetime = Field(alias="from")
    to: datetime
    now: datetime


class WarningItem(BaseModel):
    """A threshold that a clock has passed."""

    model_config = ConfigDict(json_schema_extra={"examples": [WARNING_EXAMPLE]})
    case_id: str
    clock: str
    cycle: int
    report_seq: int | None
    threshold: str
    state: WarningState
    due_since: datetime
    recorded_at: datetime


class WarningList(BaseModel):
    """The oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [WARNING_EXAMPLE], "since": None}]})
    items: list[WarningItem]
    since: datetime | None = Field(description="ask again from here; those of that very moment come once more")


async def _alone(request: Request) -> AsyncIterator[None]:
    """Whoever waits for another reckoning waits here, not in one of the threads that everybody else wants."""
    async with request.app.state.reckoning:
        yield


@router.get("/kpi", response_model=Kpi, responses=answers(401, 403, 422, 429))
def kpi(
    request: Request,
    caller: Caller,
    parts: PartsOf,
    _turn: Annotated[None, Depends(_alone)],
    from_: Annotated[Moment, Query(alias="from", examples=["2026-02-01T00:00:00Z"])],
    to: Annotated[Moment, Query(examples=["2026-03-01T00:00:00Z"])],
) -> Response:
    """The figures of a period of 93 days at most, of the whole city; a minute old at most."""
    require(caller, Right.FIGURES_READ, parts.permissions)
    if not timedelta() < to - from_ <= LONGEST:
        raise DataError(f"to: wanted a time after 'from', {LONGEST.days} days behind it at most")
    figures: Figures = request.app.state.figures
    return answer(figures.get((from_, to), lambda: _reckoned(parts, from_, to)))


@router.get("/warnings", response_model=WarningList, responses=answers(401, 403, 422))
def warnings(
    caller: Caller,
    parts: PartsOf,
    since: Annotated[Moment, Query(description="recorded since then", examples=["2026-03-02T00:00:00Z"])] = EARLIEST,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> Response:
    """Warnings of cases that you see. Ask again with the ``since`` of the answer."""
    require(caller, Right.FIGURES_READ, parts.permissions)
    sight(caller, parts.permissions)
    with reading(parts.engine) as unit:
        found = unit.warnings.since(since, limit)
        rows = {row.case_id: row for row in unit.rows.of_names({one.case for one in found})}
    table = parts.permissions
    seen = [
        one for one in found if one.case in rows and may(caller, Right.CASES_READ, table, belongs_of(rows[one.case]))
    ]
    return answer({"items": [_warning(one) for one in seen], "since": found[-1].recorded_at if found else None})


def _reckoned(parts: Parts, start: datetime, end: datetime) -> dict[str, Any]:
    period = Period(start, end, parts.now())
    report = kpi_report(stored_facts(parts.engine, period, parts.desk.policies), period)
    return {name: value for name, value in report.as_json().items() if name not in PERSONAL}


def _warning(one: KeptWarning) -> dict[str, Any]:
    return {
        "case_id": one.case,
        "clock": one.clock,
        "cycle": one.cycle,
        "report_seq": one.report_seq,
        "threshold": one.threshold,
        "state": one.state,
        "due_since": format_time(one.due_since),
        "recorded_at": format_time(one.recorded_at),
    }
