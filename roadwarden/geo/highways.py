"""What a highway tag of OpenStreetMap means: class, grade and lanes, from ``tables/highways.yaml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from roadwarden.geo.places import RoadClass, RoadGrade
from roadwarden.settings import read_shipped_table, read_strict_yaml
from roadwarden.taxonomy import Status


class HighwayRow(BaseModel):
    """One tag that is a street."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    road_class: RoadClass = Field(description="class of the city road")
    grade: RoadGrade = Field(description="maintenance grade of CJJ 36-2016")
    lanes: int = Field(gt=0, description="lanes in both directions where the map does not say")


class HighwayTable(BaseModel):
    """The table of a city; the one that comes with us unless another is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: str = Field(description="changes with the table")
    source: str = Field(description="where it is from")
    status: Status = Field(description="verified or unverified")
    lane_width_m: float = Field(gt=0, description="of a lane, where the map gives no width")
    roads: dict[str, HighwayRow] = Field(description="tags that are streets")
    others: frozenset[str] = Field(description="tags that are none; any tag in neither list is reported")


def read_highways(path: Path) -> HighwayTable:
    """Reads a table; raises ConfigError that lists every fault."""
    return read_strict_yaml(path, HighwayTable)


@cache
def highways() -> HighwayTable:
    """The table that comes with us."""
    return read_shipped_table("highways.yaml", HighwayTable)
