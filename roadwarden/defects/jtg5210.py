"""Damage rate, condition index and grade after JTG 5210-2018; what is unverified in them is named in the result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from roadwarden.defects.jtg5210_table import Jtg5210Table, Level, LevelMeasure, Weight, shipped_jtg5210_table
from roadwarden.defects.size import Measured
from roadwarden.errors import DataError
from roadwarden.taxonomy import DistressType, Pavement, Status

SURE = 0.95
"""The chance from which a measurement decides between light and heavy."""


class JtgGrade(StrEnum):
    """From excellent to very poor."""

    EXCELLENT = "excellent"
    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"
    VERY_POOR = "very_poor"


@dataclass(frozen=True, slots=True)
class Damage:
    """One distress, in the unit of its column: metres or square metres; ``level`` None where nothing tells it."""

    type: DistressType
    level: Level | None
    amount: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.amount) and self.amount >= 0):
            raise ValueError(f"{self.type}: an amount of {self.amount} cannot be")


@dataclass(frozen=True, slots=True)
class Range:
    """A figure between two bounds, because the level of some distress is not known; equal where all are."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class JtgCondition:
    """Damage rate in percent, index 0..100, grades of the best and the worst case, and the sources to be checked."""

    rate_pct: Range
    pci: Range
    best: JtgGrade
    worst: JtgGrade
    unverified: tuple[str, ...]
    table: str  # version


def level_of(
    distress: DistressType,
    *,
    depth_mm: Measured | None = None,
    crack_width_mm: Measured | None = None,
    table: Jtg5210Table | None = None,
) -> Level | None:
    """LIGHT or HEAVY where a measurement decides it, the only level where there is one, otherwise None."""
    known = table or shipped_jtg5210_table()
    levels = {row.level for row in known.weights if row.type is distress}
    if len(levels) == 1:
        return levels.pop()
    split = next((row for row in known.levels if row.type is distress), None)
    if split is None:
        return None
    measured = depth_mm if split.measure is LevelMeasure.DEPTH_MM else crack_width_mm
    chance = measured.chance_above(split.heavy_over) if measured is not None else 0.5
    return Level.HEAVY if chance >= SURE else Level.LIGHT if chance <= 1 - SURE else None


def condition(
    damages: Sequence[Damage], surface_m2: float, pavement: Pavement, table: Jtg5210Table | None = None
) -> JtgCondition:
    """DR = 100 x sum of w A / surface, no more than 100; PCI = 100 - a0 x DR^a1, no less than 0.

    Raises DataError for a type or level that the form does not have, and a surface that is not positive.
    """
    if not (math.isfinite(surface_m2) and surface_m2 > 0):
        raise DataError(f"a section of {surface_m2} m² has no condition; its surface is positive")
    known = table or shipped_jtg5210_table()
    rows = [_rows(damage, pavement, known) for damage in damages]
    low, high = (_rate(damages, chosen, surface_m2) for chosen in (map(_least, rows), map(_most, rows)))
    best, worst = index(low, pavement, known), index(high, pavement, known)
    doubts = {source for found in rows for row in found for source in row.doubts} | _doubts(pavement, known)
    return JtgCondition(
        rate_pct=Range(low, high),
        pci=Range(worst, best),
        best=grade(best, known),
        worst=grade(worst, known),
        unverified=tuple(sorted(doubts)),
        table=known.version,
    )


def index(rate_pct: float, pavement: Pavement, table: Jtg5210Table | None = None) -> float:
    """Condition index, 0..100, from the damage rate in percent."""
    if not 0 <= rate_pct <= 100:
        raise DataError(f"damage rate {rate_pct} % is not in 0..100")
    row = next((row for row in (table or shipped_jtg5210_table()).index if row.pavement is pavement), None)
    if row is None:
        raise DataError("say whether the pavement is asphalt or concrete; the index has coefficients for each")
    return max(0.0, 100.0 - row.a0 * math.pow(rate_pct, row.a1))


def grade(pci: float, table: Jtg5210Table | None = None) -> JtgGrade:
    """Grade of an index, 0..100; a limit belongs to the better grade."""
    limits = (table or shipped_jtg5210_table()).grades.limits
    return next((name for name, least in zip(JtgGrade, limits, strict=False) if pci >= least), JtgGrade.VERY_POOR)


def column(distress: DistressType, level: Level, pavement: Pavement, table: Jtg5210Table | None = None) -> Weight:
    """The column of a type at a level; raises DataError where the form has none."""
    (row,) = _rows(Damage(distress, level, 0.0), pavement, table or shipped_jtg5210_table())
    return row


def _rows(damage: Damage, pavement: Pavement, table: Jtg5210Table) -> list[Weight]:
    """Columns that the damage may belong to: one where its level is known."""
    of_type = [row for row in table.columns(pavement) if row.type is damage.type]
    if not of_type:
        raise DataError(f"JTG 5210-2018 has no {damage.type} on {pavement}; leave it out, or name the type it has")
    if damage.level is None and len({row.unit for row in of_type}) > 1:
        raise DataError(f"say whether the {damage.type} is a {' or a '.join(row.level for row in of_type)}")
    found = [row for row in of_type if damage.level in (None, row.level)]
    if not found:
        levels = ", ".join(row.level for row in of_type)
        raise DataError(f"{damage.type} has no level {damage.level} in JTG 5210-2018; it has {levels}")
    return found


def _least(rows: Sequence[Weight]) -> float:
    return min(row.weighted_m2_per_unit for row in rows)


def _most(rows: Sequence[Weight]) -> float:
    return max(row.weighted_m2_per_unit for row in rows)


def _rate(damages: Sequence[Damage], weights: Sequence[float] | map[float], surface_m2: float) -> float:
    weighted = math.fsum(damage.amount * weight for damage, weight in zip(damages, weights, strict=True))
    return min(100.0, 100.0 * weighted / surface_m2)


def _doubts(pavement: Pavement, table: Jtg5210Table) -> set[str]:
    rows = (table.rate, table.grades, *(row for row in table.index if row.pavement is pavement))
    return {row.source for row in rows if row.status is Status.UNVERIFIED}
