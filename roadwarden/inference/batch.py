"""The batch job: an archive in, tables and a report out; safe to kill at any moment."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import roadwarden
from roadwarden.data.archives import Entry, archive_label, open_archive
from roadwarden.errors import DataError
from roadwarden.inference.cluster import ClusterPool, Hosts
from roadwarden.inference.describe import FrameDescriber, describer_for
from roadwarden.inference.listing import number_of_batches, read_batches, write_listing
from roadwarden.inference.parts import finished_batches, read_parts, write_part
from roadwarden.inference.pool import WorkerPool
from roadwarden.inference.results import Tally, write_tables
from roadwarden.inference.settings import JobSettings, Shard
from roadwarden.inference.steps import StageSeconds
from roadwarden.inference.summary import write_report, write_summary
from roadwarden.inference.workspace import Workspace, write_json, writing
from roadwarden.models.load import load_detector
from roadwarden.models.onnx import sha256_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: frames of this shard that are done and that there are."""

    done: int
    total: int
    resumed: int  # of the done ones, those an earlier run had finished


@dataclass(frozen=True, slots=True)
class Run:
    """How one run of a job went; run.json, the only file with times in it."""

    started_at: datetime
    seconds: float
    startup_seconds: float
    workers: int
    frames: int
    frames_resumed: int
    stages: StageSeconds = field(default_factory=StageSeconds)

    @property
    def frames_per_second(self) -> float:
        """Of the frames this run worked on, start-up included."""
        return (self.frames - self.frames_resumed) / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """The content of run.json."""
        return asdict(self) | {
            "started_at": self.started_at.isoformat(),
            "frames_per_second": round(self.frames_per_second, 2),
        }


@dataclass(frozen=True, slots=True)
class JobDone:
    """What a finished job says."""

    out: Path
    tally: Tally
    run: Run


def default_workers() -> int:
    """A worker a core."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_job(
    settings: JobSettings,
    out: Path,
    *,
    shard: Shard | None = None,
    workers: int = 0,
    geojson: bool = False,
    fresh: bool = False,
    hosts: Callable[[int], Hosts] | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> JobDone:
    """Detects over an archive; run again after an interruption it goes on, and writes the same bytes.

    ``hosts``: a cluster for so many workers; the archive must be the same on all of its hosts. Nothing: this one.

    Raises DataError for an archive or track that cannot be used, ModelError for the model, ConfigError where ``out``
    holds another job, OutputError where ``out`` cannot be written.
    """
    started_at, clock = datetime.now(UTC), time.perf_counter()
    shard, workers = shard or Shard(), workers or (0 if hosts else default_workers())
    model = model_label(settings.model)
    describe = describer_for(settings)
    space = Workspace(out)
    with space.locked():
        with writing(out):
            if fresh:
                _forget(space)
            frames = _begin(settings, space, describe, model)
        mine = [number for number in range(number_of_batches(frames)) if shard.takes(number)]
        annotated = space.annotated if settings.annotate else None
        with _pool(settings, describe, annotated, workers, hosts) as pool:
            run = _inspect(space, pool, mine, model, on_progress, _Clock(started_at, clock, workers))
            with writing(out):
                tally = write_tables(read_parts(space.parts, mine), out, geojson=geojson)
                job = space.read_job() or {}
                write_summary(out, job, tally)
                write_json(out / "run.json", run.as_json())
                write_report(out, job, tally, run.as_json(), pool.pictures)
    return JobDone(out, tally, run)


def _pool(
    settings: JobSettings,
    describe: FrameDescriber,
    annotated: Path | None,
    workers: int,
    hosts: Callable[[int], Hosts] | None,
) -> WorkerPool | ClusterPool:
    if hosts is None:
        return WorkerPool(settings, describe, annotated, workers)
    return ClusterPool(settings, describe, annotated, hosts(workers))


def model_label(path: Path) -> str:
    """Name and first hex digits of the weights; loads the model once, so that a bad one is told before any work."""
    return f"{load_detector(path, threads=1).card.name}@{sha256_of(path)[:12]}"


def _forget(space: Workspace) -> None:
    shutil.rmtree(space.parts)
    space.parts.mkdir()
    space.job.unlink(missing_ok=True)
    shutil.rmtree(space.annotated, ignore_errors=True)


def _begin(settings: JobSettings, space: Workspace, describe: FrameDescriber, model: str) -> int:
    frames, digest = write_listing(open_archive(settings.archive).entries(), space.listing)
    if not frames:
        raise DataError(f"{archive_label(settings.archive)}: holds no frame")
    job = {
        "archive": archive_label(settings.archive),
        "listing": digest,
        "frames": frames,
        "model": model,
        "track": describe.track_label,
        "settings": settings.model_dump(mode="json", exclude={"archive", "model", "track"}),
    }
    fingerprint = settings.fingerprint(listing=digest, model=sha256_of(settings.model), version=roadwarden.__version__)
    space.begin(fingerprint, job)
    return frames


@dataclass(frozen=True, slots=True)
class _Clock:
    started_at: datetime
    start: float
    workers: int


def _inspect(
    space: Workspace,
    pool: WorkerPool | ClusterPool,
    mine: Sequence[int],
    model: str,
    on_progress: Callable[[Progress], None],
    clock: _Clock,
) -> Run:
    wanted, finished = set(mine), finished_batches(space.parts)
    batches = [(number, len(entries)) for number, entries in read_batches(space.listing) if number in wanted]
    total = sum(size for _, size in batches)
    resumed = done = sum(size for number, size in batches if number in finished)
    stages, first = StageSeconds(), None
    on_progress(Progress(done, total, resumed))
    todo = _only(read_batches(space.listing), wanted - finished)
    for number, batch in pool.run(todo):
        first = first or time.perf_counter()
        with writing(space.parts):
            write_part(space.parts, number, batch.results, model)
        stages.add(batch.seconds)
        done += len(batch.results)
        on_progress(Progress(done, total, resumed))
    end = time.perf_counter()
    return Run(
        started_at=clock.started_at,
        seconds=round(end - clock.start, 3),
        startup_seconds=round((first or end) - clock.start, 3),
        workers=clock.workers,
        frames=total,
        frames_resumed=resumed,
        stages=stages,
    )


def _only(batches: Iterable[tuple[int, list[Entry]]], wanted: set[int]) -> Iterator[tuple[int, list[Entry]]]:
    return ((number, entries) for number, entries in batches if number in wanted)
