"""How often a road has to be seen, ``tables/patrol.yaml``."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from roadwarden.defects.tables import Sourced, Strict
from roadwarden.geo.places import RoadGrade
from roadwarden.settings import read_shipped_table, read_strict_yaml


class Interval(Sourced):
    """Of one grade."""

    grade: RoadGrade = Field(description="maintenance grade")
    days: float = Field(gt=0, description="most days from one look to the next")


class PatrolTable(Strict):
    """One interval a grade."""

    version: str = Field(min_length=1, description="changes when any number does")
    intervals: tuple[Interval, ...] = Field(description="one row a grade")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sorted(row.grade for row in self.intervals) != sorted(RoadGrade):
            raise ValueError(f"'intervals' wants one row each for {', '.join(RoadGrade)}")
        return self

    def interval(self, grade: RoadGrade) -> timedelta:
        """The longest time from one look to the next."""
        return next(timedelta(days=row.days) for row in self.intervals if row.grade is grade)


def read_patrol_table(path: Path) -> PatrolTable:
    """A city's own table; raises ConfigError that lists every fault."""
    return read_strict_yaml(path, PatrolTable)


@cache
def shipped_patrol_table() -> PatrolTable:
    """The table that comes with us."""
    return read_shipped_table("patrol.yaml", PatrolTable)
