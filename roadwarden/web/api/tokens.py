"""Tokens of one's own: issued with no more than one has, rotated, revoked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from roadwarden.access.people import Principal, Token
from roadwarden.access.policy import may, require
from roadwarden.cases.rights import Right
from roadwarden.errors import Forbidden, NotFound
from roadwarden.service.people import Issued
from roadwarden.web.api.fields import Word
from roadwarden.web.identity import Caller
from roadwarden.web.parts import Parts, PartsOf
from roadwarden.web.problems import answers

router = APIRouter(prefix="/api/v1/me/tokens", tags=["tokens"])
FAILS: Final = answers(401, 403, 404, 422)
EXAMPLE: Final[dict[str, Any]] = {
    "id": "5f0c91ab77d2e1a4",
    "label": "board in the hall",
    "scopes": ["cases.read"],
    "created_at": "2026-03-02T08:00:00Z",
    "expires_at": "2026-05-31T08:00:00Z",
    "revoked_at": None,
}
TokenName = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", examples=["5f0c91ab77d2e1a4"])]


class TokenBody(BaseModel):
    """A token that is wanted."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"label": "board in the hall", "scopes": ["cases.read"], "days": 90}]},
    )
    label: Word = Field(description="what it is for")
    scopes: list[Right] = Field(min_length=1, max_length=len(Right))
    days: int = Field(default=90, ge=1, le=366, description="how long it opens anything")


class TokenItem(BaseModel):
    """A token, without its secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})
    id: str
    label: str
    scopes: list[Right]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class TokenList(BaseModel):
    """The oldest first, dead ones too."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [EXAMPLE]}]})
    items: list[TokenItem]


class NewToken(TokenItem):
    """A new token with its secret, which is shown this once."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE | {"token": "rw_5f0c91ab77d2e1a4_…"}]})
    token: str


@router.get("", responses=FAILS)
def list_tokens(caller: Caller, parts: PartsOf) -> TokenList:
    """Your tokens."""
    return TokenList(items=[TokenItem(**_told(one)) for one in parts.access.tokens_of(caller.name)])


@router.post("", status_code=201, responses=FAILS)
def issue(body: TokenBody, caller: Caller, parts: PartsOf) -> NewToken:
    """Issue a token; it opens no more than what you use to ask for it."""
    require(caller, Right.TOKENS_OWN, parts.permissions)
    if more := sorted(right for right in set(body.scopes) if not may(caller, right, parts.permissions)):
        raise Forbidden(f"you have no {', '.join(more)} to hand on")
    return _shown(parts.people.issue(caller.name, body.label, body.scopes, timedelta(days=body.days), caller.name))


@router.post("/{token}/rotate", status_code=201, responses=FAILS)
def rotate(token: TokenName, caller: Caller, parts: PartsOf) -> NewToken:
    """A new token with the same scopes; the old one still opens for a day."""
    require(caller, Right.TOKENS_OWN, parts.permissions)
    old = _own(parts, caller, token)
    if more := sorted(old.scopes - caller.scopes):
        raise Forbidden(f"you have no {', '.join(more)} to hand on")
    return _shown(parts.people.rotate(token, caller.name))


@router.delete("/{token}", responses=FAILS)
def revoke(token: TokenName, caller: Caller, parts: PartsOf) -> TokenItem:
    """It opens nothing any more."""
    require(caller, Right.TOKENS_OWN, parts.permissions)
    _own(parts, caller, token)
    parts.people.revoke(token, caller.name)
    return TokenItem(**_told(parts.people.token(token)))


def _own(parts: Parts, caller: Principal, name: str) -> Token:
    token = parts.people.token(name)
    if token.person != caller.name:
        raise NotFound(f"there is no token {name}")
    return token


def _shown(issued: Issued) -> NewToken:
    return NewToken(**_told(issued.token), token=issued.secret.text)


def _told(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "label": token.label,
        "scopes": sorted(token.scopes),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    }
