"""One request, and how often it is tried. Redirects are not followed: a token does not wander."""

from __future__ import annotations

import http.client
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from roadwarden.client.errors import ApiError, ServerAway, error_of

AGAIN: Final = frozenset({429, 502, 503, 504})
LONGEST_PAUSE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """``idempotent``: the same once more does nothing more, so that it may be repeated."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    idempotent: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Send(Protocol):
    """Sends once; raises ServerAway where nothing came back."""

    def __call__(self, request: Request) -> Answer:
        """The answer, whatever it says."""
        ...


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Http:
    """Over the network; a proxy of the environment is used."""

    timeout_s: float = 30.0
    opener: urllib.request.OpenerDirector = field(default_factory=lambda: urllib.request.build_opener(_NoRedirects))

    def __call__(self, request: Request) -> Answer:
        """One try."""
        asked = urllib.request.Request(request.url, request.body, dict(request.headers), method=request.method)
        try:
            with self.opener.open(asked, timeout=self.timeout_s) as response:
                return Answer(response.status, _lower(response.headers), response.read())
        except urllib.error.HTTPError as exc:
            with exc:
                return Answer(exc.code, _lower(exc.headers), exc.read())
        except (OSError, http.client.HTTPException) as exc:
            raise ServerAway(f"{request.url} does not answer: {getattr(exc, 'reason', exc)}") from exc


@dataclass(frozen=True, slots=True)
class Patient:
    """Tries again what may be tried again: pauses double, with jitter, or are what the server asks for."""

    send: Send
    tries: int = 5
    first_s: float = 0.5
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.random

    def __call__(self, request: Request) -> Answer:
        """The answer; raises ApiError for one that says no."""
        for left in reversed(range(self.tries)):
            asked_s = 0.0
            try:
                answer = self.send(request)
            except ServerAway:
                if not left or not request.idempotent:
                    raise
            else:
                if answer.status < 300:
                    return answer
                if not left or answer.status not in AGAIN or not request.idempotent:
                    raise error_of(answer.status, answer.body)
                asked_s = _seconds(answer.headers.get("retry-after", ""))
            doubled = self.first_s * 2.0 ** (self.tries - 1 - left)
            self.sleep(min(LONGEST_PAUSE_S, max(asked_s, doubled * (0.5 + self.draw() / 2))))
        raise ApiError("a request is to be tried once at least")


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0


def _lower(headers: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers.items()}
