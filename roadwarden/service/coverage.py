"""Coverage out of the database: of every metre of lane, when it was last seen, and whether that was in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from roadwarden.defects.coverage import Coverage, LaneMetres, Seen, coverage
from roadwarden.defects.inspected import inspections, moment
from roadwarden.defects.patrol import PatrolTable, shipped_patrol_table
from roadwarden.defects.roadways import MM, Roads
from roadwarden.errors import DataError
from roadwarden.geo.places import RoadGrade, Segment
from roadwarden.service.known_roads import KnownRoads
from roadwarden.storage.unit import UnitOfWork

SEGMENTS_AT_ONCE = 500
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one lane of one history."""

    segment: str
    lane: int  # from 0 at the left edge, along the chainage
    from_m: float
    to_m: float
    state: Seen
    seen_at: datetime | None  # last in usable quality
    driven_at: datetime | None  # last in any


@dataclass(frozen=True, slots=True)
class SegmentCoverage:
    """One road."""

    segment: Segment
    metres: LaneMetres
    pieces: tuple[Piece, ...]


def covered(
    unit: UnitOfWork, roads: KnownRoads, now: datetime, patrol: PatrolTable | None = None
) -> Iterator[SegmentCoverage]:
    """Every segment of the network, some hundred in memory at a time."""
    known = patrol or shipped_patrol_table()
    segments = roads.network.segments
    for first in range(0, len(segments), SEGMENTS_AT_ONCE):
        chunk = segments[first : first + SEGMENTS_AT_ONCE]
        strips = Roads(tuple(roads.roadways[one.id] for one in chunk))
        stretches = unit.stretches.of_segments(roads.number, [one.id for one in chunk], _EVER, now)
        seen = coverage(strips, inspections(stretches, strips), known, now)
        metres, pieces = seen.by_segment(), _pieces(seen)
        for one in chunk:
            yield SegmentCoverage(one, metres[one.id], tuple(pieces.get(one.id, ())))


def newest_roads(unit: UnitOfWork) -> KnownRoads:
    """The network; raises DataError where none was imported."""
    roads = KnownRoads.newest(unit)
    if roads is None:
        raise DataError("no road network is imported; run 'roadwarden roads import FILE'")
    return roads


def by_grade(found: Sequence[SegmentCoverage]) -> dict[RoadGrade, LaneMetres]:
    """Sums, also of grades without a road."""
    return {grade: total([one.metres for one in found if one.segment.grade is grade]) for grade in RoadGrade}


def total(metres: Sequence[LaneMetres]) -> LaneMetres:
    """Their sum."""
    return LaneMetres(
        sum(one.in_time_m for one in metres),
        sum(one.in_vain_m for one in metres),
        sum(one.overdue_m for one in metres),
        sum(one.never_m for one in metres),
        sum(one.total_m for one in metres),
    )


def _pieces(seen: Coverage) -> dict[str, list[Piece]]:
    found: dict[str, list[Piece]] = {}
    states, road = seen.states().tolist(), seen.road.tolist()
    for at, (row, state) in enumerate(zip(road, states, strict=True)):
        lane = int(seen.lane[at])
        start = int(seen.roads.lane_edges[lane])
        piece = Piece(
            segment=seen.roads.roadways[row].segment,
            lane=lane - int(seen.roads.first_lane[row]),
            from_m=(int(seen.from_mm[at]) - start) / MM,
            to_m=(int(seen.to_mm[at]) - start) / MM,
            state=Seen(state),
            seen_at=moment(int(seen.usable_at_us[at])),
            driven_at=moment(int(seen.driven_at_us[at])),
        )
        found.setdefault(piece.segment, []).append(piece)
    return found
