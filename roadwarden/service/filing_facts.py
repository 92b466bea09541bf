"""What the filing table asks about each defect, read from the map and judged by the severity table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from roadwarden.cases.filing import Facts
from roadwarden.defects.judging import judge, size_of
from roadwarden.defects.presence import Presence
from roadwarden.defects.severity_table import SeverityTable
from roadwarden.detections import Sighting
from roadwarden.geo.places import RoadGrade
from roadwarden.service.known_roads import KnownRoads
from roadwarden.storage.defects import KeptDefect, Wanted
from roadwarden.storage.unit import UnitOfWork, reading

DEFECTS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Judged:
    """A defect on a known road, with the facts that decide about it."""

    defect: KeptDefect
    grade: RoadGrade
    facts: Facts
    owner: str | None  # of the road, where the network tells
    area: str | None  # that the road lies in, where the network tells
    sightings: tuple[Sighting, ...]  # each id may have been the defect's own; none where it is not to be filed


@dataclass(frozen=True, slots=True)
class Page:
    """Some defects of a run; ``nowhere`` is how many lie on no road that is known, and so cannot be judged."""

    judged: tuple[Judged, ...]
    nowhere: int


def pages(engine: Engine, table: SeverityTable, only: Sequence[str] | None = None) -> Iterator[Page]:
    """The defects of those ids, or all of them, some at a time: a city's do not have to fit into memory."""
    with reading(engine) as unit:
        roads = KnownRoads.newest(unit)
        if only is not None:
            yield _page(unit, unit.defects.get(set(unit.defects.now(only).values())), roads, table)
            return
        for found in unit.defects.pages(Wanted(), DEFECTS_AT_ONCE):
            yield _page(unit, found, roads, table)


def _page(unit: UnitOfWork, found: Sequence[KeptDefect], roads: KnownRoads | None, table: SeverityTable) -> Page:
    judged = [one for defect in found if (one := _judged(defect, roads, table)) is not None]
    wanted = [one.defect.id for one in judged if one.facts.wanted]
    looks = unit.sightings.of_defects(wanted)
    told = tuple(replace(one, sightings=looks.get(one.defect.id, ())) for one in judged)
    return Page(told, len(found) - len(judged))


def _judged(defect: KeptDefect, roads: KnownRoads | None, table: SeverityTable) -> Judged | None:
    if roads is None or defect.road is None or defect.network != roads.number:
        return None
    roadway = roads.roadways[defect.road.segment]
    assessed = judge(defect, defect.road, roadway, table)
    facts = Facts(
        defect=defect.id,
        problem=defect.vote.type,
        wanted=assessed.filed,
        severity=assessed.severity,
        area_m2=size_of(defect).area_m2.value,
        sightings=defect.sightings,
        passes=defect.passes,
        present=defect.presence is not Presence.NOT_SEEN,
    )
    segment = roads.network.segments[roads.rows[defect.road.segment]]
    return Judged(defect, segment.grade, facts, segment.owner, segment.area, ())
