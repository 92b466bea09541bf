"""Requests of citizens for people of intake: what was written, the pictures, and what other systems told of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from roadwarden.access.policy import may, require
from roadwarden.cases.permissions import Belongs
from roadwarden.cases.requests import Channel, NewsStanding, Phase, UpdateStatus
from roadwarden.cases.rights import Right
from roadwarden.errors import NotFound
from roadwarden.service.requests import told_of
from roadwarden.storage import request_unit
from roadwarden.storage.engine import writing
from roadwarden.storage.reads import ReadStore
from roadwarden.web.identity import Caller
from roadwarden.web.parts import PartsOf
from roadwarden.web.problems import answers

router = APIRouter(prefix="/api/v1/requests", tags=["requests"])


class News(BaseModel):
    """What another system told."""

    update_id: str
    client: str
    status: UpdateStatus
    updated_at: datetime = Field(description="by the clock of that system")
    received_at: datetime
    standing: NewsStanding = Field(description="late ones and repeats change nothing")
    description: str | None


class CitizensRequest(BaseModel):
    """One request."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "R2026-000001",
                    "channel": "page",
                    "requested_at": "2026-11-30T08:00:00Z",
                    "service": "pothole",
                    "phase": "waiting",
                    "case": None,
                    "own_tip": True,
                    "tip": "citizen R2026-000001",
                    "latitude": 30.2741,
                    "longitude": 120.1551,
                    "address": None,
                    "description": "a deep hole",
                    "answers": {"size": ["wheel"]},
                    "media_url": None,
                    "pictures": [],
                    "news": [],
                }
            ]
        }
    )
    id: str
    channel: Channel
    requested_at: datetime
    service: str
    phase: Phase
    case: str | None
    own_tip: bool = Field(description="false where it joined a report or case that was there")
    tip: str | None = Field(description="that it hangs on: source and id")
    latitude: float | None
    longitude: float | None
    address: str | None
    description: str | None
    answers: dict[str, list[str]]
    media_url: str | None = Field(description="a picture elsewhere, that nobody here has fetched")
    pictures: list[str] = Field(description="sha256; see /api/v1/evidence")
    news: list[News]


@router.get("/{id}", responses=answers(404))
def one(caller: Caller, parts: PartsOf, id: Annotated[str, Path(max_length=40)]) -> CitizensRequest:
    """A request as it came, with free text of a citizen: that you read it is written down."""
    require(caller, Right.TIPS_SETTLE, parts.permissions)
    require(caller, Right.PERSONAL_READ, parts.permissions)
    with request_unit.reading(parts.engine) as unit:
        request = unit.requests.get(id)
        seen = request is not None and may(caller, Right.PERSONAL_READ, parts.permissions, Belongs(request.area))
        if request is None or not seen:
            raise NotFound(f"there is no request {id}")
        (told,) = told_of(parts.requests, unit, [request])
        news = unit.news.of_request(id)
    with writing(parts.engine) as connection:
        ReadStore(connection).add(parts.now(), caller.name, caller.credential, id, "request of a citizen")
    asked = request.asked
    return CitizensRequest(
        id=request.id,
        channel=request.channel,
        requested_at=request.requested_at,
        service=asked.service,
        phase=told.standing.phase,
        case=told.standing.case,
        own_tip=request.own_tip,
        tip=None if request.tip is None else f"{request.tip.source} {request.tip.id}",
        latitude=asked.latitude,
        longitude=asked.longitude,
        address=asked.address,
        description=asked.description,
        answers={name: list(several) for name, several in asked.answers.items()},
        media_url=asked.media_url,
        pictures=[picture.sha256 for picture in told.pictures],
        news=[
            News(
                update_id=kept.news.update_id,
                client=kept.news.client,
                status=kept.news.status,
                updated_at=kept.news.updated_at,
                received_at=kept.received_at,
                standing=kept.standing,
                description=kept.news.description,
            )
            for kept in news
        ],
    )
