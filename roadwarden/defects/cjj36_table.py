"""The numbers of CJJ 36-2016, ``tables/cjj36.yaml``."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from roadwarden.defects.tables import Sourced, Strict
from roadwarden.geo.places import RoadClass
from roadwarden.settings import read_shipped_table
from roadwarden.taxonomy import DistressType

Knot = tuple[float, float]
Limits = tuple[float, float, float]


class Curve(Sourced):
    """The deduct of one type over its density, both in 0..100."""

    type: DistressType = Field(description="type, under the id that stands for its entry in the standard")
    points: tuple[Knot, ...] = Field(min_length=2, description="density in percent and deduct, both rising")
    beyond: Knot | None = Field(default=None, alias="from", description="density from which one deduct holds")

    @model_validator(mode="after")
    def _check(self) -> Self:
        densities, deducts = zip(*self.points, strict=True)
        if any(np.diff(densities) <= 0) or any(np.diff(deducts) < 0) or densities[0] <= 0 or deducts[0] < 0:
            raise ValueError(f"{self.type}: densities have to rise from above 0, and deducts must not fall")
        last = self.beyond or self.points[-1]
        if last[0] < densities[-1] or last[1] < deducts[-1] or max(densities[-1], last[0]) > 100 or last[1] > 100:
            raise ValueError(f"{self.type}: 'from' continues the curve, and nothing goes beyond 100")
        return self

    def deduct(self, density_pct: float) -> float:
        """Straight lines between the points and from nothing to the first one (the standard only says interpolate)."""
        if self.beyond is not None and density_pct >= self.beyond[0]:
            return self.beyond[1]
        densities, deducts = zip((0.0, 0.0), *self.points, strict=True)
        return float(np.interp(density_pct, densities, deducts))


class Missing(Sourced):
    """Types whose curve is not known."""

    types: tuple[DistressType, ...] = Field(min_length=1, description="types that cannot be computed")


class Ride(Sourced):
    """Riding quality from the roughness index."""

    ceiling: float = Field(gt=0, description="of a perfectly even road")
    per_iri: float = Field(gt=0, description="lost by each m/km of the international roughness index")


class ClassRow(Sourced):
    """Limits of grades A, B and C and the weights of the pavement quality index, for one class of road."""

    road_class: RoadClass = Field(description="class of road")
    condition: Limits = Field(description="least condition or pavement quality index of A, B and C")
    ride: Limits = Field(description="least riding quality index of A, B and C")
    ride_weight: float = Field(ge=0, le=1, description="weight of riding quality")
    condition_weight: float = Field(ge=0, le=1, description="weight of the condition index")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if any(sorted(limits, reverse=True) != list(limits) for limits in (self.condition, self.ride)):
            raise ValueError(f"{self.road_class}: limits of A, B and C fall")
        if abs(self.ride_weight + self.condition_weight - 1) > 1e-9:
            raise ValueError(f"{self.road_class}: the two weights add up to 1")
        return self


class Cjj36Table(Strict):
    """Everything that ``defects/cjj36.py`` computes with."""

    version: str = Field(min_length=1, description="changes when any number does")
    deducts: tuple[Curve, ...] = Field(description="one curve a type")
    missing: tuple[Missing, ...] = Field(description="types that are refused")
    ride: Ride = Field(description="riding quality")
    classes: tuple[ClassRow, ...] = Field(description="one row a class of road")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if {row.road_class for row in self.classes} != set(RoadClass) or len(self.classes) != len(RoadClass):
            raise ValueError(f"'classes' wants one row each for {', '.join(RoadClass)}")
        listed = Counter(curve.type for curve in self.deducts) + Counter(
            one for row in self.missing for one in row.types
        )
        if twice := sorted(distress for distress, times in listed.items() if times > 1):
            raise ValueError(f"listed twice: {', '.join(twice)}")
        return self

    def curve(self, distress: DistressType) -> Curve | None:
        """The curve of a type; None where it is missing."""
        return next((curve for curve in self.deducts if curve.type is distress), None)

    def row(self, road_class: RoadClass) -> ClassRow:
        """Limits and weights of a class of road."""
        return next(row for row in self.classes if row.road_class is road_class)


@cache
def shipped_cjj36_table() -> Cjj36Table:
    """The table that comes with us."""
    return read_shipped_table("cjj36.yaml", Cjj36Table)
