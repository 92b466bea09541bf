"""All defects of a moment as columns in memory: 60 bytes each, so that a tile is a few comparisons of arrays."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from roadwarden.geo.web_tiles import Floats, WebTile, to_world
from roadwarden.storage.map_points import DefectPoint
from roadwarden.taxonomy import DistressType

Flags: TypeAlias = npt.NDArray[np.bool_]
Rows: TypeAlias = npt.NDArray[np.intp]
TYPES = tuple(DistressType)


@dataclass(frozen=True, eq=False)
class DefectPoints:
    """n defects that are there, by id."""

    ids: npt.NDArray[np.bytes_]
    world: Floats  # (n, 2)
    type: npt.NDArray[np.uint8]  # index into ``TYPES``
    severe: Flags
    seen: Flags  # by the last good passes, too

    @classmethod
    def of(cls, points: Iterable[DefectPoint], mended: Collection[str]) -> DefectPoints:
        """Those that are not mended."""
        there = [one for one in points if one.id not in mended]
        kinds = {kind: row for row, kind in enumerate(TYPES)}
        return cls(
            np.array([one.id for one in there], "S32"),
            to_world([(one.lat, one.lon) for one in there]),
            np.array([kinds[one.type] for one in there], np.uint8),
            np.array([one.severe for one in there], np.bool_),
            np.array([one.seen for one in there], np.bool_),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def wanted(self, tile: WebTile, margin: float, types: Collection[str], severe: bool | None) -> Rows:
        """Rows of those in a tile and its margin, of those types (all of them where there is none)."""
        west, north, east, south = tile.bounds(margin)
        x, y = self.world.T
        found = (x >= west) & (x < east) & (y >= north) & (y < south)
        if types:
            found &= np.isin(self.type, [row for row, kind in enumerate(TYPES) if kind in types])
        if severe is not None:
            found &= self.severe == severe
        return np.flatnonzero(found)
