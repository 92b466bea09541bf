"""Places by road: segments, their grades, and linear references."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RoadGrade(StrEnum):
    """Maintenance grades of CJJ 36-2016: how often a road is patrolled (every 1, 2 or 3 days)."""

    I = "I"  # noqa: E741  # expressways, arterials, squares, busy commercial streets, routes of visitors
    II = "II"  # other collectors, pedestrian streets, commercial local streets
    III = "III"  # other local streets


class RoadClass(StrEnum):
    """Classes of city roads; the limits of the condition grades of CJJ 36-2016 go by them."""

    EXPRESSWAY = "expressway"  # 快速路
    ARTERIAL = "arterial"  # 主干路
    COLLECTOR = "collector"  # 次干路
    LOCAL = "local"  # 支路


class Side(StrEnum):
    """Of a segment's line, looking the way it was drawn."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Segment:
    """A road between two junctions; its line runs the way chainage grows."""

    id: str
    name: str  # empty where it has none
    grade: RoadGrade
    line: tuple[tuple[float, float], ...]  # latitude, longitude; WGS-84 degrees; at least two
    width_m: float  # of the carriageway
    road_class: RoadClass | None = None
    one_way: bool = False  # traffic goes along the line only
    owner: str | None = None  # who keeps it, an id of tables/dispatch.yaml
    area: str | None = None  # id of the area that it lies in

    def __post_init__(self) -> None:
        if len(self.line) < 2:
            raise ValueError(f"segment {self.id}: a line has at least two points")
        if not all(-90 <= lat <= 90 and -180 <= lon <= 180 for lat, lon in self.line):
            raise ValueError(f"segment {self.id}: a point is not on Earth; lines are latitude, longitude in degrees")
        if not self.width_m > 0:
            raise ValueError(f"segment {self.id}: width {self.width_m} m")


@dataclass(frozen=True, slots=True)
class RoadPlace:
    """A linear reference: how far along a segment and how far beside its line."""

    segment: str  # id
    chainage_m: float  # from the line's first point
    offset_m: float  # distance from the line, not negative
    side: Side  # RIGHT on the line itself

    def __post_init__(self) -> None:
        if self.chainage_m < 0 or self.offset_m < 0:
            raise ValueError(f"{self}: chainage and offset are not negative")
