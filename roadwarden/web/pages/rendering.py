"""Pages from templates: escaped, with the name of whoever is logged in and the token that his forms carry."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from roadwarden.access.secrets import csrf_of
from roadwarden.web.identity import cookie_name
from roadwarden.web.parts import parts_of


@cache
def _environment() -> Environment:
    folder = str(resources.files("roadwarden.web") / "templates")
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """The page. Templates have ``principal`` (maybe None), ``csrf_token`` and ``now`` beside what is given."""
    parts = parts_of(request)
    cookie = request.cookies.get(cookie_name(parts))
    common = {
        "principal": getattr(request.state, "principal", None),
        "csrf_token": csrf_of(cookie) if cookie else "",
        "now": parts.now(),
    }
    return HTMLResponse(_environment().get_template(template).render(common | values), status)
