"""How often every piece of lane was looked at in a window, and how likely a problem on it would have been found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from roadwarden.defects.coverage import laid_out
from roadwarden.defects.inspected import Inspections
from roadwarden.defects.roadways import MM, Ints, Roads

Column = npt.NDArray[np.float64]

FOUND_BY_ONE_LOOK = 0.657
"""Share of the defects of a frame that the shipped model finds on streets that no choice was made by: the test part
in models/roadwarden-yolo26n-4.md."""


@dataclass(frozen=True, eq=False)
class Exposure:
    """Pieces of lane end to end on the axis of ``roads``, each with the number of drives that saw it usably."""

    roads: Roads
    edges_mm: Ints  # (pieces + 1,)
    looks: Ints  # (pieces,)
    found_by_one: float = FOUND_BY_ONE_LOOK

    def __post_init__(self) -> None:
        if not 0 < self.found_by_one <= 1:
            raise ValueError(f"one look finds a share above 0 and at most 1, not {self.found_by_one}")

    @cached_property
    def found(self) -> Column:
        """(pieces,) chance that a problem there would have been found by its looks; 0 where nobody looked."""
        return np.asarray(1 - (1 - self.found_by_one) ** self.looks.astype(np.float64))

    def metres(self, from_mm: Ints, to_mm: Ints) -> Column:
        """Metres between places of the axis, each weighed by the chance of being found there."""
        sums = np.concatenate([[0.0], np.cumsum(self.found * np.diff(self.edges_mm) / MM)])
        return np.asarray(np.interp(to_mm, self.edges_mm, sums) - np.interp(from_mm, self.edges_mm, sums))

    def by_road(self) -> Column:
        """(roads,) weighed metres of all lanes."""
        starts = self.roads.lane_edges
        lanes = self.metres(starts[:-1], starts[1:])
        return np.asarray(np.bincount(self.roads.lane_road, lanes, len(self.roads.roadways)), np.float64)


def exposure(roads: Roads, looks: Inspections, drives: Ints, found_by_one: float = FOUND_BY_ONE_LOOK) -> Exposure:
    """Counts the drives (``drives``: one number a look) that saw each metre in usable quality; n log n in looks.

    Looks of one drive that overlap are one: a camera that takes two frames of a metre has not been there twice.
    """
    usable = looks.take(looks.usable)
    row, from_mm, to_mm = laid_out(roads, usable)
    from_mm, to_mm = _joined(from_mm, to_mm, drives[looks.usable][row], int(roads.lane_edges[-1]) + 1)
    edges = np.unique(np.concatenate([roads.lane_edges, from_mm, to_mm]))
    steps = np.zeros(len(edges), np.int64)
    np.add.at(steps, np.searchsorted(edges, from_mm), 1)
    np.add.at(steps, np.searchsorted(edges, to_mm), -1)
    return Exposure(roads, edges, np.cumsum(steps)[:-1], found_by_one)


def _joined(from_mm: Ints, to_mm: Ints, drives: Ints, span: int) -> tuple[Ints, Ints]:
    """The union of the stretches of each drive; every drive gets a stretch of axis of its own for it."""
    if not len(from_mm):
        return from_mm, to_mm
    _, number = np.unique(drives, return_inverse=True)
    shift = number.astype(np.int64) * span
    order = np.argsort(from_mm + shift, kind="stable")
    begin, end, shift = (from_mm + shift)[order], (to_mm + shift)[order], shift[order]
    reach = np.maximum.accumulate(end)
    first = np.flatnonzero(np.append([True], begin[1:] > reach[:-1]))
    last = np.append(first[1:], len(begin)) - 1
    return begin[first] - shift[first], reach[last] - shift[last]
