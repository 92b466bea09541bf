"""Who there is, and who has read what of persons. Accounts change on the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from roadwarden.access.policy import require
from roadwarden.cases.event_types import Role
from roadwarden.cases.rights import Right
from roadwarden.storage.engine import reading
from roadwarden.storage.reads import ReadStore
from roadwarden.web.api.fields import Word
from roadwarden.web.identity import Caller
from roadwarden.web.parts import PartsOf
from roadwarden.web.problems import answers

router = APIRouter(prefix="/api/v1", tags=["access"])


class Person(BaseModel):
    """An account."""

    name: str = Field(examples=["li"])
    display_name: str = Field(examples=["Li Wei"])
    roles: list[Role]
    areas: list[str] = Field(examples=[["west-lake"]])
    department: str | None
    crew: str | None
    disabled_at: datetime | None


_LI: Final[dict[str, Any]] = {
    "name": "li",
    "display_name": "Li Wei",
    "roles": ["intake"],
    "areas": ["west-lake"],
    "department": None,
    "crew": None,
    "disabled_at": None,
}
_READ: Final[dict[str, Any]] = {
    "number": 17,
    "at": "2026-03-02T09:00:00Z",
    "actor": "li",
    "credential": "5f0c91ab77d2",
    "case_id": "2026-000001",
    "what": "events",
}


class PeopleList(BaseModel):
    """Every account, by name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_LI]}]})
    items: list[Person]


class Read(BaseModel):
    """Somebody has read personal data of a case."""

    number: int
    at: datetime
    actor: str
    credential: str = Field(description="id of his token, or short name of his session")
    case_id: str
    what: str


class ReadPage(BaseModel):
    """The newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_READ], "next": None}]})
    items: list[Read]
    next: int | None = Field(description="what ``before`` wants for the next page; null: this is the last one")


@router.get("/people", responses=answers(401, 403))
def people(caller: Caller, parts: PartsOf) -> PeopleList:
    """Every account, disabled ones too."""
    require(caller, Right.PEOPLE_MANAGE, parts.permissions)
    return PeopleList(
        items=[
            Person(
                name=one.name,
                display_name=one.display_name,
                roles=sorted(one.roles),
                areas=sorted(one.areas),
                department=one.department,
                crew=one.crew,
                disabled_at=one.disabled_at,
            )
            for one in parts.people.all()
        ]
    )


@router.get("/personal-reads", responses=answers(401, 403, 422))
def personal_reads(
    caller: Caller,
    parts: PartsOf,
    case: Annotated[Word | None, Query(description="of this case only")] = None,
    before: Annotated[int | None, Query(ge=1, lt=2**53, description="``next`` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ReadPage:
    """Who has read personal data of which case."""
    require(caller, Right.READS_READ, parts.permissions)
    with reading(parts.engine) as connection:
        found = ReadStore(connection).list(before, case, limit + 1)
    items = [
        Read(number=one.number, at=one.at, actor=one.actor, credential=one.credential, case_id=one.case, what=one.what)
        for one in found[:limit]
    ]
    return ReadPage(items=items, next=items[-1].number if len(found) > limit else None)
