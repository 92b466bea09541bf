"""In which language and colours somebody is shown pages: what he chose, else what his browser says."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse

from roadwarden.taxonomy import Language
from roadwarden.web.identity import cookie_name
from roadwarden.web.local_path import local
from roadwarden.web.parts import PartsOf, parts_of

LANGUAGE_COOKIE: Final = "lang"
THEME_COOKIE: Final = "theme"
_YEAR_S: Final = 365 * 86_400

router = APIRouter(include_in_schema=False)


class Theme(StrEnum):
    """Of the pages."""

    AUTO = "auto"  # as the device
    LIGHT = "light"
    DARK = "dark"


def language_of(request: Request) -> Language:
    """Chinese where nobody says anything: that is whose roads they are."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in set(Language):
        return Language(chosen)
    accepted = request.headers.get("accept-language", "").lower()
    wanted = [part.partition(";")[0].strip()[:2] for part in accepted.split(",")]
    return next((Language(one) for one in wanted if one in set(Language)), Language.CHINESE)


def language_of_page(request: Request) -> Language:
    """Of the page whose script asks, known by the cookie of its session; programs are told in English."""
    asks_by_token = "authorization" in request.headers
    if asks_by_token or cookie_name(parts_of(request)) not in request.cookies:
        return Language.ENGLISH
    return language_of(request)


def theme_of(request: Request) -> Theme:
    """As the device where nothing is chosen."""
    chosen = request.cookies.get(THEME_COOKIE)
    return Theme(chosen) if chosen in set(Theme) else Theme.AUTO


@router.get("/language/{language}")
def choose_language(language: Language, parts: PartsOf, then: str = "/") -> RedirectResponse:
    """Keeps the choice in a cookie of this browser."""
    answer = RedirectResponse(local(then), 303)
    secure = parts.settings.is_https
    answer.set_cookie(LANGUAGE_COOKIE, language.value, max_age=_YEAR_S, path="/", secure=secure, samesite="lax")
    return answer
