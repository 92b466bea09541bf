"""Writing cases: file, dispatch, merge, and one POST for every other step of the workflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from roadwarden.access.people import Principal
from roadwarden.access.policy import acting, may, require
from roadwarden.cases.event_types import EventType, Role
from roadwarden.cases.events import DATA_OF, EventData, Filed, Merged, Unmerged
from roadwarden.cases.ordering import history
from roadwarden.cases.permissions import Belongs, Person
from roadwarden.cases.rights import Right
from roadwarden.cases.tables import require_known
from roadwarden.errors import DataError
from roadwarden.service.case_repeats import done_before
from roadwarden.service.case_views import belongs_of
from roadwarden.service.cases import Ask, Done
from roadwarden.service.dispatching import BY_RULES, dispatch_by_rules
from roadwarden.taxonomy import Severity
from roadwarden.web.answers import answer, etag
from roadwarden.web.api.case_models import CommandDone
from roadwarden.web.api.command_table import COMMANDS, Command, CommandBody, body_of
from roadwarden.web.api.fields import CaseName, Moment, Prose, Word
from roadwarden.web.api.seeing import visible
from roadwarden.web.identity import Caller
from roadwarden.web.parts import Parts, PartsOf
from roadwarden.web.problems import answers
from roadwarden.web.writes import NewWrite, SeenWrite

router = APIRouter(prefix="/api/v1/cases", tags=["commands"])
FAILS: Final = answers(401, 403, 404, 409, 412, 422)
Act = Callable[[Person], Done]


class FileBody(CommandBody):
    """立案. The clock starts when the server gets it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"distress": "pothole", "area": "west-lake", "latitude": 30.274, "longitude": 120.155}]
        },
    )
    distress: Word = Field(description="a type of the taxonomy, or a problem of another domain")
    severity: Severity | None = Field(default=None, description="without it that of the domain's table")
    area: Word | None = None
    road_grade: Word | None = None
    owner: Word | None = None
    segment: Word | None = None
    latitude: float | None = Field(default=None, ge=-90, le=90, description="WGS-84, degrees")
    longitude: float | None = Field(default=None, ge=-180, le=180, description="WGS-84, degrees")
    defect: Word | None = None
    source: Word | None = None
    first_seen_at: Moment | None = None
    recurrence_of: Word | None = None
    note: Prose | None = None


class DispatchBody(CommandBody):
    """派遣: without a department the rules choose."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}, {"department": "roads"}]})
    department: Word | None = None
    crew: Word | None = None
    reason: Prose | None = None


class MergeBody(BaseModel):
    """并案."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"into": "2026-000001"}]})
    into: Word = Field(description="the case that stays")
    as_role: Role | None = None


class UnmergeBody(BaseModel):
    """Undoes a merge."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})
    as_role: Role | None = None


@router.post("", response_model=CommandDone, status_code=201, responses=FAILS)
def file_case(body: FileBody, write: NewWrite, caller: Caller, parts: PartsOf) -> Response:
    """File a case (立案); its repair clock starts now."""
    require(caller, Right.CASES_RECORD, parts.permissions)
    domain = parts.domains.domain_of(body.distress)
    filed = Filed(
        distress=body.distress,
        severity=body.severity or parts.domains.severity_of(body.distress),
        first_seen_at=body.first_seen_at,
        policy=domain.clock_policy,
        domain=domain.id,
        area=body.area,
        road_grade=body.road_grade,
        owner=body.owner,
        segment=body.segment,
        longitude=body.longitude,
        latitude=body.latitude,
        defect=body.defect,
        source=body.source,
        recurrence_of=body.recurrence_of,
        note=body.note,
    )
    ask = write.ask(caller, body.occurred_at)
    done = done_before(parts.desk, "file", caller.account.persons(), "", filed, ask)
    if done is None:
        who = acting(caller, EventType.FILED, parts.permissions, Belongs(area=body.area), body.as_role)
        done = parts.desk.file(who, filed, ask)
    return told(parts, caller, done, 201)


@router.post("/{case}/dispatch", response_model=CommandDone, responses=FAILS)
def dispatch(case: CaseName, body: DispatchBody, write: SeenWrite, caller: Caller, parts: PartsOf) -> Response:
    """Send a case to a department and crew (派遣), by the rules or by hand."""
    if body.department is None:
        if body.crew or body.reason:
            raise DataError("crew and reason go with a department; without it the rules choose, and say why")
        ask = write.ask(caller, body.occurred_at)
        tables = (parts.dispatch, parts.domains)
        return once(
            parts,
            caller,
            (BY_RULES, case, None, ask),
            EventType.DISPATCHED,
            body.as_role,
            lambda who: dispatch_by_rules(parts.desk, who, case, *tables, ask)[0],
        )
    require_addressee(parts, body.department, body.crew)
    return record(
        parts, caller, case, body.data(EventType.DISPATCHED), write.ask(caller, body.occurred_at), body.as_role
    )


@router.post("/{case}/merge", response_model=CommandDone, responses=FAILS)
def merge(case: CaseName, body: MergeBody, write: SeenWrite, caller: Caller, parts: PartsOf) -> Response:
    """Merge a case into another (并案); If-Match, and the answer, are of the one that stays."""
    ask = write.ask(caller)
    visible(parts, caller, body.into)

    def act(who: Person) -> Done:
        return parts.desk.merge(who, case, body.into, ask)

    return once(parts, caller, ("merge", case, Merged(body.into), ask), EventType.MERGED, body.as_role, act)


@router.post("/{case}/unmerge", response_model=CommandDone, responses=FAILS)
def unmerge(case: CaseName, body: UnmergeBody, write: SeenWrite, caller: Caller, parts: PartsOf) -> Response:
    """Undo a merge: the case lives again, and the other one has its own clock back."""
    ask = write.ask(caller)

    def act(who: Person) -> Done:
        return parts.desk.unmerge(who, case, ask)

    return once(parts, caller, ("unmerge", case, Unmerged(), ask), EventType.UNMERGED, body.as_role, act)


def record(
    parts: Parts, caller: Principal, case: str, data: EventData, ask: Ask, as_role: Role | None = None
) -> Response:
    """Any event that has no command of its own."""
    kind = next(kind for kind in EventType if type(data) is DATA_OF[kind])
    return once(
        parts, caller, ("record", case, data, ask), kind, as_role, lambda who: parts.desk.record(who, case, data, ask)
    )


def once(
    parts: Parts,
    caller: Principal,
    asked: tuple[str, str, EventData | None, Ask],
    kind: EventType,
    as_role: Role | None,
    act: Act,
) -> Response:
    """Does it, unless it was done under its key, by the caller in a role that may."""
    require(caller, Right.CASES_RECORD, parts.permissions)
    command, case, data, ask = asked
    done = done_before(parts.desk, command, caller.account.persons(), case, data, ask)
    if done is None:
        view = visible(parts, caller, case, Right.CASES_RECORD)
        done = act(acting(caller, kind, parts.permissions, view.belongs, as_role))
    return told(parts, caller, done)


def told(parts: Parts, caller: Principal, done: Done, status: int = 200) -> Response:
    """The outcome. What one has just done one sees, even where the case is out of sight by it."""
    now, row = parts.now(), done.row
    added = {event.seq for event in done.events}
    notes = history(parts.desk.events(row.case_id), now).notes if added else ()
    shown = bool(done.events) or may(caller, Right.CASES_READ, parts.permissions, belongs_of(row))
    content = {
        "case_id": row.case_id,
        "version": row.version,
        "case": row.as_json(now) if shown else None,
        "events": [event.as_json() for event in done.events],
        "repeated": done.repeated,
        "notes": [{"seq": one.seq, "flag": one.flag, "why": one.why} for one in notes if one.seq in added],
    }
    headers = {"etag": etag(row.version)}
    if status == 201:
        headers["location"] = f"/api/v1/cases/{row.case_id}"
    return answer(content, status, headers)


def require_addressee(parts: Parts, department: str, crew: str | None = None) -> None:
    """Raises DataError where the table knows no such department or crew of it: nobody could take the case."""
    crews = [one.id for one in parts.dispatch.crews if one.department == department]
    try:
        require_known([department], (one.id for one in parts.dispatch.departments), "dispatch.yaml", "department")
        require_known([crew] if crew else [], crews, "dispatch.yaml", f"crew of {department}")
    except ValueError as exc:
        raise DataError(str(exc)) from exc


def _endpoint(command: Command) -> Callable[..., Response]:
    model = body_of(command.kind, command.example)

    def endpoint(case: CaseName, body: Any, write: SeenWrite, caller: Caller, parts: PartsOf) -> Response:
        data = body.data(command.kind)
        if command.kind is EventType.TRANSFERRED:
            require_addressee(parts, data.to)
        return record(parts, caller, case, data, write.ask(caller, body.occurred_at), body.as_role)

    endpoint.__name__ = command.path.replace("-", "_")
    endpoint.__doc__ = command.words
    endpoint.__annotations__["body"] = Annotated[model, Body()]
    return endpoint


for _command in COMMANDS:
    router.add_api_route(
        f"/{{case}}/{_command.path}",
        _endpoint(_command),
        methods=["POST"],
        response_model=CommandDone,
        responses=FAILS,
        summary=_command.words,
    )
