"""The health code of every square metre of the city at one moment, held in memory: a byte a cell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import Engine

from roadwarden.defects.cells import Code, Codes, Grid
from roadwarden.geo.tiles import MapBox
from roadwarden.service.atlas.ages import Ages, ages
from roadwarden.service.atlas.bands import Sums, tens
from roadwarden.service.atlas.defect_points import DefectPoints
from roadwarden.service.atlas.shapes import RoadShapes
from roadwarden.service.cells import cells_of
from roadwarden.service.defect_work import defect_work
from roadwarden.storage.case_unit import CaseUnit
from roadwarden.storage.engine import reading
from roadwarden.storage.map_points import MapPoints
from roadwarden.storage.unit import UnitOfWork

ROADS_AT_ONCE = 500
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Health:
    """Of each road of the network: ``codes``, metres along by across; ``tens``, their sums; ``ages``, metres along."""

    now: datetime
    shapes: RoadShapes
    codes: tuple[Codes, ...]
    tens: tuple[Sums, ...]
    ages: tuple[Ages, ...]
    defects: DefectPoints

    def bounds(self) -> MapBox:
        """Of all roads."""
        degrees = np.array([point for one in self.shapes.roads.network.segments for point in one.line])
        (south, west), (north, east) = degrees.min(axis=0).tolist(), degrees.max(axis=0).tolist()
        return MapBox(south, west, north, east)

    def counts(self) -> dict[Code, int]:
        """Cells of each code in the whole city."""
        sums = sum((np.bincount(grid.ravel(), minlength=len(Code)) for grid in self.codes), np.zeros(len(Code), int))
        return {code: int(sums[code]) for code in Code}


def health_at(engine: Engine, shapes: RoadShapes, now: datetime) -> Health:
    """Reads and reckons all of it: a second for a million cells, some hundred roads in memory at a time."""
    names = [one.id for one in shapes.roads.network.segments]
    found: list[Codes] = []
    old: list[Ages] = []
    mended: set[str] = set()
    with reading(engine) as connection:
        unit, cases = UnitOfWork.of(connection), CaseUnit.of(connection)
        for first in range(0, len(names), ROADS_AT_ONCE):
            some = names[first : first + ROADS_AT_ONCE]
            work = defect_work(cases, unit, some, now)
            cells = cells_of(unit, shapes.roads, some, now, work=work)
            found += _by_road(cells.grid, cells.codes)
            old += [ages(seen, now) for seen in _by_road(cells.grid, cells.seen_at_us)]
            mended |= work.mended
        defects = DefectPoints.of(MapPoints(connection).defects(now), mended)
    return Health(now, shapes, tuple(found), tuple(map(tens, found)), tuple(old), defects)


def _by_road(grid: Grid, values: npt.NDArray[Number]) -> list[npt.NDArray[Number]]:
    """Of each road, metres along by metres across."""
    parts = np.split(values, grid.edges[1:-1])
    return [part.reshape(-1, int(across)) for part, across in zip(parts, grid.across.tolist(), strict=True)]


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring bands or cells of one code, or of one age."""

    code: int
    first: int
    after: int


def runs(codes: npt.NDArray[np.uint8]) -> list[Run]:
    """Stretches of one code in a row of codes."""
    if not len(codes):
        return []
    starts = np.flatnonzero(np.diff(codes, prepend=codes[0] ^ 1))
    ends = np.append(starts[1:], len(codes))
    return [Run(int(codes[a]), int(a), int(b)) for a, b in zip(starts, ends, strict=True)]
