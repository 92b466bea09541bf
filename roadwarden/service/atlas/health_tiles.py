"""Tiles of the road's health and inspection: whole roads, bands of 100 and 10 m, and at last every square metre."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from roadwarden.defects.cells import Code, Codes
from roadwarden.geo.vector_tile import Feature, Layer, Shape, encode_tile
from roadwarden.geo.web_tiles import EXTENT, Floats, WebTile
from roadwarden.service.atlas.health import Health, runs
from roadwarden.service.atlas.shapes import Strip, clipped

CELLS_FROM, TENS_FROM, HUNDREDS_FROM = 17, 15, 13
"""Zooms. A tile of zoom 17 is 264 m in Hangzhou, and deeper views are drawn from it."""
YELLOW_SHARE = 0.02
_LONGEST_M = 50
_NEAR = 0.1 * EXTENT


def health_tile(health: Health, tile: WebTile) -> bytes:
    """Layers ``cells`` (polygons), ``bands`` or ``roads`` (lines with their width), and ``streets`` with names."""
    rows = health.shapes.within(tile)
    streets = Layer("streets", list(_streets(health, tile, rows)))
    if tile.z >= CELLS_FROM:
        return encode_tile([Layer("cells", list(_cells(health, tile, rows))), streets])
    return encode_tile([Layer("bands", list(_bands(health, tile, rows, _every_m(tile)))), streets])


def age_tile(health: Health, tile: WebTile) -> bytes:
    """Layer ``ages``: lines with their width, coloured by how long ago the oldest metre of each was seen."""
    every_m = _every_m(tile)
    rows = health.shapes.within(tile)
    old = {row: np.maximum.reduceat(health.ages[row], np.arange(0, len(health.ages[row]), every_m)) for row in rows}
    return encode_tile([Layer("ages", list(_lines(health, tile, old, every_m, "age")))])


def _every_m(tile: WebTile) -> int:
    """Metres of a band; whole roads from afar."""
    return 10 if tile.z >= TENS_FROM else 100 if tile.z >= HUNDREDS_FROM else 10**9


def _bands(health: Health, tile: WebTile, rows: list[int], every_m: int) -> Iterator[Feature]:
    codes = {row: banded(health.codes[row], every_m) for row in rows}
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


def banded(grid: Codes, every_m: int) -> Codes:
    """One code for each so many metres: red where a cell is, yellow where 2 % are, else what most cells are.

    The worst code alone would paint a city yellow: every 100 m of road have a crack somewhere.
    """
    starts = np.arange(0, len(grid), every_m)
    counts = np.stack([np.add.reduceat((grid == code).sum(axis=1), starts) for code in Code], axis=1)
    total = counts.sum(axis=1)
    usual = np.where(counts[:, Code.GREY] * 2 > total, Code.GREY, Code.GREEN)
    damaged = np.where(counts[:, Code.YELLOW] >= YELLOW_SHARE * total, Code.YELLOW, usual)
    return np.where(counts[:, Code.RED] > 0, Code.RED, damaged).astype(np.uint8)


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
        strip, grid = health.shapes.strips[row], health.codes[row]
        width_m = health.shapes.roads.network.segments[row].width_m
        for code, ring in _rectangles(strip, grid, width_m):
            units = tile.units(ring)
            if (units.max(axis=0) > -_NEAR).all() and (units.min(axis=0) < EXTENT + _NEAR).all():
                together[code].append(units)
    for code, parts in sorted(together.items()):
        yield Feature(Shape.POLYGON, parts, {"code": code})


def _rectangles(strip: Strip, grid: Codes, width_m: float) -> Iterator[tuple[int, Floats]]:
    """Cells of one code as rectangles: metres that look alike together, at most 50, and then from edge to edge."""
    changes = np.flatnonzero(np.any(np.diff(grid, axis=0) != 0, axis=1)) + 1
    edges = np.unique(np.concatenate([[0], changes, np.arange(0, len(grid), _LONGEST_M), [len(grid)]]))
    for first, after in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        end_m = min(after, float(strip.chainages[-1]))
        for run in runs(grid[first]):
            left, right = run.first - width_m / 2, min(run.after, width_m) - width_m / 2
            there, back = (strip.between(first, end_m, side) for side in (left, right))
            yield run.code, np.concatenate([there, back[::-1]])
