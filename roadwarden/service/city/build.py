"""The city, day by day: vehicles pass, defects become cases, people work on them; all through the real services."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Engine

from roadwarden.defects.inspected import Inspected, Quality
from roadwarden.errors import ConfigError
from roadwarden.geo.places import RoadGrade
from roadwarden.service.cases import CaseDesk
from roadwarden.service.city.damage import damage, looks
from roadwarden.service.city.offices import city_dispatch_table
from roadwarden.service.city.streets import streets
from roadwarden.service.city.truth import Streets
from roadwarden.service.city.work import Evidence, NoPictures, Office, crew_of
from roadwarden.service.filing import FilingRules, file_defects
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.merging import Rules, take_in
from roadwarden.service.roads import import_roads
from roadwarden.service.seen import keep_looks
from roadwarden.storage.engine import analyse
from roadwarden.storage.unit import reading

DRIVES_A_DAY = (1, 6)
"""Hours (UTC) at which the vehicles set out: 9 and 14 o'clock in Hangzhou."""
_EVERY_DAYS = {RoadGrade.I: 4, RoadGrade.II: 6, RoadGrade.III: 9}
_THOROUGH_DAYS = (
    2  # at the end every road is due as often as the patrol table wants it, but for those that are forgotten
)
_FORGOTTEN = 0.12
_DARK = 0.05


@dataclass(frozen=True, slots=True)
class CitySettings:
    """How large, how long, and until when."""

    until: datetime
    roads: int = 200
    days: int = 90
    defects: int = 5000
    seed: int = 7

    def __post_init__(self) -> None:
        if self.roads < 4 or self.days < 1 or self.defects < 1 or self.until.tzinfo is None:
            raise ConfigError("a city wants 4 roads, a day and a defect or more, and a time with a zone")


@dataclass(frozen=True, slots=True)
class City:
    """What came of it."""

    roads: int
    drives: int
    sightings: int
    defects: int
    cases: int
    mended: int


Tell = Callable[[int, int], None]
"""(days done, all days)."""


def build_city(
    engine: Engine,
    settings: CitySettings,
    evidence: Evidence | None = None,
    tell: Tell = lambda _done, _total: None,
) -> City:
    """Into an empty database with the newest schema. The same settings give the same city."""
    with reading(engine) as unit:
        if unit.segments.networks():
            raise ConfigError("this database holds roads already; a city is made in an empty one")
    return _Builder.of(engine, settings, evidence or NoPictures()).run(tell)


@dataclass(slots=True)
class _Builder:
    """The state of the city while it grows; ``time`` is the one clock of all its services."""

    engine: Engine
    settings: CitySettings
    roads: KnownRoads
    rng: np.random.Generator
    time: datetime
    evidence: Evidence
    truth: Streets
    cases: int = 0
    due: list[tuple[datetime, str]] = field(default_factory=list)  # a heap: when somebody turns to which case
    drives: int = 0
    sightings: int = 0

    @classmethod
    def of(cls, engine: Engine, settings: CitySettings, evidence: Evidence) -> _Builder:
        begin = settings.until - timedelta(days=settings.days)
        rng = np.random.default_rng(settings.seed)
        import_roads(engine, streets(settings.roads), "the city in small", begin)
        with reading(engine) as unit:
            roads = KnownRoads.newest(unit)
        if roads is None:
            raise ConfigError("the roads of the city were not kept")
        truth = Streets(damage(roads.network, settings.defects, begin, settings.days, rng), settings.seed)
        return cls(engine, settings, roads, rng, begin, evidence, truth)

    def run(self, tell: Tell) -> City:
        desk = CaseDesk(self.engine, now=lambda: self.time)
        office = Office(desk, city_dispatch_table(), self.evidence, self.settings.seed)
        forgotten = {one for one in self.roads.rows if self.rng.random() < _FORGOTTEN}
        for number, (at, segments) in enumerate(self._drives(forgotten)):
            self._work_until(at, office)
            if number == 2 * min(8, self.settings.days):
                analyse(self.engine)
            changed = self._drive(at, segments)
            self._work_until(at + timedelta(minutes=30), office)
            self._file(office, changed)
            tell(number // len(DRIVES_A_DAY) + 1, self.settings.days)
        self._work_until(self.settings.until, office)
        analyse(self.engine)
        with reading(self.engine) as unit:
            defects = unit.defects.count()
        return City(len(self.roads.rows), self.drives, self.sightings, defects, self.cases, self.truth.mended)

    def _drives(self, forgotten: set[str]) -> Iterator[tuple[datetime, list[str]]]:
        """When vehicles set out, and which roads they pass."""
        days, begin = self.settings.days, self.settings.until - timedelta(days=self.settings.days)
        for day in range(days):
            for turn, hour in enumerate(DRIVES_A_DAY):
                at = begin + timedelta(days=day, hours=hour)
                due = [
                    one.id
                    for row, one in enumerate(self.roads.network.segments)
                    if row % len(DRIVES_A_DAY) == turn and self._is_due(row, one.grade, day, one.id in forgotten)
                ]
                if due and at < self.settings.until:
                    yield at, due

    def _is_due(self, row: int, grade: RoadGrade, day: int, forgotten: bool) -> bool:
        if day >= self.settings.days - _THOROUGH_DAYS:
            return not forgotten
        return (day + row // len(DRIVES_A_DAY)) % _EVERY_DAYS[grade] == 0

    def _drive(self, at: datetime, segments: Sequence[str]) -> frozenset[str]:
        """One drive along those roads; returns the defects that changed with it."""
        self.time = at
        name = f"car {self.drives % 6 + 1} {at:%Y-%m-%dT%H}"
        dark = {one for one in segments if self.rng.random() < _DARK}
        present = self.truth.present([one for one in segments if one not in dark], at)
        seen = list(looks(name, at, present, self.rng))
        done = take_in(self.engine, seen, self.roads, Rules())
        inspected = [self._inspected(segment, at, name, dark) for segment in segments]
        keep_looks(self.engine, inspected, self.roads, done.defects)
        self.drives, self.sightings = self.drives + 1, self.sightings + len(seen)
        return done.defects

    def _inspected(self, segment: str, at: datetime, name: str, dark: set[str]) -> Inspected:
        quality = Quality.UNUSABLE if segment in dark else Quality.USABLE
        return Inspected(segment, 0.0, self.roads.network.length_m(segment), at, quality, None, name)

    def _file(self, office: Office, changed: frozenset[str]) -> None:
        for case in file_defects(office.desk, FilingRules(), sorted(changed)).filed.values():
            self.cases += 1
            self._turn_to(case, office)

    def _turn_to(self, case: str, office: Office) -> None:
        """Does what is due with a case, or notes when somebody will turn to it."""
        row, events = office.desk.row(case), office.desk.events(case)
        while (move := office.next_move(row, events)) is not None:
            if move.at > self.time:
                heapq.heappush(self.due, (move.at, case))
                return
            done = office.do(move, case)
            row, events = done.row, (*events, *done.events)
            if office.is_mended(events[-1], events) and (one := self.truth.at_place(row.lat, row.lon)) is not None:
                self.truth.mend(one, self.time, crew_of(events[-1]))

    def _work_until(self, at: datetime, office: Office) -> None:
        while self.due and self.due[0][0] <= at:
            self.time, case = heapq.heappop(self.due)
            self._turn_to(case, office)
        self.time = at
