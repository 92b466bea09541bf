"""Which frames of a camera are worth looking at: by metres driven, by time, by change. A pure fold over glimpses.

A vehicle at 80 km/h sees new road all the time, one at a red light none; a pole sees the same road all day long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

import numpy as np
import numpy.typing as npt

from roadwarden.data.track import METRES_PER_DEGREE
from roadwarden.detections import Position

Thumbnail = npt.NDArray[np.uint8]
"""(height, width) grey, some thousand pixels."""

LONGEST_STEP_S = 10.0
"""Between two frames further apart nothing is known of the way between them: the next one is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """What is known of a frame before it costs anything."""

    at: datetime
    position: Position | None = None
    thumbnail: Thumbnail | None = None


@dataclass(frozen=True, slots=True)
class EveryFrame:
    """All of them."""


@dataclass(frozen=True, slots=True)
class ByTime:
    """One in so many seconds."""

    every_s: float


@dataclass(frozen=True, slots=True)
class ByDistance:
    """One in so many metres; where nothing tells how far the vehicle came, one in so many seconds."""

    metres: float
    without_position_s: float = 1.0


@dataclass(frozen=True, slots=True)
class ByChange:
    """One when the picture has changed by so many grey levels on average, but not more often or seldom than said."""

    grey_levels: float = 6.0
    every_s: float = 1.0
    longest_s: float = 600.0


Rule = EveryFrame | ByTime | ByDistance | ByChange


@dataclass(frozen=True, slots=True, eq=False)
class Sampler:
    """A rule and what it has seen; ``step`` gives the next one."""

    rule: Rule
    taken: Glimpse | None = None  # the last that was wanted
    last: Glimpse | None = None  # the last of all
    driven_m: float | None = 0.0  # since the last that was wanted; None where it is not known

    def step(self, now: Glimpse) -> tuple[bool, Self]:
        """Whether this frame is wanted, and the sampler for the next."""
        driven = _sum(self.driven_m, self._stretch(now))
        wanted = self._wants(now, driven)
        if wanted:
            return True, replace(self, taken=now, last=now, driven_m=0.0)
        return False, replace(self, last=now, driven_m=driven)

    def _stretch(self, now: Glimpse) -> float | None:
        if self.last is None:
            return 0.0
        return metres_between(self.last, now)

    def _wants(self, now: Glimpse, driven_m: float | None) -> bool:
        if self.taken is None or isinstance(self.rule, EveryFrame):
            return True
        passed = (now.at - self.taken.at).total_seconds()
        if passed < 0:
            return True  # the clock was set back: what was before tells nothing
        if isinstance(self.rule, ByTime):
            return passed >= self.rule.every_s
        if isinstance(self.rule, ByDistance):
            return passed >= self.rule.without_position_s if driven_m is None else driven_m >= self.rule.metres
        if passed < self.rule.every_s:
            return False
        return passed >= self.rule.longest_s or changed(self.taken, now) >= self.rule.grey_levels


def metres_between(before: Glimpse, now: Glimpse) -> float | None:
    """How far the camera came: by the receiver's speed, else by its places; None where neither is known."""
    seconds = (now.at - before.at).total_seconds()
    if not 0 <= seconds <= LONGEST_STEP_S or before.position is None or now.position is None:
        return None
    speeds = [one.speed_mps for one in (before.position, now.position) if one.speed_mps is not None]
    if speeds:
        return seconds * sum(speeds) / len(speeds)
    north = (now.position.lat - before.position.lat) * METRES_PER_DEGREE
    east = ((now.position.lon - before.position.lon + 180) % 360 - 180) * METRES_PER_DEGREE
    return math.hypot(north, east * math.cos(math.radians(now.position.lat)))


def changed(before: Glimpse, now: Glimpse) -> float:
    """Mean difference in grey levels, each picture's own brightness taken off: a cloud is no change of the road."""
    if before.thumbnail is None or now.thumbnail is None or before.thumbnail.shape != now.thumbnail.shape:
        return math.inf
    one, other = before.thumbnail.astype(np.float32), now.thumbnail.astype(np.float32)
    return float(np.abs((one - one.mean()) - (other - other.mean())).mean())


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
