"""Cells at low zoom: how many of each colour in every 10, 100 or 1,000 m of road."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roadwarden.defects.cells import Cells, Code, Grid
from roadwarden.defects.roadways import Ints
from roadwarden.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """Stretches of whole roads' width that partition the cells, road by road."""

    grid: Grid
    every_m: int
    road: Ints  # (bands,) row among the roads
    from_m: Ints  # (bands,) chainage
    counts: Ints  # (bands, 4) cells of each Code
    stale: Ints  # (bands,) yellow and red cells that were not seen in time

    def __len__(self) -> int:
        return len(self.road)

    @property
    def worst(self) -> Ints:
        """(bands,) the worst Code that occurs."""
        return np.asarray(len(Code) - 1 - np.argmax(self.counts[:, ::-1] > 0, axis=1))

    @property
    def share_grey(self) -> npt.NDArray[np.float64]:
        """(bands,) 0..1 of the cells."""
        return np.asarray(self.counts[:, Code.GREY] / self.counts.sum(axis=1))

    @property
    def share_unseen(self) -> npt.NDArray[np.float64]:
        """(bands,) 0..1 not seen in time, whatever their colour."""
        return np.asarray((self.counts[:, Code.GREY] + self.stale) / self.counts.sum(axis=1))


def bands(cells: Cells, every_m: int = 10) -> Bands:
    """Counts for every so many metres of each road; its last band may be shorter."""
    if every_m < 1:
        raise DataError(f"a band of {every_m} m cannot be; take 1 m or more")
    grid = cells.grid
    road, nth = _cut(-(-grid.metres // every_m))
    starts = grid.edges[road] + nth * every_m * grid.across[road]
    counts = [_sums(cells.codes == code, starts) for code in Code]
    stale = _sums((cells.codes >= Code.YELLOW) & ~cells.fresh, starts)
    return Bands(grid, every_m, road, nth * every_m, np.stack(counts, axis=1), stale)


def coarser(fine: Bands, every_m: int) -> Bands:
    """The same counts over longer bands, a multiple of the finer ones: no cell is looked at again."""
    if every_m % fine.every_m:
        raise DataError(f"bands of {every_m} m cannot be made of bands of {fine.every_m} m; take a multiple")
    road, nth = _cut(-(-fine.grid.metres // every_m))
    held = -(-fine.grid.metres // fine.every_m)
    starts = (np.cumsum(held) - held)[road] + nth * (every_m // fine.every_m)
    counts, stale = _sums(fine.counts, starts), _sums(fine.stale, starts)
    return Bands(fine.grid, every_m, road, nth * every_m, counts, stale)


def _cut(held: Ints) -> tuple[Ints, Ints]:
    """For each band its road and its number along it, from the number of bands of each road."""
    road = np.repeat(np.arange(len(held)), held)
    return road, np.arange(len(road)) - np.repeat(np.cumsum(held) - held, held)


def _sums(values: npt.NDArray[np.int64] | npt.NDArray[np.bool_], starts: Ints) -> Ints:
    """Sums from each start to the next; the starts rise and none of the stretches is empty."""
    if not len(starts):
        return np.zeros((0, *values.shape[1:]), np.int64)
    return np.asarray(np.add.reduceat(values, starts, axis=0, dtype=np.int64))
