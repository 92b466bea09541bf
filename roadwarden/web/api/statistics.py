"""Statistics for machines: how cases flow, what comes back, what lies around a case."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from roadwarden.cases.process_words import as_json as process_json
from roadwarden.cases.process_words import designed_json
from roadwarden.cases.repeat_words import as_json as repeats_json
from roadwarden.service.radiating_words import as_json as radiating_json
from roadwarden.web import statistics
from roadwarden.web.answers import answer
from roadwarden.web.api.fields import CaseName
from roadwarden.web.api.seeing import may_see, visible
from roadwarden.web.identity import Caller
from roadwarden.web.parts import PartsOf
from roadwarden.web.problems import answers

router = APIRouter(prefix="/api/v1", tags=["figures"])
FAILS: Final = answers(401, 403, 404, 422, 429)
_DAY: Final = r"^\d{4}-\d{2}-\d{2}$"
Day = Annotated[str, Query(pattern=_DAY, description="by the city's calendar", examples=["2026-02-01"])]
First = Annotated[str, Query(alias="from", pattern=_DAY, description="by the city's calendar", examples=["2026-02-01"])]
_EXAMPLE: Final[dict[str, Any]] = {
    "schema": 1,
    "from": "2026-02-01T00:00:00Z",
    "to": "2026-03-01T00:00:00Z",
    "now": "2026-03-02T08:00:00Z",
}


class Statistic(BaseModel):
    """Of the days from ``from`` to ``to``, both inside; the other keys stand in the document that the route names."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_EXAMPLE]})
    schema_: int = Field(alias="schema")
    from_: datetime = Field(alias="from")
    to: datetime


@router.get("/process", response_model=Statistic, responses=FAILS)
def process(request: Request, caller: Caller, parts: PartsOf, first: First, to: Day) -> Response:
    """How the cases flow that were filed in the days and that you see; keys as in docs/process.md."""
    period = statistics.city_period(parts, first, to, 30)
    content = process_json(statistics.flows(request, caller, period))
    return answer(content | {"designed": designed_json(parts.desk.policies.at_filing(period.start, None))})


@router.get("/repeats", response_model=Statistic, responses=FAILS)
def repeats(request: Request, caller: Caller, parts: PartsOf, first: First, to: Day) -> Response:
    """What keeps coming back of what you see, of repairs in the days; keys as in docs/repeats.md."""
    period = statistics.city_period(parts, first, to, 90)
    return answer(repeats_json(statistics.comings(request, caller, period)))


@router.get("/cases/{case}/radiating", response_model=Statistic, responses=FAILS)
def radiating(
    request: Request,
    caller: Caller,
    parts: PartsOf,
    case: CaseName,
    days: Annotated[int, Query(ge=1, le=3660)] = 90,
    same_type: bool = False,
) -> Response:
    """Whether more lies around a case than chance; keys as in docs/radiating.md. Cases of others have no name here."""
    visible(parts, caller, case)
    content = radiating_json(statistics.around(request, case, days, same_type=same_type))
    seen = may_see(parts, caller, {near["case"] for zone in content["zones"] for near in zone["neighbours"]})
    for zone in content["zones"]:
        zone["neighbours"] = [near if seen(near["case"]) else near | {"case": None} for near in zone["neighbours"]]
    return answer(content)
