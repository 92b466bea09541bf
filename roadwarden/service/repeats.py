"""What keeps coming back, out of the database: repairs and returns, looks at their places, the city's ground."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from sqlalchemy import Engine

from roadwarden.cases.kpi_values import Period
from roadwarden.cases.occurrences import Occurrence, occurrences
from roadwarden.cases.policy import ClockPolicies
from roadwarden.cases.repeats import Repeats, Traits, repeats
from roadwarden.cases.spells import spells
from roadwarden.defects.coverage import coverage
from roadwarden.defects.inspected import NEVER, inspections, moment
from roadwarden.defects.patrol import shipped_patrol_table
from roadwarden.defects.roadways import Ints
from roadwarden.defects.zones import UTILITY_REACH_M, MetreGrid
from roadwarden.geo.city_layers import CityLayers
from roadwarden.geo.plane import Metres
from roadwarden.service.histories import Report, stored_histories
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.lane_metres import NOWHERE, all_roads, lane_metres, plane_points
from roadwarden.storage import unit as units
from roadwarden.storage.case_rows import ALL, CaseFilter
from roadwarden.taxonomy import DistressType, Pavement, describe

BEFORE = timedelta(days=365)
"""How long before the period something must have been heard of a case for its earlier comings to be known."""
_TYPES = frozenset(DistressType)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Point:
    lat: float
    lon: float
    segment: str | None


def stored_repeats(
    engine: Engine,
    period: Period,
    policies: ClockPolicies,
    zone: ZoneInfo,
    layers: CityLayers | None = None,
    seen: CaseFilter = ALL,
    report: Report = lambda done, all_: None,
) -> Repeats:
    """Of the repairs of the period; O(n log n) in the cases of which something was heard since a year before it."""
    found = tuple(stored_occurrences(engine, period, policies, seen, report))
    with units.reading(engine) as unit:
        roads = KnownRoads.newest(unit)
        looked, metres = ({}, None) if roads is None else _last_looks(unit, roads, found, period.now)
    traits = _traits(roads, found, metres, layers or CityLayers())
    return repeats(spells(found, looked, period.now), traits, period, zone)


def stored_occurrences(
    engine: Engine,
    period: Period,
    policies: ClockPolicies,
    seen: CaseFilter = ALL,
    report: Report = lambda done, all_: None,
) -> Iterator[Occurrence]:
    """Read as ``stored_histories`` does; ``seen``: what the reader may see."""
    wanted = dataclasses.replace(seen, filed_before=period.now, news_since=period.start - BEFORE)
    for events in stored_histories(engine, wanted, period.now, report):
        yield from occurrences(events, policies, period.now)


def _last_looks(
    unit: units.UnitOfWork, roads: KnownRoads, found: Sequence[Occurrence], now: datetime
) -> tuple[dict[str, datetime], Ints]:
    """By case, when its metre of lane was seen usably last; and that metre of each occurrence."""
    lanes = all_roads(roads)
    grid = MetreGrid(lanes, roads.network)
    metres = np.full(len(found), NOWHERE, np.int64)
    placed = [row for row, one in enumerate(found) if one.latitude is not None]
    metres[placed] = lane_metres(roads, grid, [_point(found[row]) for row in placed])
    repaired = [one.repaired_at for one in found if one.repaired_at is not None]
    on_road = np.flatnonzero(metres != NOWHERE)
    names = {lanes.roadways[row].segment for row in grid.road_of(metres[on_road]).tolist()}
    stretches = unit.stretches.of_segments(roads.number, names, min(repaired, default=now), now)
    seen = coverage(lanes, inspections(stretches, lanes), shipped_patrol_table(), now)
    begin, end = grid.bounds_mm(metres[on_road])
    at_us = seen.usable_at_us[np.searchsorted(seen.from_mm, (begin + end) // 2, side="right") - 1]
    looked = {
        found[row].case: (moment(us) or _LONG_AGO) if us != NEVER else _LONG_AGO
        for row, us in zip(on_road.tolist(), at_us.tolist(), strict=True)
    }
    return looked, metres


def _traits(
    roads: KnownRoads | None, found: Sequence[Occurrence], metres: Ints | None, layers: CityLayers
) -> Mapping[str, Traits]:
    if roads is None or metres is None:
        return {one.case: Traits(material=_material(one, layers)) for one in found}
    placed = [row for row, one in enumerate(found) if metres[row] != NOWHERE]
    points = plane_points(roads, [_point(found[row]) for row in placed])
    cells = dict(zip(placed, _cells(roads, metres[placed], points), strict=True))
    utility = dict(zip(placed, _utilities(roads, points, [found[row] for row in placed], layers), strict=True))
    return {
        one.case: Traits(_material(one, layers), utility.get(row, ""), cells.get(row, ""))
        for row, one in enumerate(found)
    }


def _material(one: Occurrence, layers: CityLayers) -> str:
    """As the city says; else asphalt or concrete where the type occurs on that only."""
    if known := layers.materials.get(one.segment):
        return known
    if one.problem not in _TYPES:
        return ""
    pavement = describe(DistressType(one.problem)).pavement
    return "" if pavement is Pavement.ANY else pavement.value


def _cells(roads: KnownRoads, metres: Ints, points: Metres) -> list[str]:
    """Segment, metre of chainage and metre from the left edge, as ``roadwarden condition`` counts cells."""
    grid = MetreGrid(all_roads(roads), roads.network)
    road = grid.road_of(metres)
    chainage, left = roads.network.linear(points, road)
    names = []
    for row, along, offset in zip(road.tolist(), chainage.tolist(), left.tolist(), strict=True):
        roadway = grid.roads.roadways[row]
        across = min(max(int(roadway.width_m / 2 - offset), 0), int(np.ceil(roadway.width_m)) - 1)
        names.append(f"{roadway.segment} {int(along)} m, {across} m")
    return names


def _utilities(roads: KnownRoads, points: Metres, found: Sequence[Occurrence], layers: CityLayers) -> list[str]:
    """``cut``: the road was opened for a line that near before it came; ``line``: one passes; else ``none``."""
    if not layers.utilities:
        return [""] * len(found)
    tree = shapely.STRtree([line.within(roads.network.plane) for line in layers.utilities])
    told = ["none"] * len(found)
    rows, lines = tree.query(shapely.points(points), predicate="dwithin", distance=UTILITY_REACH_M)
    for row, line in zip(rows.tolist(), lines.tolist(), strict=True):
        cut_at = layers.utilities[line].cut_at
        if cut_at is not None and cut_at <= found[row].came_at.date():
            told[row] = "cut"
        elif told[row] == "none":
            told[row] = "line"
    return told


def _point(one: Occurrence) -> _Point:
    return _Point(one.latitude or 0.0, one.longitude or 0.0, one.segment or None)
