"""What a synthetic street is: the truth, before a pixel of it is drawn.

Axes of the road plane: x along the drive, y to the right, both in metres; y is 0 in the middle of the carriageway.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from roadwarden.taxonomy import TRAINED_TYPES, DistressType

Polygon = npt.NDArray[np.float64]
"""(n, 2) corners x, y in metres."""

HALF_ROAD_M = 3.5
HALF_STRIP_M = 7.0  # carriageway, kerbs and pavements
FIRST_DEFECT_M = 6.0
GAP_M = (3.0, 5.5)
"""Metres from one defect to the next."""


class Surface(StrEnum):
    """What a stretch of road is made of."""

    ASPHALT = "asphalt"
    CONCRETE = "concrete"


class Repair(StrEnum):
    """How far the repair of a defect has come."""

    BEFORE = "before"
    DURING = "during"  # milled and coned off
    AFTER = "after"  # a fresh patch, or a sealed crack


@dataclass(frozen=True, slots=True, eq=False)
class PlacedDefect:
    """One defect on the road plane; ``seed`` decides its shape."""

    id: str
    type: DistressType
    outline: Polygon
    seed: int

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Smallest x, smallest y, largest x, largest y."""
        (x1, y1), (x2, y2) = self.outline.min(axis=0), self.outline.max(axis=0)
        return float(x1), float(y1), float(x2), float(y2)


@dataclass(frozen=True, slots=True)
class Manhole:
    """A cover, level with the road."""

    x: float
    y: float
    radius: float = 0.36


@dataclass(frozen=True, slots=True)
class Tree:
    """Beside the road; throws a shadow on it."""

    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Street:
    """A straight street: asphalt, then concrete slabs from ``concrete_from`` on."""

    seed: int
    length: float
    concrete_from: float
    defects: tuple[PlacedDefect, ...]
    manholes: tuple[Manhole, ...]
    trees: tuple[Tree, ...]
    wet: tuple[tuple[float, float, float], ...]  # x, y, radius of wet patches

    def surface_at(self, x: float) -> Surface:
        """What the road is made of there."""
        return Surface.CONCRETE if x >= self.concrete_from else Surface.ASPHALT


def make_street(seed: int, length: float) -> Street:
    """A street on which every detected type occurs again and again; the same seed is the same street."""
    if length < 20:
        raise ValueError(f"a street of {length} m is too short; at least 20 m")
    generator = np.random.default_rng([seed, 1])
    return Street(
        seed=seed,
        length=length,
        concrete_from=round(length * 0.8, 1),
        defects=_place_defects(generator, length),
        manholes=tuple(Manhole(float(x), float(generator.uniform(-2.4, 2.4))) for x in np.arange(11, length, 31)),
        trees=tuple(
            Tree(float(x + generator.uniform(-1.5, 1.5)), float(side * generator.uniform(5.6, 6.6)), 6.5)
            for x in np.arange(4, length + 60, 9)
            for side in (-1, 1)
        ),
        wet=tuple((float(x), float(generator.uniform(-2, 2)), 0.9) for x in np.arange(19, length, 37)),
    )


def _place_defects(generator: np.random.Generator, length: float) -> tuple[PlacedDefect, ...]:
    defects: list[PlacedDefect] = []
    x, kinds = FIRST_DEFECT_M, list(TRAINED_TYPES)
    while True:
        if len(defects) % len(kinds) == 0:
            generator.shuffle(kinds)
        kind = kinds[len(defects) % len(kinds)]
        outline, until = _outline(generator, kind, x)
        if until > length:
            return tuple(defects)
        defects.append(PlacedDefect(f"D{len(defects) + 1:03d}", kind, outline, int(generator.integers(2**31))))
        x = until + float(generator.uniform(*GAP_M)) * 0.5


def _outline(generator: np.random.Generator, kind: DistressType, x: float) -> tuple[Polygon, float]:
    """Outline of a defect that begins at x, and where it ends."""
    if kind is DistressType.LONGITUDINAL_CRACK:
        length, y = generator.uniform(4, 7), generator.uniform(-2.2, 2.2)
        return _rectangle(x, y - 0.12, x + length, y + 0.12), x + length * 0.6
    if kind is DistressType.TRANSVERSE_CRACK:
        width, y = generator.uniform(2.4, 4.5), generator.uniform(-1, 1)
        return _rectangle(x, y - width / 2, x + 0.3, y + width / 2), x + 0.3
    if kind is DistressType.ALLIGATOR_CRACK:
        length, width, y = generator.uniform(1.8, 3.2), generator.uniform(1.1, 1.8), generator.uniform(-1.6, 1.6)
        return _blob(generator, x + length / 2, y, length / 2, width / 2, 0.12), x + length
    if kind is DistressType.POTHOLE:
        radius, y = generator.uniform(0.28, 0.5), generator.uniform(-1.8, 1.8)
        return _blob(generator, x + radius, y, radius, radius * generator.uniform(0.75, 1.1), 0.22), x + 2 * radius
    length, width, y = generator.uniform(1.4, 3.0), generator.uniform(0.9, 1.6), generator.uniform(-1.8, 1.8)
    return _rectangle(x, y - width / 2, x + length, y + width / 2), x + length


def _rectangle(x1: float, y1: float, x2: float, y2: float) -> Polygon:
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float64)


def _blob(
    generator: np.random.Generator, x: float, y: float, radius_x: float, radius_y: float, rough: float
) -> Polygon:
    """An irregular closed line: waves of random height around an ellipse, inside its bounds."""
    angles = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    waves = sum(
        generator.normal(0, rough / order) * np.cos(order * angles + generator.uniform(0, 2 * math.pi))
        for order in range(2, 7)
    )
    radius = np.clip(0.88 + waves, 0.55, 1.0)
    return np.stack([x + radius_x * radius * np.cos(angles), y + radius_y * radius * np.sin(angles)], axis=1)
