"""Defects, and the roads that they lie on: condition and coverage of one road at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from roadwarden.access.policy import require
from roadwarden.cases.event_types import format_time
from roadwarden.cases.rights import Right
from roadwarden.defects.cjj36 import ConditionGrade
from roadwarden.defects.presence import Presence
from roadwarden.errors import NotFound
from roadwarden.geo.network import RoadNetwork
from roadwarden.geo.places import RoadClass, RoadGrade, Segment
from roadwarden.service.condition import conditions
from roadwarden.service.coverage import covered
from roadwarden.service.known_roads import KnownRoads
from roadwarden.storage.defects import KeptDefect, Wanted
from roadwarden.storage.unit import UnitOfWork, reading
from roadwarden.taxonomy import DistressType, Severity
from roadwarden.web.answers import answer
from roadwarden.web.api.fields import Word
from roadwarden.web.identity import Caller
from roadwarden.web.parts import PartsOf
from roadwarden.web.problems import answers

router = APIRouter(prefix="/api/v1", tags=["roads"])
_ID: Final = r"^[0-9a-f]{32}$"
DEFECT_EXAMPLE: Final[dict[str, Any]] = {
    "id": "0123456789abcdef0123456789abcdef",
    "type": "pothole",
    "margin": 0.82,
    "severity": "severe",
    "presence": "seen",
    "lat": 30.274,
    "lon": 120.155,
    "length_m": 0.6,
    "width_m": 0.4,
    "size_sigma_m": 0.08,
    "first_seen_at": "2026-03-01T02:00:00Z",
    "last_seen_at": "2026-03-04T02:00:00Z",
    "passes": 3,
    "sightings": 7,
    "segment": "s1",
    "chainage_m": 120.5,
}
SEGMENT_EXAMPLE: Final[dict[str, Any]] = {
    "id": "s1",
    "name": "文三路",
    "grade": "I",
    "road_class": "arterial",
    "one_way": False,
    "width_m": 24.5,
    "owner": "city",
    "area": "west-lake",
    "line": [[30.274, 120.155], [30.275, 120.156]],
}


class DefectItem(BaseModel):
    """One physical thing on the road."""

    model_config = ConfigDict(json_schema_extra={"examples": [DEFECT_EXAMPLE]})
    id: str
    type: DistressType
    margin: float = Field(description="how far the likeliest type is ahead of the next, 0..1")
    severity: Severity | None = Field(description="null: not judged yet")
    presence: Presence
    lat: float
    lon: float
    length_m: float
    width_m: float
    size_sigma_m: float
    first_seen_at: datetime
    last_seen_at: datetime
    passes: int
    sightings: int
    segment: str | None
    chainage_m: float | None


class DefectPage(BaseModel):
    """By id."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [DEFECT_EXAMPLE], "next": None}]})
    items: list[DefectItem]
    next: str | None = Field(description="what ``after`` wants for the next page; null: this is the last one")


class SegmentItem(BaseModel):
    """A road between two junctions; the line as latitude, longitude (WGS-84)."""

    model_config = ConfigDict(json_schema_extra={"examples": [SEGMENT_EXAMPLE]})
    id: str
    name: str
    grade: RoadGrade
    road_class: RoadClass | None
    one_way: bool
    width_m: float
    owner: str | None
    area: str | None
    line: list[tuple[float, float]]


class SegmentPage(BaseModel):
    """By id, of the newest network."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [SEGMENT_EXAMPLE], "next": None}]})
    items: list[SegmentItem]
    next: str | None


class Condition(BaseModel):
    """CJJ 36-2016; read docs/condition.md before you quote one."""

    pci: float | None = Field(description="null where ``why`` says why")
    grade: ConditionGrade | None
    table: str | None
    defects: int
    why: str


class Coverage(BaseModel):
    """Metres of lane by when they were last seen in usable quality."""

    in_time_m: float
    in_vain_m: float = Field(description="driven in time, but not seen in usable quality")
    overdue_m: float
    never_m: float
    total_m: float


class SegmentDetail(BaseModel):
    """A road with its condition and coverage."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "segment": SEGMENT_EXAMPLE,
                    "condition": {"pci": 78.4, "grade": "B", "table": "1", "defects": 12, "why": ""},
                    "coverage": {"in_time_m": 480, "in_vain_m": 0, "overdue_m": 20, "never_m": 0, "total_m": 500},
                }
            ]
        }
    )
    segment: SegmentItem
    condition: Condition
    coverage: Coverage


class DefectQuery(BaseModel):
    """Filters of the list."""

    model_config = ConfigDict(extra="forbid")
    type: DistressType | None = None
    severity: Severity | None = None
    presence: Presence | None = None
    segment: Word | None = None
    limit: int = Field(default=50, ge=1, le=200)
    after: str = Field(default="", pattern=r"^([0-9a-f]{32})?$", description="``next`` of the page before")


@router.get("/defects", response_model=DefectPage, responses=answers(401, 403, 422))
def list_defects(query: Annotated[DefectQuery, Query()], caller: Caller, parts: PartsOf) -> Response:
    """Defects, by id."""
    require(caller, Right.ROADS_READ, parts.permissions)
    wanted = Wanted((query.type,) if query.type else (), query.severity, query.presence, query.segment)
    with reading(parts.engine) as unit:
        found = unit.defects.page(wanted, query.after, query.limit + 1)
    items = [_defect(one) for one in found[: query.limit]]
    return answer({"items": items, "next": items[-1]["id"] if len(found) > query.limit else None})


@router.get("/defects/{defect}", response_model=DefectItem, responses=answers(401, 403, 404, 422))
def show_defect(
    defect: Annotated[str, Path(pattern=_ID, examples=["0123456789abcdef0123456789abcdef"])],
    caller: Caller,
    parts: PartsOf,
) -> Response:
    """The defect that an id leads to now; ids that it once had lead to it too."""
    require(caller, Right.ROADS_READ, parts.permissions)
    with reading(parts.engine) as unit:
        found = unit.defects.get(unit.defects.now([defect]).values())
    if not found:
        raise NotFound(f"there is no defect {defect}")
    return answer(_defect(found[0]))


@router.get("/segments", response_model=SegmentPage, responses=answers(401, 403, 422))
def list_segments(
    caller: Caller,
    parts: PartsOf,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[Word | None, Query(description="``next`` of the page before")] = None,
) -> Response:
    """The roads of the newest network, by id; none where none was imported."""
    require(caller, Right.ROADS_READ, parts.permissions)
    with reading(parts.engine) as unit:
        network = _newest(unit)
        found = () if network is None else unit.segments.page(network, after or "", limit + 1)
    items = [_segment(one) for one in found[:limit]]
    return answer({"items": items, "next": items[-1]["id"] if len(found) > limit else None})


@router.get("/segments/{segment}", response_model=SegmentDetail, responses=answers(401, 403, 404, 422))
def show_segment(
    segment: Annotated[str, Path(min_length=1, max_length=200, examples=["s1"])], caller: Caller, parts: PartsOf
) -> Response:
    """One road with its condition index and coverage, as of now."""
    require(caller, Right.ROADS_READ, parts.permissions)
    with reading(parts.engine) as unit:
        network = _newest(unit)
        found = () if network is None or "\x00" in segment else unit.segments.get(network, [segment])
        if network is None or not found:
            raise NotFound(f"there is no road {segment}")
        alone = KnownRoads(network, RoadNetwork.of(found))  # of one road, so that a city is not indexed for it
        condition = next(conditions(unit, alone, parts.now()))
        coverage = next(covered(unit, alone, parts.now())).metres
    index = condition.index
    return answer(
        {
            "segment": _segment(found[0]),
            "condition": {
                "pci": None if index is None else round(index.pci, 3),
                "grade": condition.grade,
                "table": None if index is None else index.table,
                "defects": condition.defects,
                "why": condition.why,
            },
            "coverage": {
                "in_time_m": coverage.in_time_m,
                "in_vain_m": coverage.in_vain_m,
                "overdue_m": coverage.overdue_m,
                "never_m": coverage.never_m,
                "total_m": coverage.total_m,
            },
        }
    )


def _newest(unit: UnitOfWork) -> int | None:
    networks = unit.segments.networks()
    return networks[-1].number if networks else None


def _segment(one: Segment) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "grade": one.grade,
        "road_class": one.road_class,
        "one_way": one.one_way,
        "width_m": one.width_m,
        "owner": one.owner,
        "area": one.area,
        "line": one.line,
    }


def _defect(one: KeptDefect) -> dict[str, Any]:
    return {
        "id": one.id,
        "type": one.vote.type,
        "margin": one.vote.margin,
        "severity": one.severity,
        "presence": one.presence,
        "lat": one.position.lat,
        "lon": one.position.lon,
        "length_m": one.length_m,
        "width_m": one.width_m,
        "size_sigma_m": one.size_sigma_m,
        "first_seen_at": format_time(one.first_seen_at),
        "last_seen_at": format_time(one.last_seen_at),
        "passes": one.passes,
        "sightings": one.sightings,
        "segment": None if one.road is None else one.road.segment,
        "chainage_m": None if one.road is None else one.road.chainage_m,
    }
