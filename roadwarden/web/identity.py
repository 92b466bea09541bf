"""Who asks: a token in ``Authorization``, or the cookie of a session, in which case whatever writes must show that it
comes from one of our pages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, TypeVar
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security.utils import get_authorization_scheme_param
from starlette.concurrency import run_in_threadpool

from roadwarden.access.people import ANYBODY, Principal, Way
from roadwarden.access.secrets import csrf_of, same
from roadwarden.errors import Forbidden, NotLoggedIn
from roadwarden.web.limits import Limiter, Rate
from roadwarden.web.parts import Parts, parts_of

Known = TypeVar("Known")
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER: Final = "x-csrf-token"
CSRF_FIELD: Final = "csrf_token"
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


def cookie_name(parts: Parts) -> str:
    """With https one that browsers take from nobody but us."""
    return "__Host-roadwarden" if parts.settings.is_https else "roadwarden"


def address_of(request: Request) -> str:
    """Of whoever asks; behind a proxy that ``roadwarden serve`` trusts, what that proxy says."""
    return request.client.host if request.client else "unknown"


async def maybe_caller(request: Request) -> Principal:
    """Whoever asks, or ANYBODY. Raises NotLoggedIn for a token that is worth nothing, TooMany."""
    parts = parts_of(request)
    principal = await _principal(request, parts)
    request.state.principal = principal
    limiter: Limiter = request.app.state.limiter
    settings = parts.settings
    if principal.way is Way.NONE:
        limiter.take(f"address {address_of(request)}", Rate(settings.anonymous_per_second, settings.anonymous_burst))
    else:
        limiter.take(f"person {principal.name}", Rate(settings.per_second, settings.burst))
    return principal


async def caller(principal: Annotated[Principal, Depends(maybe_caller)]) -> Principal:
    """Whoever asks. Raises NotLoggedIn where he has not said who he is."""
    if principal.way is Way.NONE:
        raise NotLoggedIn("send 'Authorization: Bearer TOKEN', or log in at /login")
    return principal


Caller = Annotated[Principal, Depends(caller)]
MaybeCaller = Annotated[Principal, Depends(maybe_caller)]


async def _principal(request: Request, parts: Parts) -> Principal:
    if header := request.headers.get("authorization"):
        scheme, token = get_authorization_scheme_param(header)
        if scheme.lower() != "bearer":
            raise NotLoggedIn("send 'Authorization: Bearer TOKEN'")
        return await _asked(parts, parts.access.of_token, token.strip())
    cookie = request.cookies.get(cookie_name(parts))
    found = await _asked(parts, parts.access.of_session, cookie) if cookie else None
    if cookie is None or found is None:
        return ANYBODY
    if request.method not in SAFE:
        await require_csrf(request, csrf_of(cookie))
    return found


async def _asked(parts: Parts, ask: Callable[[str], Known], text: str) -> Known:
    """A short read of the database, in another thread where it is over a network: others would wait meanwhile.

    Reading a file of this machine takes less than the way to a thread and back, and readers of SQLite (WAL) never wait.
    """
    return ask(text) if parts.engine.dialect.name == "sqlite" else await run_in_threadpool(ask, text)


async def require_csrf(request: Request, wanted: str) -> None:
    """Raises Forbidden where the request does not come from a page of ours."""
    origin = request.headers.get("origin")
    own = urlsplit(parts_of(request).settings.public_url)
    if origin is not None and urlsplit(origin).netloc not in {own.netloc, request.headers.get("host", "")}:
        raise Forbidden("the request comes from a page of another site")
    told = request.headers.get(CSRF_HEADER)
    if told is None and request.headers.get("content-type", "").startswith(_FORMS):
        value = (await request.form()).get(CSRF_FIELD)
        told = value if isinstance(value, str) else None
    if told is None or not same(told, wanted):
        raise Forbidden("the page has grown old: load it again, then repeat")
