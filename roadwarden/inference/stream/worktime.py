"""How long looking at a frame and keeping it is likely to take now, from how long it took lately. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

MEAN_SHARE, DEVIATION_SHARE, DEVIATIONS = 1 / 8, 1 / 4, 2.0
"""Shares of the newest value, as TCP has them for round trips (RFC 6298); fewer deviations, for late is not lost."""


@dataclass(frozen=True, slots=True)
class WorkTime:
    """Seconds from a frame's turn to its place in the database."""

    mean_s: float = 0.0
    deviation_s: float = 0.0
    is_known: bool = False

    def after(self, took_s: float) -> WorkTime:
        """With one more."""
        if not self.is_known:
            return WorkTime(took_s, took_s / 2, is_known=True)
        off_s = abs(took_s - self.mean_s)
        return replace(
            self,
            mean_s=self.mean_s + MEAN_SHARE * (took_s - self.mean_s),
            deviation_s=self.deviation_s + DEVIATION_SHARE * (off_s - self.deviation_s),
        )

    @property
    def likely_s(self) -> float:
        """Most take less; 0 before the first one."""
        return self.mean_s + DEVIATIONS * self.deviation_s
