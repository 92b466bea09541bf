"""Runs the city day by day on one simulated clock; what is broken off goes on with the day that was not finished."""

from __future__ import annotations

import heapq
import itertools
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from sqlalchemy import func, select

from roadwarden.cases.events import Role
from roadwarden.cases.permissions import Person
from roadwarden.errors import ConfigError, DataError, NotAllowed, StorageAway
from roadwarden.eval.city.books import Books, Intents
from roadwarden.eval.city.eyes import Pole
from roadwarden.eval.city.measured import Detector
from roadwarden.eval.city.plan import CityPlan, Trip, poles_at
from roadwarden.eval.city.services import Services, Weather
from roadwarden.eval.city.traffic import Expected, Message, PoleLook, Traffic
from roadwarden.geo.network import RoadNetwork
from roadwarden.inference.stream.broker.messages import Envelope, read_box
from roadwarden.inference.stream.protocols import Look
from roadwarden.inference.stream.values import Seen
from roadwarden.service.cases import Ask
from roadwarden.service.city.damage import TrueDefect, alike, damage
from roadwarden.service.city.streets import streets
from roadwarden.service.city.truth import Streets
from roadwarden.service.city.work import EVERYWHERE, Chance, Move, crew_of
from roadwarden.service.filing import FilingRules, file_defects
from roadwarden.service.histories import stored_histories
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.rechecks import run_rechecks
from roadwarden.service.roads import import_roads
from roadwarden.storage import case_unit
from roadwarden.storage.case_rows import CaseFilter
from roadwarden.storage.engine import analyse
from roadwarden.storage.engine import reading as connected
from roadwarden.storage.schema import open_storage
from roadwarden.storage.stream_tables import stream_frames
from roadwarden.storage.unit import reading

logger = logging.getLogger(__name__)

TOGETHER = 64
"""Messages that the services keep in one transaction, at most; as the worker's writer does."""
TICK = timedelta(minutes=30)
SIGN_EVERY = timedelta(hours=6)
RECHECK_EVERY_DAYS = 7
LONGEST_STORM = 3
REFUSED_AGAIN = timedelta(hours=12)
INTAKE = Person("intake-1", Role.INTAKE, EVERYWHERE)
_PHONE_H = 2.0
Result = TypeVar("Result")
OnDay = Callable[[int], None]
"""Told the number of a day before it begins."""


class City:
    """One run; ``out`` holds what it needs to go on. Raises ConfigError for a database or folder of another city."""

    def __init__(self, plan: CityPlan, url: str, out: Path) -> None:
        self.plan, self.out = plan, out
        self.time = plan.begin
        self.books = Books.open(out, plan)
        self.meter, self.counts, self._pending = self.books.meter, self.books.counts, self.books.pending
        self._numbers = itertools.count()
        self._due: list[tuple[datetime, str]] = []
        self._unsure = False  # a call failed, and may have done a part of its work
        self._weather = Weather(plan.faults.broken_commits, plan.seed * 1000 + self.books.days_done)
        self._chance = np.random.default_rng([plan.seed, self.books.days_done, 99])
        self.roads = self._roads(url)
        network = self.roads.network
        poles = [
            Pole.on(f"pole-{number + 1:02d}", network, segment, chainage)
            for number, (segment, chainage) in enumerate(poles_at(plan, network))
        ]
        self.traffic = Traffic(plan, network, poles)
        self.truth = Streets(self._things(network), plan.seed)
        self.services = Services(url, out, plan.seed, poles, lambda: self.time, self._weather)
        self.intents = Intents(out)

    def run(self, on_day: OnDay = lambda _day: None, stopped: Callable[[], bool] = lambda: False) -> None:
        """To the last day, or to the end of the day on which it is ``stopped``; every finished day is noted."""
        self._take_up()
        for day in range(self.books.days_done, self.plan.days):
            if stopped():
                break
            on_day(day)
            begun = time.perf_counter(), time.process_time()
            self._day(day)
            spent = time.perf_counter() - begun[0], time.process_time() - begun[1]
            self.books.close_day(day, spent, self._pending)
        on_day(self.plan.days)
        self._end()

    # -- before the first day

    def _roads(self, url: str) -> KnownRoads:
        engine = open_storage(url)
        with reading(engine) as unit:
            there, frames = bool(unit.segments.networks()), unit.sightings.models()
        if there and self.books.is_new:
            raise ConfigError(
                "this database holds roads already; a city is made in an empty one, or goes on in its own"
            )
        if frames and self.books.is_new:
            raise ConfigError("this database holds sightings already; a city is made in an empty one")
        import_roads(engine, streets(self.plan.roads), "the city in small", self.plan.begin)
        with reading(engine) as unit:
            roads = KnownRoads.newest(unit)
        engine.dispose()
        if roads is None:
            raise ConfigError("the roads of the city were not kept")
        return roads

    def _things(self, network: RoadNetwork) -> list[TrueDefect]:
        """Damage of the weeks before and of the weeks to come, and what only looks like it."""
        plan, detector = self.plan, Detector()
        chance = np.random.default_rng(plan.seed)
        found = damage(network, plan.defects, plan.begin, plan.days, chance)
        standing = round(len(found) * min(1.0, 25.0 / plan.days))
        types = [detector.alike_type(chance) for _ in range(detector.alike(standing))]
        long_ago = plan.begin - timedelta(days=365)
        return [*found, *alike(network, types, len(found), long_ago, chance)]

    @property
    def until(self) -> datetime:
        """The end of the last finished day."""
        return self.plan.day(self.books.days_done)

    def _take_up(self) -> None:
        """Everything that a city knows is in its database: true repairs, and who has to turn to which case.

        Its clock goes on where it stopped.
        """
        services = self.services
        histories = list(stored_histories(services.engine, CaseFilter(), self.plan.until + timedelta(days=30)))
        self.truth.replay(histories, services.office)
        with connected(services.engine) as connection:
            kept_at = connection.execute(select(func.max(stream_frames.c.kept_at))).scalar_one()
        self.time = max([self.time, *(events[-1].received_at for events in histories), kept_at or self.time])
        self._remember()

    def _remember(self) -> None:
        """After a start of the services: every open case is somebody's."""
        self._due = []
        self._look_for_work()

    def _look_for_work(self) -> None:
        """Open cases that nobody has on his list."""
        self._unsure = False
        with case_unit.reading(self.services.engine) as unit:
            names = unit.rows.names(CaseFilter(is_open=True), self.time)
        listed = {case for _, case in self._due}
        for name in names:
            if name not in listed:
                self._turn_to(name)

    # -- a day

    def _day(self, day: int) -> None:
        begin, end = self.plan.day(day), self.plan.day(day + 1)
        self.time = max(self.time, begin)
        killed_at = begin + timedelta(hours=9.2) if day in self.plan.restart_days() else None
        sources, expected = self.traffic.sources(day), Expected()
        tick, number = begin, 0
        while tick < end:
            tick += TICK
            while number < len(sources) and sources[number].at <= tick:
                self._work_until(sources[number].at)
                self._set_out(sources[number], day, expected)
                number += 1
            for handful in self._arrived(tick):
                if killed_at is not None and handful[-1].arrives >= killed_at:
                    killed_at = None
                    self._die_with(handful)
                self._take(handful)
            self._work_until(tick)
            self._tick(tick)
        self.books.expect(day, expected)
        self._merge_doubles()
        if day % RECHECK_EVERY_DAYS == RECHECK_EVERY_DAYS - 1:
            run = self._tried("re-checks", lambda: run_rechecks(self.services.desk))
            self.counts["reopened by passes"] += len(run.reopened)
            self._look_for_work()
        if day in (1, 7, 30):
            analyse(self.services.engine)

    def _set_out(self, source: Trip | PoleLook, day: int, expected: Expected) -> None:
        with self.meter.timed("simulation: pictures drawn"):
            for message in self.traffic.of(source, day, self.truth, expected):
                heapq.heappush(self._pending, message)

    def _arrived(self, until: datetime) -> Iterator[list[Message]]:
        while self._pending and self._pending[0].arrives <= until:
            handful = [heapq.heappop(self._pending)]
            while len(handful) < TOGETHER and self._pending and self._pending[0].arrives <= until:
                handful.append(heapq.heappop(self._pending))
            yield handful

    def _take(self, handful: Sequence[Message]) -> None:
        """Messages to the database: read, refused or kept; what is not acknowledged comes again."""
        looks: list[Look] = []
        with self.meter.timed("message read and checked", len(handful)):
            for message in handful:
                try:
                    looks.append(self._look(message))
                except DataError:
                    self.counts["messages refused: wrong clock"] += 1
        self.counts["messages delivered"] += len(handful)
        if looks:
            kept = self._tried("frames kept", lambda: self.services.sink.keep(looks), len(looks))
            self.counts["frames delivered again"] += kept.doubles

    def _look(self, message: Message) -> Look:
        envelope = Envelope(f"roadwarden.boxes.{message.camera}", next(self._numbers), message.arrives)
        frame, content = read_box(envelope, {}, message.body)
        if not isinstance(content, Seen):
            raise TypeError(f"{message.camera}: a box says what it has seen")
        return Look(frame, content.detections, content.model)

    def _die_with(self, handful: Sequence[Message]) -> None:
        """All services are killed in the middle of a transaction, and start again with nothing in memory."""
        looks = []
        for message in handful:
            try:
                looks.append(self._look(message))
            except DataError:
                continue
        self._weather.break_next = True
        try:
            with self._weather.over():
                self.services.sink.keep(looks)
        except StorageAway:
            self.counts["services killed"] += 1
        self._weather.break_next = False
        self.services.kill()
        self.services.open()
        self._remember()

    def _tick(self, at: datetime) -> None:
        services = self.services
        self.time = max(self.time, at)
        before = set(services.sink.filed)
        self._tried("coverage kept, cases filed", services.sink.close, 0)
        for case in sorted(services.sink.filed - before):
            self._turn_to(case)
        self._tried("queue of assessments", services.assessor.once, 0)
        for case in dict.fromkeys(services.verdicts.cases):
            self._turn_to(case)
        services.verdicts.cases.clear()
        looked = self._tried("scheduler: cases looked at", services.scheduler.look, 0)
        sent = self._tried("scheduler: messages delivered", services.scheduler.deliver, 0)
        self.meter.kinds["scheduler: cases looked at"].items += looked.cases
        self.meter.kinds["scheduler: messages delivered"].items += sent.sent
        if (at - self.plan.begin) % SIGN_EVERY == timedelta(0):
            added = self._tried("ledger: leaves added, signed, shown", services.sign, 0)
            self.meter.kinds["ledger: leaves added, signed, shown"].items += added
        if self._unsure:
            self._look_for_work()

    # -- people

    def _work_until(self, at: datetime) -> None:
        while self._due and self._due[0][0] <= at:
            moment, case = heapq.heappop(self._due)
            self.time = max(self.time, moment)
            self._turn_to(case)
        self.time = max(self.time, at)

    def _turn_to(self, case: str) -> None:
        """Does what is due with a case, or notes when somebody will turn to it."""
        services, office = self.services, self.services.office
        while True:
            with self.meter.timed("case looked at"):
                row, events = services.desk.row(case), services.desk.events(case)
            one = self.truth.at_place(row.lat, row.lon)
            move = office.next_move(row, events, anything_there=one is None or one.is_damage)
            if move is None:
                return
            if move.at > self.time:
                heapq.heappush(self._due, (move.at, case))
                return
            if not self._do(move, case, len(events)):
                heapq.heappush(self._due, (self.time + REFUSED_AGAIN, case))
                return
            newest = services.desk.events(case)
            if one is not None and office.is_mended(newest[-1], newest):
                self.truth.mend(one, newest[-1].received_at, crew_of(newest[-1]))

    def _do(self, move: Move, case: str, version: int) -> bool:
        """Whether it was not refused."""
        office = self.services.office
        ask = Ask(key=f"city:{case}:{version}", occurred_at=self._phone(move, case, version))
        kind = "dispatched" if move.data is None else type(move.data).__name__
        with self.intents.sent(case, version, kind) as sent:
            try:
                done = self._tried(f"command: {kind}", lambda: office.do(move, case, ask))
            except NotAllowed as exc:
                logger.warning("%s", exc)
                self.counts["commands refused"] += 1
                return False
            sent.seq = done.row.version
        return True

    def _merge_doubles(self) -> None:
        """Somebody at intake merges what the filing run lists: cases whose defects turned out to be one."""
        services = self.services
        with case_unit.reading(services.engine) as unit:
            rows = [unit.rows.get(name) for name in unit.rows.names(CaseFilter(is_open=True), self.time)]
        about = [row.defect for row in rows if row is not None and row.defect is not None]
        found = self._tried("doubles looked for", lambda: file_defects(services.desk, FilingRules(), about), 0)
        for into, *others in found.doubles:
            for case in others:
                ask = Ask(key=f"city:merge:{case}:{into}")
                try:
                    self._tried("command: merged", partial(services.desk.merge, INTAKE, case, into, ask))
                    self.counts["cases merged"] += 1
                except NotAllowed as exc:
                    logger.warning("%s", exc)
                    self.counts["commands refused"] += 1
        if found.filed:
            self._look_for_work()

    def _phone(self, move: Move, case: str, version: int) -> datetime | None:
        """What a crew's phone says; now and then its clock is wrong."""
        if move.who.role is not Role.CREW:
            return None
        chance = Chance(self.plan.seed, case).draw(8, version)
        if chance.random() >= self.plan.faults.wrong_phone:
            return None
        self.counts["commands of wrong phones"] += 1
        return self.time + timedelta(hours=float(chance.uniform(-_PHONE_H, _PHONE_H)))

    def _tried(self, kind: str, call: Callable[[], Result], items: int = 1) -> Result:
        """Until the database takes it; now and then the answer is lost, and it is asked again.

        A call of very many transactions would never get through all of them: no storm lasts longer than three tries.
        """
        for tries in itertools.count():
            try:
                with self.meter.timed(kind, items), self._weather.over() if tries < LONGEST_STORM else nullcontext():
                    result = call()
            except StorageAway:
                self.counts["calls that met a lost connection"] += 1
                self._unsure = True
                continue
            if self._chance.random() < self.plan.faults.lost_answers:
                self.counts["calls repeated because the answer was lost"] += 1
                self._once_more(call)
            return result
        raise AssertionError("it is tried again without end")

    def _once_more(self, call: Callable[[], object]) -> None:
        """Whoever did not hear the answer asks again."""
        while True:
            try:
                call()
            except StorageAway:
                self.counts["calls that met a lost connection"] += 1
            else:
                return

    # -- after the last day

    def _end(self) -> None:
        """What is still on its way comes in, and everything is told and signed."""
        last = max((one.arrives for one in self._pending), default=self.time)
        for handful in self._arrived(last):
            self.time = max(self.time, handful[-1].arrives)
            self._take(handful)
        self.time = self.time.replace(second=0, microsecond=0) + TICK
        self._tick(self.time)
        self._merge_doubles()
        self._tick(self.time)
        self._tried("ledger: leaves added, signed, shown", self.services.sign, 0)
        self.books.save(self._pending)
