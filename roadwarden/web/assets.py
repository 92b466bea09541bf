"""Scripts, styles and pictures of the pages, ours and those of the MapLibre and Plotly wheels, under a hashed path.

The path holds the first digits of the sha256 of all of them, so a browser keeps what it has for ever and never mixes
two versions; modules import each other by relative paths. Answers are packed once, with gzip.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

PREFIX: Final = "/assets"
FOR_EVER: Final = "public, max-age=31536000, immutable"
_PACKED: Final = ("text/", "application/javascript", "application/json", "application/manifest+json", "image/svg")
_VENDOR: Final[Mapping[str, tuple[str, str]]] = {
    "vendor/maplibre-gl.js": ("maplibre", "maplibre/srcjs/maplibre-gl.js"),
    "vendor/maplibre-gl.css": ("maplibre", "maplibre/srcjs/maplibre-gl.css"),
    "vendor/plotly.min.js": ("plotly", "plotly/package_data/plotly.min.js"),
}
"""Our name to distribution and file in it; found by the distribution, because importing it takes a second."""

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, read."""

    content: bytes
    packed: bytes | None  # by gzip; None where that is of no use
    media_type: str


@cache
def files() -> Mapping[str, Path]:
    """Name below the hashed path to the file."""
    folder = Path(str(resources.files("roadwarden.web") / "static"))
    own = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}
    return own | {name: _in_wheel(*where) for name, where in _VENDOR.items()}


@cache
def version() -> str:
    """First digits of the sha256 of all names and contents."""
    digest = hashlib.sha256()
    for name, file in sorted(files().items()):
        digest.update(f"{name}\n{file.stat().st_size}\n".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


def asset_url(name: str) -> str:
    """Where a page finds the file; raises KeyError for one that is not there."""
    files()[name]
    return f"{PREFIX}/{version()}/{name}"


@cache
def asset(name: str) -> Asset | None:
    """The file of that name; None where there is none."""
    file = files().get(name)
    if file is None:
        return None
    content = file.read_bytes()
    kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0] or "application/octet-stream"
    packed = gzip.compress(content, 9, mtime=0) if kind.startswith(_PACKED) else None
    return Asset(content, packed, kind)


@cache
def ids_of_blocked_styles() -> tuple[str, ...]:
    """Ids of the style elements that Plotly's script makes, which our CSP blocks, unless something with them is there.

    It brings the rules of MapLibre along, for charts that are maps; we draw none.
    """
    script = files()["vendor/plotly.min.js"].read_bytes()
    rules = re.findall(rb'document\.getElementById\("([0-9a-f]{64})"\)', script)
    return ("plotly.js-style-global", *sorted({one.decode() for one in rules}))


@router.get(PREFIX + "/{digest}/{name:path}")
def serve(request: Request, digest: str, name: str) -> Response:
    """The file; under an old digest the new one, once."""
    found = asset(name)
    if found is None:
        return Response("no such file", 404)
    if digest != version():
        return RedirectResponse(asset_url(name), 307, headers={"cache-control": "no-store"})
    headers = {"cache-control": FOR_EVER, "vary": "accept-encoding"}
    if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, media_type=found.media_type, headers=headers | {"content-encoding": "gzip"})
    return Response(found.content, media_type=found.media_type, headers=headers)


def _in_wheel(distribution: str, file: str) -> Path:
    return Path(str(metadata.distribution(distribution).locate_file(file)))
