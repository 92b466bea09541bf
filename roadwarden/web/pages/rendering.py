"""Pages from templates: escaped, in the reader's language and colours, with what his roles let him open."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from roadwarden.access.people import Principal
from roadwarden.access.policy import may
from roadwarden.access.secrets import csrf_of
from roadwarden.cases.permissions import Permissions
from roadwarden.cases.rights import Right
from roadwarden.settings import time_zone
from roadwarden.taxonomy import Language
from roadwarden.web.assets import asset_url, ids_of_blocked_styles
from roadwarden.web.icons import icon
from roadwarden.web.identity import cookie_name
from roadwarden.web.look import Theme, language_of, theme_of
from roadwarden.web.parts import Parts, parts_of
from roadwarden.web.refusals import in_language
from roadwarden.web.words import named_offices, words_of

_FOR_ALL_SCRIPTS: Final = ("common.", "time.", "type.")


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the bar at the top leads to."""

    path: str
    name: str  # of its word, ``nav.NAME``, and of its icon
    right: Right


PLACES: Final = (
    Place("/map", "map", Right.ROADS_READ),
    Place("/board", "board", Right.CASES_READ),
    Place("/cases", "cases", Right.CASES_READ),
    Place("/work", "work", Right.CASES_RECORD),
    Place("/figures", "figures", Right.FIGURES_READ),
    Place("/crew", "crew", Right.CASES_RECORD),
    Place("/people", "people", Right.PEOPLE_MANAGE),
    Place("/audit", "audit", Right.READS_READ),
)


@cache
def _environment() -> Environment:
    folder = str(resources.files("roadwarden.web") / "templates")
    made = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    made.filters["local"] = local_time
    made.globals.update(asset=asset_url, icon=icon, Theme=Theme, ids_of_blocked_styles=ids_of_blocked_styles)
    return made


def local_time(at: datetime | None) -> str:
    """In the city's zone."""
    return "–" if at is None else f"{at.astimezone(time_zone()):%Y-%m-%d %H:%M}"


def render(
    request: Request,
    template: str,
    status: int = 200,
    *,
    script_words: Sequence[str] = (),
    page: Mapping[str, Any] | None = None,
    **values: Any,
) -> HTMLResponse:
    """The page.

    Templates have ``principal`` (maybe None), ``w`` (words), ``refusal`` (its words for what a rule says) and
    ``csrf_token`` beside what is given.

    ``script_words``: beginnings of keys of the words that the page's modules use; ``page``: what else they are told.
    """
    parts = parts_of(request)
    cookie = request.cookies.get(cookie_name(parts))
    words = words_of(language_of(request))
    words = words.more(_problems(parts, words.language))
    principal = getattr(request.state, "principal", None)
    told = {"words": words.below(*_FOR_ALL_SCRIPTS, *script_words), "page": page or {}, "zone": str(time_zone())}
    named = named_offices(parts.dispatch, words.language)
    common = {
        "principal": principal,
        "places": _places(principal, parts.permissions),
        "w": words,
        "theme": theme_of(request),
        "csrf_token": csrf_of(cookie) if cookie else "",
        "now": parts.now(),
        "named": named,
        "refusal": lambda text: in_language(text, words.language, named),
        "path": request.url.path,
        "here": quote(request.url.path + ("?" + request.url.query if request.url.query else "")),
        "page_data": _json(told | {"named": named}),
    }
    answer = HTMLResponse(_environment().get_template(template).render(common | values), status)
    answer.headers["vary"] = "cookie, accept-language"
    return answer


def _problems(parts: Parts, language: Language) -> dict[str, str]:
    """Names of the problems of other domains than the pavement, beside those of distress."""
    rows = [one for domain in parts.domains.domains for one in domain.problems]
    return {f"type.{one.id}": one.chinese if language is Language.CHINESE else one.english for one in rows}


def _places(principal: Principal | None, permissions: Permissions) -> list[Place]:
    """In the bar: the crew's page is for crews, the others for whoever has the right."""
    if principal is None:
        return []
    shown = [place for place in PLACES if may(principal, place.right, permissions)]
    is_crew = any(person.crew or person.role == "crew" for person in principal.account.persons())
    return [place for place in shown if place.name != "crew" or is_crew]


def _json(told: Mapping[str, Any]) -> Markup:
    """JSON that can stand in a script element: a data block, which no browser runs."""
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))
