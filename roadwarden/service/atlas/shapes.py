"""The roads of a network drawn on the web's map: along them, and beside them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely

from roadwarden.geo.web_tiles import Floats, WebTile, to_world
from roadwarden.service.known_roads import KnownRoads

_MARGIN = 0.08
"""Widths of a tile that are drawn beyond its edges, so that wide lines have no seams."""


@dataclass(frozen=True, slots=True)
class Strip:
    """One road: chainages of its points, where they are in the world, and one metre to the right of each."""

    chainages: Floats  # (n,)
    world: Floats  # (n, 2)
    right: Floats  # (n, 2)

    def between(self, from_m: float, to_m: float) -> Floats:
        """The middle line between two chainages; bends stand where they are."""
        if from_m <= 0 and to_m >= self.chainages[-1]:
            return self.world
        inner = self.chainages[(self.chainages > from_m) & (self.chainages < to_m)]
        return self.at(np.concatenate([[from_m], inner, [to_m]]))

    def at(self, chainages: Floats) -> Floats:
        """(n, 2) places of the middle in the world."""
        return np.stack([np.interp(chainages, self.chainages, axis) for axis in self.world.T], axis=1)

    def beside(self, chainages: Floats) -> Floats:
        """(n, 2) one metre to the right, there."""
        return np.stack([np.interp(chainages, self.chainages, axis) for axis in self.right.T], axis=1)


@dataclass(frozen=True, eq=False)
class RoadShapes:
    """All roads of a network, with an index."""

    roads: KnownRoads

    @cached_property
    def strips(self) -> tuple[Strip, ...]:
        """In the order of the network."""
        network = self.roads.network
        lines = network.lines
        points, rows = shapely.get_coordinates(lines, return_index=True)
        world = to_world(network.plane.to_degrees(points))
        beside = to_world(network.plane.to_degrees(points + _rights(points, rows)))
        edges = np.searchsorted(rows, np.arange(len(lines) + 1))
        return tuple(
            Strip(_chainages(points[here]), world[here], (beside - world)[here])
            for here in itertools.starmap(slice, itertools.pairwise(edges.tolist()))
        )

    @cached_property
    def names(self) -> dict[str, str]:
        """Name of each segment."""
        return {one.id: one.name for one in self.roads.network.segments}

    @cached_property
    def lines(self) -> npt.NDArray[np.object_]:
        """In the world."""
        return np.array([shapely.linestrings(strip.world) for strip in self.strips], np.object_)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.lines)

    def within(self, tile: WebTile) -> list[int]:
        """Rows of the roads that touch a tile or its margin, in order."""
        return sorted(self._tree.query(shapely.box(*tile.bounds(_MARGIN)), predicate="intersects").tolist())


def clipped(tile: WebTile, lines: list[Floats]) -> list[list[Floats]]:
    """Lines of the world as parts of lines within a tile and its margin, in its units, thinned to half a unit."""
    if not lines:
        return []
    sizes = [len(line) for line in lines]
    units = shapely.linestrings(tile.units(np.concatenate(lines)), indices=np.repeat(np.arange(len(lines)), sizes))
    low, high = -_MARGIN * 4096, (1 + _MARGIN) * 4096
    thin = shapely.simplify(shapely.clip_by_rect(units, low, low, high, high), 2.0)
    return [[shapely.get_coordinates(part) for part in shapely.get_parts(one)] for one in thin]


def _chainages(points: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])


def _rights(points: Floats, rows: npt.NDArray[np.intp]) -> Floats:
    """(n, 2) one metre to the right of the line at each point; at a bend between both directions, mitred."""
    steps = np.diff(points, axis=0)
    steps = steps / np.maximum(np.linalg.norm(steps, axis=1), 1e-9)[:, None]
    same = (rows[1:] == rows[:-1])[:, None]
    ahead = np.concatenate([np.where(same, steps, 0.0), np.zeros((1, 2))])
    behind = np.concatenate([np.zeros((1, 2)), np.where(same, steps, 0.0)])
    both = ahead + behind
    count = np.any(ahead != 0, axis=1).astype(float) + np.any(behind != 0, axis=1)
    length = np.maximum(np.linalg.norm(both, axis=1), 0.7)
    along = both * np.where(count == 2, 2 / length**2, 1 / length)[:, None]
    return np.stack([along[:, 1], -along[:, 0]], axis=1)
