"""What every command carries: a key, so that twice sent is once done, and the version of the case that was seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, Request

from roadwarden.access.people import Principal
from roadwarden.service.cases import Ask

_KEY = r"^[\x21-\x7e]{1,128}$"
_VERSION = r'^(\*|"[1-9][0-9]{0,8}")$'


@dataclass(frozen=True, slots=True)
class Write:
    """The headers of a command."""

    key: str
    version: int | None  # None: whatever it is

    def ask(
        self, caller: Principal, occurred_at: datetime | None = None, *, approver: frozenset[str] | None = None
    ) -> Ask:
        """For the desk; keys are kept for each person apart."""
        areas = frozenset({"*"}) if approver is None else approver
        return Ask(f"{caller.name} {self.key}", self.version, occurred_at, areas)


async def _new(
    request: Request,
    idempotency_key: Annotated[
        str,
        Header(description="anything that is new, such as a UUID; the same once more does nothing more", pattern=_KEY),
    ],
) -> AsyncIterator[Write]:
    async with request.app.state.writers:
        yield Write(idempotency_key, None)


async def _seen(
    write: Annotated[Write, Depends(_new)],
    if_match: Annotated[str, Header(description="ETag of the case as you saw it; * for any", pattern=_VERSION)],
) -> Write:
    return Write(write.key, None if if_match == "*" else int(if_match.strip('"')))


NewWrite = Annotated[Write, Depends(_new)]
SeenWrite = Annotated[Write, Depends(_seen)]
