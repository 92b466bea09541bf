"""What lies around a case, and whether it is more than chance: read from the database, judged by ``defects.chance``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Engine

from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.events import Filed
from roadwarden.defects.chance import DRAWS, Problems, Spread, grades_of, spread
from roadwarden.defects.exposure import FOUND_BY_ONE_LOOK, Exposure, exposure
from roadwarden.defects.inspected import Inspections
from roadwarden.defects.roadways import Ints, Roads, millimetres
from roadwarden.defects.zones import MetreGrid, zones
from roadwarden.errors import DataError
from roadwarden.geo.city_layers import CityLayers
from roadwarden.service.coverage import newest_roads
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.lane_metres import NEAREST_ROAD_M, NOWHERE, all_roads, lane_metres
from roadwarden.storage import case_unit
from roadwarden.storage import unit as units
from roadwarden.storage.case_rows import Problem

WINDOW = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Question:
    """Which problems count, and how the dice are thrown."""

    now: datetime
    window: timedelta = WINDOW
    same_type: bool = False  # only problems of the case's type
    found_by_one: float = FOUND_BY_ONE_LOOK
    seed: int = 0
    draws: int = DRAWS

    @property
    def since(self) -> datetime:
        """Begin of the window, which ends now."""
        return self.now - self.window


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A problem in a zone."""

    case: str
    distress: str
    away_m: float  # between the middles of the metres of lane


@dataclass(frozen=True, slots=True)
class Around:
    """One zone with the problems in it, the nearest first."""

    spread: Spread
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True, slots=True)
class Radiation:
    """The answer about one case."""

    case: str
    distress: str
    segment: str
    question: Question
    problems: int  # that take part
    off_road: int  # filed in the window, on no known road
    unseen: int  # where nobody looked in the window
    zones: tuple[Around, ...]


@dataclass(frozen=True, eq=False)
class District:
    """Roads, looks and problems of a window: the same for every case that is asked about."""

    roads: KnownRoads
    grid: MetreGrid
    seen: Exposure
    problems: tuple[Problem, ...]
    metres: Ints  # of the problems; NOWHERE for those off the roads


def district(engine: Engine, question: Question) -> District:
    """Reads the window: O(n log n) in its looks and problems. Raises DataError where no roads are imported."""
    with units.reading(engine) as unit:
        roads = newest_roads(unit)
        lanes = all_roads(roads)
        rows = tuple(unit.stretches.usable(roads.number, question.since, question.now))
    looks, drives = _looks(rows, lanes)
    grid = MetreGrid(lanes, roads.network)
    with case_unit.reading(engine) as cases:
        problems = tuple(_once(cases.rows.problems(question.since, question.now)))
    seen = exposure(lanes, looks, drives, question.found_by_one)
    return District(roads, grid, seen, problems, lane_metres(roads, grid, problems))


def radiation(engine: Engine, case: str, question: Question, layers: CityLayers | None = None) -> Radiation:
    """What lies around one case. Raises DataError where it has no place on a known road."""
    row, earlier = case_of(engine, case)
    return radiation_in(district(engine, question), row, question, layers or CityLayers(), earlier)


def radiation_in(
    known: District, row: CaseRow, question: Question, layers: CityLayers, earlier: str | None = None
) -> Radiation:
    """The same in a district that is read already; ``earlier`` is the case of which this is the return."""
    here = _place_of(known, row)
    others = [
        number
        for number, one in enumerate(known.problems)
        if one.case_id not in (row.case_id, earlier)
        and (row.defect is None or one.defect != row.defect)
        and not (question.same_type and one.distress != row.distress)
    ]
    metres = known.metres[np.array(others, np.int64)]
    on_road = metres != NOWHERE
    weights = known.seen.metres(*known.grid.bounds_mm(metres[on_road]))
    kept = np.array(others, np.int64)[on_road][weights > 0]
    dealt = Problems(known.metres[kept], grades_of(known.grid, known.metres[kept]))
    lines = [line.within(known.roads.network.plane) for line in layers.utilities]
    places = zones(known.grid, here, lines)
    found = spread(known.grid, known.seen, dealt, places, question.seed, question.draws)
    return Radiation(
        case=row.case_id,
        distress=row.distress,
        segment=known.grid.roads.roadways[int(known.grid.road_of(np.array([here]))[0])].segment,
        question=question,
        problems=len(kept),
        off_road=int(np.count_nonzero(~on_road)),
        unseen=int(np.count_nonzero(weights <= 0)),
        zones=tuple(Around(one, _neighbours(known, kept[one.problems], here)) for one in found),
    )


def case_of(engine: Engine, name: str) -> tuple[CaseRow, str | None]:
    """The case, and the one of which it is the return. Raises DataError where there is none of that name."""
    with case_unit.reading(engine) as unit:
        row, events = unit.rows.get(name), unit.events.of(name)
    if row is None:
        raise DataError(f"there is no case {name}; see 'roadwarden case list'")
    filings = [one.data for one in events if isinstance(one.data, Filed)]
    return row, filings[0].recurrence_of if filings else None


def _place_of(known: District, row: CaseRow) -> int:
    if row.lat is None or row.lon is None:
        raise DataError(f"case {row.case_id} has no place on the map, so nothing can be said about what lies around it")
    problem = Problem(row.case_id, row.distress, row.segment, row.defect, row.lat, row.lon)
    metre = int(lane_metres(known.roads, known.grid, [problem])[0])
    if metre == NOWHERE:
        raise DataError(
            f"case {row.case_id} lies on no road of the newest network, nor within {NEAREST_ROAD_M:g} m of one; "
            "import the roads with 'roadwarden roads import FILE'"
        )
    return metre


def _once(problems: Iterator[Problem]) -> Iterator[Problem]:
    """Every thing once, however often it came back."""
    told: set[str] = set()
    for one in problems:
        if one.defect is None or one.defect not in told:
            told.add(one.defect or one.case_id)
            yield one


def _looks(rows: Sequence[tuple[str, int, float, float, int]], roads: Roads) -> tuple[Inspections, Ints]:
    road = np.array([roads.row(segment) for segment, *_ in rows], np.int64)
    lane = np.array([lane for _, lane, *_ in rows], np.int64)
    begin, end = [row[2] for row in rows], [row[3] for row in rows]
    from_mm, to_mm = (np.clip(millimetres(metres), 0, roads.length_mm[road]) for metres in (begin, end))
    usable = np.ones(len(rows), np.bool_)
    looks = Inspections(road, lane, from_mm, to_mm, np.zeros(len(rows), np.int64), usable)
    return looks, np.array([row[4] for row in rows], np.int64)


def _neighbours(known: District, rows: Ints, here: int) -> tuple[Neighbour, ...]:
    if not len(rows):
        return ()
    away = np.linalg.norm(known.grid.middles(known.metres[rows]) - known.grid.middles(np.array([here])), axis=1)
    found = [
        Neighbour(known.problems[row].case_id, known.problems[row].distress, round(float(metres), 1))
        for row, metres in zip(rows.tolist(), away.tolist(), strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (one.away_m, one.case)))
