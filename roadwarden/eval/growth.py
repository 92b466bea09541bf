"""How cost grows with size, against n log n: as figures, and as a plot that needs no library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from roadwarden.errors import DataError

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 540.0, 370.0, 64.0, 44.0, 56.0, 48.0
INK, SOFT, BLUE = "#16202b", "#7f8790", "#0072b2"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one size took; ``n`` is at least 2, so that its logarithm counts."""

    n: int
    seconds: float

    def __post_init__(self) -> None:
        if self.n < 2 or self.seconds <= 0:
            raise ValueError(f"{self.seconds} s for {self.n}: growth wants sizes of 2 or more and times above 0")

    @property
    def n_log_n(self) -> float:
        """What a cost of n log n is proportional to."""
        return self.n * math.log2(self.n)


def against_n_log_n(costs: Sequence[Cost]) -> list[float]:
    """Each cost, as a multiple of what n log n would make of the smallest one; 1 or less is no faster than n log n."""
    if not costs:
        return []
    first = min(costs, key=lambda cost: cost.n)
    return [(cost.seconds / first.seconds) / (cost.n_log_n / first.n_log_n) for cost in costs]


def plot(costs: Sequence[Cost], title: str, size: str) -> str:
    """An SVG, both axes logarithmic: what was measured, and n log n through the smallest; ``size`` names n.

    Raises DataError for fewer than two sizes.
    """
    ordered = sorted(costs, key=lambda cost: cost.n)
    if len({cost.n for cost in ordered}) < 2:
        raise DataError("growth needs two sizes at least; measure another one")
    first = ordered[0]
    line = [(cost.n, first.seconds * cost.n_log_n / first.n_log_n) for cost in ordered]
    measured = [(cost.n, cost.seconds) for cost in ordered]
    axes = _Axes.around([*line, *measured])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" font-family="sans-serif" '
        f'font-size="12" fill="{INK}"><rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="{LEFT:g}" y="22" font-size="14">{escape(title)}</text>',
        *axes.ticks(),
        f'<text x="{WIDTH - RIGHT:g}" y="{HEIGHT - 10:g}" text-anchor="end">{escape(size)}</text>',
        f'<text x="8" y="{TOP - 10:g}">CPU seconds</text>',
        f'<polyline points="{axes.polyline(line)}" fill="none" stroke="{SOFT}" stroke-dasharray="5 4"/>',
        f'<polyline points="{axes.polyline(measured)}" fill="none" stroke="{BLUE}" stroke-width="2"/>',
        *(f'<circle cx="{axes.x(n):.1f}" cy="{axes.y(s):.1f}" r="3.5" fill="{BLUE}"/>' for n, s in measured),
        f'<text x="{LEFT + 12:g}" y="{TOP + 16:g}" fill="{BLUE}">measured</text>',
        f'<text x="{LEFT + 12:g}" y="{TOP + 32:g}" fill="{SOFT}">n log n, dashed</text></svg>',
    ]
    return "\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class _Axes:
    """Whole decades of size and seconds, as powers of ten."""

    sizes: tuple[int, int]
    seconds: tuple[int, int]

    @classmethod
    def around(cls, points: Sequence[tuple[float, float]]) -> _Axes:
        ends = []
        for values in zip(*points, strict=True):
            low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
            ends.append((low, max(high, low + 1)))
        return cls(ends[0], ends[1])

    def x(self, n: float) -> float:
        low, high = self.sizes
        return LEFT + (math.log10(n) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, seconds: float) -> float:
        low, high = self.seconds
        return HEIGHT - BOTTOM - (math.log10(seconds) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def polyline(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{self.x(n):.1f},{self.y(seconds):.1f}" for n, seconds in points)

    def ticks(self) -> list[str]:
        found = []
        for power in range(self.sizes[0], self.sizes[1] + 1):
            x = self.x(10.0**power)
            found.append(f'<path d="M{x:.1f} {TOP:g}V{HEIGHT - BOTTOM:g}" stroke="{SOFT}" stroke-opacity="0.3"/>')
            found.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16:g}" text-anchor="middle">{10**power:,}</text>')
        for power in range(self.seconds[0], self.seconds[1] + 1):
            y = self.y(10.0**power)
            found.append(f'<path d="M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}" stroke="{SOFT}" stroke-opacity="0.3"/>')
            found.append(f'<text x="{LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
        return found
