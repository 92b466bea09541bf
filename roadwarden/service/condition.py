"""The condition index of CJJ 36-2016 for every segment, out of the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from roadwarden.defects.cjj36 import ConditionGrade, ConditionIndex, condition, counted_area_m2, grade
from roadwarden.defects.judging import size_of
from roadwarden.defects.roadways import Roadway
from roadwarden.errors import DataError
from roadwarden.geo.places import Segment
from roadwarden.service.coverage import SEGMENTS_AT_ONCE, SegmentCoverage, covered
from roadwarden.service.known_roads import KnownRoads
from roadwarden.storage.defects import KeptDefect
from roadwarden.storage.unit import UnitOfWork
from roadwarden.taxonomy import DistressType, Pavement, to_cjj36


@dataclass(frozen=True, slots=True)
class SegmentCondition:
    """One road; ``index`` None where ``why`` says why there is none."""

    segment: Segment
    seen_share: float  # of its lane metres, 0..1: ever seen in usable quality
    defects: int
    index: ConditionIndex | None
    grade: ConditionGrade | None  # None also where the road's class is not known
    why: str = ""


def conditions(
    unit: UnitOfWork, roads: KnownRoads, now: datetime, pavement: Pavement = Pavement.ASPHALT
) -> Iterator[SegmentCondition]:
    """Every segment of the network. What nobody has looked at has no index, and is not 100."""
    chunk: list[SegmentCoverage] = []
    for one in covered(unit, roads, now):
        chunk.append(one)
        if len(chunk) == SEGMENTS_AT_ONCE:
            yield from _of_chunk(unit, roads, chunk, pavement)
            chunk = []
    yield from _of_chunk(unit, roads, chunk, pavement)


def _of_chunk(
    unit: UnitOfWork, roads: KnownRoads, chunk: list[SegmentCoverage], pavement: Pavement
) -> Iterator[SegmentCondition]:
    found: dict[str, list[KeptDefect]] = defaultdict(list)
    for defect in unit.defects.on_segments(roads.number, [one.segment.id for one in chunk]):
        if defect.road is not None:
            found[defect.road.segment].append(defect)
    for one in chunk:
        yield _of_segment(one, found[one.segment.id], roads.roadways[one.segment.id], pavement)


def _of_segment(
    covered_: SegmentCoverage, defects: list[KeptDefect], roadway: Roadway, pavement: Pavement
) -> SegmentCondition:
    segment, metres = covered_.segment, covered_.metres
    seen = sum(piece.to_m - piece.from_m for piece in covered_.pieces if piece.seen_at is not None)
    share = seen / metres.total_m if metres.total_m else 0.0
    if not share:
        return SegmentCondition(segment, share, len(defects), None, None, "never seen in usable quality")
    try:
        index = condition(_areas(defects), roadway.length_m * roadway.width_m, pavement)
    except DataError as exc:
        return SegmentCondition(segment, share, len(defects), None, None, str(exc))
    graded = grade(index.pci, segment.road_class) if segment.road_class is not None else None
    return SegmentCondition(segment, share, len(defects), index, graded)


def _areas(defects: Iterable[KeptDefect]) -> dict[DistressType, float]:
    """Square metres of each type that the standard has."""
    areas: dict[DistressType, float] = defaultdict(float)
    for defect in defects:
        if to_cjj36(defect.vote.type) is not None:
            areas[defect.vote.type] += counted_area_m2(defect.vote.type, size_of(defect))
    return areas
