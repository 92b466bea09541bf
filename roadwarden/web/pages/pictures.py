"""Pictures of cases for those who see the case: redacted, whoever asks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from roadwarden.access.people import Principal
from roadwarden.access.policy import may
from roadwarden.cases.events import CaseEvent, RepairReported, SelfHandled
from roadwarden.cases.rights import Right
from roadwarden.errors import UnknownCase
from roadwarden.service.case_views import belongs_of
from roadwarden.storage import case_unit
from roadwarden.storage.assessments import AssessmentRow
from roadwarden.storage.evidence import UseKind, reading
from roadwarden.web.identity import Caller
from roadwarden.web.parts import Parts, PartsOf

router = APIRouter(include_in_schema=False)
_SHA256 = re.compile(r"[0-9a-f]{64}")
Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class CasePictures:
    """sha256 of the originals, the newest last; the page shows what ``/case-pictures`` makes of them."""

    before: tuple[str, ...]
    after: tuple[str, ...]  # of the newest report that has some


@router.get("/case-pictures/{sha256}.jpg")
def picture(caller: Caller, parts: PartsOf, sha256: Sha256) -> Response:
    """The redacted copy of a picture of a case that the caller may see."""
    desk = parts.requests.evidence
    with reading(parts.engine) as unit:
        uses = unit.uses_of(sha256)
        kept = unit.get(sha256)
    if kept is None or not any(_sees(parts, caller, subject) for kind, subject in uses if kind is UseKind.CASE):
        raise UnknownCase(f"there is no picture {sha256}")
    headers = {"cache-control": "private, max-age=86400", "etag": f'"{kept.public_sha256[:20]}"'}
    return Response(desk.public(kept.public_sha256), media_type="image/jpeg", headers=headers)


def pictures_of(parts: Parts, case: str, events: tuple[CaseEvent, ...]) -> CasePictures:
    """What was attached before any report, and what the newest report shows."""
    reported = [event.data.evidence for event in events if isinstance(event.data, RepairReported | SelfHandled)]
    claimed = {one for evidence in reported for one in evidence}
    with reading(parts.engine) as unit:
        attached = [kept.sha256 for kept in unit.of_subjects(UseKind.CASE, [case]).get(case, ())]
        newest = next((evidence for evidence in reversed(reported) if evidence), ())
        after = [one for one in newest if _SHA256.fullmatch(one) and unit.get(one) is not None]
    return CasePictures(tuple(one for one in attached if one not in claimed), tuple(after))


def url_of(sha256: str) -> str:
    """Where a page finds the redacted copy."""
    return f"/case-pictures/{sha256}.jpg"


def overlay_of(parts: Parts, case: str, report: int | None) -> str | None:
    """Where a page finds what the machine drew when it judged that report; None where it drew nothing."""
    if report is None:
        return None
    with case_unit.reading(parts.engine) as unit:
        return overlay_url(unit.assessments.by_machine(case, report))


def overlay_url(said: AssessmentRow | None) -> str | None:
    """Of an assessment of the machine's."""
    return f"/api/v1/assessments/{said.id}/overlay" if said is not None and said.overlay is not None else None


def _sees(parts: Parts, caller: Principal, case: str) -> bool:
    with case_unit.reading(parts.engine) as unit:
        row = unit.rows.get(case)
    return row is not None and may(caller, Right.EVIDENCE_READ, parts.permissions, belongs_of(row))
