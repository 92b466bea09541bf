"""Which cameras a worker reads: its own from the beginning, shared ones with their lease; changed while it runs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from roadwarden.errors import ConfigError, RoadwardenError
from roadwarden.inference.stream.config import CameraConfig, StreamConfig, read_config, shared_cameras
from roadwarden.inference.stream.runner import Runner

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Staff:
    """What a roster is given: runners, and what it has to know of them."""

    make: Callable[[str, CameraConfig, int], Runner]  # name, configuration, token of the lease
    left: Callable[[], None]  # a camera was taken out
    is_kept: Callable[[str], bool]  # whether nothing of a camera is on its way to the database


class Roster:
    """Of one worker; also the ``Reader`` of its leases. May be called from any thread."""

    def __init__(self, config: StreamConfig, path: Path | None, staff: Staff) -> None:
        """``path``: of the configuration, read again by ``reread``."""
        self.config = config
        self._path, self._staff = path, staff
        self.runners: dict[str, Runner] = {}
        self._quitting: dict[str, Runner] = {}  # shared cameras that are let go
        self._closed = False

    @property
    def shared(self) -> frozenset[str]:
        """Cameras that one worker at a time reads."""
        return shared_cameras(self.config)

    @property
    def wanted(self) -> frozenset[str]:
        """Of the shared ones; none any more while the worker ends, so that they are handed over as they are through."""
        return frozenset() if self._closed else self.shared

    def open(self) -> None:
        """Begins with the worker's own cameras; the others come with their leases."""
        for name, camera in self.config.cameras.items():
            if name not in self.shared:
                self.add(name, camera)

    def close(self) -> list[Runner]:
        """Stops all, takes no more, and returns those that were running."""
        self._closed = True
        running = list(self.runners.values())
        for runner in running:
            runner.stop.set()
        return running

    def add(self, name: str, camera: CameraConfig) -> None:
        """Starts a camera; one of that name is replaced. Raises ConfigError for one that others may read."""
        self.must_be_ours(name)
        self._start(name, camera, 0)

    def remove(self, name: str) -> None:
        """Stops a camera; what was read of it is still looked at."""
        if (runner := self.runners.pop(name, None)) is not None:
            runner.stop.set()
            self._staff.left()

    def must_be_ours(self, name: str) -> None:
        """Raises ConfigError for a camera that others may read as well."""
        if name in self.shared:
            raise ConfigError(f"camera '{name}' is shared with other workers; change it in the file of all of them")

    def reread(self) -> None:
        """Brings the cameras to what the file says now; one that was given up on is tried again."""
        if self._path is None:
            return
        try:
            wanted = read_config(self._path).cameras
        except RoadwardenError as exc:
            logger.error("the cameras stay as they are: %s", exc)
            return
        self.config = self.config.model_copy(update={"cameras": wanted})
        for name in sorted(self.runners.keys() - wanted.keys()):
            if not self.runners[name].lease:  # those are let go at the next round
                logger.warning("%s: taken out", name)
                self.remove(name)
        for name, camera in wanted.items():
            self._renew(name, camera, is_shared=name in self.shared)

    # -- as leases want it

    def begin(self, camera: str, token: int) -> None:
        """Reads a shared camera from now on."""
        config = self.config.cameras.get(camera)
        if config is not None and not self._closed:
            self._start(camera, config, token)

    def quit(self, camera: str) -> None:
        """Reads a shared camera no more; what was read of it is still looked at."""
        runner = self.runners.get(camera)
        if runner is not None and runner.lease:  # the file may have made it our own meanwhile
            self._quitting[camera] = runner
            self.remove(camera)

    def is_through(self, camera: str) -> bool:
        """Whether nothing of a camera that was quit is on its way to the database."""
        runner = self._quitting.get(camera)
        if (runner is not None and not runner.join(0)) or not self._staff.is_kept(camera):
            return False
        self._quitting.pop(camera, None)
        return True

    def _start(self, name: str, camera: CameraConfig, token: int) -> None:
        self.remove(name)
        self.runners[name] = runner = self._staff.make(name, camera, token)
        runner.start()

    def _renew(self, name: str, camera: CameraConfig, *, is_shared: bool) -> None:
        runner = self.runners.get(name)
        if is_shared and (runner is None or not runner.lease):
            self.remove(name)  # whose it is the leases say
            return
        is_as_wanted = runner is not None and runner.config == camera and bool(runner.lease) == is_shared
        if runner is None or not is_as_wanted or runner.health().fault:
            logger.warning("%s: %s", name, "added" if runner is None else "begun anew")
            self._start(name, camera, runner.lease if runner is not None and is_shared else 0)
