"""From a stream's presentation times to times of the day; a stream's clock may stand still, jump and go back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self


@dataclass(frozen=True, slots=True)
class Limits:
    """When a stream's clock is not believed any more."""

    jump_s: float = 5.0  # ahead of the frame before by more than this, beyond what passed at the worker
    drift_s: float = 5.0  # of a live stream, away from the worker's clock


@dataclass(frozen=True, slots=True)
class Stamp:
    """Time of a frame, and the stretch of unbroken clock that it belongs to."""

    at: datetime
    segment: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Where a stream's clock was pinned to the day's. ``live``: the worker's clock is the measure, not the file's."""

    live: bool
    limits: Limits = Limits()
    nominal_s: float = 0.04  # a frame's length where the stream does not tell
    segment: int = 0
    pinned_pts_s: float | None = None
    pinned_at: datetime | None = None
    last_pts_s: float | None = None
    last_at: datetime | None = None
    last_now: datetime | None = None

    def stamp(self, pts_s: float | None, now: datetime) -> tuple[Stamp, Self]:
        """The time of a frame that came ``now`` by the worker's clock; for a file ``now`` is when it begins."""
        if self.last_at is None or self.pinned_at is None:
            return self._pinned(pts_s, now, self.segment, now)
        if pts_s is None:
            at = now if self.live else self.last_at + timedelta(seconds=self.nominal_s)
            return self._noted(Stamp(at, self.segment), None, now)
        if self.pinned_pts_s is None or self._breaks(pts_s, now):
            at = now if self.live else self.last_at + timedelta(seconds=self.nominal_s)
            return self._pinned(pts_s, at, self.segment + 1, now)
        at = self.pinned_at + timedelta(seconds=pts_s - self.pinned_pts_s)
        if self.live and abs((at - now).total_seconds()) > self.limits.drift_s:
            return self._pinned(pts_s, now, self.segment + 1, now)
        return self._noted(Stamp(at, self.segment), pts_s, now)

    def broken(self) -> Self:
        """After a reconnect: the next frame begins a new stretch."""
        return replace(self, segment=self.segment + (self.last_at is not None), pinned_pts_s=None, last_pts_s=None,
                       pinned_at=None, last_at=None, last_now=None)  # fmt: skip

    def _breaks(self, pts_s: float, now: datetime) -> bool:
        if self.last_pts_s is None:
            return False
        ahead = pts_s - self.last_pts_s
        passed = (now - self.last_now).total_seconds() if self.live and self.last_now else 0.0
        return ahead < 0 or ahead > max(passed, 0.0) + self.limits.jump_s

    def _pinned(self, pts_s: float | None, at: datetime, segment: int, now: datetime) -> tuple[Stamp, Self]:
        stamp = Stamp(at, segment)
        fresh = replace(self, segment=segment, pinned_pts_s=pts_s, pinned_at=at)
        return fresh._noted(stamp, pts_s, now)

    def _noted(self, stamp: Stamp, pts_s: float | None, now: datetime) -> tuple[Stamp, Self]:
        return stamp, replace(self, last_pts_s=self.last_pts_s if pts_s is None else pts_s, last_at=stamp.at,
                              last_now=now)  # fmt: skip
