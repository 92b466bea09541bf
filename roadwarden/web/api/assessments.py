"""Records of assessments, what waits for people, and a person's verdict beside the machine's."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from roadwarden.access.people import Principal
from roadwarden.access.policy import acting, may, require
from roadwarden.cases.assessments import AssessmentKind, JobState, Wait
from roadwarden.cases.event_types import EventType, Role, Verdict, format_time
from roadwarden.cases.rights import Right
from roadwarden.errors import NotFound
from roadwarden.service.case_views import belongs_of
from roadwarden.service.reviewing import review, to_review
from roadwarden.storage.assessments import AssessmentFilter, AssessmentRow
from roadwarden.storage.blobs import NoSuchBlob
from roadwarden.storage.case_unit import CaseUnit, reading
from roadwarden.web.answers import answer
from roadwarden.web.api.case_models import CommandDone
from roadwarden.web.api.commands import told
from roadwarden.web.api.fields import CaseName, Prose
from roadwarden.web.api.seeing import visible
from roadwarden.web.identity import Caller
from roadwarden.web.parts import Parts, PartsOf
from roadwarden.web.problems import answers
from roadwarden.web.writes import SeenWrite

router = APIRouter(prefix="/api/v1", tags=["assessments"])
FAILS: Final = answers(401, 403, 404, 422)
MOST: Final = 200
LOOKED_AT: Final = 400
"""Records of cases out of sight that one question passes over at most."""
RECORD_EXAMPLE: Final[dict[str, Any]] = {
    "id": "9f2c" * 16,
    "number": 12,
    "kind": "machine",
    "case": "2026-000001",
    "report_seq": 5,
    "verdict": "NOT_REPAIRED",
    "score": 12.5,
    "audited": False,
    "overlay": True,
    "of": None,
    "recorded_at": "2026-03-03T08:00:00Z",
}
RecordId = Annotated[str, Path(description="sha256 of the record", pattern=r"^[0-9a-f]{64}$", examples=["9f2c" * 16])]


class AssessmentItem(BaseModel):
    """One record; its id is the sha256 of its content."""

    model_config = ConfigDict(json_schema_extra={"examples": [RECORD_EXAMPLE]})
    id: str
    number: int = Field(description="in the order in which they were kept")
    kind: AssessmentKind
    case: str
    report_seq: int
    verdict: Verdict
    score: float = Field(description="0 to 100, how good the repair looks; 0 for a review")
    audited: bool = Field(description="drawn: a person looks before the case closes")
    overlay: bool = Field(description="whether a picture was drawn")
    of: str | None = Field(description="of a review: the machine's record")
    recorded_at: datetime


class AssessmentPage(BaseModel):
    """The newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [RECORD_EXAMPLE], "next": None}]})
    items: list[AssessmentItem]
    next: int | None = Field(description="``before`` of the next page")


class AssessmentDetail(BaseModel):
    """A record with its content: inputs by hash, versions, thresholds, reasons, score parts."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"record": RECORD_EXAMPLE, "content": {"verdict": "NOT_REPAIRED"}}]}
    )
    record: AssessmentItem
    content: dict[str, Any]


class WaitingItem(BaseModel):
    """A report that waits for a person; the clock of its assessment runs."""

    case: str
    report_seq: int
    state: JobState
    why: Wait | None
    due_at: datetime
    machine: AssessmentItem | None = Field(description="none where no machine could judge")


class WaitingList(BaseModel):
    """The nearest deadline first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": []}]})
    items: list[WaitingItem]


class ReviewBody(BaseModel):
    """A person's verdict."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"report_seq": 5, "verdict": "REPAIRED"}]}
    )
    report_seq: int = Field(ge=0, lt=2**53)
    verdict: Verdict
    reason: Prose | None = None
    as_role: Role | None = None


@router.get("/assessments", response_model=AssessmentPage, responses=FAILS)
def list_assessments(
    caller: Caller,
    parts: PartsOf,
    verdict: Verdict | None = None,
    kind: AssessmentKind | None = None,
    before: Annotated[int | None, Query(ge=1, lt=2**31, description="``next`` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> Response:
    """Records of the cases that you may see."""
    require(caller, Right.CASES_READ, parts.permissions)
    wanted = AssessmentFilter(verdict=verdict, kind=kind, before=before)
    with reading(parts.engine) as unit:
        rows = unit.assessments.list(wanted, LOOKED_AT)
        shown: list[AssessmentRow] = []
        for row in rows:
            if len(shown) == limit:
                break
            if _sees(unit, parts, caller, row.case, Right.CASES_READ):
                shown.append(row)
    more = shown[-1].number if len(shown) == limit else rows[-1].number if len(rows) == LOOKED_AT else None
    return answer({"items": [_item(row) for row in shown], "next": more})


@router.get("/assessments/waiting", response_model=WaitingList, responses=FAILS)
def waiting(caller: Caller, parts: PartsOf) -> Response:
    """Reports that wait for a person, of the cases that you may see."""
    require(caller, Right.CASES_READ, parts.permissions)
    found = [
        one
        for one in to_review(parts.desk, MOST)
        if may(caller, Right.CASES_READ, parts.permissions, belongs_of(one.row))
    ]
    items = [
        {
            "case": one.job.case,
            "report_seq": one.job.report_seq,
            "state": one.job.state.value,
            "why": None if one.job.why is None else one.job.why.value,
            "due_at": format_time(one.job.due_at),
            "machine": None if one.machine is None else _item(one.machine),
        }
        for one in found
    ]
    return answer({"items": items})


@router.get("/assessments/{record}", response_model=AssessmentDetail, responses=FAILS)
def show_assessment(record: RecordId, caller: Caller, parts: PartsOf) -> Response:
    """One record with its content."""
    row = _visible_record(parts, caller, record, Right.CASES_READ)
    return answer({"record": _item(row), "content": json.loads(row.content)})


@router.get(
    "/assessments/{record}/overlay",
    response_class=Response,
    responses=FAILS | {200: {"content": {"image/jpeg": {}}, "description": "before, after aligned, difference, boxes"}},
)
def show_overlay(record: RecordId, caller: Caller, parts: PartsOf) -> Response:
    """What was drawn, faces and plates made unrecognisable."""
    row = _visible_record(parts, caller, record, Right.EVIDENCE_READ)
    if row.overlay is None:
        raise NotFound(f"nothing was drawn for assessment {record[:12]}: there was nothing to compare")
    try:
        data = parts.requests.evidence.blobs.get(row.overlay)
    except NoSuchBlob as exc:
        raise NotFound(f"the drawing of assessment {record[:12]} is not kept here") from exc
    return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400"})


@router.get("/cases/{case}/assessments", response_model=AssessmentPage, responses=FAILS)
def of_case(case: CaseName, caller: Caller, parts: PartsOf) -> Response:
    """The records of one case, the newest first."""
    visible(parts, caller, case)
    with reading(parts.engine) as unit:
        rows = unit.assessments.list(AssessmentFilter(case=case), MOST)
    return answer({"items": [_item(row) for row in rows], "next": None})


@router.post("/cases/{case}/review", response_model=CommandDone, responses=answers(401, 403, 404, 409, 412, 422))
def review_report(case: CaseName, body: ReviewBody, write: SeenWrite, caller: Caller, parts: PartsOf) -> Response:
    """Record a person's verdict on a repair report, beside the machine's; REPAIRED closes the case."""
    require(caller, Right.CASES_RECORD, parts.permissions)
    view = visible(parts, caller, case, Right.CASES_RECORD)
    who = acting(caller, EventType.ASSESSED, parts.permissions, view.belongs, body.as_role)
    done = review(parts.desk, who, case, body.report_seq, body.verdict, body.reason, write.ask(caller))
    return told(parts, caller, done.done)


def _visible_record(parts: Parts, caller: Principal, record: str, right: Right) -> AssessmentRow:
    """Raises NotFound for records of cases out of sight, too, in the same words."""
    require(caller, right, parts.permissions)
    with reading(parts.engine) as unit:
        row = unit.assessments.get(record)
        if row is None or not _sees(unit, parts, caller, row.case, right):
            raise NotFound(f"there is no assessment {record}")
    return row


def _sees(unit: CaseUnit, parts: Parts, caller: Principal, case: str, right: Right) -> bool:
    row = unit.rows.get(case)
    return row is not None and may(caller, right, parts.permissions, belongs_of(row))


def _item(row: AssessmentRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "number": row.number,
        "kind": row.kind.value,
        "case": row.case,
        "report_seq": row.report_seq,
        "verdict": row.verdict.value,
        "score": row.score,
        "audited": row.audited,
        "overlay": row.overlay is not None,
        "of": row.of,
        "recorded_at": format_time(row.recorded_at),
    }
