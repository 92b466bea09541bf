"""Stretches of road in one colour: cells counted every 10 m once a moment, and summed for whatever a tile shows."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from roadwarden.defects.cells import Code, Codes

TEN_M = 10
YELLOW_SHARE = 0.02
Sums: TypeAlias = npt.NDArray[np.uint32]
"""(bands, codes) how many cells of 10 m have which code."""


def tens(grid: Codes) -> Sums:
    """Of metres by cells across. 16 bytes every 10 m: 1.6 MB for a city of 10 million cells."""
    starts = np.arange(0, len(grid), TEN_M)
    along = np.stack([(grid == code).sum(axis=1, dtype=np.uint32) for code in Code], axis=1)
    return np.asarray(np.add.reduceat(along, starts, axis=0), np.uint32)


def banded(sums: Sums, every_m: int) -> Codes:
    """One code for each so many metres (tens): red where a cell is, yellow where 2 % are, else what most are.

    The worst code alone would paint a city yellow: every 100 m of road have a crack somewhere.
    """
    counts = np.add.reduceat(sums, np.arange(0, len(sums), every_m // TEN_M), axis=0)
    total = counts.sum(axis=1)
    usual = np.where(counts[:, Code.GREY] * 2 > total, Code.GREY, Code.GREEN)
    damaged = np.where(counts[:, Code.YELLOW] >= YELLOW_SHARE * total, Code.YELLOW, usual)
    return np.where(counts[:, Code.RED] > 0, Code.RED, damaged).astype(np.uint8)
