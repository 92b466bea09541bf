"""The streets of the city: a grid that is bent a little, named line by line."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from roadwarden.geo.places import RoadClass, RoadGrade, Segment
from roadwarden.geo.plane import LocalPlane

MIDDLE = LocalPlane(30.25, 120.16)
AREAS = ("west-lake", "gongshu", "shangcheng", "binjiang")
_BLOCK_M, _BEND_M, _EVERY_M, _TURN = 330.0, 60.0, 30.0, math.radians(14)
_LINES = "春秋望云梧听杏白青浣文金竹龙荷映茶松柳星清桃稻雁"
_KINDS = (
    (RoadGrade.I, RoadClass.ARTERIAL, 21.0, "city"),
    (RoadGrade.II, RoadClass.COLLECTOR, 14.0, "district"),
    (RoadGrade.III, RoadClass.LOCAL, 7.0, "street"),
)

Node = tuple[int, int]


def streets(roads: int) -> tuple[Segment, ...]:
    """So many segments between junctions, those nearest to the middle of the grid; always the same ones."""
    side = 2
    while 2 * side * (side - 1) < roads:
        side += 1
    ordered = sorted(_edges(side), key=lambda edge: (_from_middle(edge, side), edge))
    return tuple(_segment(number, edge, side) for number, edge in enumerate(sorted(ordered[:roads]), start=1))


def _edges(side: int) -> Iterator[tuple[Node, Node]]:
    for a, b in itertools.product(range(side), range(side)):
        if a + 1 < side:
            yield (a, b), (a + 1, b)
        if b + 1 < side:
            yield (a, b), (a, b + 1)


def _from_middle(edge: tuple[Node, Node], side: int) -> float:
    middle = (side - 1) / 2
    return max(math.hypot(a - middle, b - middle) for a, b in edge)


def _segment(number: int, edge: tuple[Node, Node], side: int) -> Segment:
    (a, b), (c, d) = edge
    eastward = b == d
    line = b if eastward else a
    grade, road_class, width_m, owner = _KINDS[0 if line % 4 == 1 else 1 if line % 2 == 0 else 2]
    steps = round(_BLOCK_M / _EVERY_M)
    places = [_bent(a + (c - a) * n / steps, b + (d - b) * n / steps, side) for n in range(steps + 1)]
    degrees = MIDDLE.to_degrees(places)
    area = AREAS[2 * (a >= side // 2) + (b >= side // 2)]
    name = f"{_LINES[line % len(_LINES)]}{'晓路' if eastward else '溪街'}"
    points = tuple((round(float(lat), 7), round(float(lon), 7)) for lat, lon in degrees)
    return Segment(f"r{number:03d}", name, grade, points, width_m, road_class, owner=owner, area=area)


def _bent(a: float, b: float, side: int) -> tuple[float, float]:
    """Metres east and north of a place of the grid: no city is drawn with a ruler."""
    middle = (side - 1) / 2
    east = (a - middle) * _BLOCK_M + _BEND_M * math.sin(b * 0.9) + 0.4 * _BEND_M * math.sin(a * 1.7 + 1)
    north = (b - middle) * _BLOCK_M + _BEND_M * math.sin(a * 0.7 + 2) + 0.4 * _BEND_M * math.sin(b * 1.3)
    return (
        east * math.cos(_TURN) - north * math.sin(_TURN),
        east * math.sin(_TURN) + north * math.cos(_TURN),
    )
