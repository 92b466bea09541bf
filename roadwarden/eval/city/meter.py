"""How long calls take: counts, seconds, and quantiles from buckets of two percent, so that weeks fit into a file."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_STEP = math.log(1.02)
_LEAST_MS = 0.001


@dataclass(slots=True)
class Times:
    """Of one kind of call; ``items`` is how much they did, by whatever is counted."""

    calls: int = 0
    items: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0  # of this process, its threads included
    worst_ms: float = 0.0
    buckets: Counter[int] = field(default_factory=Counter)

    def note(self, wall_s: float, cpu_s: float, items: int) -> None:
        """One call."""
        self.calls, self.items = self.calls + 1, self.items + items
        self.wall_s, self.cpu_s = self.wall_s + wall_s, self.cpu_s + cpu_s
        self.worst_ms = max(self.worst_ms, 1e3 * wall_s)
        self.buckets[round(math.log(max(1e3 * wall_s, _LEAST_MS)) / _STEP)] += 1

    def quantile_ms(self, share: float) -> float | None:
        """Of the calls by the wall clock; None of none."""
        left = share * self.calls
        for bucket in sorted(self.buckets):
            left -= self.buckets[bucket]
            if left <= 0:
                return min(math.exp(bucket * _STEP), self.worst_ms)
        return None

    def as_json(self) -> dict[str, Any]:
        """All of it, for a file."""
        buckets = {str(bucket): number for bucket, number in sorted(self.buckets.items())}
        return {
            "calls": self.calls,
            "items": self.items,
            "wall_s": self.wall_s,
            "cpu_s": self.cpu_s,
            "worst_ms": self.worst_ms,
            "buckets": buckets,
        }

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Times:
        """From such a file."""
        buckets = Counter({int(bucket): int(number) for bucket, number in told["buckets"].items()})
        return cls(told["calls"], told["items"], told["wall_s"], told["cpu_s"], told["worst_ms"], buckets)


@dataclass(slots=True)
class Meter:
    """The kinds of calls of a run."""

    kinds: dict[str, Times] = field(default_factory=dict)

    @contextmanager
    def timed(self, kind: str, items: int = 1) -> Iterator[None]:
        """A call that may fail: it is counted all the same."""
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            times = self.kinds.setdefault(kind, Times())
            times.note(time.perf_counter() - wall_s, time.process_time() - cpu_s, items)

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {kind: times.as_json() for kind, times in self.kinds.items()}

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Meter:
        """From such a file."""
        return cls({kind: Times.read(times) for kind, times in told.items()})
