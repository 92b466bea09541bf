"""The health of every square metre of some roads, out of the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from roadwarden.defects.cells import Cells, Code, Grid, Unhealthy, code_of, rebuild
from roadwarden.defects.coverage import coverage
from roadwarden.defects.inspected import inspections
from roadwarden.defects.judging import judge, size_of
from roadwarden.defects.patrol import PatrolTable, shipped_patrol_table
from roadwarden.defects.roadways import Roads
from roadwarden.defects.severity_table import SeverityTable, shipped_severity_table
from roadwarden.service.defect_work import NO_WORK, DefectWork
from roadwarden.service.known_roads import KnownRoads
from roadwarden.storage.defects import KeptDefect
from roadwarden.storage.unit import UnitOfWork

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def cells_of(
    unit: UnitOfWork,
    roads: KnownRoads,
    segments: Sequence[str],
    now: datetime,
    patrol: PatrolTable | None = None,
    severity: SeverityTable | None = None,
    work: DefectWork = NO_WORK,
) -> Cells:
    """Cells of those segments at ``now``, from what was looked at and from the defects that are known on them.

    Defects that good passes no longer see count: nothing is healthy before somebody says so; those that were first
    seen later do not. ``work`` is what the cases say: an overdue defect is red, a mended one leaves its cells.
    """
    strips = Roads(tuple(roads.roadways[name] for name in segments))
    stretches = unit.stretches.of_segments(roads.number, segments, _EVER, now)
    seen = coverage(strips, inspections(stretches, strips), patrol or shipped_patrol_table(), now)
    found = [one for one in unit.defects.on_segments(roads.number, segments) if one.first_seen_at <= now]
    return rebuild(Grid(strips), seen, list(_unhealthy(found, roads, severity or shipped_severity_table(), work)))


def _unhealthy(
    defects: Iterable[KeptDefect], roads: KnownRoads, table: SeverityTable, work: DefectWork
) -> Iterable[Unhealthy]:
    for defect in defects:
        if defect.road is None or defect.id in work.mended:
            continue
        roadway = roads.roadways[defect.road.segment]
        assessed = judge(defect, defect.road, roadway, table)
        code = code_of(defect.vote.type, assessed, overdue=defect.id in work.overdue)
        if code in (Code.YELLOW, Code.RED):
            yield Unhealthy.around(roadway, defect.road, size_of(defect), code)
