"""What is done when frames come faster than they are looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class WhenBehind(StrEnum):
    """When a camera's buffer is full."""

    DROP_OLDEST = "drop_oldest"  # live: the newest is worth most
    WAIT = "wait"  # archives: the source stands still, nothing is lost


@dataclass(frozen=True, slots=True)
class Policy:
    """Of one camera.

    ``stale_after_s`` is the budget of a live frame, from its arrival until what was seen in it is in the database;
    None: it may wait for ever, as frames of archives do.
    """

    when_behind: WhenBehind
    buffer_frames: int
    stale_after_s: float | None

    def __post_init__(self) -> None:
        if self.buffer_frames < 1 or (self.stale_after_s is not None and self.stale_after_s <= 0):
            raise ValueError(f"{self}: a buffer holds a frame, a budget is more than nothing")

    def oldest_s(self, work_s: float) -> float:
        """The age up to which a frame gets its turn, where looking and keeping take ``work_s``.

        Never less than half of the budget: where the work alone takes longer than that, frames are late and not all
        dropped. Infinite without a budget.
        """
        budget_s = self.stale_after_s
        return math.inf if budget_s is None else max(budget_s - work_s, budget_s / 2)

    def is_stale(self, arrived_s: float, now_s: float, work_s: float = 0.0) -> bool:
        """Whether a frame would be kept too late; both times on the monotonic clock."""
        return now_s - arrived_s > self.oldest_s(work_s)


LIVE = Policy(WhenBehind.DROP_OLDEST, buffer_frames=2, stale_after_s=1.5)
ARCHIVE = Policy(WhenBehind.WAIT, buffer_frames=8, stale_after_s=None)
