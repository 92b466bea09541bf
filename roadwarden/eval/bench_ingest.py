"""How fast sightings go into a database that already holds a city's defects.

Storage alone: what each new sighting belongs to is decided here by the nearest defect, so that the time is that of
reading and writing. How good and how fast merging decides is measured by itself (``eval/merging.py``).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from sqlalchemy import Engine

from roadwarden.defects.defect import Defect
from roadwarden.defects.votes import Vote
from roadwarden.detections import PlaneCovariance, Position, Sighting
from roadwarden.errors import ConfigError
from roadwarden.geo.plane import LocalPlane
from roadwarden.storage.defects import KeptDefect
from roadwarden.storage.engine import analyse, shown
from roadwarden.storage.unit import UnitOfWork, reading, writing
from roadwarden.taxonomy import DistressType

MODEL = "roadwarden bench ingest"
CITY = LocalPlane(30.25, 120.16)
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
EVERY_M, PER_STREET, STREETS_APART_M = 8.0, 1250, 100.0
REACH_M = 2.5
LOOKS = 3
"""Frames in which a drive sees one defect."""
NEW_SHARE = 0.1
FILL_BATCH = 10_000

Metres = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class IngestResult:
    """One run; seconds are of the whole unit of work, commit included."""

    database: str
    defects_before: int
    sightings: int
    batch: int
    known_share: float  # of the sightings that found a stored defect
    seconds: float
    cpu_s: float  # of this process: all of SQLite's work, none of PostgreSQL's server's
    add_s: float
    neighbours_s: float
    settle_s: float

    @property
    def per_second(self) -> float:
        """Sightings a second; the target is 2,000."""
        return self.sightings / self.seconds

    def as_json(self) -> dict[str, Any]:
        """Its fields and the rate."""
        return asdict(self) | {"per_second": self.per_second}

    def markdown(self) -> str:
        """A row for eval/benchmarks, with its head."""
        cells = {
            "database": self.database,
            "defects stored": f"{self.defects_before:,}",
            "sightings": f"{self.sightings:,}",
            "batch": f"{self.batch:,}",
            "sightings/s": f"{self.per_second:,.0f}",
            "a CPU second": f"{self.sightings / self.cpu_s:,.0f}",
            "add": f"{self.add_s:.1f} s",
            "neighbours": f"{self.neighbours_s:.1f} s",
            "settle": f"{self.settle_s:.1f} s",
        }
        lines = (cells.keys(), ["---"] * len(cells), cells.values())
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bench_ingest(
    engine: Engine, *, defects: int, sightings: int, batch: int, seed: int, tell: Callable[[str], None]
) -> IngestResult:
    """Fills the database up to so many defects, two sightings each, then times a survey of so many sightings.

    Raises ConfigError where the database holds anything but what this bench has made.
    """
    _fill(engine, defects, tell)
    with reading(engine) as unit:
        before, drives = unit.defects.count(), unit.sightings.passes()
    survey = _survey(defects, sightings, f"drive {seed} {drives}", np.random.default_rng((seed, drives)))
    laps = {"add": 0.0, "neighbours": 0.0, "settle": 0.0}
    known, start, busy = 0, time.perf_counter(), time.process_time()
    for first in range(0, len(survey), batch):
        known += _ingest(engine, survey[first : first + batch], laps)
        tell(f"{min(first + batch, len(survey)):,} of {len(survey):,} sightings")
    seconds, cpu_s = time.perf_counter() - start, time.process_time() - busy
    return IngestResult(
        shown(engine).partition(":")[0],
        before,
        len(survey),
        batch,
        known / len(survey),
        seconds,
        cpu_s,
        laps["add"],
        laps["neighbours"],
        laps["settle"],
    )


def _ingest(engine: Engine, batch: Sequence[Sighting], laps: dict[str, float]) -> int:
    """One unit of work; returns how many sightings found a stored defect."""
    at = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal at
        now = time.perf_counter()
        laps[name], at = laps[name] + now - at, now

    with writing(engine) as unit:
        new = unit.sightings.add(batch)
        lap("add")
        near = unit.defects.near([one.position for one in new], REACH_M)
        homes = _homes(new, near)
        made_of = unit.sightings.of_defects({home for home in homes if home is not None})
        lap("neighbours")
        unit.settle(_folds(new, homes, made_of))
    lap("settle")
    return sum(home is not None for home in homes)


def _homes(new: Sequence[Sighting], near: Sequence[KeptDefect]) -> list[str | None]:
    """The nearest defect of each sighting within reach."""
    if not near:
        return [None] * len(new)
    plane = LocalPlane.around(one.position for one in new)
    here, there = (plane.to_metres([(one.position.lat, one.position.lon) for one in these]) for these in (new, near))
    distance, which = cKDTree(there).query(here, distance_upper_bound=REACH_M)
    found = zip(distance.tolist(), which.tolist(), strict=True)
    return [near[row].id if metres <= REACH_M else None for metres, row in found]


def _folds(
    new: Sequence[Sighting], homes: Sequence[str | None], made_of: Mapping[str, Sequence[Sighting]]
) -> list[Defect]:
    """The defects that are new or have grown; looks in a row that found none are one."""
    groups: dict[str, list[Sighting]] = {}
    for number, (one, home) in enumerate(zip(new, homes, strict=True)):
        groups.setdefault(home or f"new {number // LOOKS}", []).append(one)
    return [_fold([*made_of.get(home, ()), *looks]) for home, looks in groups.items()]


def _fold(looks: Sequence[Sighting]) -> Defect:
    ordered = sorted(looks, key=lambda one: (one.seen_at, one.id))
    first = ordered[0]
    return Defect(
        id=first.id,
        vote=Vote(first.type, ((first.type, 0.9), (DistressType.PATCH, 0.1)), 0.8),
        position=first.position,
        covariance=first.covariance,
        length_m=first.length_m,
        width_m=first.width_m,
        size_sigma_m=first.size_sigma_m,
        first_seen_at=first.seen_at,
        last_seen_at=ordered[-1].seen_at,
        passes=tuple(sorted({one.pass_id for one in ordered})),
        sightings=tuple(one.id for one in ordered),
    )


def _fill(engine: Engine, defects: int, tell: Callable[[str], None]) -> None:
    with reading(engine) as unit:
        others = sorted(set(unit.sightings.models()) - {MODEL})
        stored = unit.defects.count()
    if others:
        raise ConfigError(f"{shown(engine)} holds sightings of {others[0]}: the bench wants a database of its own")
    if stored >= defects:
        return
    for first in range(0, defects, FILL_BATCH):
        numbers = np.arange(first, min(first + FILL_BATCH, defects))
        with writing(engine) as unit:
            _fill_in(unit, numbers)
        tell(f"{numbers[-1] + 1:,} of {defects:,} defects stored")
    analyse(engine)


def _fill_in(unit: UnitOfWork, numbers: npt.NDArray[np.int64]) -> None:
    """Two sightings of each; those that a run before has filled in stay."""
    looks = [
        _sightings(numbers, _places(numbers) + np.array([0.0, 0.2 * turn]), f"fill {turn}", turn, turn)
        for turn in range(2)
    ]
    new = {one.id for one in unit.sightings.add([*looks[0], *looks[1]])}
    unit.settle([_fold(pair) for pair in zip(*looks, strict=True) if pair[0].id in new])


def _survey(defects: int, sightings: int, drive: str, chance: np.random.Generator) -> list[Sighting]:
    """A drive along streets that are already known, and past some defects that are new."""
    count = -(-sightings // LOOKS)
    numbers = (int(chance.integers(defects)) + np.arange(count)) % defects
    new = chance.random(count) < NEW_SHARE
    places = _places(numbers) + np.where(new, EVERY_M / 2, 0.0)[:, None] * np.array([1.0, 0.0])
    looks = [
        _sightings(numbers, places + chance.normal(0, 0.3, places.shape), f"{drive} {turn}", 30 + turn, turn)
        for turn in range(LOOKS)
    ]
    return list(_in_turn(looks))[:sightings]


def _in_turn(looks: Sequence[Sequence[Sighting]]) -> Iterator[Sighting]:
    for one_defect in zip(*looks, strict=True):
        yield from one_defect


def _places(numbers: npt.NDArray[np.int64]) -> Metres:
    """(n, 2) metres: every 8 m on streets of 10 km, 100 m apart."""
    street, along = np.divmod(numbers, PER_STREET)
    return np.stack([along * EVERY_M, (street - 400) * STREETS_APART_M], axis=1)


def _sightings(numbers: npt.NDArray[np.int64], metres: Metres, name: str, days: int, seconds: int) -> list[Sighting]:
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
