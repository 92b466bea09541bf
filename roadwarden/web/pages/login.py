"""Log in and out. Before there is a session, a cookie of its own ties the form to the browser that got it."""

from __future__ import annotations

import secrets
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from roadwarden.access.secrets import csrf_of
from roadwarden.errors import NotLoggedIn, TooMany
from roadwarden.service.access import SESSION_LASTS
from roadwarden.web.identity import MaybeCaller, address_of, cookie_name, require_csrf
from roadwarden.web.local_path import local
from roadwarden.web.pages.rendering import render
from roadwarden.web.parts import Parts, PartsOf

router = APIRouter(include_in_schema=False)
_PURPOSE: Final = "login"


@router.get("/login")
async def form(request: Request, parts: PartsOf, then: str = "/") -> HTMLResponse:
    """The form."""
    return login_page(request, parts, then)


@router.post("/login")
async def log_in(
    request: Request,
    parts: PartsOf,
    name: Annotated[str, Form(max_length=64)] = "",
    password: Annotated[str, Form(max_length=1024)] = "",
    then: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """A new session, whatever cookie came along."""
    await require_csrf(request, csrf_of(request.cookies.get(_before(parts), secrets.token_hex()), _PURPOSE))
    try:
        secret = await run_in_threadpool(parts.access.log_in, name.strip(), password, address_of(request))
    except NotLoggedIn as exc:
        return login_page(request, parts, then, str(exc), 401)
    except TooMany as exc:
        answer = login_page(request, parts, then, str(exc), 429)
        answer.headers["Retry-After"] = str(exc.after_s)
        return answer
    response = RedirectResponse(local(then), 303)
    set_session(response, parts, secret.text)
    response.delete_cookie(_before(parts), path="/", secure=parts.settings.is_https, httponly=True, samesite="lax")
    return response


@router.post("/logout")
async def log_out(request: Request, parts: PartsOf, _caller: MaybeCaller) -> Response:
    """Ends the session here and at the server."""
    if cookie := request.cookies.get(cookie_name(parts)):
        await run_in_threadpool(parts.access.log_out, cookie)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(cookie_name(parts), path="/", secure=parts.settings.is_https, httponly=True, samesite="lax")
    return response


def set_session(response: Response, parts: Parts, cookie: str) -> None:
    """Hands the browser the id of its session."""
    _set(response, parts, cookie_name(parts), cookie, int(SESSION_LASTS.total_seconds()))


def login_page(request: Request, parts: Parts, then: str, problem: str = "", status: int = 200) -> HTMLResponse:
    """The form, with a button for the other login server where there is one."""
    seed = request.cookies.get(_before(parts)) or secrets.token_urlsafe(32)
    sign_on = None if parts.sign_on is None else parts.sign_on.settings
    page = render(
        request,
        "login.html",
        status,
        then=local(then),
        problem=problem,
        login_token=csrf_of(seed, _PURPOSE),
        sign_on=sign_on,
    )
    _set(page, parts, _before(parts), seed, 3600)
    return page


def _before(parts: Parts) -> str:
    return cookie_name(parts) + "-login"


def _set(response: Response, parts: Parts, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=parts.settings.is_https, httponly=True, samesite="lax"
    )
