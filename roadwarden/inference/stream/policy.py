"""What is done when frames come faster than they are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WhenBehind(StrEnum):
    """When a camera's buffer is full."""

    DROP_OLDEST = "drop_oldest"  # live: the newest is worth most
    WAIT = "wait"  # archives: the source stands still, nothing is lost


@dataclass(frozen=True, slots=True)
class Policy:
    """Of one camera. ``stale_after_s`` None: a frame may wait for ever, as those of archives do."""

    when_behind: WhenBehind
    buffer_frames: int
    stale_after_s: float | None

    def __post_init__(self) -> None:
        if self.buffer_frames < 1 or (self.stale_after_s is not None and self.stale_after_s <= 0):
            raise ValueError(f"{self}: a buffer holds a frame, a budget is more than nothing")

    def is_stale(self, arrived_s: float, now_s: float) -> bool:
        """Whether a frame has waited for too long; both on the monotonic clock."""
        return self.stale_after_s is not None and now_s - arrived_s > self.stale_after_s


LIVE = Policy(WhenBehind.DROP_OLDEST, buffer_frames=2, stale_after_s=1.0)
ARCHIVE = Policy(WhenBehind.WAIT, buffer_frames=8, stale_after_s=None)
