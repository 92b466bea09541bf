"""A worker's part in sharing cameras: beats, takes what nobody reads, lets go, and notices what it has lost.

One short transaction a round. While the database is away a worker goes on with what it has, and its results lie on the
disk: if others were given its cameras meanwhile, the fence refuses those results when they come.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Engine

from roadwarden.errors import DataError, StorageAway
from roadwarden.inference.stream.sharing import Lease, Moves, Patience, Pulse, Table, Watch, decide
from roadwarden.storage.unit import UnitOfWork, writing

logger = logging.getLogger(__name__)

ROUNDS = 4
"""In the time after which a worker is taken for dead."""
END_S = 0.3


class Reader(Protocol):
    """What reads cameras: the worker."""

    def begin(self, camera: str, token: int) -> None:
        """Reads it from now on."""

    def quit(self, camera: str) -> None:
        """Reads it no more; what came of it is still looked at."""

    def is_through(self, camera: str) -> bool:
        """Whether all that was read of it is in the database."""


@dataclass(frozen=True, slots=True)
class Standing:
    """For people: who reads what, at the last round."""

    worker: str
    leases: Mapping[str, Lease] = field(default_factory=dict)
    living: frozenset[str] = frozenset()
    failed_rounds: int = 0


def name_of_this_process() -> str:
    """Told apart from any other process, and from an earlier life of this one; a host's name for people."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class Leaseholder:
    """Of one worker; ``start`` lets it go its rounds in a thread of its own."""

    def __init__(
        self,
        engine: Engine,
        reader: Reader,
        cameras: Callable[[], Iterable[str]],
        lease_s: float,
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``cameras``: those that are wanted of the shared ones, asked for at every round."""
        self._engine, self._reader, self._cameras, self._clock = engine, reader, cameras, clock
        self.name = name or name_of_this_process()
        self._patience = Patience(lease_s, lease_s / ROUNDS)
        self._watch = Watch(self._patience)
        self._held: dict[str, int] = {}
        self._leaving: set[str] = set()
        self._failed = 0
        self._beat = 0  # ours and not the row's: counted anew each time that a dead one's is swept it would stand still
        self.standing = Standing(self.name)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def end(self, *, tell: bool) -> None:
        """No more rounds; ``tell`` the others, where the database is there to do so."""
        self._stop.set()
        self._thread.join(END_S)
        if tell and not self._thread.is_alive():  # a round that comes later would take everything back
            self.leave()

    def round(self) -> None:
        """One look at the table, and what follows from it."""
        try:
            table, moves, watch = self._in_database()
        except (StorageAway, DataError) as exc:
            self._failed += 1
            logger.log(logging.INFO if self._failed > 1 else logging.WARNING, "leases of cameras: %s", exc)
            self.standing = Standing(self.name, self.standing.leases, self.standing.living, self._failed)
            return
        self._failed = 0
        mine = {camera: lease.token for camera, lease in table.leases.items() if lease.worker == self.name}
        self._follow(mine)
        for camera in moves.let_go:
            self._leave(camera)
        living = frozenset(one for one in table.workers if watch.is_living(one))
        self.standing = Standing(self.name, table.leases, living)

    def leave(self) -> None:
        """Gives everything back at once; raises nothing: whoever is not there to be told finds out by itself."""
        try:
            with writing(self._engine) as unit:
                unit.leases.let_go(self.name)
                unit.leases.forget([self.name])
        except (StorageAway, DataError) as exc:
            logger.warning("the cameras are others' in %.0f s: %s", self._patience.lease_s, exc)

    def _run(self) -> None:
        while True:
            try:
                self.round()
            except Exception:
                logger.exception("leases of cameras: a round failed; without more of them the cameras are others' soon")
            if self._stop.wait(self._patience.round_s):
                return

    def _in_database(self) -> tuple[Table, Moves, Watch]:
        """Reads and moves in one transaction; returns the table as it is then. Raises StorageAway, DataError."""
        cameras, now = sorted(self._cameras()), datetime.now(UTC)
        self._beat += 1
        with writing(self._engine) as unit:
            unit.leases.beat(self.name, _fleet(cameras), self._beat, now)
            if through := [one for one in sorted(self._leaving) if self._reader.is_through(one)]:
                unit.leases.let_go(self.name, through)
            table = _table(unit)
            watch = self._watch.step(table, self._clock())
            moves = decide(self.name, cameras, table, watch)
            unit.leases.take(self.name, moves.take, now)
            if swept := watch.dead - {lease.worker for lease in table.leases.values()}:
                unit.leases.forget(swept)
            taken = {camera: Lease(self.name, token) for camera, token in moves.take.items()}
        self._watch = watch
        for camera in through:
            self._leaving.discard(camera)
            del self._held[camera]
        strangers = [one for one in self._held if one not in cameras]  # the configuration has them no more
        moves = Moves(moves.take, (*moves.let_go, *strangers))
        return Table(table.workers, {**table.leases, **taken}), moves, watch

    def _follow(self, mine: Mapping[str, int]) -> None:
        """Reads what the table says is ours: also where we did not hear that a round of ours was kept."""
        for camera, token in list(self._held.items()):
            if mine.get(camera) != token:
                logger.warning("%s: another worker reads it now, or nobody; what we still had of it is refused", camera)
                self._quit(camera)
        for camera in sorted(mine.keys() - self._held.keys()):
            logger.warning("%s: ours, with token %d", camera, mine[camera])
            self._held[camera] = mine[camera]
            self._reader.begin(camera, mine[camera])

    def _leave(self, camera: str) -> None:
        if camera in self._held and camera not in self._leaving:
            logger.warning("%s: let go", camera)
            self._leaving.add(camera)
            self._reader.quit(camera)

    def _quit(self, camera: str) -> None:
        if camera not in self._leaving:
            self._reader.quit(camera)
        self._leaving.discard(camera)
        del self._held[camera]


def _table(unit: UnitOfWork) -> Table:
    workers = {name: Pulse(fleet, beat) for name, (fleet, beat) in unit.leases.workers().items()}
    return Table(workers, {camera: Lease(*row) for camera, row in unit.leases.leases().items()})


def _fleet(cameras: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(cameras).encode()).hexdigest()[:16]
