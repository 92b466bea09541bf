"""A made-up city of ten million cells for the bench of the map: streets, looks, defects, cases; by the real stores."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy import Engine

from roadwarden.cases.case_projection import row_of
from roadwarden.cases.events import CaseEvent, EventType, Role, parse_data
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.defects.defect import Defect
from roadwarden.defects.inspected import WHOLE_WIDTH, Inspected, Quality
from roadwarden.defects.judging import severity_at
from roadwarden.defects.presence import Presence
from roadwarden.defects.severity_table import shipped_severity_table
from roadwarden.defects.votes import Vote
from roadwarden.detections import PlaneCovariance, Position, Sighting
from roadwarden.errors import ConfigError
from roadwarden.geo.places import RoadGrade, RoadPlace, Segment, Side
from roadwarden.geo.plane import LocalPlane
from roadwarden.service.known_roads import KnownRoads
from roadwarden.storage import case_unit
from roadwarden.storage.engine import analyse
from roadwarden.storage.tracks import Home
from roadwarden.storage.unit import UnitOfWork, reading, writing
from roadwarden.taxonomy import TRAINED_TYPES, DistressType

NOW: Final = datetime(2026, 11, 30, tzinfo=UTC)
LOOK_DAYS, DEFECT_DAYS, CASE_DAYS = 4, 60, 30
ROAD_M, WIDTH_M, LANES = 1000.0, 10.0, 3
LOOKS: Final = 100
"""For each road, as in ``bench cells``: stretches of 20 to 500 m, a tenth of them unusable."""
AREAS: Final = ("north", "east", "south", "west")
_MIDDLE: Final = LocalPlane(30.25, 120.16)
_APART_M, _BEND_M, _POINT_M = 250.0, 60.0, 50.0
_TRAINED_SHARE, _HOT_SHARE, _HOT_ROADS, _MISSING_SHARE, _OPEN_SHARE = 0.8, 0.35, 0.12, 0.1, 0.4
_AT_ONCE: Final = 5000
_MODEL: Final = "bench map"
_DAY_S: Final = 86_400.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CitySize:
    """The same size gives the same city."""

    roads: int = 1000
    defects: int = 100_000
    cases: int = 20_000
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.roads} roads, {self.defects} defects, {self.cases} cases, seed {self.seed}"


def keep_city(engine: Engine, size: CitySize, tell: Tell = lambda _what: None) -> None:
    """Fills a database of its own; broken off, it goes on where it stopped, and what is filled stays.

    Raises ConfigError where the database holds another city than this one.
    """
    roads = _kept_roads(engine, size)
    with reading(engine) as unit:
        stored = unit.defects.count()
    with case_unit.reading(engine) as cases:
        filed = cases.events.count_cases()
    if stored == size.defects and filed == size.cases:
        return
    made = _Maker(roads, size)
    if not stored:
        tell("looks of four days")
        with writing(engine) as unit:
            unit.stretches.add(roads.number, list(made.looks()))
    for first in range(stored, size.defects, _AT_ONCE):
        with writing(engine) as unit:
            made.keep_defects(unit, range(first, min(first + _AT_ONCE, size.defects)))
        tell(f"{min(first + _AT_ONCE, size.defects):,} of {size.defects:,} defects")
    for first in range(filed, size.cases, _AT_ONCE):
        made.keep_cases(engine, range(first, min(first + _AT_ONCE, size.cases)))
        tell(f"{min(first + _AT_ONCE, size.cases):,} of {size.cases:,} cases")
    analyse(engine)


def _kept_roads(engine: Engine, size: CitySize) -> KnownRoads:
    source = f"bench map: {size}"
    with writing(engine) as unit:
        there = unit.segments.networks()
        if any(one.source != source for one in there) or (not there and unit.defects.count()):
            raise ConfigError(f"the database holds another city than {size}; give this bench a database of its own")
        unit.segments.add(tuple(streets(size.roads)), source, NOW - timedelta(days=DEFECT_DAYS))
        roads = KnownRoads.newest(unit)
    if roads is None:
        raise ConfigError("the roads of the city were not kept")
    return roads


def streets(roads: int) -> Iterator[Segment]:
    """So many of 1 km on a bent grid with a street every 250 m: 8 km of road a square kilometre, as cities have."""
    blocks = math.ceil(math.sqrt(roads / 2 / (ROAD_M / _APART_M)))
    lines = round(blocks * ROAD_M / _APART_M)
    half_m = blocks * ROAD_M / 2
    chosen = itertools.islice(itertools.product(range(lines), range(blocks), (True, False)), roads)
    for number, (line, block, eastward) in enumerate(chosen):
        along = block * ROAD_M - half_m + np.arange(0, ROAD_M + 1, _POINT_M)
        beside = np.full(len(along), (line + 0.5) * _APART_M - half_m)
        east, north = (along, beside) if eastward else (beside, along)
        bent = np.stack([east + _BEND_M * np.sin(north / 900), north + _BEND_M * np.sin(east / 700)], axis=1)
        places = tuple((round(lat, 7), round(lon, 7)) for lat, lon in _MIDDLE.to_degrees(bent).tolist())
        grade = list(RoadGrade)[line % 3]
        name = f"{line + 1}号{'路' if eastward else '街'}"
        area = AREAS[2 * (line >= lines // 2) + (block >= blocks // 2)]
        yield Segment(f"b{number:04d}", name, grade, places, WIDTH_M, area=area, owner="city")


@dataclass(slots=True)
class _Maker:
    roads: KnownRoads
    size: CitySize
    names: list[str] = field(init=False)
    places: list[RoadPlace] = field(init=False)
    _types: list[DistressType] = field(init=False)

    def __post_init__(self) -> None:
        rng, count = self._rng("defects"), self.size.defects
        self.names = [one.id for one in self.roads.network.segments]
        rows = rng.integers(0, len(self.names), count)
        hot = rng.choice(len(self.names), max(1, round(_HOT_ROADS * len(self.names))), replace=False)
        rows = np.where(rng.random(count) < _HOT_SHARE, rng.choice(hot, count), rows)
        along = rng.uniform(0, 1, count) * self.roads.network.lengths_m[rows]
        beside = rng.uniform(-WIDTH_M / 2 + 0.5, WIDTH_M / 2 - 0.5, count)
        self.places = [
            RoadPlace(self.names[row], metre, abs(right), Side.RIGHT if right >= 0 else Side.LEFT)
            for row, metre, right in zip(rows.tolist(), along.tolist(), beside.tolist(), strict=True)
        ]
        usual = rng.random(count) < _TRAINED_SHARE
        common, any_type = (rng.integers(0, len(of), count) for of in (TRAINED_TYPES, DistressType))
        self._types = [
            TRAINED_TYPES[one] if often else list(DistressType)[other]
            for often, one, other in zip(usual.tolist(), common.tolist(), any_type.tolist(), strict=True)
        ]

    def looks(self) -> Iterator[Inspected]:
        """Whole widths and single lanes, by day and by night."""
        rng, count = self._rng("looks"), LOOKS * len(self.names)
        road, lane = rng.integers(0, len(self.names), count), rng.integers(WHOLE_WIDTH, LANES, count)
        start = rng.uniform(0, ROAD_M - 20, count)
        end = np.minimum(start + rng.uniform(20, 500, count), ROAD_M)
        ago_s, good = rng.uniform(0, LOOK_DAYS * _DAY_S, count), rng.random(count) < 0.9
        columns = (road, lane, start, end, ago_s, good)
        for row, across, from_m, to_m, ago, usable in zip(*(one.tolist() for one in columns), strict=True):
            quality = Quality.USABLE if usable else Quality.UNUSABLE
            lane_or_all = None if across == WHOLE_WIDTH else across
            yield Inspected(self.names[row], from_m, to_m, NOW - timedelta(seconds=ago), quality, lane_or_all)

    def keep_defects(self, unit: UnitOfWork, numbers: range) -> None:
        """With their first sightings, which cases name, and their places on the roads."""
        positions = self.roads.network.positions([self.places[number] for number in numbers])
        made = [self._defect(number, at) for number, at in zip(numbers, positions, strict=True)]
        where = {one.id: self.places[number] for number, one in zip(numbers, made, strict=True)}
        table = shipped_severity_table()
        severities = {
            one.id: severity_at(one, where[one.id], self.roads.roadways[where[one.id].segment], table) for one in made
        }
        unit.defects.put(made)
        homes = {one.id: Home(number, one.id) for number, one in zip(numbers, made, strict=True)}
        unit.sightings.settle(homes, [_first_sighting(one) for one in made])
        unit.defects.settle_on_road(where, severities, self.roads.number)
        gone = self._rng("missing", numbers.start).random(len(made)) < _MISSING_SHARE
        unit.defects.watch({one.id: Presence.NOT_SEEN for one, missing in zip(made, gone, strict=True) if missing})

    def _defect(self, number: int, position: Position) -> Defect:
        dice = self._rng("defect", number)
        kind, name = self._types[number], _defect_id(number, self.size.seed)
        first, last = sorted(dice.uniform(0, DEFECT_DAYS * _DAY_S, 2).tolist(), reverse=True)
        return Defect(
            id=name,
            vote=Vote(kind, ((kind, 0.9),), 0.8),
            position=position,
            covariance=PlaneCovariance(0.1, 0.1),
            length_m=float(dice.gamma(2, 0.6)),
            width_m=float(dice.gamma(2, 0.3)),
            size_sigma_m=0.05,
            first_seen_at=NOW - timedelta(seconds=first),
            last_seen_at=NOW - timedelta(seconds=last),
            passes=("drive",),
            sightings=(name,),
        )

    def keep_cases(self, engine: Engine, numbers: range) -> None:
        """Of every fifth defect or so: two fifths of them open, in all states; the others mended."""
        positions = self.roads.network.positions([self._place_of(number) for number in numbers])
        histories = [self._history(number, at) for number, at in zip(numbers, positions, strict=True)]
        policies = shipped_clock_policies()
        with case_unit.writing(engine) as unit:
            unit.events.add([event for events in histories for event in events], {}, NOW)
            unit.rows.put([row for events in histories if (row := row_of(events, policies)) is not None])

    def _history(self, number: int, position: Position) -> list[CaseEvent]:
        dice, place = self._rng("case", number), self._place_of(number)
        segment = self.roads.network.segment(place.segment)
        defect = self._defect_of(number)
        filed = {
            "distress": self._types[defect].value,
            "severity": "severe" if dice.random() < 0.1 else "normal",
            "area": segment.area,
            "segment": segment.id,
            "domain": "pavement",
            "road_grade": segment.grade.value,
            "owner": "city",
            "longitude": position.lon,
            "latitude": position.lat,
            "defect": _defect_id(defect, self.size.seed),
            "source": "camera",
        }
        is_open = bool(dice.random() < _OPEN_SHARE)
        begun = NOW - timedelta(days=float(dice.uniform(0, 4) if is_open else dice.uniform(3, CASE_DAYS)))
        steps: tuple[tuple[EventType, float, Role, Mapping[str, object]], ...] = (
            (EventType.FILED, 0.0, Role.SYSTEM, filed),
            (EventType.DISPATCHED, 0.5, Role.DISPATCHER, {"department": "roads", "crew": f"crew-{number % 40}"}),
            (EventType.ACCEPTED, 1.0, Role.CREW, {}),
            (EventType.REPAIR_STARTED, 6.0, Role.CREW, {}),
            (EventType.REPAIR_REPORTED, 30.0, Role.CREW, {}),
            (EventType.ASSESSED, 31.0, Role.ASSESSOR, {"verdict": "REPAIRED", "report_seq": 5}),
            (EventType.CLOSED, 32.0, Role.DUTY_OFFICER, {}),
        )
        shown = steps[: int(dice.integers(1, 6))] if is_open else steps
        name = f"map-{number:06d}"
        events = []
        for seq, (kind, hours, role, data) in enumerate(shown, 1):
            at = min(begun + timedelta(hours=hours), NOW)
            events.append(CaseEvent(name, seq, kind, at, at, f"{role}-1", role, parse_data(kind, data)))
        return events

    def _place_of(self, case: int) -> RoadPlace:
        return self.places[self._defect_of(case)]

    def _defect_of(self, case: int) -> int:
        return case * self.size.defects // self.size.cases

    def _rng(self, what: str, number: int = 0) -> np.random.Generator:
        kind = int.from_bytes(hashlib.sha256(what.encode()).digest()[:4])
        return np.random.default_rng([self.size.seed, kind, number])


def _defect_id(number: int, seed: int) -> str:
    return hashlib.md5(f"{seed} {number}".encode(), usedforsecurity=False).hexdigest()


def _first_sighting(one: Defect) -> Sighting:
    frame = hashlib.sha256(one.id.encode()).hexdigest()
    told = (one.vote.type, 0.9, one.position, one.covariance, one.length_m, one.width_m, one.size_sigma_m, _MODEL)
    return Sighting(one.id, frame, one.first_seen_at, "drive", *told)
