"""The condition of a city road after CJJ 36-2016: condition, riding and pavement quality indices, and grades."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from roadwarden.defects.cjj36_table import Cjj36Table, shipped_cjj36_table
from roadwarden.defects.size import Size, quantity
from roadwarden.errors import DataError
from roadwarden.geo.places import RoadClass
from roadwarden.taxonomy import DistressType, Pavement, Standard, Unit, candidates, describe, listed, to_cjj36

LIMIT_NOT_COUNTED = frozenset({DistressType.ALLIGATOR_CRACK})
"""Types of which the smallest size itself is not counted: an outline of 1 m² or less."""


class ConditionGrade(StrEnum):
    """A is very good, D fails."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


@dataclass(frozen=True, slots=True)
class Deduct:
    """One type: its density in percent of the surface, its points, and those points times their weight."""

    type: DistressType
    density_pct: float
    points: float
    weighted: float


@dataclass(frozen=True, slots=True)
class ClassDeduct:
    """One class of distress: the weighted points of its types, and their sum times its own weight."""

    name: str  # as in CJJ 36-2016
    deducts: tuple[Deduct, ...]
    points: float
    weighted: float


@dataclass(frozen=True, slots=True)
class ConditionIndex:
    """The index, 0..100, how it came about, and the types present that CJJ 36-2016 does not have."""

    pci: float
    classes: tuple[ClassDeduct, ...]  # in the standard's order, empty ones too
    not_counted: tuple[DistressType, ...]
    table: str  # version


def counted_area_m2(distress: DistressType, size: Size) -> float:
    """The area that CJJ 36-2016 counts for one distress: a crack's length x 0.2 m, a step 1 m²; 0 below its minimum.

    Raises DataError for a type that the standard does not have.
    """
    info, measured = describe(distress), quantity(distress, size).value
    if info.area_m2_per_unit is None or to_cjj36(distress) is None:
        raise DataError(f"CJJ 36-2016 has no type {distress}; leave it out of the condition index")
    smallest = info.min_length_m if info.unit is Unit.METRE else info.min_area_m2
    if smallest is not None and (measured < smallest or (measured == smallest and distress in LIMIT_NOT_COUNTED)):
        return 0.0
    return measured * info.area_m2_per_unit


def condition(
    areas_m2: Mapping[DistressType, float],
    surface_m2: float,
    pavement: Pavement,
    table: Cjj36Table | None = None,
) -> ConditionIndex:
    """The index of one section from the counted area of each type (``counted_area_m2``) and its surface, square metres.

    PCI = 100 - sum of DP x w, w = 3.0 u³ - 5.5 u² + 3.5 u, applied within each class (u = a type's share of its class)
    and again over the classes. Raises DataError for an area that cannot be, a type of the other pavement, and a type
    whose deducts are not known.
    """
    known = table or shipped_cjj36_table()
    densities, not_counted = _densities(areas_m2, surface_m2, pavement)
    refused = [distress for distress in densities if known.curve(distress) is None]
    if refused:
        names = ", ".join(sorted(refused))
        raise DataError(
            f"no condition index: the deducts of {names} are not verified (table {known.version}); assess this "
            "section by hand, or by JTG 5210-2018"
        )
    inner = [_class_deduct(name, types, densities, known) for name, types in _classes(pavement)]
    outer = _weighted([one.points for one in inner])
    classes = tuple(
        ClassDeduct(one.name, one.deducts, one.points, weighted) for one, weighted in zip(inner, outer, strict=True)
    )
    return ConditionIndex(max(0.0, 100.0 - math.fsum(outer)), classes, not_counted, known.version)


def riding_quality(iri_m_per_km: float, table: Cjj36Table | None = None) -> float:
    """Riding quality index, 0..4.98, from the international roughness index."""
    if not (math.isfinite(iri_m_per_km) and iri_m_per_km >= 0):
        raise DataError(f"roughness of {iri_m_per_km} m/km: it is not negative")
    ride = (table or shipped_cjj36_table()).ride
    return max(0.0, ride.ceiling - ride.per_iri * iri_m_per_km)


def pavement_quality(rqi: float, pci: float, road_class: RoadClass, table: Cjj36Table | None = None) -> float:
    """Pavement quality index, 0..100, from riding quality (0..4.98) and the condition index (0..100)."""
    known = table or shipped_cjj36_table()
    if not (0 <= rqi <= known.ride.ceiling and 0 <= pci <= 100):
        raise DataError(f"riding quality {rqi} or condition index {pci} is outside its range")
    row = known.row(road_class)
    return 20 * row.ride_weight * rqi + row.condition_weight * pci


def grade(index: float, road_class: RoadClass, table: Cjj36Table | None = None) -> ConditionGrade:
    """Grade of a condition or pavement quality index, 0..100; a limit belongs to the better grade."""
    return _grade(index, (table or shipped_cjj36_table()).row(road_class).condition)


def ride_grade(rqi: float, road_class: RoadClass, table: Cjj36Table | None = None) -> ConditionGrade:
    """Grade of a riding quality index, 0..4.98."""
    return _grade(rqi, (table or shipped_cjj36_table()).row(road_class).ride)


def _grade(value: float, limits: Sequence[float]) -> ConditionGrade:
    return next((name for name, least in zip(ConditionGrade, limits, strict=False) if value >= least), ConditionGrade.D)


def weight(share: float) -> float:
    """The factor w of CJJ 36-2016 for a share u of the deducts, 0..1; 0 at 0 and 1 at 1."""
    return share * (3.5 + share * (-5.5 + share * 3.0))


def _weighted(points: Sequence[float]) -> list[float]:
    total = math.fsum(points)
    return [one * weight(one / total) if total > 0 else 0.0 for one in points]


def _class_deduct(
    name: str, types: Sequence[DistressType], densities: Mapping[DistressType, float], table: Cjj36Table
) -> ClassDeduct:
    here = [(distress, densities[distress], table.curve(distress)) for distress in types if distress in densities]
    points = [curve.deduct(density) for _, density, curve in here if curve is not None]
    weighted = _weighted(points)
    rows = zip(here, points, weighted, strict=True)
    deducts = tuple(Deduct(distress, density, point, share) for (distress, density, _), point, share in rows)
    return ClassDeduct(name, deducts, math.fsum(weighted), 0.0)


def _classes(pavement: Pavement) -> list[tuple[str, list[DistressType]]]:
    """Classes of the standard with the type that stands for each of their entries."""
    found: dict[str, list[DistressType]] = defaultdict(list)
    for entry in listed(Standard.CJJ36):
        if entry.pavement is pavement:
            found[entry.group].append(entry.types[0])
    return list(found.items())


def _densities(
    areas_m2: Mapping[DistressType, float], surface_m2: float, pavement: Pavement
) -> tuple[dict[DistressType, float], tuple[DistressType, ...]]:
    if pavement is Pavement.ANY:
        raise DataError("say whether the pavement is asphalt or concrete; CJJ 36-2016 has a table for each")
    if not (math.isfinite(surface_m2) and surface_m2 > 0):
        raise DataError(f"a section of {surface_m2} m² has no condition; its surface is positive")
    sums: dict[DistressType, list[float]] = defaultdict(list)
    not_counted = []
    for distress, area in areas_m2.items():
        if not (math.isfinite(area) and area >= 0):
            raise DataError(f"{distress}: an area of {area} m² cannot be")
        if area > 0 and (entry := _entry(distress, pavement)) is None:
            not_counted.append(distress)
        elif area > 0 and entry is not None:
            sums[entry].append(area)
    densities = {distress: 100 * math.fsum(areas) / surface_m2 for distress, areas in sums.items()}
    for distress, density in densities.items():
        if density > 100 * (1 + 1e-9):
            raise DataError(f"{distress}: {density:.1f} % of the surface; count overlapping areas once")
    return {distress: min(density, 100.0) for distress, density in densities.items()}, tuple(sorted(not_counted))


def _entry(distress: DistressType, pavement: Pavement) -> DistressType | None:
    """The type that stands for this one in the standard's list; None where the list does not have it."""
    name = to_cjj36(distress)
    if name is None:
        return None
    types = candidates(Standard.CJJ36, name, pavement)
    if distress not in types:
        raise DataError(f"{distress} does not occur on {pavement}; correct the type or the pavement")
    return types[0]
