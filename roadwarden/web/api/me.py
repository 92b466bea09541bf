"""Who the server takes the caller for."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from roadwarden.access.policy import may
from roadwarden.cases.event_types import Role
from roadwarden.cases.rights import Right
from roadwarden.web.identity import Caller
from roadwarden.web.parts import PartsOf

router = APIRouter(prefix="/api/v1/me", tags=["me"])


class Me(BaseModel):
    """The caller."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "li",
                    "display_name": "Li Wei",
                    "roles": ["intake"],
                    "areas": ["west-lake"],
                    "department": None,
                    "crew": None,
                    "rights": ["cases.read", "cases.record"],
                }
            ]
        }
    )
    name: str
    display_name: str
    roles: list[Role]
    areas: list[str] = Field(description="``*``: all of them")
    department: str | None
    crew: str | None
    rights: list[Right] = Field(description="what of his rights this token or session opens")


@router.get("")
def me(caller: Caller, parts: PartsOf) -> Me:
    """Who the server takes you for, and what you may do."""
    account = caller.account
    return Me(
        name=account.name,
        display_name=account.display_name,
        roles=sorted(account.roles),
        areas=sorted(account.areas),
        department=account.department,
        crew=account.crew,
        rights=[right for right in Right if may(caller, right, parts.permissions)],
    )
