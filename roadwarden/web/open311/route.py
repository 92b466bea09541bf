"""Routes whose errors are told in Open311's form, whatever raised them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from roadwarden import errors
from roadwarden.web.open311.faults import Open311Fault
from roadwarden.web.open311.forms_out import CONTENT_TYPES, Format, rendered
from roadwarden.web.problems import kind_of

_STATUSES: Final[Mapping[type[errors.RoadwardenError], HTTPStatus]] = {
    errors.NotLoggedIn: HTTPStatus.FORBIDDEN,  # as the specification has it for a key that is not known
    errors.NotAllowed: HTTPStatus.CONFLICT,
    errors.DataError: HTTPStatus.BAD_REQUEST,
}


class Open311Route(APIRoute):
    """Any of the routes below ``/open311``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As usual, but for errors."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except Open311Fault as exc:
                return told(request, exc.status, str(exc))
            except RequestValidationError as exc:
                named = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in exc.errors())
                return told(request, HTTPStatus.BAD_REQUEST, named)
            except HTTPException as exc:
                return told(request, HTTPStatus(exc.status_code), str(exc.detail))
            except errors.StorageAway:
                raise
            except errors.RoadwardenError as exc:
                return _ours(request, exc)

        return handle


def form_of(path: str) -> Format:
    """By the ending of the path; XML, which every client reads, where that says nothing."""
    return Format.JSON if path.endswith(".json") else Format.XML


def told(request: Request, status: HTTPStatus, description: str) -> Response:
    """One error."""
    form = form_of(request.url.path)
    body = rendered("errors", [{"code": int(status), "description": description}], form)
    return Response(body, int(status), media_type=CONTENT_TYPES[form])


def _status(exc: errors.RoadwardenError) -> HTTPStatus:
    for cls, status in _STATUSES.items():
        if isinstance(exc, cls):
            return status
    return HTTPStatus(kind_of(exc).status)


def _ours(request: Request, exc: errors.RoadwardenError) -> Response:
    status = _status(exc)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        raise exc
    answer = told(request, status, str(exc))
    if isinstance(exc, errors.TooMany):
        answer.headers["retry-after"] = str(exc.after_s)
    return answer
