"""How often somebody may ask: token buckets in memory, one a caller; each worker process counts for itself."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from roadwarden.errors import TooMany

MOST_BUCKETS: Final = 20_000
"""The one that was asked longest ago goes first: some 4 MB, however many addresses knock."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and so many a second for long."""

    per_second: float
    burst: int


@dataclass(slots=True)
class Limiter:
    """Buckets by name."""

    clock: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str, rate: Rate) -> None:
        """One more. Raises TooMany where the bucket is empty."""
        now = self.clock()
        with self._lock:
            left, then = self._buckets.pop(name, (float(rate.burst), now))
            left = min(float(rate.burst), left + (now - then) * rate.per_second)
            empty = left < 1
            self._buckets[name] = (left if empty else left - 1, now)
            while len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
        if empty:
            raise TooMany("too many requests; slow down", max(1, math.ceil((1 - left) / rate.per_second)))
