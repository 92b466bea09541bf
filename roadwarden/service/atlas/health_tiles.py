"""Tiles of the road's health and inspection: whole roads, bands of 100 and 10 m, and at last every square metre."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from roadwarden.defects.cells import Codes
from roadwarden.geo.vector_tile import Feature, Layer, Shape, encode_tile
from roadwarden.geo.web_tiles import EXTENT, Floats, WebTile
from roadwarden.service.atlas.bands import banded
from roadwarden.service.atlas.health import Health, runs
from roadwarden.service.atlas.shapes import Strip, clipped

CELLS_FROM, TENS_FROM, HUNDREDS_FROM = 17, 15, 13
"""Zooms. A tile of zoom 17 is 264 m in Hangzhou, and deeper views are drawn from it."""
_LONGEST_M = 50
_NEAR = 0.1 * EXTENT


def health_tile(health: Health, tile: WebTile) -> bytes:
    """See ``health_layers``."""
    return encode_tile(health_layers(health, tile))


def age_tile(health: Health, tile: WebTile) -> bytes:
    """See ``age_layers``."""
    return encode_tile(age_layers(health, tile))


def health_layers(health: Health, tile: WebTile) -> list[Layer]:
    """``cells`` (polygons) or ``bands`` (lines with their width), and ``streets`` with names."""
    rows = health.shapes.within(tile)
    streets = Layer("streets", list(_streets(health, tile, rows)))
    if tile.z >= CELLS_FROM:
        return [Layer("cells", list(_cells(health, tile, rows))), streets]
    return [Layer("bands", list(_bands(health, tile, rows, _every_m(tile)))), streets]


def age_layers(health: Health, tile: WebTile) -> list[Layer]:
    """``ages``: lines with their width, coloured by how long ago the oldest metre of each was seen."""
    every_m = _every_m(tile)
    rows = health.shapes.within(tile)
    old = {row: np.maximum.reduceat(health.ages[row], np.arange(0, len(health.ages[row]), every_m)) for row in rows}
    return [Layer("ages", list(_lines(health, tile, old, every_m, "age")))]


def _every_m(tile: WebTile) -> int:
    """Metres of a band; whole roads from afar."""
    return 10 if tile.z >= TENS_FROM else 100 if tile.z >= HUNDREDS_FROM else 10**9


def _bands(health: Health, tile: WebTile, rows: list[int], every_m: int) -> Iterator[Feature]:
    codes = {row: banded(health.tens[row], every_m) for row in rows}
    return _lines(health, tile, codes, every_m, "code")


def _lines(
    health: Health, tile: WebTile, bands: Mapping[int, npt.NDArray[np.uint8]], every_m: int, called: str
) -> Iterator[Feature]:
    """One feature for all stretches of one colour and width: as few as there are of those."""
    lines: list[Floats] = []
    kinds: list[tuple[int, float]] = []
    for row, values in bands.items():
        strip = health.shapes.strips[row]
        width_m = health.shapes.roads.network.segments[row].width_m
        for run in runs(values):
            end_m = min(run.after * every_m, float(strip.chainages[-1]))
            lines.append(strip.between(run.first * every_m, end_m))
            kinds.append((run.code, width_m))
    together: dict[tuple[int, float], list[Floats]] = defaultdict(list)
    for kind, parts in zip(kinds, clipped(tile, lines), strict=True):
        together[kind] += parts
    for (code, width_m), parts in sorted(together.items(), key=lambda one: one[0]):
        yield Feature(Shape.LINE, parts, {called: code, "width": width_m})


def _streets(health: Health, tile: WebTile, rows: list[int]) -> Iterator[Feature]:
    """Middles of the roads, to be asked which one they are."""
    if tile.z < HUNDREDS_FROM:
        return
    strips = health.shapes.strips
    for row, parts in zip(rows, clipped(tile, [strips[row].world for row in rows]), strict=True):
        one = health.shapes.roads.network.segments[row]
        yield Feature(Shape.LINE, parts, {"id": one.id, "name": one.name, "grade": one.grade.value})


def _cells(health: Health, tile: WebTile, rows: list[int]) -> Iterator[Feature]:
    together: dict[int, list[Floats]] = defaultdict(list)
    for row in rows:
        width_m = health.shapes.roads.network.segments[row].width_m
        for code, ring in _rectangles(tile, health.shapes.strips[row], health.codes[row], width_m):
            if (ring.max(axis=0) > -_NEAR).all() and (ring.min(axis=0) < EXTENT + _NEAR).all():
                together[code].append(ring)
    for code, parts in sorted(together.items()):
        yield Feature(Shape.POLYGON, parts, {"code": code})


def _rectangles(tile: WebTile, strip: Strip, grid: Codes, width_m: float) -> Iterator[tuple[int, Floats]]:
    """Cells of one code as rectangles: metres that look alike together, at most 50, and then from edge to edge."""
    begin, end = _metres_near(tile, strip, width_m)
    end = min(end, len(grid))
    if begin >= end:
        return
    changes = np.flatnonzero(np.any(np.diff(grid[begin:end], axis=0) != 0, axis=1)) + begin + 1
    fifties = np.arange(-(-begin // _LONGEST_M) * _LONGEST_M, end, _LONGEST_M)
    edges = np.unique(np.concatenate([[begin], changes, fifties, [end]]))
    bends = strip.chainages[(strip.chainages > begin) & (strip.chainages < end)]
    cuts = np.unique(
        np.concatenate([np.minimum(edges, strip.chainages[-1]), bends])
    )  # all places at once: it is faster
    units, metre = tile.units(strip.at(cuts)), strip.beside(cuts) * 2**tile.z * EXTENT
    at = np.searchsorted(cuts, edges)
    for first, here, there in zip(edges[:-1].tolist(), at[:-1].tolist(), at[1:].tolist(), strict=True):
        way, aside = units[here : there + 1], metre[here : there + 1]
        for run in runs(grid[first]):
            left_m, right_m = run.first - width_m / 2, min(run.after, width_m) - width_m / 2
            yield run.code, np.concatenate([way + left_m * aside, (way + right_m * aside)[::-1]])


def _metres_near(tile: WebTile, strip: Strip, width_m: float) -> tuple[int, int]:
    """The first metre of a road that a tile may show, and the one after the last: a road may be longer than a tile."""
    metres = np.arange(0, int(np.ceil(strip.chainages[-1])) + 1)
    metre = float(np.linalg.norm(strip.right[0])) * 2**tile.z
    west, north, east, south = tile.bounds(_NEAR / EXTENT + width_m * metre)
    x, y = strip.at(metres.astype(np.float64)).T
    near = np.flatnonzero((x >= west) & (x <= east) & (y >= north) & (y <= south))
    return (max(int(near[0]) - 1, 0), int(near[-1]) + 1) if len(near) else (0, 0)
