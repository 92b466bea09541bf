"""The road-health map: the page, its tiles, and what is told of one defect."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from pydantic import AfterValidator, AwareDatetime
from starlette.responses import HTMLResponse, RedirectResponse, Response

from roadwarden.access.people import Principal
from roadwarden.access.policy import may, require, sight
from roadwarden.cases.rights import Right
from roadwarden.errors import NotFound
from roadwarden.geo.pmtiles import Basemap, TileType, unpacked_tile
from roadwarden.geo.web_tiles import DEEPEST, WebTile
from roadwarden.inference.sighting_pictures import Part
from roadwarden.service.atlas.atlas import Atlas
from roadwarden.storage import unit as unit_of_map
from roadwarden.storage.engine import reading
from roadwarden.storage.map_points import MapFilter, MapPoints
from roadwarden.taxonomy import TRAINED_TYPES, DistressType, Severity
from roadwarden.web.answers import answer
from roadwarden.web.identity import Caller, MaybeCaller
from roadwarden.web.pages.defect_told import defect_told
from roadwarden.web.pages.rendering import render
from roadwarden.web.parts import Parts, PartsOf

router = APIRouter(include_in_schema=False)
MVT: Final = "application/vnd.mapbox-vector-tile"
CLEAR: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6360600000000300012b094d84"
    "0000000049454e44ae426082"
)
"""One pixel that nothing is on: a picture that is not there would be an error to MapLibre."""
_WORDS: Final = ("map.", "severity.", "presence.", "state.", "event.", "case.compare", "case.before", "case.after")

Moment = Annotated[AwareDatetime | None, Query()]
Zoom = Annotated[int, Path(ge=0, le=DEEPEST)]


def _known_types(text: str) -> str:
    names = [name for name in text.split(",") if name]
    if unknown := sorted(set(names) - set(DistressType)):
        raise ValueError(f"no type of distress is called {', '.join(unknown)}")
    return text


Types = Annotated[str, AfterValidator(_known_types), Query(max_length=2000)]


def atlas_of(request: Request) -> Atlas:
    """The one of the server."""
    atlas: Atlas = request.app.state.atlas
    return atlas


@router.get("/")
def first_page(caller: MaybeCaller, parts: PartsOf) -> Response:
    """The page that somebody works with."""
    if caller.credential == "":
        return RedirectResponse("/login", 303)
    if any(person.role == "crew" for person in caller.account.persons()):
        return RedirectResponse("/crew", 303)
    known = may(caller, Right.ROADS_READ, parts.permissions)
    return RedirectResponse("/map" if known else "/people", 303)


@router.get("/map")
def map_page(request: Request, caller: Caller, parts: PartsOf) -> HTMLResponse:
    """What is shown stands in the address."""
    require(caller, Right.ROADS_READ, parts.permissions)
    health = atlas_of(request).health()
    bounds = health.bounds()
    with reading(parts.engine) as connection:
        types, first = MapPoints(connection).extent()
    page = {
        "bounds": [[bounds.west, bounds.south], [bounds.east, bounds.north]],
        "centre": [(bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2],
        "first": (first or parts.now()).isoformat(),
        "now": parts.now().isoformat(),
        "basemap": None if parts.basemap is None else _basemap_told(parts.basemap),
    }
    shown = types or [kind.value for kind in TRAINED_TYPES]
    return render(request, "map.html", script_words=_WORDS, page=page, types=shown)


@router.get("/map/summary")
def summary(request: Request, caller: Caller, parts: PartsOf, at: Moment = None) -> Response:
    """How many square metres have which colour."""
    require(caller, Right.ROADS_READ, parts.permissions)
    health = atlas_of(request).health(at)
    cells = {code.name.lower(): count for code, count in health.counts().items()}
    return answer({"at": health.now.isoformat(), "cells": cells, "defects": len(health.defects)})


@router.get("/map/tiles/health/{z}/{x}/{y}.pbf")
def health_tile(
    request: Request, caller: Caller, parts: PartsOf, z: Zoom, x: int, y: int, at: Moment = None
) -> Response:
    """Cells, bands and streets."""
    require(caller, Right.ROADS_READ, parts.permissions)
    return _tile(request, atlas_of(request).health_tile(WebTile(z, x, y), at))


@router.get("/map/tiles/ages/{z}/{x}/{y}.pbf")
def age_tile(request: Request, caller: Caller, parts: PartsOf, z: Zoom, x: int, y: int, at: Moment = None) -> Response:
    """How long ago the roads were seen."""
    require(caller, Right.ROADS_READ, parts.permissions)
    return _tile(request, atlas_of(request).age_tile(WebTile(z, x, y), at))


@router.get("/map/tiles/base/{z}/{x}/{y}")
def base_tile(request: Request, caller: Caller, parts: PartsOf, z: Zoom, x: int, y: int) -> Response:
    """What the city's own basemap holds there."""
    require(caller, Right.ROADS_READ, parts.permissions)
    tile = WebTile(z, x, y)
    body = None if parts.basemap is None else parts.basemap.tile(tile.z, tile.x, tile.y)
    if parts.basemap is None or (body is None and parts.basemap.header.kind is TileType.MVT):
        return Response(status_code=204, headers={"cache-control": "private, max-age=86400"})
    if body is None:
        return Response(CLEAR, media_type="image/png", headers={"cache-control": "private, max-age=86400"})
    headers = {"cache-control": "private, max-age=86400", "vary": "accept-encoding"}
    if parts.basemap.is_gzipped and "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
    elif parts.basemap.is_gzipped:
        body = unpacked_tile(body)
    return Response(body, media_type=parts.basemap.media_type, headers=headers)


@router.get("/map/tiles/defects/{z}/{x}/{y}.pbf")
def defect_tile(
    request: Request,
    caller: Caller,
    parts: PartsOf,
    z: Zoom,
    x: int,
    y: int,
    at: Moment = None,
    types: Types = "",
    severity: Severity | None = None,
) -> Response:
    """Defects that are there."""
    require(caller, Right.ROADS_READ, parts.permissions)
    wanted = _wanted(parts, at, types, severity)
    return _tile(request, atlas_of(request).defect_tile(WebTile(z, x, y), wanted))


@router.get("/map/tiles/cases/{z}/{x}/{y}.pbf")
def case_tile(
    request: Request,
    caller: Caller,
    parts: PartsOf,
    z: Zoom,
    x: int,
    y: int,
    at: Moment = None,
    types: Types = "",
    severity: Severity | None = None,
    late: bool = False,
) -> Response:
    """Open cases that the caller sees."""
    areas = _areas(caller, parts)
    wanted = _wanted(parts, at, types, severity, areas, overdue=True if late else None)
    return _tile(request, atlas_of(request).case_tile(WebTile(z, x, y), wanted))


@router.get("/map/glyphs/{font}/{run}.pbf")
def glyphs(font: str, run: str) -> Response:
    """None: names of streets are drawn with the device's own letters (map.js)."""
    return Response(b"", media_type="application/x-protobuf", headers={"cache-control": "public, max-age=86400"})


@router.get("/map/sightings/{sighting}/{part}.jpg")
def sighting_picture(
    caller: Caller, parts: PartsOf, sighting: Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")], part: Part
) -> Response:
    """What a sighting was seen in, redacted; frames are of no area, as defects are."""
    require(caller, Right.ROADS_READ, parts.permissions)
    require(caller, Right.EVIDENCE_READ, parts.permissions)
    with unit_of_map.reading(parts.engine) as unit:
        found = unit.sightings.get([sighting])
    if not found or parts.sightings is None:
        raise NotFound(f"there is no picture of a sighting {sighting}")
    content = parts.sightings.show(found[0], part)
    return Response(content, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400"})


@router.get("/map/defects/{name}")
def defect(caller: Caller, parts: PartsOf, name: str) -> Response:
    """All that is known of one defect."""
    require(caller, Right.ROADS_READ, parts.permissions)
    return answer(defect_told(parts, caller, name))


def _basemap_told(basemap: Basemap) -> dict[str, Any]:
    """What the page draws of it, and whom to thank."""
    told = basemap.metadata()
    layers = told.get("vector_layers") if basemap.header.kind is TileType.MVT else []
    return {
        "vector": basemap.header.kind is TileType.MVT,
        "layers": [str(one["id"]) for one in layers or [] if isinstance(one, dict) and "id" in one],
        "minzoom": basemap.header.min_zoom,
        "maxzoom": basemap.header.max_zoom,
        "attribution": str(told.get("attribution", "")),
    }


def _areas(caller: Principal, parts: Parts) -> tuple[str, ...] | None:
    """Areas whose cases somebody sees on the map; None: all. What a department holds is on its own pages."""
    seen = sight(caller, parts.permissions)
    return None if seen.everything else tuple(sorted({area for part in seen.parts for area in part.areas or ()}))


def _wanted(
    parts: Parts,
    at: datetime | None,
    types: str,
    severity: Severity | None,
    areas: Collection[str] | None = None,
    *,
    overdue: bool | None = None,
) -> MapFilter:
    chosen = tuple(name for name in types.split(",") if name)
    within = None if areas is None else tuple(areas)
    return MapFilter(at or parts.now(), chosen, severity, (), overdue, within, of_today=at is None)


def _tile(request: Request, body: bytes) -> Response:
    """With an ETag: a tile that has not changed is not sent again."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    headers = {"etag": tag, "cache-control": "private, max-age=30"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if not body:
        return Response(status_code=204, headers=headers)
    return Response(body, media_type=MVT, headers=headers)
