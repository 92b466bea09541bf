"""The worker: puts the parts together, starts them, watches them and ends them in an order in which nothing is lost."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
from sqlalchemy import Engine

from roadwarden.detections import Detections
from roadwarden.errors import ConfigError, StorageAway
from roadwarden.geo.camera import CameraModel
from roadwarden.geo.camera_file import read_camera
from roadwarden.geo.pole import PoleCamera
from roadwarden.inference.stream.books import Books
from roadwarden.inference.stream.config import CameraConfig, StreamConfig
from roadwarden.inference.stream.familiar import Familiar
from roadwarden.inference.stream.forgetting import Forgetter, forgotten_before
from roadwarden.inference.stream.hall import Entrant, Hall
from roadwarden.inference.stream.lane import Exits, Lane
from roadwarden.inference.stream.leaseholder import Leaseholder
from roadwarden.inference.stream.memory import machine_bytes, used_bytes
from roadwarden.inference.stream.model_slot import ModelSlot
from roadwarden.inference.stream.opening import CameraNames
from roadwarden.inference.stream.pictures import PictureDecoder
from roadwarden.inference.stream.protocols import Look, Sink, Source
from roadwarden.inference.stream.quarantine import Quarantine
from roadwarden.inference.stream.recorder import Outlets, Pace, Recorder, door_of
from roadwarden.inference.stream.report import BOOKS, StreamReport, write_report
from roadwarden.inference.stream.roster import Roster, Staff
from roadwarden.inference.stream.runner import Health, Runner
from roadwarden.inference.stream.sink import DatabaseSink, LiveFixes
from roadwarden.inference.stream.sources import source_of
from roadwarden.inference.stream.spool import SpoolFolder
from roadwarden.inference.stream.swap import AliasFollower
from roadwarden.inference.stream.values import Door, Message, StreamFrame
from roadwarden.inference.zone import read_zone
from roadwarden.models.onnx import runs_on_gpu
from roadwarden.service.cases import CaseDesk
from roadwarden.service.filing import FilingRules

logger = logging.getLogger(__name__)

TICK_S = 0.2
STATE_EVERY_S = 1.0
RECORDER_END_S = 1.5
"""After the time for draining: a database that does not answer must not keep a worker from ending."""
GPU_BATCH = 16
SWITCH_S = 0.0005
"""A lane that comes back from OpenCV or the detector waits for Python so long at most; with its 5 ms lanes queued."""
NAMES = "cameras.json"


@dataclass(frozen=True, slots=True)
class Shape:
    """Lanes and batches on this machine."""

    lanes: int
    threads: int
    most: int
    deadline_s: float

    @classmethod
    def of(cls, config: StreamConfig) -> Shape:
        """What the configuration says, and what it leaves open."""
        gpu, cores = runs_on_gpu(), len(os.sched_getaffinity(0))
        lanes = config.batching.lanes or (1 if gpu else cores)
        most = config.batching.max_frames or (GPU_BATCH if gpu else 1)
        return cls(lanes, max(1, cores // lanes), most, config.batching.deadline_ms / 1000)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker is given; tests give others."""

    engine: Engine
    slot: ModelSlot
    desk: CaseDesk | None = None
    rules: FilingRules = field(default_factory=FilingRules)
    make_source: Callable[[str, CameraConfig, Callable[[str], None]], Source] | None = None
    sink: Sink | None = None
    follower: AliasFollower | None = None


@dataclass(slots=True)
class _Optics:
    model: CameraModel | PoleCamera | None
    vehicle: str
    fixes: LiveFixes


class Worker:
    """One process's worker; ``run`` returns when it has ended."""

    def __init__(
        self, config: StreamConfig, parts: Parts, *, until_eof: bool = False, path: Path | None = None
    ) -> None:
        """``path``: of the configuration, read again on ``reload``. Raises ConfigError."""
        if config.sharing is not None and until_eof:
            raise ConfigError("--until-eof: a worker that shares cameras has no end; leave out one of the two")
        self._parts, self._until_eof = parts, until_eof
        self.roster = Roster(config, path, Staff(self._runner, self._forget_optics, self._is_kept))
        self.books = Books()
        self.shape = Shape.of(config)
        self.quarantine = Quarantine(config.state / "quarantine")
        self.hall = Hall(self._dismissed)
        self.slot = parts.slot
        self._optics: dict[str, _Optics] = {}
        self._models: dict[Path, CameraModel | PoleCamera] = {}
        self._optics_lock = threading.Lock()
        self.sink = parts.sink or DatabaseSink(parts.engine, self._optics_of, parts.desk, parts.rules)
        spool = SpoolFolder(config.state / "spool", config.delivery.spool_frames, config.delivery.spool_full)
        delivery = config.delivery
        self.recorder = Recorder(
            self.sink,
            spool,
            Outlets(self._leave, self._gave_up, self._refused, self.on_kept),
            Pace(delivery.commit_s, delivery.commit_frames, delivery.tries),
        )
        self._names = CameraNames(config.state / NAMES)
        self.forgetter = Forgetter(self._forgotten_before, self._forget)
        self._familiar = Familiar(self.sink.known)
        self._decode = PictureDecoder()
        self.lanes = [self._lane(number) for number in range(self.shape.lanes)]
        self.leaseholder = (
            Leaseholder(parts.engine, self.roster, lambda: self.roster.wanted, config.sharing.lease_s)
            if config.sharing
            else None
        )
        self.started_at = datetime.now(UTC)
        self._stop, self._reload = threading.Event(), threading.Event()
        self._lanes_stop, self._recorder_stop = threading.Event(), threading.Event()
        self._state_s = 0.0
        self._limit_bytes = config.memory_limit_mb * 2**20 or machine_bytes() * 3 // 4
        self.watchers: list[Callable[[Sequence[Look]], None]] = []
        self.batches: list[Callable[[int, float], None]] = []

    # -- what may be asked of it from outside

    @property
    def config(self) -> StreamConfig:
        """As it was read last."""
        return self.roster.config

    @property
    def runners(self) -> Mapping[str, Runner]:
        """Of the cameras that it reads now."""
        return self.roster.runners

    def stop(self) -> None:
        """Ends the worker within the time for draining; may be called by a signal handler."""
        self._stop.set()

    def reload(self) -> None:
        """Reads the cameras again at the next tick; may be called by a signal handler."""
        self._reload.set()

    def health(self) -> dict[str, Health]:
        """Of every camera."""
        return {name: one.health() for name, one in list(self.runners.items())}

    def report(self, *, ended: bool = False) -> StreamReport:
        """At this moment."""
        sink = self.sink
        ours = sink if isinstance(sink, DatabaseSink) else None
        return StreamReport(
            cameras=self.books.accounts(),
            started_at=self.started_at,
            at=datetime.now(UTC),
            model=self.slot.current.label,
            doubles=self.recorder.doubles,
            sightings=ours.sightings if ours else 0,
            cases=len(ours.filed) if ours else 0,
            not_placed=dict(ours.not_placed) if ours else {},
            metres_not_inspected=ours.missed_m if ours else 0.0,
            spooled=self.recorder.spooled,
            faults={name: one.fault for name, one in self.health().items() if one.fault},
            states={name: str(one.state) for name, one in self.health().items()},
            passes_continued=ours.passes_continued if ours else 0,
            fenced=self.recorder.fenced,
            standing=self.leaseholder.standing if self.leaseholder else None,
            ended=ended,
        )

    # -- its life

    def run(self) -> StreamReport:
        """Until stopped, or, with ``until_eof``, until all cameras are at their end and everything is kept."""
        cv2.setNumThreads(self.shape.threads)  # as a batch worker has it: lanes share the cores already
        sys.setswitchinterval(SWITCH_S)
        lanes = [
            threading.Thread(target=lane.run, args=(self._lanes_stop,), name=f"lane {lane.number}", daemon=True)
            for lane in self.lanes
        ]
        recorder = threading.Thread(target=self.recorder.run, args=(self._recorder_stop,), name="recorder", daemon=True)
        for thread in (*lanes, recorder):
            thread.start()
        if (follower := self._parts.follower) is not None:
            polling = (self.config.swap.poll_s, self._lanes_stop)
            threading.Thread(target=follower.run, args=polling, name="alias", daemon=True).start()
        self.roster.open()
        if self.leaseholder is not None:
            self.leaseholder.start()
        threading.Thread(target=self.forgetter.run, args=(self._lanes_stop,), name="forgetter", daemon=True).start()
        while not self._stop.wait(TICK_S) and not (self._until_eof and self._is_done()):
            self._tick()
        self._end(lanes, recorder)
        return self.report(ended=True)

    def _tick(self) -> None:
        if self._reload.is_set():
            self._reload.clear()
            self.roster.reread()
        now_s = time.monotonic()
        if now_s - self._state_s < STATE_EVERY_S:
            return
        self._state_s = now_s
        used = used_bytes()
        if used > self._limit_bytes:
            logger.warning("%d MB of memory are used, %d are allowed: nothing is let in", used >> 20,
                           self._limit_bytes >> 20)  # fmt: skip
        self.hall.press(full=used > self._limit_bytes)
        write_report(self.config.state / BOOKS, self.report())

    def _is_done(self) -> bool:
        return all(one.has_ended for one in self.runners.values()) and not len(self.hall)

    def _end(self, lanes: Sequence[threading.Thread], recorder: threading.Thread) -> None:
        begun_s = time.monotonic()
        stopped = self._stop.is_set()
        for runner in self.roster.close():
            runner.join(max(0.1, begun_s + self.config.drain_s - time.monotonic()))
        while stopped and len(self.hall) and time.monotonic() - begun_s < self.config.drain_s:
            self._lanes_stop.wait(0.02)
        for one in self.hall.empty() if stopped else ():
            self._dismissed(one, Door.SHUTDOWN)
        self._lanes_stop.set()
        for thread in lanes:
            thread.join()
        self._recorder_stop.set()
        left_s = begun_s + self.config.drain_s + RECORDER_END_S - time.monotonic()
        recorder.join(max(RECORDER_END_S, left_s) if stopped else None)
        self._decode.close()
        if recorder.is_alive():
            logger.error("%d results could not be kept in time; what can be delivered again is", len(self.recorder))
        elif isinstance(self.sink, DatabaseSink):
            try:
                self.sink.close()
            except StorageAway as exc:
                logger.warning("the last stretches of road are not kept: %s", exc)
        if self.leaseholder is not None:
            self.leaseholder.end(tell=not self.recorder.is_storage_away)
        write_report(self.config.state / BOOKS, self.report(ended=True))

    # -- the ways out

    def _leave(self, entrant: Entrant, door: Door) -> None:
        logger.debug("%s: %s", entrant.ticket.camera, door, extra=_traced(entrant))
        self.books.leave(entrant.ticket, door)
        entrant.arrival.receipt.settled(door)
        if entrant.policy.stale_after_s is not None and entrant.taken_s:
            self.hall.took(time.monotonic() - entrant.taken_s)

    def _dismissed(self, entrant: Entrant, door: Door) -> None:
        """A frame that nobody has looked at."""
        logger.info("%s: frame %d: %s", entrant.ticket.camera, entrant.arrival.frame.number, door,
                    extra=_traced(entrant))  # fmt: skip
        self.books.leave(entrant.ticket, door)
        if door is Door.SHUTDOWN:
            entrant.arrival.receipt.returned("the worker ends")
        else:
            entrant.arrival.receipt.settled(door)
        entrant.forget_content()
        if entrant.policy.stale_after_s is not None:
            self._missed(entrant.arrival.frame)

    def _missed(self, frame: StreamFrame) -> None:
        """A frame was there, and nobody looked: the road under it is driven in vain."""
        self.recorder.put(Look(frame, Detections.none(), self.slot.current.label, usable=False, missed=True), None)

    def _failed(self, entrant: Entrant, why: str) -> None:
        arrival = entrant.arrival
        self.quarantine.put_frame(arrival.frame, arrival.content, why, max(1, entrant.tries), datetime.now(UTC))
        self._leave(entrant, Door.DECODE_ERROR)

    def _gave_up(self, look: Look, door: Door) -> None:
        if not look.missed:
            self.books.correct(look.frame.camera, door_of(look), door)

    def _refused(self, look: Look, why: str, tries: int) -> None:
        self.quarantine.put_look(look, why, tries, datetime.now(UTC))

    def _known(self, asked: Sequence[tuple[Entrant, str]]) -> frozenset[str]:
        try:
            return self._familiar.among([(one.ticket.camera, key) for one, key in asked])
        except StorageAway:
            return frozenset()

    def _forgotten_before(self, now: datetime) -> dict[str, datetime]:
        keep = timedelta(days=self.config.delivery.keep_keys_days)
        return forgotten_before(self.config.cameras, self._names.all(), keep, now)

    def _forget(self, before: Mapping[str, datetime]) -> int:
        return self.sink.forget(before) if isinstance(self.sink, DatabaseSink) else 0

    def on_kept(self, looks: Sequence[Look]) -> None:
        """Tells whoever watches what was kept just now."""
        for watcher in self.watchers:
            watcher(looks)

    def _batch(self, frames: int, seconds: float) -> None:
        for watcher in self.batches:
            watcher(frames, seconds)

    def _is_kept(self, camera: str) -> bool:
        """Whether nothing of a camera is on its way to the database."""
        account = self.books.accounts().get(camera)
        return not (account is not None and account.in_flight) and not self.recorder.spooled

    # -- its parts

    def _runner(self, name: str, camera: CameraConfig, lease: int) -> Runner:
        return Runner(name, camera, self._make, self.books, self.hall, self.meet, self._missed, lease)

    def _forget_optics(self) -> None:
        """A camera was taken out, or is another one now."""
        with self._optics_lock:
            self._optics.clear()
            self._models.clear()

    def _lane(self, number: int) -> Lane:
        exits = Exits(self._looked, self._failed, self._known, self._batch)
        shape = self.shape
        return Lane(number, self.hall, self.slot, exits, self._decode, shape.most, shape.deadline_s,
                    self.config.delivery.tries)  # fmt: skip

    def _looked(self, entrant: Entrant, look: Look) -> None:
        self.recorder.put(look, entrant)

    def _make(self, name: str, camera: CameraConfig, on_reconnect: Callable[[str], None]) -> Source:
        if self._parts.make_source is not None:
            return self._parts.make_source(name, camera, on_reconnect)
        return source_of(
            name,
            camera,
            self._poison,
            until_eof=self._until_eof,
            on_reconnect=on_reconnect,
            oldest_s=self.hall.oldest_s,
            in_hand=self.shape.lanes * self.shape.most,
        )

    def _poison(self, frame: StreamFrame, message: Message, why: str, tries: int) -> None:
        self.quarantine.put_message(frame, message, why, tries, datetime.now(UTC))

    def meet(self, camera: str, config: CameraConfig) -> None:
        """A frame bears this name: from now on it is known what it was taken with."""
        with self._optics_lock:
            if camera in self._optics:
                return
        if camera not in self.config.cameras and (source := self._source_of(config)) is not None:
            self._names.note(camera, source)
        model = self._model_of(config.camera) if config.camera is not None else None
        vehicle = config.vehicle or (model.name if model is not None else camera)
        made = _Optics(model, vehicle, LiveFixes(config.track, read_zone(config.zone)))
        with self._optics_lock:
            self._optics.setdefault(camera, made)

    def _model_of(self, place: Path) -> CameraModel | PoleCamera:
        """The same file is the same model: boxes of such cameras are placed together."""
        with self._optics_lock:
            known = self._models.get(place)
        model = known or read_camera(place)
        with self._optics_lock:
            return self._models.setdefault(place, model)

    def _source_of(self, config: CameraConfig) -> str | None:
        return next((name for name, runner in self.runners.items() if runner.config is config), None)

    def _optics_of(self, camera: str) -> tuple[CameraModel | PoleCamera | None, str, LiveFixes]:
        with self._optics_lock:
            found = self._optics.get(camera)
        if found is not None:
            return found.model, found.vehicle, found.fixes
        config = self.config.cameras.get(self._names.source_of(camera) or camera)  # of an earlier run, from the disk
        if config is None:
            return None, camera, LiveFixes(None, None)
        self.meet(camera, config)
        return self._optics_of(camera)


def _traced(entrant: Entrant) -> dict[str, str]:
    """What log lines of a frame bear, so that its way can be followed."""
    return {"trace_id": entrant.arrival.frame.trace_id, "camera": entrant.ticket.camera}
