"""From looks to the database: in order, all or none at once, and to the disk while the database is away."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Event, Lock

from roadwarden.errors import DataError, StorageAway
from roadwarden.inference.stream.hall import Entrant
from roadwarden.inference.stream.protocols import Kept, Look, Sink, Spool
from roadwarden.inference.stream.values import Door

logger = logging.getLogger(__name__)

DRAIN_EVERY_S = 2.0
MISSED_EVERY_S = 2.0
"""What nobody has looked at goes to coverage only; it must not hold up what was seen, least of all under overload."""
MISSED_AT_ONCE = 500
IDLE_S = 0.05


@dataclass(frozen=True, slots=True)
class Pending:
    """A look on its way to the database, and whom it is of; None for one that lay on the disk, or was missed."""

    look: Look
    entrant: Entrant | None


@dataclass(frozen=True, slots=True)
class Outlets:
    """What the recorder tells."""

    leave: Callable[[Entrant, Door], None]
    given_up: Callable[[Look, Door], None]  # a look that lay on the disk was not kept after all, and why
    refused: Callable[[Look, str, int], None]  # to the quarantine
    kept: Callable[[Sequence[Look]], None] = lambda _looks: None  # for metrics


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is kept at once."""

    commit_s: float = 0.25
    commit_frames: int = 64
    tries: int = 3


class Recorder:
    """One thread; ``put`` from any."""

    def __init__(self, sink: Sink, spool: Spool, outlets: Outlets, pace: Pace) -> None:
        self._sink, self._spool, self._outlets, self._pace = sink, spool, outlets, pace
        self._queue: Queue[Pending] = Queue()
        self._missed: deque[Pending] = deque()
        self._missed_s = 0.0
        self._pending = 0
        self._lock = Lock()
        self._drained_s = 0.0
        self._away = False
        self.doubles = 0
        self.fenced = 0  # looks refused because another worker reads their camera now

    def __len__(self) -> int:
        """Looks that are neither in the database nor on the disk."""
        with self._lock:
            return self._pending

    @property
    def is_storage_away(self) -> bool:
        """Whether the last attempt found no database."""
        return self._away

    @property
    def spooled(self) -> int:
        """Looks on the disk."""
        return len(self._spool)

    def put(self, look: Look, entrant: Entrant | None) -> None:
        """Lets a look be kept."""
        with self._lock:
            self._pending += 1
        if look.missed:
            self._missed.append(Pending(look, entrant))
        else:
            self._queue.put(Pending(look, entrant))

    def run(self, stop: Event) -> None:
        """Until stopped and everything that was put is kept, or on the disk."""
        while True:
            batch = self._gather(stop) or self._some_missed(stop)
            if batch:
                self._take(batch)
                with self._lock:
                    self._pending -= len(batch)
            self._drain(force=stop.is_set() and not batch)
            if not batch and stop.is_set() and self._queue.empty() and not self._missed:
                return
            if time.monotonic() - self._missed_s > MISSED_EVERY_S and (late := self._some_missed(stop)):
                self._take(late)
                with self._lock:
                    self._pending -= len(late)

    def _some_missed(self, stop: Event) -> list[Pending]:
        now_s = time.monotonic()
        if not stop.is_set() and now_s - self._missed_s < MISSED_EVERY_S:
            return []
        self._missed_s = now_s
        return [self._missed.popleft() for _ in range(min(len(self._missed), MISSED_AT_ONCE))]

    def _gather(self, stop: Event) -> list[Pending]:
        batch: list[Pending] = []
        end = time.monotonic() + self._pace.commit_s
        while len(batch) < self._pace.commit_frames:
            wait_s = IDLE_S if stop.is_set() else max(0.0, end - time.monotonic())
            try:
                batch.append(self._queue.get(timeout=wait_s) if wait_s else self._queue.get_nowait())
            except Empty:
                break
        return batch

    def _take(self, batch: Sequence[Pending]) -> None:
        if len(self._spool):  # what came before goes first
            self._to_disk(batch)
            return
        try:
            self._keep(batch)
        except StorageAway as exc:
            self._tell_away(exc)
            self._to_disk(batch)

    def _keep(self, batch: Sequence[Pending]) -> None:
        """Raises StorageAway; a look that is refused takes nobody with it."""
        try:
            kept = self._sink.keep([one.look for one in batch])
        except StorageAway:
            raise
        except DataError as exc:
            if len(batch) > 1:
                for one in batch:
                    self._keep([one])
                return
            self._refuse(batch[0], exc)
            return
        self._away = False
        self._settle(batch, kept)

    def _settle(self, batch: Sequence[Pending], kept: Kept) -> None:
        self.doubles += kept.doubles
        self._outlets.kept([one.look for at, one in enumerate(batch) if at not in kept.fenced])
        for at, one in enumerate(batch):
            if at in kept.fenced:
                self._fence_off(one)
            else:
                self._leave(one)

    def _refuse(self, one: Pending, exc: DataError) -> None:
        for number in range(1, self._pace.tries):
            try:
                kept = self._sink.keep([one.look])
            except StorageAway:
                raise
            except DataError:
                logger.info("%s: refused again, try %d", one.look.frame.camera, number + 1)
                continue
            self._settle([one], kept)
            return
        self._outlets.refused(one.look, str(exc), self._pace.tries)
        if one.entrant is not None:
            self._outlets.leave(one.entrant, Door.DECODE_ERROR)

    def _to_disk(self, batch: Sequence[Pending]) -> None:
        for one in batch:
            given_up = self._spool.put(one.look)
            for look in given_up:
                if look is not one.look:
                    self._outlets.given_up(look, Door.DROPPED_QUEUE_FULL)
            if one.entrant is not None:
                lost = any(look is one.look for look in given_up)
                self._outlets.leave(one.entrant, Door.DROPPED_QUEUE_FULL if lost else door_of(one.look))

    def _drain(self, *, force: bool) -> None:
        if not len(self._spool):
            return
        now_s = time.monotonic()
        if not force and now_s - self._drained_s < DRAIN_EVERY_S and self._away:
            return
        self._drained_s = now_s
        looks = self._spool.first(self._pace.commit_frames)
        try:
            self._keep([Pending(look, None) for look in looks])
        except StorageAway as exc:
            self._tell_away(exc)
            return
        self._spool.forget(looks)
        if not len(self._spool):
            logger.warning("the database is back, and all that lay on the disk is kept")

    def _fence_off(self, one: Pending) -> None:
        """It came too late: the camera is another worker's."""
        if one.look.missed:
            return
        self.fenced += 1
        if one.entrant is not None:
            self._outlets.leave(one.entrant, Door.DROPPED_STALE)
        else:
            self._outlets.given_up(one.look, Door.DROPPED_STALE)

    def _leave(self, one: Pending) -> None:
        if one.entrant is not None:
            self._outlets.leave(one.entrant, door_of(one.look))

    def _tell_away(self, exc: StorageAway) -> None:
        if not self._away:
            logger.warning("results go to the disk meanwhile: %s", exc)
        self._away = True


def door_of(look: Look) -> Door:
    """The door of a look that is kept."""
    return Door.INFERRED if look.usable else Door.POOR_QUALITY
