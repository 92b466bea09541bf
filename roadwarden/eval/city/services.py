"""The services of the city as their processes have them, on one simulated clock; they may be killed at any moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from roadwarden.cases.kpi_weeks import CITY_ZONE
from roadwarden.errors import ConfigError
from roadwarden.eval.city.eyes import VEHICLE, Pole
from roadwarden.eval.city.measured import verdict_of
from roadwarden.geo.camera import CameraModel
from roadwarden.geo.pole import PoleCamera
from roadwarden.inference.stream.sink import DatabaseSink, LiveFixes
from roadwarden.ledger.checkpoint import KeyRing
from roadwarden.ledger.key_files import read_private_key, ring_of, write_new_key
from roadwarden.ledger.note import SigningKey
from roadwarden.repairs.case_pictures import NO_HINTS, CaseHints
from roadwarden.repairs.worker import Worker
from roadwarden.service.assessing import Assessing, Judged, Recorded
from roadwarden.service.case_looks import Taken
from roadwarden.service.cases import CaseDesk
from roadwarden.service.city.offices import city_dispatch_table
from roadwarden.service.city.work import Chance, NoPictures, Office
from roadwarden.service.delivery import Courier
from roadwarden.service.destinations import FileDestination
from roadwarden.service.filing import FilingRules
from roadwarden.service.ledger import Ledger
from roadwarden.service.scheduler import Scheduler
from roadwarden.service.senders import sender_of
from roadwarden.service.witnesses import open_witness
from roadwarden.storage.schema import open_storage

AUDIT_SHARE = 0.05
TOLD = ("warning.*", "case.filed", "case.closed")
"""What the receiver of messages wants."""

Now = Callable[[], datetime]


class Weather:
    """Breaks transactions before they are committed: the database loses the connection, or all services are killed."""

    def __init__(self, share: float, seed: int) -> None:
        self._share, self._chance = share, Random(seed)
        self._blows = False
        self.break_next = False

    def blow_on(self, engine: Engine) -> None:
        """From now on."""
        event.listen(engine, "commit", self._commit)

    @contextmanager
    def over(self) -> Iterator[None]:
        """Over a call of a service; what the simulation itself reads is spared."""
        self._blows = True
        try:
            yield
        finally:
            self._blows = False

    def _commit(self, _connection: Connection) -> None:
        if self._blows and (self.break_next or self._chance.random() < self._share):
            self.break_next = False
            raise OperationalError("COMMIT", None, ConnectionResetError("the connection was lost, as the plan wants"))


@dataclass(frozen=True, slots=True)
class DrawnJudge:
    """A ``Judge`` that draws its verdicts from the measured table: there are no pictures to look at."""

    office: Office

    def judge(self, taken: Taken, hints: CaseHints = NO_HINTS) -> Judged:
        """By what the crew has really done."""
        events = self.office.desk.events(taken.job.case)
        report = next(one for one in events if one.seq == taken.job.report_seq)
        chance = Chance(self.office.seed, taken.job.case).draw(7, report.seq)
        verdict = verdict_of(mended=self.office.is_mended(report, events), chance=chance)
        text = "drawn from the measured table"
        content = {"versions": {"judge": "drawn"}, "reason": "drawn", "verdict": verdict.value, "overlay": None}
        return Judged(verdict, 0.5, text, "按实测混淆表抽取", content)


@dataclass(slots=True)
class Judgements:
    """A ``Watch``: which cases have a verdict since it was asked last."""

    cases: list[str] = field(default_factory=list)

    def judged(self, recorded: Recorded, seconds: float) -> None:
        """Of one report."""
        self.cases.append(recorded.done.row.case_id)

    def failed(self, why: object) -> None:
        """It is tried again."""


@dataclass(slots=True)
class Services:
    """All of them; ``open`` makes them anew, with nothing in memory."""

    url: str
    out: Path
    seed: int
    poles: Sequence[Pole]
    now: Now
    weather: Weather
    engine: Engine = field(init=False)
    desk: CaseDesk = field(init=False)
    office: Office = field(init=False)
    sink: DatabaseSink = field(init=False)
    scheduler: Scheduler = field(init=False)
    assessor: Worker = field(init=False)
    verdicts: Judgements = field(init=False)
    ledger: Ledger = field(init=False)
    _eyes: dict[str, tuple[CameraModel | PoleCamera | None, str, LiveFixes]] = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """As after the start of their processes."""
        self.engine = open_storage(self.url)
        self.weather.blow_on(self.engine)
        self.desk = CaseDesk(self.engine, now=self.now)
        self.office = Office(self.desk, city_dispatch_table(), NoPictures(), self.seed, queue=True)
        poles = {one.name: one.model for one in self.poles}
        self._eyes = {name: (model, name, LiveFixes(None, None)) for name, model in poles.items()}
        self.sink = DatabaseSink(self.engine, self._eyes_of, self.desk, FilingRules(), self.now, float("inf"))
        receiver = FileDestination(kind="file", name="receiver", path=self.receiver, topics=TOLD)
        self.scheduler = Scheduler(
            self.engine, [Courier(self.engine, receiver, sender_of(receiver), self.now)], now=self.now
        )
        self.verdicts = Judgements()
        queue = Assessing(self.desk, f"assessor {np.random.default_rng().integers(10**9)}", AUDIT_SHARE)
        self.assessor = Worker(queue, lambda: DrawnJudge(self.office), self.verdicts)
        self.ledger = Ledger(self.engine)

    def kill(self) -> None:
        """Nothing is said to anybody, nothing is kept."""
        self.engine.dispose()

    @property
    def receiver(self) -> Path:
        """Where messages are received."""
        return self.out / "received.jsonl"

    @property
    def witness(self) -> Path:
        """That of another department."""
        return self.out / "witness.jsonl"

    @property
    def key(self) -> SigningKey:
        """Of the log; made where it is not."""
        place = self.out / "log.key"
        return read_private_key(place) if place.exists() else write_new_key(place, "city.example/simulated")

    @property
    def ring(self) -> KeyRing:
        """Who is believed about the log."""
        return ring_of(self.key)

    def sign(self) -> int:
        """The log follows, is signed and shown to the witness; returns the new leaves."""
        added = self.ledger.follow()
        self.witness.touch()
        self.ledger.checkpoint(self.key, self.now())
        self.ledger.show(open_witness(str(self.witness)), self.ring, self.now())
        return added

    def _eyes_of(self, camera: str) -> tuple[CameraModel | PoleCamera | None, str, LiveFixes]:
        if camera not in self._eyes:
            if not camera.startswith("car-"):
                raise ConfigError(f"camera {camera} is not of this city")
            self._eyes[camera] = (VEHICLE, camera, LiveFixes(None, ZoneInfo(CITY_ZONE)))
        return self._eyes[camera]
