"""How fast lists, the countdown board and the replay of one case are in a database that holds years of cases.

The cases are made up: a thousand days of 194 each, most of them closed, with false "done", parks and raised severity;
their rows come from the same projection as everybody's.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Engine

from roadwarden.cases.case_projection import row_of
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.events import CaseEvent, EventType, Role, SafetyMeasure, Severity, parse_data
from roadwarden.cases.permissions import Person
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.errors import ConfigError
from roadwarden.service.cases import CaseDesk
from roadwarden.storage.case_rows import CaseFilter, Order, key_of
from roadwarden.storage.case_unit import reading, writing
from roadwarden.storage.engine import analyse, shown

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
A_DAY = 194  # cases of a city (DOMAIN 0)
OPEN_SHARE = 0.05
AREAS, SEGMENTS, CREWS = 14, 3200, 40
DEPARTMENTS = ("roads", "utilities", "drainage", "traffic_police", "street_office", "lighting")
PROBLEMS = ("pothole", "alligator_crack", "longitudinal_crack", "transverse_crack", "rutting", "patch")
FILL_AT_ONCE = 1000
PAGE = 50
LIST_TARGET_MS, REPLAY_TARGET_MS = 50.0, 5.0

Step = tuple[EventType, float, dict[str, Any]]
Question = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Timing:
    """One kind of question, asked many times, each time another one; milliseconds, transaction included."""

    what: str
    rounds: int
    p50_ms: float
    p95_ms: float
    worst_ms: float
    cpu_p95_ms: float  # of this process: all of SQLite's work, none of PostgreSQL's server's
    target_ms: float | None

    @property
    def holds(self) -> bool:
        """Whether the target is met, where there is one."""
        return self.target_ms is None or self.p95_ms < self.target_ms


@dataclass(frozen=True, slots=True)
class CasesBench:
    """One run."""

    database: str
    cases: int
    events: int
    open: int
    load: float  # of the machine before the questions: what others do on it is in the times
    timings: tuple[Timing, ...]

    @property
    def holds(self) -> bool:
        """Whether every target is met."""
        return all(timing.holds for timing in self.timings)

    def as_json(self) -> dict[str, Any]:
        """Its fields, and whether the targets hold."""
        return asdict(self) | {"holds": self.holds}

    def markdown(self) -> str:
        """A table for eval/benchmarks."""
        head = (
            f"{self.database}: {self.cases:,} cases, {self.events:,} events, {self.open:,} open; load {self.load:.1f}"
        )
        columns = ("question", "rounds", "P50, ms", "P95, ms", "worst, ms", "P95 of our CPU, ms", "target P95, ms")
        lines = [head, "", f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
        for one in self.timings:
            target = "" if one.target_ms is None else f"{one.target_ms:g}" + ("" if one.holds else " **missed**")
            numbers = f"{one.p50_ms:.2f} | {one.p95_ms:.2f} | {one.worst_ms:.2f} | {one.cpu_p95_ms:.2f}"
            lines.append(f"| {one.what} | {one.rounds} | {numbers} | {target} |")
        return "\n".join(lines)


def bench_cases(engine: Engine, *, cases: int, rounds: int, seed: int, tell: Callable[[str], None]) -> CasesBench:
    """Fills the database up to so many cases, then asks every kind of question ``rounds`` times.

    Raises ConfigError where the database holds cases that this bench has not made.
    """
    fill(engine, cases, tell)
    now = end_of(cases)
    draw = random.Random(seed)
    load = os.getloadavg()[0]
    timings = [
        _timed(what, rounds, question, target) for what, question, target in _questions(engine, cases, now, draw)
    ]
    with reading(engine) as unit:
        is_open = unit.rows.count(CaseFilter(is_open=True), now)
        events = unit.events.count()
    return CasesBench(shown(engine).partition(":")[0], cases, events, is_open, load, tuple(timings))


def _timed(what: str, rounds: int, question: Question, target_ms: float | None) -> Timing:
    question()  # statements are compiled and pages are read once
    took, busy = [], []
    for _ in range(rounds):
        start, cpu = time.perf_counter(), time.process_time()
        question()
        took.append((time.perf_counter() - start) * 1e3)
        busy.append((time.process_time() - cpu) * 1e3)
    p50, p95 = np.percentile(took, [50, 95])
    return Timing(what, rounds, float(p50), float(p95), max(took), float(np.percentile(busy, 95)), target_ms)


def _questions(
    engine: Engine, cases: int, now: datetime, draw: random.Random
) -> Iterator[tuple[str, Question, float | None]]:
    desk = CaseDesk(engine, now=lambda: now)

    def area() -> str:
        return f"area-{draw.randrange(AREAS)}"

    def when() -> datetime:
        return FIRST_DAY + (now - FIRST_DAY) * draw.random()

    def asked(order: Order, wanted: Callable[[], CaseFilter], *, paged: bool = False) -> Question:
        def ask() -> Sequence[CaseRow]:
            with reading(engine) as unit:
                after = (when(), "") if paged else None
                return unit.rows.list(wanted(), now, order, PAGE, after)

        return ask

    def second_page() -> object:
        with reading(engine) as unit:
            page = unit.rows.board(CaseFilter(area=area()), now, PAGE)
            return unit.rows.board(CaseFilter(), now, PAGE, key_of(page[-1], Order.DUE)) if page else None

    lists: Mapping[str, Question] = {
        "countdown board": asked(Order.DUE, CaseFilter),
        "countdown board of an area": asked(Order.DUE, lambda: CaseFilter(area=area())),
        "countdown board of a crew": asked(Order.DUE, lambda: CaseFilter(crew=f"crew-{draw.randrange(CREWS)}")),
        "countdown board, severe ones of three areas": asked(
            Order.DUE, lambda: CaseFilter(severity=Severity.SEVERE, areas=(area(), area(), area()))
        ),
        "countdown board, two pages": second_page,
        "list, newest": asked(Order.NEWEST, CaseFilter),
        "list, a page from the middle": asked(Order.NEWEST, CaseFilter, paged=True),
        "list of an area, closed": asked(Order.NEWEST, lambda: CaseFilter(area=area(), state="closed")),
        "list of a segment": asked(Order.NEWEST, lambda: CaseFilter(segment=f"s{draw.randrange(SEGMENTS)}")),
        "list of a type in an area, severe": asked(
            Order.NEWEST, lambda: CaseFilter(area=area(), distress=draw.choice(PROBLEMS), severity=Severity.SEVERE)
        ),
        "list of a department, before a day": asked(
            Order.NEWEST, lambda: CaseFilter(department=draw.choice(DEPARTMENTS), filed_before=when())
        ),
        "list, overdue": asked(Order.NEWEST, lambda: CaseFilter(overdue=True)),
        "list, parked": asked(Order.NEWEST, lambda: CaseFilter(state="parked")),
    }
    for what, question in lists.items():
        yield what, question, LIST_TARGET_MS
    yield "replay of one case", lambda: desk.answer(name_of(draw.randrange(cases))), REPLAY_TARGET_MS
    yield "open cases counted by state", lambda: _count(engine, now), None
    yield "a command, kept durably", lambda: _command(desk, cases, draw), None


def _count(engine: Engine, now: datetime) -> Mapping[str, int]:
    with reading(engine) as unit:
        return unit.rows.count_by_state(CaseFilter(is_open=True), now)


def _command(desk: CaseDesk, cases: int, draw: random.Random) -> object:
    officer = Person("u3", Role.DUTY_OFFICER, frozenset({"*"}))
    return desk.record(officer, name_of(draw.randrange(cases)), SafetyMeasure("fence"))


def fill(engine: Engine, cases: int, tell: Callable[[str], None]) -> None:
    """Cases up to that many; raises ConfigError where the database holds cases of somebody else."""
    with reading(engine) as unit:
        there = unit.events.count_cases()
        if there and not unit.events.version(name_of(0)):
            raise ConfigError("the database holds cases of somebody; give this bench a database of its own")
    policies, now = shipped_clock_policies(), end_of(cases)
    for first in range(there, cases, FILL_AT_ONCE):
        histories = [_history(number, cases) for number in range(first, min(first + FILL_AT_ONCE, cases))]
        rows = [row for events in histories if (row := row_of(events, policies)) is not None]
        with writing(engine) as unit:
            unit.events.add([event for events in histories for event in events], {}, now)
            unit.rows.put(rows)
        if first // FILL_AT_ONCE % 20 == 0:
            tell(f"{first:,} of {cases:,} cases stored")
    if there < cases:
        analyse(engine)


def name_of(number: int) -> str:
    """Of a case, by its number."""
    return f"bench-{number:06d}"


def end_of(cases: int) -> datetime:
    """When the newest of so many cases happens."""
    return FIRST_DAY + timedelta(days=cases / A_DAY)


def _history(number: int, cases: int) -> list[CaseEvent]:
    """A story by its number: the newest ones are in the middle of theirs."""
    draw = random.Random(number)
    started = FIRST_DAY + timedelta(days=number / A_DAY)
    steps = list(_steps(draw))
    if number >= cases * (1 - OPEN_SHARE):
        started = end_of(cases) - timedelta(hours=60 * draw.random())
        steps = steps[: draw.randrange(1, 7)]
        if draw.random() < 0.1:
            steps.append((EventType.PARKED, 12.0, _park(started)))
    ended = end_of(cases)
    return [
        _event(number, seq, kind, min(started + timedelta(hours=hours), ended), data)
        for seq, (kind, hours, data) in enumerate(steps, 1)
    ]


def _steps(draw: random.Random) -> Iterator[Step]:
    filed = {
        "distress": draw.choice(PROBLEMS),
        "severity": draw.choices(["normal", "severe"], [9, 1])[0],
        "area": f"area-{draw.randrange(AREAS)}",
        "segment": f"s{draw.randrange(SEGMENTS)}",
        "domain": "pavement",
        "road_grade": draw.choice(["I", "II", "III"]),
        "owner": "city",
        "longitude": 120 + draw.random(),
        "latitude": 30 + draw.random(),
        "source": "camera",
    }
    to = {"department": draw.choice(DEPARTMENTS), "crew": f"crew-{draw.randrange(CREWS)}"}
    yield EventType.FILED, 0.0, filed
    yield EventType.DISPATCHED, 0.5, to
    yield EventType.ACCEPTED, 1.0 + draw.random(), {}
    yield EventType.SAFETY_MEASURE, 3.0, {"kind": "fence"}
    yield EventType.REPAIR_STARTED, 5.0 + 30 * draw.random(), {}
    yield EventType.REPAIR_REPORTED, 38.0, {"evidence": [f"{draw.getrandbits(256):064x}"]}
    yield EventType.ASSESSED, 40.0, {"verdict": "NOT_REPAIRED", "report_seq": 6}
    yield EventType.REPAIR_REPORTED, 44.0, {"evidence": [f"{draw.getrandbits(256):064x}"]}
    yield EventType.ASSESSED, 46.0, {"verdict": "REPAIRED", "report_seq": 8}
    yield EventType.CLOSED, 47.0, {}
    if draw.random() < 0.5:
        yield EventType.SAFETY_MEASURE, 48.0, {"kind": "cleared"}


def _park(started: datetime) -> dict[str, Any]:
    until = (started + timedelta(days=5)).isoformat()
    return {"reason": "rain", "until": until, "approved_by": {"actor": "u4", "role": "road_chief"}}


_ROLES = {
    EventType.FILED: Role.SYSTEM,
    EventType.DISPATCHED: Role.DISPATCHER,
    EventType.ACCEPTED: Role.CREW,
    EventType.REPAIR_STARTED: Role.CREW,
    EventType.REPAIR_REPORTED: Role.CREW,
    EventType.ASSESSED: Role.ASSESSOR,
}


def _event(number: int, seq: int, kind: EventType, at: datetime, data: dict[str, Any]) -> CaseEvent:
    role = _ROLES.get(kind, Role.DUTY_OFFICER)
    return CaseEvent(name_of(number), seq, kind, at, at, f"{role}-{number % 50}", role, parse_data(kind, data))
