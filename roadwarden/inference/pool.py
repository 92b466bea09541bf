"""Runs batches in worker processes and finds the frame that kills them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pebble import ProcessExpired

from roadwarden.data.archives import Entry
from roadwarden.errors import RoadwardenError
from roadwarden.inference import worker
from roadwarden.inference.describe import FrameDescriber
from roadwarden.inference.outcome import FrameResult
from roadwarden.inference.quiet_pool import QuietPool
from roadwarden.inference.settings import JobSettings
from roadwarden.inference.worker import BatchDone

logger = logging.getLogger(__name__)

FRAME_LIMIT_S = 60.0
"""A frame whose decoding takes longer is given up on, like one that crashes the decoder."""
TRIES = 3


class WorkersKeepDying(RoadwardenError):
    """Worker processes end although no single frame makes them."""


@dataclass(slots=True)
class _Task:
    number: int
    entries: list[Entry]
    crashed: frozenset[str] = frozenset()
    tries: int = 0


class WorkerPool:
    """A context manager around worker processes that are replaced when they die."""

    def __init__(self, settings: JobSettings, describe: FrameDescriber, annotated: Path | None, workers: int) -> None:
        """Starts nothing yet; the first task does."""
        self._workers = workers
        self._pool = QuietPool(workers, worker.start, (settings, describe, annotated))

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the workers; whoever asked for results has them, or gave up on them."""
        self._pool.end()

    def run(self, batches: Iterable[tuple[int, list[Entry]]]) -> Iterator[tuple[int, BatchDone]]:
        """Each batch's results as they come, in any order; at most two batches a worker are under way."""
        waiting = iter(batches)
        again: deque[_Task] = deque()
        running: dict[Future[BatchDone], _Task] = {}
        while True:
            while len(running) < 2 * self._workers and (task := _next_task(again, waiting)) is not None:
                running[self._schedule(task)] = task
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                try:
                    yield task.number, future.result()
                except (ProcessExpired, TimeoutError) as exc:
                    again.append(self._without_culprits(task, exc))

    def pictures(self, results: Sequence[FrameResult]) -> list[bytes]:
        """JPEGs for people, in order."""
        futures = [self._pool.schedule(worker.picture, (result,), FRAME_LIMIT_S) for result in results]
        return [future.result() for future in futures]

    def _schedule(self, task: _Task) -> Future[BatchDone]:
        limit = FRAME_LIMIT_S * len(task.entries)
        return self._pool.schedule(worker.run, (task.entries, task.crashed), limit)

    def _without_culprits(self, task: _Task, cause: Exception) -> _Task:
        """The same task without the frames that end a worker when decoded alone."""
        logger.warning("a worker ended in batch %d (%s); looking for the frame", task.number, cause)
        culprits = {entry.path for entry in task.entries if entry.path not in task.crashed and self._kills(entry)}
        if not culprits and task.tries + 1 >= TRIES:
            raise WorkersKeepDying(
                f"worker processes ended {TRIES} times in batch {task.number}, and no single frame makes them; "
                "memory may be short: try fewer --workers, then run the same command again"
            ) from cause
        for path in sorted(culprits):
            logger.warning("%r ends the decoder; noted as unreadable", path)
        return _Task(task.number, task.entries, task.crashed | culprits, task.tries + 1)

    def _kills(self, entry: Entry) -> bool:
        try:
            self._pool.schedule(worker.probe, (entry,), FRAME_LIMIT_S).result()
        except (ProcessExpired, TimeoutError):
            return True
        except RoadwardenError:
            return False
        return False


def _next_task(again: deque[_Task], waiting: Iterator[tuple[int, list[Entry]]]) -> _Task | None:
    if again:
        return again.popleft()
    number_and_entries = next(waiting, None)
    return None if number_and_entries is None else _Task(*number_and_entries)
