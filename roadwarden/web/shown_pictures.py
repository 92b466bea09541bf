"""Pictures for everybody: the redacted ones, under their sha256."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from roadwarden.web.identity import MaybeCaller
from roadwarden.web.parts import PartsOf

router = APIRouter(include_in_schema=False)


def picture_path(public_sha256: str) -> str:
    """Where a redacted picture is."""
    return f"/shown/{public_sha256}.jpg"


@router.get("/shown/{sha256}.jpg")
def picture(sha256: str, parts: PartsOf, _caller: MaybeCaller) -> Response:
    """A JPEG that we made: redacted, without metadata. Not kept for long by browsers: it may be withheld tomorrow."""
    content = parts.requests.evidence.public(sha256)
    headers = {"cache-control": "public, max-age=600", "cross-origin-resource-policy": "cross-origin"}
    return Response(content, media_type="image/jpeg", headers=headers)
