"""Frames to passes: one drive past a place is one pass, and merging takes what one pass told apart as two things."""

from __future__ import annotations

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
    odometer = _driven(metres)
    number, found = 0, np.zeros(len(seconds), np.intp)
    visits: dict[tuple[int, int], int] = {}
    cells = np.floor(metres / BACK_AGAIN_M).astype(np.int64).tolist()
    for at, (column, row) in enumerate(cells):
        paused = at > 0 and seconds[at] - seconds[at - 1] > PAUSE_S
        if paused or _is_back(at, (column, row), visits, metres, odometer):
            number, visits = number + 1, {}
        visits[column, row] = at
        found[at] = number
    return found


def _driven(metres: Numbers) -> Numbers:
    steps = np.linalg.norm(np.diff(metres, axis=0, prepend=metres[:1]), axis=1)
    return np.cumsum(np.where(steps < _STEP_M, 0.0, steps))


def _is_back(
    at: int, cell: tuple[int, int], visits: dict[tuple[int, int], int], metres: Numbers, odometer: Numbers
) -> bool:
    column, row = cell
    for east in (-1, 0, 1):
        for north in (-1, 0, 1):
            last = visits.get((column + east, row + north))
            if last is None or odometer[at] - odometer[last] < AWAY_M:
                continue
            if np.hypot(*(metres[at] - metres[last])) <= BACK_AGAIN_M:
                return True
    return False
