"""A pool of processes that ends without a word, whatever its processes are at.

Pebble takes the pool's semaphores away before it ends the processes: one that was still starting, as on a busy machine,
died of it with a traceback on the terminal of somebody whose job had ended as it should.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, TypeVar

from pebble import ProcessPool

T = TypeVar("T")


class _Remembering(SpawnContext):
    """Knows the processes that it has made."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[SpawnProcess] = []

    def Process(self, *arguments: Any, **named: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802
        """As the class of that name in the standard library."""
        made = SpawnProcess(*arguments, **named)
        self.made = [one for one in self.made if one.pid is None or one.is_alive()] + [made]
        return made


class QuietPool:
    """Processes that are started with the first task, and replaced when they die."""

    def __init__(self, workers: int, initializer: Callable[..., None], initargs: Sequence[Any] = ()) -> None:
        """``initializer``: run once in each process."""
        self._context = _Remembering()
        self._pool = ProcessPool(workers, context=self._context, initializer=initializer, initargs=tuple(initargs))

    def schedule(self, task: Callable[..., T], args: Sequence[Any], limit_s: float) -> Future[T]:
        """The future raises what the task does, ProcessExpired where its process ended, TimeoutError after a limit."""
        future: Future[T] = self._pool.schedule(task, args=tuple(args), timeout=limit_s)
        return future

    def end(self) -> None:
        """At once: what is still being worked on is lost."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        for one in self._context.made:
            if one.pid is not None and one.is_alive():
                one.kill()
        for one in self._context.made:
            if one.pid is not None:
                one.join()
        self._pool.join()
