"""Batches over many hosts by Ray Data: each actor is a worker pool of one, so that a frame that kills a decoder costs
that frame here as on one host, and the results are the same bytes.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from roadwarden.data.archives import Entry
from roadwarden.errors import ConfigError, MissingExtra, RoadwardenError
from roadwarden.inference.describe import FrameDescriber
from roadwarden.inference.outcome import FrameResult
from roadwarden.inference.pool import WorkerPool
from roadwarden.inference.settings import JobSettings
from roadwarden.inference.worker import BatchDone

WINDOW = 2000
"""Batches handed to the cluster at once; each is a block, and Ray holds the list of blocks in memory."""
Batch = tuple[int, list[Entry]]


class ClusterFailed(RoadwardenError):
    """The cluster gave up."""


class Hosts(Protocol):
    """The seam to a cluster."""

    def spread(self, make: Callable[[], Inspector], rows: Sequence[bytes]) -> Iterator[bytes]:
        """``make`` once in each actor, its ``__call__`` for each row; results as they come, in any order.

        Raises ClusterFailed.
        """


@dataclass(slots=True)
class Inspector:
    """What runs in an actor, on whatever host: pickled batches in, pickled results out."""

    settings: JobSettings
    describe: FrameDescriber
    annotated: Path | None
    _pool: WorkerPool | None = None

    def __call__(self, row: bytes) -> bytes:
        """One batch, in a process of its own that may die."""
        if self._pool is None:
            self._pool = WorkerPool(self.settings, self.describe, self.annotated, 1)
        ((number, done),) = self._pool.run([pickle.loads(row)])
        return pickle.dumps((number, done))

    def close(self) -> None:
        """Ends the process."""
        if self._pool is not None:
            self._pool.__exit__(None, None, None)
            self._pool = None


class ClusterPool:
    """As ``pool.WorkerPool``: a context manager that runs batches."""

    def __init__(self, settings: JobSettings, describe: FrameDescriber, annotated: Path | None, hosts: Hosts) -> None:
        self._settings, self._describe, self._annotated, self._hosts = settings, describe, annotated, hosts

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left running: the actors end with their rows."""

    def run(self, batches: Iterable[Batch]) -> Iterator[tuple[int, BatchDone]]:
        """Each batch's results as they come, in any order."""
        waiting = iter(batches)
        while window := list(islice(waiting, WINDOW)):
            make = _Make(self._settings, self._describe, self._annotated)
            for row in self._hosts.spread(make, [pickle.dumps(one) for one in window]):
                number, done = pickle.loads(row)
                yield number, done

    def pictures(self, results: Sequence[FrameResult]) -> list[bytes]:
        """JPEGs for people, made on this host."""
        with WorkerPool(self._settings, self._describe, None, 1) as pool:
            return pool.pictures(results)


@dataclass(frozen=True, slots=True)
class _Make:
    settings: JobSettings
    describe: FrameDescriber
    annotated: Path | None

    def __call__(self) -> Inspector:
        return Inspector(self.settings, self.describe, self.annotated)


class RayHosts:
    """Ray's cluster: the one that RAY_ADDRESS names, else one on this host."""

    def __init__(self, actors: int = 0) -> None:
        """``actors`` 0: one a core of the cluster. Raises MissingExtra without Ray, ConfigError without a cluster."""
        from roadwarden.settings import set_ray_defaults

        set_ray_defaults()
        try:
            import ray
        except ImportError as exc:
            raise MissingExtra("--engine ray wants Ray: pip install 'roadwarden[cluster]'") from exc
        self._ray: Any = ray
        if not ray.is_initialized():
            try:
                ray.init(log_to_driver=False, include_dashboard=False)
            except (ConnectionError, ValueError, RuntimeError) as exc:
                raise ConfigError(f"no Ray cluster: {exc}; run 'ray start --head', or unset RAY_ADDRESS") from exc
        self.actors = actors or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def spread(self, make: Callable[[], Inspector], rows: Sequence[bytes]) -> Iterator[bytes]:
        """See ``Hosts``."""
        data = self._ray.data
        data.DataContext.get_current().enable_progress_bars = False
        actors = min(self.actors, len(rows))
        blocks = data.from_items([{"batch": row} for row in rows], override_num_blocks=len(rows))
        pool = data.ActorPoolStrategy(size=actors)
        done = blocks.map(_Actor, fn_constructor_args=(make,), num_cpus=1, compute=pool)
        try:
            for row in done.iter_rows():
                yield row["done"]
        except self._ray.exceptions.RayError as exc:
            cause = getattr(exc, "cause", None)
            if isinstance(cause, RoadwardenError):
                raise cause from exc
            raise ClusterFailed(f"the cluster gave up: {type(exc).__name__}; run the same command again: finished "
                                "batches are kept") from exc  # fmt: skip


class _Actor:
    """The shape that Ray Data wants of a class."""

    def __init__(self, make: Callable[[], Inspector]) -> None:
        self._inspector = make()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"done": self._inspector(row["batch"])}
