"""The application: parts in, routers on, errors and headers around them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio.to_thread
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from roadwarden import __version__
from roadwarden.service.atlas.atlas import Atlas
from roadwarden.web import problems, shown_pictures
from roadwarden.web.api import (
    assessments,
    cases,
    commands,
    evidence,
    figures,
    health,
    inbox,
    ledger,
    me,
    people,
    requests,
    roads,
    statistics,
    times,
    tokens,
    wishes,
)
from roadwarden.web.figures import Figures
from roadwarden.web.guard import Guard
from roadwarden.web.limits import Limiter
from roadwarden.web.open311 import described
from roadwarden.web.open311 import routes as open311
from roadwarden.web.pages import cockpit, login, problem_page, sign_on
from roadwarden.web.parts import Parts

ROUTERS: Final[tuple[APIRouter, ...]] = (
    health.router,
    times.router,
    me.router,
    cases.router,
    ledger.router,
    commands.router,
    wishes.router,
    tokens.router,
    people.router,
    roads.router,
    figures.router,
    inbox.router,
    assessments.router,
    evidence.router,
    requests.router,
    statistics.router,
    login.router,
    sign_on.router,
    shown_pictures.router,
    open311.router,
    *cockpit.ROUTERS,
)
"""A new router is one line here."""

OPENAPI_PATH: Final = "/api/v1/openapi.json"


WRITERS: Final = 2
"""Commands that are worked on at once. The database has one writer: more of them would only fill the threads that reads
want, while they wait for a slow disk."""


def create_app(parts: Parts) -> FastAPI:
    """A server of these parts."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = parts.settings.threads
        yield
        parts.requests.evidence.close()

    app = FastAPI(
        title="Roadwarden",
        version=__version__,
        description="Road defects, the cases they become, and the proof of what happened. docs/api.md says more.",
        openapi_url=OPENAPI_PATH,
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        separate_input_output_schemas=False,
    )
    app.state.parts = parts
    app.state.limiter = Limiter()
    app.state.reckoning = asyncio.Semaphore(1)
    app.state.writers = asyncio.Semaphore(WRITERS)
    app.state.atlas = Atlas(parts.engine, parts.now)
    app.state.figures = Figures()
    problems.install(app)
    problem_page.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Guard, settings=parts.settings)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's document, with our shape of errors for its own."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {}) | {"Problem": problem} | described.components()
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    shown = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for name, path in document["paths"].items():
        for operation in path.values():
            if name.startswith(described.PREFIX):
                described.finish(operation)
                continue
            operation.setdefault("security", [{"token": []}])
            if "422" in operation["responses"]:
                operation["responses"]["422"] = {"description": "Not understood, or unusable", "content": shown}
            if "requestBody" in operation:
                for status, phrase in ((400, "Bad Request"), (413, "Content Too Large")):
                    operation["responses"].setdefault(str(status), {"description": phrase, "content": shown})
            for status, phrase in ((401, "Unauthorized"), (403, "Forbidden"), (429, "Too Many Requests")):
                operation["responses"].setdefault(str(status), {"description": phrase, "content": shown})
    app.openapi_schema = document
    return document
