"""What other systems tell us: signed, kept, and then done. No token: the signature says who it is."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from roadwarden.errors import NotLoggedIn
from roadwarden.service.inbox import UnknownPartner
from roadwarden.storage.inbox_tables import InboxState
from roadwarden.web.identity import address_of
from roadwarden.web.limits import Limiter, Rate
from roadwarden.web.parts import PartsOf
from roadwarden.web.problems import answers
from roadwarden.webhook_signatures import BadSignature

router = APIRouter(prefix="/api/v1/inbox", tags=["inbox"])
_HEADERS: Final = (
    ("webhook-id", "the sender's own number of the message; the same one twice is one message"),
    ("webhook-timestamp", "seconds since 1970, at most five minutes off"),
    ("webhook-signature", "as Standard Webhooks has it: v1,BASE64 or v1a,BASE64, several with spaces between"),
)
DOCUMENTED: Final[dict[str, Any]] = {
    "security": [],
    "parameters": [
        {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
        for name, text in _HEADERS
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}, "example": {"taskNum": "T-17"}}},
    },
}


class Received(BaseModel):
    """A message that is kept for good, and what became of it so far."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "msg-17", "state": "applied", "case": "2026-000001", "reason": None, "repeated": False}]
        }
    )
    id: str = Field(description="the sender's own number")
    state: InboxState = Field(
        description="waiting: it will be done; rejected: see reason, it is kept and can be retried"
    )
    case: str | None = Field(description="our name of the case")
    reason: str | None
    repeated: bool = Field(description="it came before; nothing was done again")


async def signed_body(request: Request) -> bytes:
    """As it came, because that is what is signed. Raises TooMany."""
    limiter: Limiter = request.app.state.limiter
    settings = request.app.state.parts.settings
    limiter.take(f"inbox {address_of(request)}", Rate(settings.per_second, settings.burst))
    return await request.body()


@router.post("/{partner}", status_code=202, responses=answers(401, 404, 422, 503), openapi_extra=DOCUMENTED)
def receive(
    partner: Annotated[str, Path(description="name of the partner's file", max_length=64, examples=["city-platform"])],
    request: Request,
    body: Annotated[bytes, Depends(signed_body)],
    parts: PartsOf,
) -> Received:
    """Keep a signed message of another system, and do what it wants if that is allowed."""
    if parts.inbox is None:
        raise UnknownPartner(f"there is no partner '{partner}' here")
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        kept, new = parts.inbox.receive(partner, headers, body)
    except BadSignature as exc:
        raise NotLoggedIn(str(exc)) from exc
    return Received(id=kept.message.id, state=kept.state, case=kept.case, reason=kept.reason, repeated=not new)
