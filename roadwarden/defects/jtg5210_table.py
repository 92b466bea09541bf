"""The numbers and words of JTG 5210-2018, ``tables/jtg5210.yaml``."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from functools import cache
from typing import Self

from pydantic import Field, model_validator

from roadwarden.defects.tables import Sourced, Strict
from roadwarden.settings import read_shipped_table
from roadwarden.taxonomy import DistressType, Pavement, Status, Unit


class Level(StrEnum):
    """How bad one distress is; UNDIVIDED where the form has one column. A patch is a block or a strip instead."""

    LIGHT = "light"
    MEDIUM = "medium"
    HEAVY = "heavy"
    UNDIVIDED = "undivided"
    BLOCK = "block"
    STRIP = "strip"


class LevelMeasure(StrEnum):
    """What tells light from heavy."""

    DEPTH_MM = "depth_mm"
    CRACK_WIDTH_MM = "crack_width_mm"


class Words(Strict):
    """The delivery file's words."""

    chainage: str = Field(description="header of the first column")
    seen_width: str = Field(description="header of the second")
    rate: str = Field(description="header of the third")
    light: str = Field(description="level")
    medium: str = Field(description="level")
    heavy: str = Field(description="level")
    undivided: str = Field(description="nothing, where there is one column")
    block: str = Field(description="patch by area")
    strip: str = Field(description="patch by length")
    metre: str = Field(description="unit")
    square_metre: str = Field(description="unit")


class Width(Sourced):
    """What a metre of length counts as."""

    metres: float = Field(gt=0, description="width that turns metres into square metres")


class Weight(Sourced):
    """One column of the form: a type at a level."""

    pavement: Pavement = Field(description="asphalt or concrete")
    type: DistressType = Field(description="type")
    level: Level = Field(description="level, or form of a patch")
    unit: Unit = Field(description="what the column holds")
    weight: float = Field(gt=0, le=1, description="weight of its area in the damage rate")
    width: Width | None = Field(default=None, description="for a column of metres")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.unit is Unit.METRE) != (self.width is not None):
            raise ValueError(f"{self.type} {self.level}: metres want a 'width', square metres have none")
        return self

    @property
    def weighted_m2_per_unit(self) -> float:
        """Weighted area of one metre or square metre."""
        return self.weight * (self.width.metres if self.width is not None else 1.0)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sources of what is unverified in this row."""
        rows = (self, self.width) if self.width is not None else (self,)
        return tuple(row.source for row in rows if row.status is Status.UNVERIFIED)


class Split(Sourced):
    """Where heavy begins, for a type whose level is a measurement."""

    type: DistressType = Field(description="type")
    measure: LevelMeasure = Field(description="what is measured")
    heavy_over: float = Field(gt=0, description="heavy above this, light up to it")


class Index(Sourced):
    """Coefficients of the condition index of one pavement."""

    pavement: Pavement = Field(description="asphalt or concrete")
    a0: float = Field(gt=0, description="factor")
    a1: float = Field(gt=0, description="exponent")


class Grades(Sourced):
    """Limits of the grades."""

    limits: tuple[float, float, float, float] = Field(description="least index of the four upper grades, falling")


class Rate(Sourced):
    """The formula of the damage rate, for its source."""


class Jtg5210Table(Strict):
    """Everything that ``defects/jtg5210.py`` computes with."""

    version: str = Field(min_length=1, description="changes when any number does")
    words: Words = Field(description="words of the delivery file")
    rate: Rate = Field(description="source of the formula")
    index: tuple[Index, ...] = Field(description="one row a pavement")
    grades: Grades = Field(description="limits of the grades")
    levels: tuple[Split, ...] = Field(description="where heavy begins")
    weights: tuple[Weight, ...] = Field(description="columns of the form, in its order")

    @model_validator(mode="after")
    def _check(self) -> Self:
        columns = Counter((row.pavement, row.type, row.level) for row in self.weights)
        if twice := sorted(f"{key[1]} {key[2]}" for key, times in columns.items() if times > 1):
            raise ValueError(f"columns listed twice: {', '.join(twice)}")
        if {row.pavement for row in self.index} != {Pavement.ASPHALT, Pavement.CONCRETE} or len(self.index) != 2:
            raise ValueError("'index' wants one row for asphalt and one for concrete")
        return self

    def columns(self, pavement: Pavement) -> tuple[Weight, ...]:
        """The form of one pavement; empty for ANY."""
        return tuple(row for row in self.weights if row.pavement is pavement)


@cache
def shipped_jtg5210_table() -> Jtg5210Table:
    """The table that comes with us."""
    return read_shipped_table("jtg5210.yaml", Jtg5210Table)
