"""Wilson's bounds of a share ("Probable inference", JASA 22, 1927): right also for few and for extreme shares."""

from __future__ import annotations

import math
from statistics import NormalDist

ONE_SIDED_95 = 1.6448536269514722
"""The 95 % quantile of the normal distribution."""


def wilson_lower(part: float, whole: float, *, z: float = ONE_SIDED_95) -> float:
    """The one-sided lower bound (95 % unless told) of a share of ``whole``; 0 where that is 0."""
    if whole <= 0:
        return 0.0
    share = part / whole
    centre = share + z * z / (2 * whole)
    spread = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return max(0.0, (centre - spread) / (1 + z * z / whole))


def wilson_bounds(part: float, whole: float, *, level: float = 0.95) -> tuple[float, float]:
    """The two-sided bounds of a share of ``whole``; 0 and 1 where that is 0."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    return wilson_lower(part, whole, z=z), 1 - wilson_lower(whole - part, whole, z=z)
