"""The network as a graph to drive on: nodes where streets meet or end, and driving distances between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from roadwarden.geo.network import Column, Indices, RoadNetwork

SNAP_M = 0.5
"""Vertices of two streets this near are one place; cities draw their ends a few centimetres apart."""
_SOURCES = 64  # of one call: a row of distances is as long as the city has nodes


@dataclass(frozen=True, slots=True, eq=False)
class RoadGraph:
    """Nodes along each segment with their chainages, and the edges between them; one-way streets go one way."""

    edges: csr_matrix  # (nodes, nodes) metres
    one_way: npt.NDArray[np.bool_]  # of each segment
    _chainages: Column  # of all nodes along all segments, segment after segment
    _nodes: Indices
    _keys: Column  # the chainages, each segment's beyond those before it
    _span: float

    @classmethod
    def of(cls, network: RoadNetwork) -> RoadGraph:
        """Finds where streets share a vertex, also where one of them goes on. O(n log n)."""
        vertices, rows = shapely.get_coordinates(network.lines, return_index=True)
        nodes = _joined(vertices)
        shared = np.zeros(nodes.max() + 1, np.int64)
        np.add.at(shared, np.unique(np.stack([nodes, rows], 1), axis=0)[:, 0], 1)
        stops = []
        bounds = np.searchsorted(rows, np.arange(len(network) + 1))
        for first, last in pairwise(bounds.tolist()):
            steps = np.linalg.norm(np.diff(vertices[first:last], axis=0), axis=1)
            chainages, inside = np.concatenate([[0.0], np.cumsum(steps)]), nodes[first:last]
            stop = shared[inside] > 1
            stop[[0, -1]] = True
            stops.append((chainages[stop], inside[stop]))
        one_way = np.array([segment.one_way for segment in network.segments], np.bool_)
        rows = np.repeat(np.arange(len(stops)), [len(at) for at, _ in stops])
        chainages, span = np.concatenate([at for at, _ in stops]), float(network.lengths_m.max()) + 1
        edges, inside = _edges(stops, one_way, len(shared)), np.concatenate([inside for _, inside in stops])
        return cls(edges, one_way, chainages, inside, chainages + span * rows, span)

    def doors(self, rows: Indices, chainages: Column) -> tuple[Indices, Column, Column]:
        """(n, 2) nodes behind and ahead of places on segments, and metres to leave to them and to come from them.

        Infinite where a one-way street forbids it.
        """
        first = np.searchsorted(self._keys, self._span * rows)
        last = np.searchsorted(self._keys, self._span * (rows + 1)) - 1
        ahead = np.searchsorted(self._keys, chainages + self._span * rows, side="right").clip(first + 1, last)
        nodes = np.stack([self._nodes[ahead - 1], self._nodes[ahead]], axis=1)
        costs = np.stack([chainages - self._chainages[ahead - 1], self._chainages[ahead] - chainages], axis=1)
        leave, come = costs.clip(0), costs.clip(0)
        leave[self.one_way[rows], 0] = come[self.one_way[rows], 1] = np.inf
        return nodes, leave, come

    def between(self, nodes: Indices, limit_m: float) -> Column:
        """(n, n) driving distances from each of the distinct nodes to each; infinite beyond the limit."""
        return np.concatenate(
            [
                dijkstra(self.edges, indices=nodes[first : first + _SOURCES], limit=limit_m)[:, nodes]
                for first in range(0, len(nodes), _SOURCES)
            ]
        )


def _joined(vertices: Column) -> Indices:
    """The node of each vertex: those within ``SNAP_M`` of each other are one."""
    pairs = cKDTree(vertices).query_pairs(SNAP_M, output_type="ndarray")
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(vertices), len(vertices)))
    return np.asarray(connected_components(links, directed=False)[1], np.intp)


def _edges(stops: list[tuple[Column, Indices]], one_way: npt.NDArray[np.bool_], nodes: int) -> csr_matrix:
    """Of two edges between the same nodes the shorter counts; csr would add them."""
    ways = [
        (inside[i], inside[i + 1], max(at[i + 1] - at[i], 1e-3), one)
        for (at, inside), one in zip(stops, one_way.tolist(), strict=True)
        for i in range(len(at) - 1)
    ]
    drives = [(a, b, m) for a, b, m, _ in ways] + [(b, a, m) for a, b, m, one in ways if not one]
    drives.sort(key=lambda drive: drive[2], reverse=True)
    shortest = {(a, b): metres for a, b, metres in drives}
    starts, ends = zip(*shortest, strict=True)
    return csr_matrix((list(shortest.values()), (starts, ends)), shape=(nodes, nodes))
