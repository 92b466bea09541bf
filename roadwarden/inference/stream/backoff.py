"""When to try again, and when to stop trying. Chance and time come in as arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubles from attempt to attempt; the jitter keeps a depot of buses from calling all at the same second."""

    first_s: float = 1.0
    longest_s: float = 60.0
    jitter: float = 0.5  # share of the pause that chance may take off

    def pause_s(self, failures: int, chance: Random) -> float:
        """Before the next attempt, after so many failures in a row; nothing after none."""
        if failures < 1:
            return 0.0
        whole = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return float(whole * (1 - self.jitter * chance.random()))


@dataclass(frozen=True, slots=True)
class Endurance:
    """How often a process may die before it is given up on."""

    deaths: int = 5
    within_s: float = 60.0

    def is_spent(self, died_s: Sequence[float], now_s: float) -> bool:
        """Whether it died too often lately; times on one monotonic clock."""
        return sum(now_s - one <= self.within_s for one in died_s) > self.deaths
