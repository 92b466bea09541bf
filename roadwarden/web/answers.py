"""Bodies that were checked where they were made; a second check of each list would cost more than the query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON. The route says by ``response_model`` what it looks like, and schemathesis holds it to that."""
    return Response(to_json(content), status, headers, "application/json")


def etag(version: int) -> str:
    """Of a case: its version."""
    return f'"{version}"'
