"""Every error as RFC 9457 says: one shape, one media type, whatever raised it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from roadwarden import errors
from roadwarden.web.look import language_of_page
from roadwarden.web.parts import parts_of
from roadwarden.web.refusals import in_language
from roadwarden.web.words import named_offices

logger = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
_URN: Final = "urn:roadwarden:problem:"


class Fault(BaseModel):
    """One thing that is wrong with what was sent."""

    where: str = Field(description="such as body.reason or query.limit", examples=["query.limit"])
    what: str = Field(examples=["Input should be less than or equal to 200"])


class Problem(BaseModel):
    """The body of every error (RFC 9457)."""

    type: str = Field(description="names the problem", examples=["urn:roadwarden:problem:stale-case"])
    title: str = Field(examples=["The case has moved on"])
    status: int = Field(examples=[412])
    detail: str = Field(description="what to do", examples=["case 2026-000001 is at version 4, not 3"])
    request: str = Field(description="id of the request, for whoever looks into the log", examples=["4f1c9a7e2b60d853"])
    faults: list[Fault] | None = Field(default=None, description="of a body, query or path that was not understood")


@dataclass(frozen=True, slots=True)
class Kind:
    """How one sort of error is told."""

    status: int
    name: str
    title: str


KINDS: Final[Mapping[type[errors.RoadwardenError], Kind]] = {
    errors.NotLoggedIn: Kind(401, "not-logged-in", "Nobody knows who asks"),
    errors.Forbidden: Kind(403, "forbidden", "You may not do that"),
    errors.TooMany: Kind(429, "too-many", "Too often"),
    errors.UnknownCase: Kind(404, "unknown-case", "There is no such case"),
    errors.NotFound: Kind(404, "not-found", "There is no such thing"),
    errors.StaleCase: Kind(412, "stale-case", "The case has moved on"),
    errors.KeyUsed: Kind(422, "key-used", "The idempotency key stands for another command"),
    errors.NotAllowed: Kind(409, "not-allowed", "The workflow refuses that"),
    errors.StorageAway: Kind(503, "storage-away", "The database does not answer"),
    errors.RegistryAway: Kind(503, "registry-away", "The model registry does not answer"),
    errors.DataError: Kind(422, "bad-data", "What was sent cannot be used"),
    errors.LedgerError: Kind(409, "ledger", "The log says no"),
}
"""The nearest class in the tree of an error counts; one that is not below any of these is a fault of ours."""
RETRY_S: Final = 5


def problem(
    request: Request,
    kind: Kind,
    detail: str,
    *,
    faults: list[Fault] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An answer of the one shape."""
    told = Problem(
        type="about:blank" if kind.name == "http" else _URN + kind.name,
        title=kind.title,
        status=kind.status,
        detail=in_words_of_page(request, detail),
        request=getattr(request.state, "request_id", ""),
        faults=faults,
    )
    content = told.model_dump(exclude_none=True)
    return JSONResponse(content, kind.status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def in_words_of_page(request: Request, detail: str) -> str:
    """What is said to whoever asks: in Chinese to a script of a Chinese page."""
    language = language_of_page(request)
    return in_language(detail, language, named_offices(parts_of(request).dispatch, language))


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For ``responses=`` of a route: the errors that it may give, in OpenAPI."""
    shown = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": shown} for status in sorted(statuses)}


def install(app: FastAPI) -> None:
    """Hands every error of the app to us."""
    app.add_exception_handler(errors.RoadwardenError, ours)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _http)


def kind_of(exc: errors.RoadwardenError) -> Kind:
    """How it is told."""
    return next((KINDS[cls] for cls in type(exc).__mro__ if cls in KINDS), Kind(500, "fault", "A fault of ours"))


async def ours(request: Request, exc: Exception) -> Response:
    """One of our errors, for programs."""
    if not isinstance(exc, errors.RoadwardenError):
        return await _fault(request, exc)
    kind = kind_of(exc)
    if kind.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return await _fault(request, exc)
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        logger.error("request %s: %s", getattr(request.state, "request_id", "?"), exc)
        return problem(request, kind, "try again", headers={"Retry-After": str(RETRY_S)})
    headers: dict[str, str] = {}
    if isinstance(exc, errors.NotLoggedIn):
        headers["WWW-Authenticate"] = 'Bearer realm="roadwarden"'
    if isinstance(exc, errors.TooMany):
        headers["Retry-After"] = str(exc.after_s)
    return problem(request, kind, str(exc), headers=headers)


async def _not_understood(request: Request, exc: Exception) -> Response:
    found = exc.errors() if isinstance(exc, RequestValidationError) else ()
    faults = [Fault(where=".".join(map(str, one["loc"])), what=_said(one["msg"])) for one in found]
    kind = Kind(422, "not-understood", "What was sent was not understood")
    detail = "; ".join(f"{fault.where}: {fault.what}" for fault in faults[:5])
    return problem(request, kind, detail, faults=faults)


async def _http(request: Request, exc: Exception) -> Response:
    if not isinstance(exc, HTTPException):
        return await _fault(request, exc)
    phrase = HTTPStatus(exc.status_code).phrase
    return problem(request, Kind(exc.status_code, "http", phrase), str(exc.detail), headers=exc.headers)


async def _fault(request: Request, exc: Exception) -> Response:
    """Says nothing of what went wrong but where to look."""
    request_id = getattr(request.state, "request_id", "?")
    logger.error("request %s %s failed", request_id, request.url.path, exc_info=exc)
    return problem(request, Kind(500, "fault", "A fault of ours"), "give the id of this request to the server's people")


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")
