"""The server's time, signed: whoever shows a countdown can prove whose clock it went by."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from roadwarden.cases.event_types import format_time
from roadwarden.web.identity import MaybeCaller
from roadwarden.web.parts import PartsOf

router = APIRouter(prefix="/api/v1/time", tags=["time"])
ANYBODY: Final[dict[str, Any]] = {"security": []}


class SignedTime(BaseModel):
    """The time of the server, as a signed note (C2SP) of three lines: key's name, nonce, time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "now": "2026-03-02T08:00:00Z",
                    "nonce": "c0ffee",
                    "key": "roads.example.org/time+1c5b6a4e+AQ…",
                    "note": "roads.example.org/time\nc0ffee\n2026-03-02T08:00:00Z\n\n— roads.example.org/time …\n",
                }
            ]
        }
    )
    now: datetime
    nonce: str = Field(description="what the caller sent, so that nobody can play an old answer back")
    key: str = Field(description="the public key, in the form of a verifier key (C2SP)")
    note: str = Field(description="what is signed, with the signature")


@router.get("", openapi_extra=ANYBODY)
def time(
    _caller: MaybeCaller,
    parts: PartsOf,
    nonce: Annotated[
        str, Query(pattern=r"^[A-Za-z0-9_\-]{0,64}$", description="anything that is new", examples=["c0ffee"])
    ] = "",
) -> SignedTime:
    """The server's time with its signature (Ed25519)."""
    now = parts.now()
    key = parts.signer
    note = key.sign(f"{key.name}\n{nonce or '-'}\n{format_time(now)}\n")
    return SignedTime(now=now, nonce=nonce, key=str(key.verifier), note=str(note))
