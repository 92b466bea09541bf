"""One camera's thread: from its source into the hall."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from roadwarden.errors import RoadwardenError
from roadwarden.inference.stream.books import Books
from roadwarden.inference.stream.config import CameraConfig, shown
from roadwarden.inference.stream.hall import Entrant, Hall
from roadwarden.inference.stream.protocols import Arrival, Source
from roadwarden.inference.stream.values import Passed, StreamFrame, Waiting

logger = logging.getLogger(__name__)


class CameraState(StrEnum):
    """What is known of a camera."""

    STARTING = "starting"
    RUNNING = "running"
    AWAY = "away"  # not reached, or silent; it is tried again
    ENDED = "ended"  # at its end, or taken out
    FAILED = "failed"  # given up on


@dataclass(frozen=True, slots=True)
class Health:
    """One camera at a moment."""

    state: CameraState
    last_frame_age_s: float | None  # None where there was none yet
    reconnects: int
    fault: str = ""


class Runner:
    """Starts with ``start``, ends by itself or with ``stop``."""

    def __init__(
        self,
        name: str,
        config: CameraConfig,
        make: Callable[[str, CameraConfig, Callable[[str], None]], Source],
        books: Books,
        hall: Hall,
        on_camera: Callable[[str, CameraConfig], None],
        on_missed: Callable[[StreamFrame], None],
        lease: int = 0,
    ) -> None:
        """``on_camera`` is told each name that frames bear: a subject of a broker brings many cameras.

        ``on_missed`` is told of frames that the source itself dropped; ``lease`` is the token of a shared camera, which
        its frames bear to the database.
        """
        self.name, self.config, self.lease = name, config, lease
        self._make, self._books, self._hall, self._on_camera = make, books, hall, on_camera
        self._on_missed = on_missed
        self._policy = config.policy()
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {name}", daemon=True)
        self._state, self._fault, self._reconnects = CameraState.STARTING, "", 0
        self._last_s: float | None = None
        books.open(name)

    def start(self) -> None:
        """Begins to read."""
        self._thread.start()

    def join(self, seconds: float | None = None) -> bool:
        """Whether it has ended within the time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def has_ended(self) -> bool:
        """By itself or otherwise."""
        return self._state in {CameraState.ENDED, CameraState.FAILED}

    def health(self) -> Health:
        """At this moment."""
        last_s = self._last_s
        age_s = None if last_s is None else time.monotonic() - last_s
        return Health(self._state, age_s, self._reconnects, self._fault)

    def _run(self) -> None:
        logger.info("%s: reading %s", self.name, shown(self.config))
        try:
            source = self._make(self.name, self.config, self._reconnected)
            for message in source.arrivals(self.stop):
                self._take(message)
            self._state = CameraState.ENDED
        except RoadwardenError as exc:
            self._fail(str(exc))
            logger.error("%s: %s", self.name, exc)
        except Exception as exc:
            self._fail(f"{type(exc).__name__}")
            logger.exception("%s: its source failed", self.name)

    def _fail(self, fault: str) -> None:
        self._fault, self._state = fault, CameraState.FAILED

    def _take(self, message: Arrival | Passed | Waiting) -> None:
        if isinstance(message, Waiting):
            if not message.connected:
                self._state = CameraState.AWAY
            return
        self._state, self._last_s = CameraState.RUNNING, time.monotonic()
        if isinstance(message, Passed):
            if message.why:
                logger.info("%s: %d frames %s: %s", self.name, message.count, message.door, message.why)
            self._books.pass_through(self.name, message.door, message.count)
            if message.missed is not None:
                self._on_camera(message.missed.camera, self.config)
                self._on_missed(self._borne(message.missed))
            return
        message = replace(message, frame=self._borne(message.frame))
        camera = message.frame.camera
        self._on_camera(camera, self.config)
        self._hall.put(Entrant(message, self._books.enter(camera), self._policy), self.stop)

    def _borne(self, frame: StreamFrame) -> StreamFrame:
        return replace(frame, lease=self.lease) if self.lease else frame

    def _reconnected(self, _camera: str) -> None:
        self._reconnects += 1
        self._state = CameraState.AWAY
