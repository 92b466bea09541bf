"""Errors for people: a browser that opens a page gets a page; everything else gets what programs get."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response

from roadwarden.errors import NotLoggedIn, RoadwardenError
from roadwarden.web.pages.rendering import render
from roadwarden.web.problems import kind_of, ours


def install(app: FastAPI) -> None:
    """Instead of the handler for programs."""

    async def handler(request: Request, exc: Exception) -> Response:
        if not isinstance(exc, RoadwardenError) or not _opens_a_page(request):
            return await ours(request, exc)
        if isinstance(exc, NotLoggedIn):
            then = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?then={quote(then)}", 303)
        kind = kind_of(exc)
        detail = str(exc) if kind.status < 500 else ""
        return render(request, "problem.html", kind.status, code=kind.status, detail=detail)

    app.add_exception_handler(RoadwardenError, handler)


def _opens_a_page(request: Request) -> bool:
    wants_page = request.headers.get("accept", "").startswith("text/html")
    return request.method == "GET" and wants_page and not request.url.path.startswith("/api/")
