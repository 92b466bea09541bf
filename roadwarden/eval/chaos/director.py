"""Runs an evening: plays the score, strikes, waits until all is in, and has it audited."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import shlex
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url

from roadwarden.errors import ConfigError, StorageAway
from roadwarden.eval.chaos.audit import (
    Truth,
    calm_evening,
    check_books,
    check_poison,
    compare,
    is_empty,
    read_tables,
)
from roadwarden.eval.chaos.broker import Broker, Sender
from roadwarden.eval.chaos.film import FilmServer, write_film
from roadwarden.eval.chaos.gate import Gate
from roadwarden.eval.chaos.hands import Hand
from roadwarden.eval.chaos.moves import Leases, Moves
from roadwarden.eval.chaos.plan import Play, Score, Strike, Trouble, compose
from roadwarden.eval.chaos.stage import Stage, build_stage
from roadwarden.eval.finding import Finding
from roadwarden.geo.read_network import read_network
from roadwarden.inference.stream.model_slot import LoadedModel, load_model
from roadwarden.models.load import model_path
from roadwarden.service.roads import import_roads
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import reading

logger = logging.getLogger(__name__)

READY_S, PATIENCE_S, POLL_S = 180.0, 300.0, 1.0
MODELS = ("shipped:fp32", "shipped:int8")
LEASE_S = 6.0


@dataclass(frozen=True, slots=True)
class Evening:
    """What is asked for."""

    folder: Path
    database: str
    seconds: float
    seed: int = 1
    workers: int = 1
    broker: bool = False
    rate: float = 0.4  # frames a second of each camera
    pictures: int = 24
    restart_database: str = ""  # a command; without one its connections are broken and refused


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    evening: Evening
    findings: tuple[Finding, ...]
    played: dict[str, int]
    struck: dict[str, int]
    film: dict[str, int]
    lives: list[dict[str, Any]]
    models: dict[str, int]  # frames that each looked at
    took_s: float
    settled_s: float  # from the last frame until all was in
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def holds(self) -> bool:
        """Whether everything does."""
        return all(one.holds for one in self.findings)


class Director:
    """Of one evening; a context manager that ends what it has started."""

    def __init__(self, evening: Evening, tell: Callable[[str], None] = lambda _text: None) -> None:
        self._evening, self._tell = evening, tell
        self._ends = contextlib.ExitStack()
        self._url: URL = make_url(evening.database)
        self._numbers = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._model = 0
        self._moves, self._noted_s = Moves(), 0.0

    def __enter__(self) -> Director:
        """Builds the stage and opens the database; raises ConfigError for one that is in use."""
        evening = self._evening
        queued = ("bus-1", "bus-2", "box-1", "box-2") if evening.broker else ()
        rates = dict.fromkeys((*queued, "depot-1"), evening.rate)
        self.score: Score = compose(evening.seed, evening.seconds, rates, evening.workers, broker=evening.broker)
        passes = int(evening.seconds * evening.rate) // evening.pictures + 1
        self._tell("the street is rendered")
        self._queues = frozenset(queued)
        self.stage: Stage = build_stage(
            evening.folder / "street", tuple(rates), frozenset(one for one in queued if one.startswith("box")), passes,
            datetime.now(UTC), frames=evening.pictures, seed=evening.seed,
        )  # fmt: skip
        self.engine: Engine = open_storage(evening.database)
        self._ends.callback(self.engine.dispose)
        if not is_empty(self.engine):
            raise ConfigError(
                f"{self._url.render_as_string()}: holds frames or cases; chaos wants a database of its own"
            )
        self._import_roads(self.engine)
        self._open_surroundings()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends workers, broker and servers."""
        self._ends.close()

    def run(self) -> Outcome:
        """The whole evening."""
        begun_s, evening = time.monotonic(), self._evening
        for hand in self.hands:
            hand.start()
            self._ends.callback(hand.kill)
        shared = evening.workers > 1
        self._wait(lambda: all(one.is_ready and (one.is_reading or not shared) for one in self.hands), READY_S)
        self._tell("the workers are ready")
        self._play()
        played_s = time.monotonic()
        truth = Truth(self.stage, self.score.shots, self._queues, self._models())
        self._wait(lambda: self._is_all_in(truth), PATIENCE_S)
        settled_s = time.monotonic() - played_s
        self._tell(f"all was in after {settled_s:.0f} s" if self._is_all_in(truth) else "not all came in")
        for hand in self.hands:
            hand.drain()
        return self._audited(truth, time.monotonic() - begun_s, settled_s)

    def _import_roads(self, engine: Engine) -> None:
        import_roads(engine, read_network(self.stage.roads).network.segments, "chaos", datetime.now(UTC))

    # -- what stands around

    def _open_surroundings(self) -> None:
        evening, folder = self._evening, self._evening.folder
        self._inbox = folder / "depot-1"
        self._inbox.mkdir(parents=True)
        self._alias = folder / "model.txt"
        self._alias.write_text(str(model_path(MODELS[0])), encoding="utf-8")
        self.film = FilmServer(write_film(self.stage, folder / "film.ts"), evening.seed)
        self._ends.callback(self.film.end)
        self._gate: Gate | None = None
        if self._url.get_backend_name() != "sqlite":
            self._gate = Gate(self._url.host or "127.0.0.1", self._url.port or 5432)
            self._ends.callback(self._gate.end)
        self._broker: Broker | None = None
        self._sender: Sender | None = None
        if evening.broker:
            self._broker = Broker(folder / "nats")
            self._broker.start()
            self._ends.callback(self._broker.kill)
            self._sender = Sender(self._broker.url)
            self._ends.callback(self._sender.end)
        self.hands = [
            Hand(f"worker-{number}", folder / f"worker-{number}", self._config(), self._alias)
            for number in range(1, evening.workers + 1)
        ]

    def _config(self) -> dict[str, Any]:
        """The same for all: several workers share the cameras."""
        eyes = {"camera": str(self.stage.camera_file), "track": str(self.stage.track)}
        film = {"kind": "network", "url": self.film.url, "timeout_s": 2.0, "silence_s": 3.0}
        gate = {"source": film, "sampling": {"by": "time", "every_s": 3.0}}
        cameras: dict[str, Any] = {f"gate-{number}": gate for number in range(1, self._evening.workers + 1)}
        folder = {"kind": "folder", "path": str(self._inbox), "poll_s": 0.5, "settled_s": 0.2}
        cameras["depot-1"] = {"source": folder, **eyes}
        if self._broker is not None:
            for name, kind in (("frames", "jetstream"), ("boxes", "boxes")):
                source = {"kind": kind, "url": self._broker.url, "ack_wait_s": 20.0}
                cameras[name] = {"source": source, **eyes}
        url = self._url if self._gate is None else self._url.set(host="127.0.0.1", port=self._gate.port)
        return {
            "cameras": cameras,
            "database": url.render_as_string(hide_password=False),
            "batching": {"lanes": 1, "max_frames": 1},
            "swap": {"poll_s": 2.0},
            "sharing": {"lease_s": LEASE_S} if self._evening.workers > 1 else None,
        }

    # -- the play

    def _play(self) -> None:
        begun_s = time.monotonic()
        for play in self.score.plays:
            self._later(begun_s + play.at_s, lambda play=play: self._hand_over(play))  # type: ignore[misc]
        for strike in self.score.strikes:
            self._later(begun_s + strike.at_s, lambda strike=strike: self._strike(strike))  # type: ignore[misc]
        while self._due:
            at_s, _, act = heapq.heappop(self._due)
            time.sleep(max(0.0, at_s - time.monotonic()))
            act()
            self._look_after()

    def _later(self, at_s: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (at_s, next(self._numbers), act))

    def _hand_over(self, play: Play) -> None:
        shot = play.shot
        if shot.camera not in self._queues:
            draft = self._evening.folder / "draft.jpg"
            draft.write_bytes(self.stage.picture(shot))
            draft.rename(self._inbox / f"{next(self._numbers):07d}.jpg")
        elif self._sender is not None:
            is_box = shot.camera in self.stage.boxes
            body = self.stage.message(shot) if is_box else self.stage.picture(shot)
            self._sender.put(f"roadwarden.{'boxes' if is_box else 'frames'}.{shot.camera}", body)

    def _strike(self, strike: Strike) -> None:
        self._tell(f"{strike.trouble}")
        if strike.trouble is Trouble.DATABASE_AWAY:
            self._moves.excuse(strike.for_s, time.monotonic())
        ends_s = time.monotonic() + strike.for_s
        if strike.trouble is Trouble.KILL_WORKER:
            hand = self.hands[strike.which]
            called = hand.called
            hand.kill()
            self._moves.killed(called, self._leases(), time.monotonic())
            hand.start()
        elif strike.trouble is Trouble.MODEL_SWAP:
            self._model = (self._model + 1) % len(MODELS)
            draft = self._alias.with_suffix(".new")
            draft.write_text(str(model_path(MODELS[self._model])), encoding="utf-8")
            draft.rename(self._alias)
        elif strike.trouble is Trouble.BROKER_RESTART and self._broker is not None:
            self._broker.kill()
            self._later(ends_s, self._broker.start)
        elif self._gate is None:
            lock = sqlite3.connect(str(self._url.database), timeout=30, isolation_level=None)
            lock.execute("BEGIN IMMEDIATE")
            self._later(ends_s + strike.for_s, lock.close)  # longer: a busy SQLite is waited for 30 s
        else:
            self._gate.close()
            if self._evening.restart_database:
                subprocess.run(
                    shlex.split(self._evening.restart_database), check=True, capture_output=True, timeout=120
                )
            self._later(ends_s, self._gate.open)

    def _look_after(self) -> None:
        for hand in self.hands:
            if not hand.is_running:
                hand.note_death()
                hand.start()
        if self._evening.workers > 1 and time.monotonic() - self._noted_s > POLL_S:
            self._noted_s = time.monotonic()
            self._moves.note(self._leases(), self._noted_s)

    def _leases(self) -> Leases:
        """Of the shared cameras; none while the database does not answer."""
        try:
            with reading(self.engine) as unit:
                return unit.leases.leases()
        except StorageAway:
            return {}

    def _is_all_in(self, truth: Truth) -> bool:
        self._look_after()
        if self._moves.waiting:
            return False
        if self._sender is not None and len(self._sender):
            return False
        try:
            kept = read_tables(self.engine, self.stage.cameras).keys
        except StorageAway:
            return False
        if truth.missing(kept):
            return False
        return check_poison(self.stage, truth.poison, [one for hand in self.hands for one in hand.quarantine()]).holds

    def _wait(self, holds: Callable[[], bool], longest_s: float) -> bool:
        end_s = time.monotonic() + longest_s
        while not holds():
            if time.monotonic() > end_s:
                return False
            time.sleep(POLL_S)
        return True

    # -- the audit

    def _models(self) -> list[LoadedModel]:
        return [load_model(model_path(name), 1, 1) for name in MODELS]

    def _audited(self, truth: Truth, took_s: float, settled_s: float) -> Outcome:
        found = read_tables(self.engine, self.stage.cameras)
        deliveries = truth.deliveries(found.keys)
        calm = open_storage(f"sqlite:///{self._evening.folder}/calm.db")
        self._import_roads(calm)
        calm_evening(calm, self.stage, deliveries, datetime.now(UTC))
        lives = [life for hand in self.hands for life in hand.lives]
        quarantined = [one for hand in self.hands for one in hand.quarantine()]
        findings = [
            *check_books(lives),
            *compare(found, read_tables(calm, self.stage.cameras), truth),
            check_poison(self.stage, truth.poison, quarantined),
            *([self._moves.finding()] if self._evening.workers > 1 else []),
        ]
        calm.dispose()
        plays = self.score.plays
        return Outcome(
            self._evening,
            tuple(findings),
            {**Counter(str(one.arrives) for one in plays), **Counter(str(one.shot.spoil) for one in plays)},
            dict(Counter(str(one.trouble) for one in self.score.strikes)),
            dict(self.film.done),
            [{"worker": one.worker, "ended": one.ended, "drain_s": one.drain_s, "total": one.books.get("total")}
             for one in lives],
            dict(Counter(one.frame.model for one in deliveries)),
            round(took_s, 1),
            round(settled_s, 1),
        )  # fmt: skip
