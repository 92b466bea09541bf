"""The table of filing thresholds and severity, ``tables/severity.yaml``: every type has its row."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from roadwarden.defects.tables import Sourced, Strict
from roadwarden.geo.places import RoadGrade
from roadwarden.settings import read_shipped_table, read_strict_yaml
from roadwarden.taxonomy import DistressType


class Measure(StrEnum):
    """What a limit is about; the unit ends the word."""

    AREA_M2 = "area_m2"  # of the rectangle around the distress
    LENGTH_M = "length_m"  # its diagonal
    SHORTER_SIDE_M = "shorter_side_m"
    DEPTH_MM = "depth_mm"  # or the height of a rise or step


class LanePlace(StrEnum):
    """Where in the lane a distress lies."""

    WHEEL_PATH = "wheel_path"
    ELSEWHERE = "elsewhere"
    UNKNOWN = "unknown"


class Taken(StrEnum):
    """Which side is taken where a limit cannot be decided."""

    TAKEN = "taken"  # as if it were passed
    NOT_TAKEN = "not_taken"
    LIKELIER = "likelier"  # passed when the measurement says so; for uncertain ones only


class Limit(Strict):
    """One limit: passed ``over`` a number, or ``at_least`` at it."""

    measure: Measure = Field(description="what is measured")
    over: float | None = Field(default=None, ge=0, description="passed by more than this")
    at_least: float | None = Field(default=None, ge=0, description="passed by this or more")
    unmeasured: Taken | None = Field(default=None, description="side taken without a measurement; the rule's if none")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.over is None) == (self.at_least is None):
            raise ValueError(f"a limit of {self.measure} wants either 'over' or 'at_least'")
        if self.unmeasured is Taken.LIKELIER:
            raise ValueError(f"a limit of {self.measure}: 'unmeasured' has no likelier side; say taken or not_taken")
        return self

    @property
    def value(self) -> float:
        """The number, whichever way it counts."""
        return self.at_least if self.at_least is not None else self.over or 0.0

    @property
    def limit_counts(self) -> bool:
        """Whether the number itself passes."""
        return self.at_least is not None


class Rule(Sourced):
    """Holds for its types on its grades at its place in the lane when all limits are passed."""

    id: str = Field(min_length=1, description="name that reasons cite")
    types: tuple[DistressType, ...] = Field(min_length=1, description="types it speaks of")
    grades: tuple[RoadGrade, ...] = Field(
        default=tuple(RoadGrade), min_length=1, description="road grades; all if none"
    )
    lane: LanePlace | None = Field(default=None, description="place in the lane that it asks for")
    limits: tuple[Limit, ...] = Field(default=(), description="all of these have to be passed")
    uncertain: Taken = Field(default=Taken.NOT_TAKEN, description="side taken when a measurement cannot decide")
    unmeasured: Taken = Field(default=Taken.NOT_TAKEN, description="side taken when there is no measurement")
    because: str = Field(default="", description="why those sides")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.lane is LanePlace.UNKNOWN:
            raise ValueError(f"rule {self.id}: 'unknown' is no place in the lane to ask for")
        if self.unmeasured is Taken.LIKELIER:
            raise ValueError(f"rule {self.id}: 'unmeasured' has no likelier side; say taken or not_taken")
        told = {"uncertain", "unmeasured", "because"} <= self.model_fields_set
        if (self.limits or self.lane is not None) and not told:
            raise ValueError(
                f"rule {self.id}: say 'uncertain', 'unmeasured' and 'because', it has something to measure"
            )
        return self


class NeverFiled(Sourced):
    """Types that open no case at any size."""

    id: str = Field(min_length=1, description="name that reasons cite")
    types: tuple[DistressType, ...] = Field(min_length=1, description="types it speaks of")
    because: str = Field(min_length=1, description="why")


class WheelPath(Sourced):
    """Where wheels roll, seen from the middle of the lane, the same on both sides."""

    centre_m: float = Field(gt=0, description="from the middle of the lane to the middle of the path, metres")
    width_m: float = Field(gt=0, description="of the path, metres")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.width_m > 2 * self.centre_m:
            raise ValueError("the two wheel paths overlap: 'width_m' is more than twice 'centre_m'")
        return self


class SeverityTable(Strict):
    """All rules; a type is filed by any of its filing rules, and severe by any of its severe ones."""

    version: str = Field(min_length=1, description="changes when any number does; stands in every assessment")
    sure: float = Field(gt=0.5, lt=1, description="chance from which a limit counts as decided")
    wheel_path: WheelPath = Field(description="where wheels roll")
    filing: tuple[Rule, ...] = Field(description="what opens a case")
    never_filed: tuple[NeverFiled, ...] = Field(default=(), description="what never does")
    severe: tuple[Rule, ...] = Field(description="what is severe; everything else is normal")

    @model_validator(mode="after")
    def _check(self) -> Self:
        filed = {distress for rule in self.filing for distress in rule.types}
        never = {distress for rule in self.never_filed for distress in rule.types}
        if missing := set(DistressType) - filed - never:
            raise ValueError(f"no filing rule for {', '.join(sorted(missing))}; add one, or list it in 'never_filed'")
        if both := filed & never:
            raise ValueError(f"{', '.join(sorted(both))}: both in 'filing' and in 'never_filed'")
        ids = Counter(rule.id for rules in (self.filing, self.never_filed, self.severe) for rule in rules)
        if twice := sorted(name for name, times in ids.items() if times > 1):
            raise ValueError(f"rules named twice: {', '.join(twice)}")
        return self


def read_severity_table(path: Path) -> SeverityTable:
    """A city's own table; raises ConfigError that lists every fault."""
    return read_strict_yaml(path, SeverityTable)


@cache
def shipped_severity_table() -> SeverityTable:
    """The table that comes with us."""
    return read_shipped_table("severity.yaml", SeverityTable)
