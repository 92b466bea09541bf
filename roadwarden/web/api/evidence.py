"""Pictures as evidence: sent, told of, and, for the few who may, handed out as they came."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, File, Form, Path, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from roadwarden.access.people import Principal
from roadwarden.access.policy import may, require
from roadwarden.cases.permissions import Belongs
from roadwarden.cases.rights import Right
from roadwarden.errors import NotFound
from roadwarden.service.case_views import belongs_of
from roadwarden.storage import request_unit
from roadwarden.storage.engine import writing
from roadwarden.storage.evidence import KeptEvidence, UseKind
from roadwarden.storage.reads import ReadStore
from roadwarden.web.api.seeing import visible
from roadwarden.web.identity import Caller
from roadwarden.web.parts import Parts, PartsOf
from roadwarden.web.problems import answers
from roadwarden.web.shown_pictures import picture_path
from roadwarden.web.uploads import take_in

router = APIRouter(prefix="/api/v1/evidence", tags=["evidence"])
Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="of the picture as it came")]


class Evidence(BaseModel):
    """What is known of a picture."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sha256": "9f" * 32,
                    "shown": "/shown/" + "4b" * 32 + ".jpg",
                    "format": "jpeg",
                    "width": 4000,
                    "height": 3000,
                    "received_at": "2026-11-30T08:00:00Z",
                    "captured_at": "2026-11-30T07:58:12Z",
                    "copy_of": None,
                    "withheld": False,
                }
            ]
        }
    )
    sha256: str = Field(description="of the picture as it came: what a repair report cites")
    shown: str | None = Field(description="path of the redacted picture; none where it is withheld")
    format: str
    width: int
    height: int
    received_at: datetime
    captured_at: datetime | None = Field(description="as its EXIF says")
    copy_of: str | None = Field(description="earlier evidence that it shows again")
    withheld: bool


class Withholding(BaseModel):
    """Why a picture is shown to nobody outside."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "a face in the window"}]})
    reason: str = Field(min_length=1, max_length=500)


SENT = {
    "requestBody": {
        "content": {"multipart/form-data": {"example": {"picture": "the bytes of a JPEG", "case": "2026-000001"}}}
    }
}


@router.post("", status_code=201, responses=answers(400, 404, 413, 503), openapi_extra=SENT)
async def send(
    caller: Caller,
    parts: PartsOf,
    picture: Annotated[UploadFile, File(description="JPEG, PNG or WebP")],
    case: Annotated[str | None, Form(max_length=200, description="that it is evidence of")] = None,
) -> Evidence:
    """Keep a picture; the same bytes again are the same evidence. What it is, its bytes say."""
    require(caller, Right.EVIDENCE_ADD, parts.permissions)
    if case is not None:
        await run_in_threadpool(visible, parts, caller, case, Right.EVIDENCE_ADD)
    (kept,) = await take_in(parts.requests.evidence, [picture], caller.name)
    if case is not None:
        await run_in_threadpool(parts.requests.evidence.belongs, UseKind.CASE, case, [kept.sha256])
    return _told(kept)


@router.get("/{sha256}", responses=answers(404))
def known(caller: Caller, parts: PartsOf, sha256: Sha256) -> Evidence:
    """What is known of a picture of a case, or of a citizen's report, that you see."""
    return _told(_seen(parts, caller, sha256, Right.EVIDENCE_READ))


@router.get(
    "/{sha256}/original",
    response_class=Response,
    responses=answers(404) | {200: {"content": {"application/octet-stream": {}}, "description": "the file as it came"}},
)
def original(caller: Caller, parts: PartsOf, sha256: Sha256) -> Response:
    """The picture as it came, unredacted; that you read it is written down. Browsers save it and never show it."""
    kept = _seen(parts, caller, sha256, Right.ORIGINALS_READ)
    with writing(parts.engine) as connection:
        ReadStore(connection).add(parts.now(), caller.name, caller.credential, sha256, "original picture")
    headers = {"content-disposition": f'attachment; filename="{sha256}.{kept.format}"'}
    return Response(parts.requests.evidence.original(sha256), media_type="application/octet-stream", headers=headers)


@router.post("/{sha256}/withhold", responses=answers(404, 409))
def withhold(caller: Caller, parts: PartsOf, sha256: Sha256, why: Withholding) -> Evidence:
    """Show a picture to nobody outside any more: the redactor did not find a face."""
    require(caller, Right.TIPS_SETTLE, parts.permissions)
    _seen(parts, caller, sha256, Right.EVIDENCE_READ)
    return _told(parts.requests.evidence.withhold(caller.name, sha256, why.reason))


def _seen(parts: Parts, caller: Principal, sha256: str, right: Right) -> KeptEvidence:
    """Raises Forbidden where he has the right nowhere, NotFound where not on what the picture belongs to."""
    require(caller, right, parts.permissions)
    with request_unit.reading(parts.engine) as unit:
        kept = unit.evidence.get(sha256)
        places: list[Belongs] = []
        for kind, subject in unit.evidence.uses_of(sha256):
            row = unit.cases.rows.get(subject) if kind is UseKind.CASE else None
            request = unit.requests.get(subject) if kind is UseKind.REQUEST else None
            places += [belongs_of(row)] if row else []
            places += [Belongs(request.area)] if request else []
    mine = kept is not None and kept.received_from == caller.name and right is Right.EVIDENCE_READ
    if kept is None or not (mine or any(may(caller, right, parts.permissions, place) for place in places)):
        raise NotFound(f"there is no picture {sha256}")
    return kept


def _told(kept: KeptEvidence) -> Evidence:
    return Evidence(
        sha256=kept.sha256,
        shown=None if kept.withheld else picture_path(kept.public_sha256),
        format=kept.format,
        width=kept.width,
        height=kept.height,
        received_at=kept.received_at,
        captured_at=kept.captured_at,
        copy_of=kept.copy_of,
        withheld=kept.withheld is not None,
    )
