"""The roads near each point of a track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roadwarden.geo.network import Column, Indices, RoadNetwork
from roadwarden.geo.plane import Metres


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """(n, k) roads near each fix, nearest first; rows are -1 where there are fewer."""

    rows: Indices
    chainages: Column
    offsets: Column

    def take(self, chosen: slice | npt.NDArray[np.bool_] | Indices) -> Candidates:
        """Those points."""
        return Candidates(self.rows[chosen], self.chainages[chosen], self.offsets[chosen])


def candidates_of(network: RoadNetwork, metres: Metres, within_m: float, most: int) -> Candidates:
    """At most ``most`` segments within ``within_m`` of each of (n, 2) points; ties go by the order of the network."""
    points, rows = network.pairs(metres, within_m)
    chainages, offsets = network.linear(metres[points], rows)
    offsets = np.abs(offsets)
    order = np.lexsort((rows, offsets, points))
    points, rows, chainages, offsets = points[order], rows[order], chainages[order], offsets[order]
    rank = np.arange(len(points)) - np.searchsorted(points, points)
    kept = rank < most
    width = int(rank[kept].max(initial=0)) + 1
    table = Candidates(
        np.full((len(metres), width), -1, np.intp), np.zeros((len(metres), width)), np.zeros((len(metres), width))
    )
    for column, values in ((table.rows, rows), (table.chainages, chainages), (table.offsets, offsets)):
        column[points[kept], rank[kept]] = values[kept]
    return table
