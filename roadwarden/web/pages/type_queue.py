"""The queue of frames whose distress people name: a review out of 'roadwarden review export', labelled by keyboard."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from roadwarden.access.people import Principal
from roadwarden.access.policy import may, require
from roadwarden.cases.event_types import EventType
from roadwarden.cases.rights import Right
from roadwarden.data.review_pass import Drawn
from roadwarden.errors import Forbidden, NotFound
from roadwarden.eval.review_desk import MOST_BOXES, ReviewDesk, Waiting
from roadwarden.taxonomy import DistressType
from roadwarden.vision.drawing import hex_colour
from roadwarden.web.answers import answer
from roadwarden.web.identity import Caller
from roadwarden.web.parts import Parts, PartsOf

router = APIRouter(include_in_schema=False)
MOST: Final = 100
Picture = Annotated[str, Path(max_length=200)]
Edge = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]


class LabelledBox(BaseModel):
    """A box in pixels of the picture, and what it is."""

    model_config = ConfigDict(extra="forbid")
    type: DistressType
    box_xyxy: tuple[Edge, Edge, Edge, Edge]


class LabelledBody(BaseModel):
    """All that is to be seen on one frame; without a box: nothing."""

    model_config = ConfigDict(extra="forbid")
    boxes: list[LabelledBox] = Field(max_length=MOST_BOXES)


def labels_here(caller: Principal, parts: Parts) -> bool:
    """Whether there is a review, and he is one who judges what pictures show."""
    if parts.review is None or not parts.review.is_there() or not may(caller, Right.EVIDENCE_READ, parts.permissions):
        return False
    rows = [row for row in parts.permissions.roles if row.role in caller.account.roles]
    return any(EventType.ASSESSED in row.records for row in rows)


def frames_that_wait(parts: Parts) -> list[dict[str, Any]]:
    """As the page wants them; none where there is no review."""
    return [] if parts.review is None else [_told(one) for one in parts.review.waiting()[:MOST]]


def labels_told(parts: Parts) -> list[dict[str, str]]:
    """What a box may be called, in the order of the number keys, with its colour."""
    known = () if parts.review is None else parts.review.manifest().labels
    return [{"type": one.value, "colour": hex_colour(one)} for one in known]


@router.get("/work/frames/{picture}")
def frame_picture(caller: Caller, parts: PartsOf, picture: Picture) -> Response:
    """The copy that was given out for labelling."""
    content = _desk(caller, parts).picture(picture)
    return Response(content, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})


@router.post("/work/frames/{picture}")
def keep_labels(caller: Caller, parts: PartsOf, picture: Picture, body: LabelledBody) -> Response:
    """What somebody sees on it."""
    require(caller, Right.CASES_RECORD, parts.permissions)
    drawn = [Drawn(one.box_xyxy, one.type.value) for one in body.boxes]
    _desk(caller, parts).keep(picture, drawn, caller.name, parts.now())
    return answer({"kept": picture})


def _desk(caller: Principal, parts: Parts) -> ReviewDesk:
    if parts.review is None:
        raise NotFound("no review is laid out here; ROADWARDEN_REVIEW names its folder")
    if not labels_here(caller, parts):
        raise Forbidden(f"{caller.name} judges no pictures")
    return parts.review


def _told(one: Waiting) -> dict[str, Any]:
    frame = one.frame
    shown = () if one.is_blind else frame.predicted
    return {
        "id": frame.picture,
        "url": f"/work/frames/{frame.picture}",
        "width": frame.width,
        "height": frame.height,
        "blind": one.is_blind,
        "why": frame.why.value,
        "at": None if frame.captured_at is None else frame.captured_at.isoformat(),
        "boxes": [{"type": box.type.value, "box_xyxy": list(box.box_xyxy), "score": box.score} for box in shown],
    }
