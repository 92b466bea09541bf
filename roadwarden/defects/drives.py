"""Frames to passes: one drive past a place is one pass, and merging takes what one pass told apart as two things."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

PAUSE_S = 300.0
"""After a longer pause receiver and road are no longer what they were."""
BACK_AGAIN_M = 15.0
"""Nearer to a place where the drive was before, it is there again ..."""
AWAY_M = 60.0
"""... if it has driven this far since."""
_STEP_M = 0.5  # less is a vehicle that stands

Numbers = npt.NDArray[np.float64]


def passes_of(seconds: Numbers, metres: Numbers) -> npt.NDArray[np.intp]:
    """(n,) number of the pass of each pose, in order of time, from 0. ``metres`` (n, 2) east and north.

    A pass ends where the camera paused for long and where it comes back to a place of the same pass. What comes later
    changes nothing before. O(n).
    """
    counter = PassCounter()
    rows = zip(seconds.tolist(), metres.reshape(-1, 2).tolist(), strict=True)
    return np.array([counter.step(second, east, north) for second, (east, north) in rows], np.intp)


@dataclass(frozen=True, slots=True)
class Way:
    """How far a pass has got: what a counter has to know to go on with it. Metres east and north of one point."""

    last: tuple[float, float, float]  # second, east, north
    driven_m: float
    visits: tuple[tuple[float, float, float], ...]  # odometer, east, north of each cell it was in, the oldest first


class PassCounter:
    """The same, pose by pose, for a drive that is still going on."""

    def __init__(self, way: Way | None = None) -> None:
        """``way``: of a pass that was begun before, and is number 0 here."""
        self.number = 0
        self._last: tuple[float, float, float] | None = None  # second, east, north
        self._driven_m = 0.0
        self._visits: dict[tuple[int, int], tuple[float, float, float]] = {}  # cell to odometer, east, north
        if way is not None:
            self._last, self._driven_m = way.last, way.driven_m
            self._visits = {_cell(east, north): (driven, east, north) for driven, east, north in way.visits}

    def way(self, most: int) -> Way | None:
        """Of the pass that goes on, with its newest ``most`` cells; None before its first pose."""
        if self._last is None:
            return None
        newest = sorted(self._visits.values())[-most:]
        return Way(self._last, self._driven_m, tuple(newest))

    def step(self, second: float, east_m: float, north_m: float) -> int:
        """The number of this pose's pass."""
        paused = False
        if self._last is not None:
            step_m = math.hypot(east_m - self._last[1], north_m - self._last[2])
            self._driven_m += 0.0 if step_m < _STEP_M else step_m
            paused = second - self._last[0] > PAUSE_S
        self._last = second, east_m, north_m
        column, row = _cell(east_m, north_m)
        if paused or self._is_back(column, row, east_m, north_m):
            self.number, self._visits = self.number + 1, {}
        self._visits[column, row] = self._driven_m, east_m, north_m
        return self.number

    def _is_back(self, column: int, row: int, east_m: float, north_m: float) -> bool:
        for east in (-1, 0, 1):
            for north in (-1, 0, 1):
                last = self._visits.get((column + east, row + north))
                if last is None or self._driven_m - last[0] < AWAY_M:
                    continue
                if math.hypot(east_m - last[1], north_m - last[2]) <= BACK_AGAIN_M:
                    return True
        return False


def _cell(east_m: float, north_m: float) -> tuple[int, int]:
    return math.floor(east_m / BACK_AGAIN_M), math.floor(north_m / BACK_AGAIN_M)
