"""What the server says no to, as exceptions: the problem of RFC 9457 that it sends.

ApiError
    ServerAway      it does not answer, or says that it cannot now, however often it was asked
    Untrusted       what it says is not signed by whom it should be
    NotLoggedIn 401 · Forbidden 403 · NotFound 404 · NotAllowed 409 · Moved 412 · TooMany 429
    NotUnderstood   400, 413, 422
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from roadwarden.errors import RoadwardenError


class ApiError(RoadwardenError):
    """The server refused. ``status`` is 0 where it did not answer; ``problem`` is what it sent."""

    def __init__(self, text: str, status: int = 0, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.problem: Mapping[str, Any] = problem or {}


class ServerAway(ApiError):
    """No answer. Whether a write was kept is not known: repeat it with the same key, which does nothing twice."""


class Untrusted(ApiError):
    """What was said is not signed by the key that it should be, or is not about what was asked."""


class NotLoggedIn(ApiError):
    """The token is missing, unknown, expired or revoked."""


class Forbidden(ApiError):
    """The token's scopes, or whose it is, do not allow it."""


class NotFound(ApiError):
    """There is no such thing, or none that one may see."""


class NotAllowed(ApiError):
    """The workflow refuses it; the text says why."""


class Moved(ApiError):
    """The case has moved on since the version that was named: look again, decide again."""


class NotUnderstood(ApiError):
    """What was sent cannot be used; ``problem["faults"]`` says where."""


class TooMany(ApiError):
    """Too often, also after waiting as long as the server asked."""


OF_STATUS: Final[Mapping[int, type[ApiError]]] = {
    400: NotUnderstood,
    401: NotLoggedIn,
    403: Forbidden,
    404: NotFound,
    409: NotAllowed,
    412: Moved,
    413: NotUnderstood,
    422: NotUnderstood,
    429: TooMany,
    502: ServerAway,
    503: ServerAway,
    504: ServerAway,
}


def error_of(status: int, body: bytes) -> ApiError:
    """The exception of an answer."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    told = problem if isinstance(problem, dict) else {}
    text = str(told.get("detail") or told.get("title") or f"the server answered {status}")
    return OF_STATUS.get(status, ApiError)(text, status, told)
