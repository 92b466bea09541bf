"""Log in through another server. What has begun is kept in a cookie of the browser that began it, for ten minutes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from roadwarden.errors import NotFound, NotLoggedIn
from roadwarden.service.single_sign_on.pending import Pending
from roadwarden.web.identity import MaybeCaller, address_of, cookie_name
from roadwarden.web.local_path import local
from roadwarden.web.pages.login import login_page, set_session
from roadwarden.web.parts import Parts, PartsOf

if TYPE_CHECKING:
    from roadwarden.service.single_sign_on.door import Door  # wants the extra oidc

logger = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)
BEGIN: Final = "/login/single-sign-on"
BACK: Final = "/login/single-sign-on/back"
BEGUN_S: Final = 600


@router.get(BEGIN)
def begin(request: Request, parts: PartsOf, _caller: MaybeCaller, then: str = "/") -> Response:
    """To the other server."""
    try:
        place, pending = _door(parts).begin(local(then), back_to(parts))
    except NotLoggedIn as exc:
        return _failed(request, parts, exc, local(then))
    response = RedirectResponse(place, 303)
    response.set_cookie(
        _begun(parts), pending.text(), BEGUN_S, path="/", secure=parts.settings.is_https, httponly=True, samesite="lax"
    )
    return response


@router.get(BACK)
def back(request: Request, parts: PartsOf, _caller: MaybeCaller) -> Response:
    """From the other server, with a code. The cookie is good for one answer."""
    door, then = _door(parts), "/"
    try:
        pending = Pending.read(request.cookies.get(_begun(parts)))
        then = local(pending.then)
        account = door.enter(pending, dict(request.query_params), back_to(parts))
    except NotLoggedIn as exc:
        response = _failed(request, parts, exc, then)
    else:
        response = RedirectResponse(then, 303)
        set_session(response, parts, parts.access.open_session(account.name, address_of(request)).text)
    response.delete_cookie(_begun(parts), path="/", secure=parts.settings.is_https, httponly=True, samesite="lax")
    return response


def back_to(parts: Parts) -> str:
    """Our address, as it is registered at the other server."""
    return parts.settings.public_url + BACK


def _door(parts: Parts) -> Door:
    if parts.sign_on is None:
        raise NotFound("there is no other server to log in through")
    return parts.sign_on


def _failed(request: Request, parts: Parts, exc: NotLoggedIn, then: str) -> Response:
    logger.warning("single sign-on from %s: %s", address_of(request), exc)
    return login_page(request, parts, then, str(exc), 401)


def _begun(parts: Parts) -> str:
    return cookie_name(parts) + "-begun"
