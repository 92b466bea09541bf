"""How fast sightings go into a database that already holds a city's defects: merged, placed on roads and judged.

All over the city every defect was seen once. The streets of the timed drive were driven ``passes`` times before, three
looks at each defect, so that every new look has old ones to be compared and aligned with. Filling goes the same way as
the timed drive (``service.merging.take_in``), which gives the growth of cost with size.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Engine

from roadwarden.defects.inspected import Inspected, Quality
from roadwarden.detections import PlaneCovariance, Position, Sighting
from roadwarden.errors import ConfigError
from roadwarden.eval.growth import Cost
from roadwarden.geo.network import RoadNetwork
from roadwarden.geo.places import RoadGrade, Segment
from roadwarden.geo.plane import LocalPlane
from roadwarden.service.cells import cells_of
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.merging import Rules, TakenIn, take_in
from roadwarden.storage.engine import analyse, shown
from roadwarden.storage.unit import reading, writing
from roadwarden.taxonomy import DistressType

MODEL = "roadwarden bench ingest"
CITY = LocalPlane(30.25, 120.16)
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
EVERY_M, PER_STREET, STREETS_APART_M = 8.0, 1250, 100.0
SEGMENT_M = 1000.0
LOOKS = 3
"""Frames in which a drive sees one defect."""
NEW_SHARE = 0.1
FILL_BATCH = 10_000
DISTRICT_ROADS, ROAD_LOOKS = 200, 100

Metres = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class IngestResult:
    """One run; seconds are of the whole units of work, commits included."""

    database: str
    defects_before: int
    passes_before: int  # over the streets of the timed drive
    sightings: int
    batch: int
    defects_new: int
    seconds: float
    cpu_s: float  # of this process: all of SQLite's work, none of PostgreSQL's server's
    filling: tuple[Cost, ...]  # CPU seconds of this process for the first n defects; empty where they were there
    district_cells: int  # of the cells of a district, read from the database and rebuilt
    district_defects: int
    district_s: float  # the target is below 60 for 200 roads

    @property
    def per_second(self) -> float:
        """Sightings a second; the target is 2,000."""
        return self.sightings / self.seconds

    def as_json(self) -> dict[str, Any]:
        """Its fields and the rates."""
        return asdict(self) | {"per_second": self.per_second, "per_cpu_second": self.sightings / self.cpu_s}

    def markdown(self) -> str:
        """A row for eval/benchmarks, with its head."""
        cells = {
            "database": self.database,
            "defects stored": f"{self.defects_before:,}",
            "passes before": f"{self.passes_before}",
            "sightings": f"{self.sightings:,}",
            "batch": f"{self.batch:,}",
            "sightings/s": f"{self.per_second:,.0f}",
            "a CPU second": f"{self.sightings / self.cpu_s:,.0f}",
            "new defects": f"{self.defects_new:,}",
            "cells rebuilt": f"{self.district_cells:,} in {self.district_s:.1f} s",
        }
        lines = (cells.keys(), ["---"] * len(cells), cells.values())
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bench_ingest(
    engine: Engine,
    *,
    defects: int,
    sightings: int,
    batch: int,
    passes: int,
    seed: int,
    tell: Callable[[str], None],
) -> IngestResult:
    """Fills the database up to so many defects, then times a survey of so many sightings.

    Raises ConfigError where the database holds anything but what this bench has made.
    """
    roads = _roads(engine, defects)
    filling = _fill(engine, roads, defects, tell)
    with reading(engine) as unit:
        drives = unit.sightings.passes()
    chance = np.random.default_rng((seed, drives))
    along = (int(chance.integers(defects)) + np.arange(-(-sightings // LOOKS))) % defects
    for number in range(passes):
        take_in(engine, _drive(along, f"before {seed} {drives} {number}", chance), roads, Rules(), batch=FILL_BATCH)
        tell(f"pass {number + 1} of {passes} before the timed one")
    with reading(engine) as unit:
        before = unit.defects.count()
    survey = _drive(along, f"drive {seed} {drives}", chance)[:sightings]
    start, busy = time.perf_counter(), time.process_time()
    take_in(
        engine, survey, roads, Rules(), batch=batch, tell=lambda done, total: tell(f"{done:,} of {total:,} sightings")
    )
    seconds, cpu_s = time.perf_counter() - start, time.process_time() - busy
    with reading(engine) as unit:
        made = unit.defects.count() - before
    name = shown(engine).partition(":")[0]
    district = _district(engine, roads, chance)
    return IngestResult(name, before, passes, len(survey), batch, made, seconds, cpu_s, filling, *district)


def _district(engine: Engine, roads: KnownRoads, chance: np.random.Generator) -> tuple[int, int, float]:
    """Cells and defects of up to 200 roads of 1 km x 10 m, 100 looks at each, and the seconds of rebuilding them."""
    segments = [one.id for one in roads.network.segments[:DISTRICT_ROADS]]
    now = FIRST_DAY + timedelta(days=400)
    looks = []
    for name in segments:
        for start, length, ago in zip(*chance.random((3, ROAD_LOOKS)).tolist(), strict=True):
            from_m = 960 * start
            to_m = min(from_m + 20 + 480 * length, SEGMENT_M)
            looks.append(Inspected(name, from_m, to_m, now - timedelta(days=4 * ago), Quality.USABLE, None))
    with writing(engine) as unit:
        unit.stretches.add(roads.number, looks)
    start_s = time.perf_counter()
    with reading(engine) as unit:
        cells = cells_of(unit, roads, segments, now)
        seconds = time.perf_counter() - start_s
        return len(cells), len(unit.defects.on_segments(roads.number, segments)), seconds


def _roads(engine: Engine, defects: int) -> KnownRoads:
    """The streets of that many defects, kept as the database's network."""
    with reading(engine) as unit:
        others = sorted(set(unit.sightings.models()) - {MODEL})
    if others:
        raise ConfigError(f"{shown(engine)} holds sightings of {others[0]}: the bench wants a database of its own")
    streets = list(_segments(-(-defects // PER_STREET)))
    with writing(engine) as unit:
        number = unit.segments.add(streets, "bench", FIRST_DAY).number
    return KnownRoads(number, RoadNetwork.of(streets))


def _segments(streets: int) -> Iterator[Segment]:
    for street in range(streets):
        for part in range(int(PER_STREET * EVERY_M / SEGMENT_M)):
            north = _north(street)
            ends = CITY.to_degrees([(part * SEGMENT_M, north), ((part + 1) * SEGMENT_M, north)])
            line = tuple((float(lat), float(lon)) for lat, lon in ends)
            yield Segment(f"{street}.{part}", f"street {street}", list(RoadGrade)[street % 3], line, 10.0)


def _fill(engine: Engine, roads: KnownRoads, defects: int, tell: Callable[[str], None]) -> tuple[Cost, ...]:
    with reading(engine) as unit:
        stored = unit.defects.count()
    if stored >= defects:
        return ()
    costs, busy, marks = list[Cost](), 0.0, {defects // part for part in (1, 2, 4, 8, 16, 32, 64)}
    for first in range(0, defects, FILL_BATCH):
        numbers = np.arange(first, min(first + FILL_BATCH, defects))
        looks = _sightings(numbers, _places(numbers), "fill 0", 0, 0)
        start = time.process_time()
        done = take_in(engine, looks, roads, Rules(), batch=FILL_BATCH)
        busy += time.process_time() - start
        last = int(numbers[-1]) + 1
        costs += _marked(marks, last, busy, done)
        tell(f"{last:,} of {defects:,} defects stored, {busy:.0f} CPU s")
    analyse(engine)
    return tuple(costs) if len(costs) > 1 else ()


def _marked(marks: set[int], last: int, busy: float, done: TakenIn) -> list[Cost]:
    """The cost so far where a mark is passed; nothing where an earlier run had filled this in."""
    passed = {mark for mark in marks if mark <= last}
    marks -= passed
    return [Cost(last, busy)] if passed and not done.known else []


def _drive(numbers: Numbers, drive: str, chance: np.random.Generator) -> list[Sighting]:
    """A drive along streets that are already known, and past some defects that are new; looks in order of time."""
    new = chance.random(len(numbers)) < NEW_SHARE
    places = _places(numbers) + np.where(new, EVERY_M / 2, 0.0)[:, None] * np.array([1.0, 0.0])
    days = 1 + int(hashlib.md5(drive.encode(), usedforsecurity=False).hexdigest()[:4], 16) % 300
    looks = [
        _sightings(numbers, places + chance.normal(0, 0.3, places.shape), f"{drive} {turn}", days, turn)
        for turn in range(LOOKS)
    ]
    return list(_in_turn(looks))


def _in_turn(looks: Sequence[Sequence[Sighting]]) -> Iterator[Sighting]:
    for one_defect in zip(*looks, strict=True):
        yield from one_defect


def _places(numbers: Numbers) -> Metres:
    """(n, 2) metres: every 8 m on streets of 10 km, 100 m apart, 2 m beside the middle."""
    street, along = np.divmod(numbers, PER_STREET)
    return np.stack([along * EVERY_M, _north(street) - 2.0], axis=1)


def _north(street: Any) -> Any:
    return (street - 400) * STREETS_APART_M


def _sightings(numbers: Numbers, metres: Metres, name: str, days: int, seconds: int) -> list[Sighting]:
    degrees = CITY.to_degrees(metres)
    drive = name.rpartition(" ")[0]
    start = FIRST_DAY + timedelta(days=days, seconds=seconds)
    return [
        Sighting(
            id=hashlib.md5(f"{name} {number}".encode(), usedforsecurity=False).hexdigest(),
            frame=hashlib.sha256(f"{name} {number}".encode()).hexdigest(),
            seen_at=start + timedelta(seconds=int(number)),
            pass_id=drive,
            type=DistressType.POTHOLE,
            score=0.8,
            position=Position(lat, lon, 90.0),
            covariance=PlaneCovariance(0.5, 0.5),
            length_m=0.6,
            width_m=0.4,
            size_sigma_m=0.1,
            model=MODEL,
        )
        for number, (lat, lon) in zip(numbers.tolist(), degrees.tolist(), strict=True)
    ]
