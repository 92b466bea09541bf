"""Whether the server lives, and whether it can work: for whoever watches it. Says nothing of the inside."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from roadwarden.storage.schema import schema_of
from roadwarden.web.parts import PartsOf
from roadwarden.web.problems import answers

router = APIRouter(tags=["health"])
NOBODY: Final[dict[str, Any]] = {"security": []}


class Health(BaseModel):
    """That it is well."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})
    status: str


@router.get("/healthz", openapi_extra=NOBODY)
async def healthz() -> Health:
    """Whether the process lives. Asks nothing else."""
    return Health(status="ok")


@router.get("/readyz", openapi_extra=NOBODY, responses=answers(503))
def readyz(parts: PartsOf) -> Health:
    """Whether the database answers."""
    schema_of(parts.engine)
    return Health(status="ok")
