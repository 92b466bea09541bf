"""How large a distress is, and how surely."""

from __future__ import annotations

import math
from dataclasses import dataclass

from roadwarden.taxonomy import DistressType, Unit, describe


@dataclass(frozen=True, slots=True)
class Measured:
    """A measurement and its standard deviation, in one unit; sigma 0 is exact."""

    value: float
    sigma: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and math.isfinite(self.sigma) and self.value >= 0 and self.sigma >= 0):
            raise ValueError(f"{self.value} ± {self.sigma}: a measurement and its deviation are finite, not negative")

    def chance_above(self, limit: float, *, limit_counts: bool = False) -> float:
        """The chance, 0..1, that the true value lies above ``limit``, the error taken as normal.

        ``limit_counts`` matters for an exact value only: whether the limit itself is above.
        """
        if self.sigma == 0:
            return float(self.value > limit or (limit_counts and self.value == limit))
        return 0.5 * math.erfc((limit - self.value) / (self.sigma * math.sqrt(2)))

    def __str__(self) -> str:
        return f"{self.value:.2f} ± {self.sigma:.2f}" if self.sigma else f"{self.value:g}"


@dataclass(frozen=True, slots=True)
class Size:
    """Sides of the rectangle around a distress: along the road and across it, metres.

    ``sigma_m`` is the standard deviation of either side. It is taken as shared by both, because most of it comes from
    the camera's pitch and height, which err for both sides alike; that is also the larger of the two assumptions.
    """

    length_m: float
    width_m: float
    sigma_m: float = 0.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(side) and side >= 0 for side in (self.length_m, self.width_m, self.sigma_m)):
            raise ValueError(f"{self.length_m} x {self.width_m} ± {self.sigma_m} m: sides are finite and not negative")

    @property
    def area_m2(self) -> Measured:
        """Of the rectangle, as CJJ 36-2016 measures (length x width); a round hole in it has 79 % of that."""
        sigma = math.hypot(self.sigma_m * (self.length_m + self.width_m), math.sqrt(2) * self.sigma_m**2)
        return Measured(self.length_m * self.width_m, sigma)

    @property
    def extent_m(self) -> Measured:
        """The diagonal: how long a straight crack is that the rectangle just holds, whatever its slant."""
        diagonal = math.hypot(self.length_m, self.width_m)
        slope = (self.length_m + self.width_m) / diagonal if diagonal else math.sqrt(2)
        return Measured(diagonal, self.sigma_m * slope)

    @property
    def shorter_side_m(self) -> Measured:
        """The smaller of the two sides."""
        return Measured(min(self.length_m, self.width_m), self.sigma_m)


def quantity(distress: DistressType, size: Size) -> Measured:
    """What is measured of that type, in its unit (``describe(distress).unit``): metres, square metres, or one piece."""
    match describe(distress).unit:
        case Unit.METRE:
            return size.extent_m
        case Unit.SQUARE_METRE:
            return size.area_m2
        case Unit.COUNT:
            return Measured(1.0)
