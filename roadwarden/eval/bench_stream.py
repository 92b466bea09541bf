"""The streaming worker beside the batch job: throughput, latency under load, overload, ten minutes of cameras.

Every run of a worker is a process of its own with a database of its own. Cameras are films played as they were
recorded, so what is measured holds decoding, sampling, the detector, placing, merging and the commit.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from roadwarden.errors import DataError
from roadwarden.eval.bench_films import numbered_copies, write_film
from roadwarden.eval.machine import machine

BEGINS = datetime(2026, 3, 2, 1, tzinfo=UTC)
METRES_A_SECOND = 10.0
DEGREE_M = 111_320.0
LAT, LON = 30.25, 120.16
LEAST_SHARE, LOAD, OVERLOAD = 0.85, 0.6, 3.0
P95_AT_LOAD_S, P95_OVERLOADED_S = 1.0, 2.0
SLOPE_MB_A_MINUTE = 1.0
ONE_RUN = "import sys; from roadwarden.eval.bench_stream_run import main; main(sys.argv[1])"
"""Not by ``-m``: every decoder would import the main module; that of ``roadwarden`` itself holds next to nothing."""


@dataclass(frozen=True, slots=True)
class StreamRun:
    """One run of a worker."""

    name: str
    cameras: int
    offered_fps: float  # of all cameras together; 0 for an archive
    seconds: float
    entered: int
    inferred: int
    dropped_stale: int
    dropped_queue_full: int
    other_doors: int
    balanced: bool
    sightings: int
    p50_s: float
    p95_s: float
    peak_rss_mb: float
    rss_slope_mb_a_minute: float  # over the second half, of the worker and its decoders
    cpu_s: float  # of the worker and its decoders, start-up included

    @property
    def frames_a_second(self) -> float:
        """Looked at and kept, start-up included."""
        return self.inferred / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class StreamBench:
    """All runs."""

    machine: str
    cores: int
    frames: int
    batch_fps: float
    batch_cpu_s: float  # of the job and its workers, start-up and report included
    runs: tuple[StreamRun, ...]

    @property
    def share(self) -> float:
        """The worker's throughput against the batch job's; the target is 0.85."""
        return self.runs[0].frames_a_second / self.batch_fps

    @property
    def share_by_cpu(self) -> float:
        """The same by CPU time instead of time: what it would be if nobody else used the machine."""
        return self.batch_cpu_s / self.runs[0].cpu_s

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        runs = [asdict(run) | {"frames_a_second": round(run.frames_a_second, 2)} for run in self.runs]
        return {"machine": self.machine, "cores": self.cores, "frames": self.frames, "batch_fps": self.batch_fps,
                "share_of_batch": self.share, "batch_cpu_s": self.batch_cpu_s, "share_by_cpu": self.share_by_cpu,
                "runs": runs}  # fmt: skip

    def markdown(self) -> str:
        """The table of eval/benchmarks/stream.md."""
        lines = [
            f"Machine: {self.machine}, {self.cores} cores.",
            "",
            f"The batch job on {self.frames} frames: {self.batch_fps:.1f} frames/s. The worker on the same frames: "
            f"{self.runs[0].frames_a_second:.1f} frames/s, {self.share:.2f} of it (target {LEAST_SHARE:.2f}). "
            f"CPU time: {self.batch_cpu_s:.1f} and {self.runs[0].cpu_s:.1f} s, {self.share_by_cpu:.2f}.",
            "",
            "| run | cameras | offered fps | s | entered | looked at | stale | full | other | P50 s | P95 s | peak MB "
            "| MB/min |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        lines += [_row(run) for run in self.runs]
        balanced = "All books balance." if all(run.balanced for run in self.runs) else "BOOKS DO NOT BALANCE."
        return "\n".join([*lines, "", balanced]) + "\n"


def _row(run: StreamRun) -> str:
    counts = (run.entered, run.inferred, run.dropped_stale, run.dropped_queue_full, run.other_doors)
    cells = [
        *(run.name, str(run.cameras), f"{run.offered_fps:.1f}", f"{run.seconds:.0f}"),
        *map(str, counts),
        *(f"{run.p50_s:.2f}", f"{run.p95_s:.2f}", f"{run.peak_rss_mb:.0f}", f"{run.rss_slope_mb_a_minute:+.2f}"),
    ]
    return f"| {' | '.join(cells)} |"


def bench_stream(
    frames: Sequence[Path],
    camera: Path,
    *,
    model: Path,
    count: int,
    cameras: int,
    seconds: float,
    soak_s: float,
    tell: Callable[[str], None],
) -> StreamBench:
    """Throughput first; its figure is the capacity that loads are shares of. ``soak_s`` 0 leaves the last run out."""
    if not frames:
        raise DataError("no frames to measure on; 'roadwarden sample var/street' makes some")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        copies = numbered_copies(frames, folder / "frames", count)
        tell("the batch job")
        batch_s, batch_cpu_s = _batch(copies, folder / "batch", model)
        tell("the worker on the same frames")
        worker = _run(folder / "archive", "archive", {"film": _archive(copies, camera)}, model, 0.0, seconds=None)
        runs, capacity = [worker], worker.frames_a_second
        for name, share in (("60 % load", LOAD), ("3 x overload", OVERLOAD)):
            tell(f"{cameras} cameras, {name}")
            runs.append(_live(folder, name, frames, camera, model, cameras, share * capacity / cameras, seconds))
        if soak_s:
            tell(f"{cameras} cameras at 1 fps for {soak_s / 60:.0f} minutes")
            runs.append(_live(folder, "1 fps each", frames, camera, model, cameras, 1.0, soak_s))
        return StreamBench(machine(), len(os.sched_getaffinity(0)), count, count / batch_s, batch_cpu_s, tuple(runs))


def _batch(copies: Path, out: Path, model: Path) -> tuple[float, float]:
    """Seconds of the job, and of CPU time."""
    command = [sys.executable, "-m", "roadwarden", "detect", str(copies), "--out", str(out), "--model", str(model),
               "--track", "none", "--json"]  # fmt: skip
    before_s = _cpu_s()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DataError(f"the batch job failed: {done.stderr.strip()[-500:]}")
    return float(json.loads(done.stdout.strip().splitlines()[-1])["run"]["seconds"]), _cpu_s() - before_s


def _cpu_s() -> float:
    """Of all processes that this one has started and seen the end of, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _archive(copies: Path, camera: Path) -> dict[str, Any]:
    return {"source": {"kind": "folder", "path": str(copies)}, "camera": str(camera.resolve())}


def _live(
    folder: Path, name: str, frames: Sequence[Path], camera: Path, model: Path, cameras: int, fps: float, seconds: float
) -> StreamRun:
    place = folder / name.replace(" ", "-").replace("%", "")
    place.mkdir()
    film = write_film(frames, place / "film.mp4", fps, seconds)
    content = {}
    for number in range(cameras):
        track = place / f"track-{number}.csv"
        _write_track(track, number, seconds)
        source = {"kind": "video", "path": str(film), "pace": "recorded", "starts_at": BEGINS.isoformat()}
        content[f"camera-{number}"] = {"source": source, "camera": str(camera.resolve()), "track": str(track)}
    return _run(place, name, content, model, fps * cameras, seconds=seconds)


def _write_track(place: Path, number: int, seconds: float) -> None:
    """Straight to the east, each camera 100 m beside the one before."""
    with place.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["time", "lat", "lon", "heading", "speed"])
        for step in range(int(seconds * 2) + 20):
            moment = BEGINS + timedelta(seconds=step / 2 - 5)
            east = (step / 2 - 5) * METRES_A_SECOND / (DEGREE_M * 0.8638)  # cosine of the latitude
            writer.writerow([moment.isoformat(), LAT + number * 100 / DEGREE_M, LON + east, 90.0, METRES_A_SECOND])


def _run(
    place: Path, name: str, cameras: dict[str, Any], model: Path, offered: float, *, seconds: float | None
) -> StreamRun:
    place.mkdir(exist_ok=True)
    config = place / "worker.yaml"
    content = {"cameras": cameras, "state": str(place / "state"), "model": str(model),
               "database": f"sqlite:///{place}/roadwarden.db", "delivery": {"file_cases": False}}  # fmt: skip
    config.write_text(yaml.safe_dump(content), encoding="utf-8")
    command = [sys.executable, "-c", ONE_RUN, str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DataError(f"the worker failed: {done.stderr.strip()[-800:]}")
    row = json.loads(done.stdout.strip().splitlines()[-1])
    doors = row["report"]["total"]["doors"]
    named = ("inferred", "dropped_stale", "dropped_queue_full")
    return StreamRun(
        name=name,
        cameras=len(cameras),
        offered_fps=offered,
        seconds=row["seconds"] if seconds is None else max(seconds, row["seconds"]),
        entered=row["report"]["total"]["entered"],
        inferred=doors["inferred"],
        dropped_stale=doors["dropped_stale"],
        dropped_queue_full=doors["dropped_queue_full"],
        other_doors=sum(count for door, count in doors.items() if door not in named),
        balanced=row["report"]["balanced"] and row["report"]["total"]["in_flight"] == 0,
        sightings=row["report"]["sightings"],
        p50_s=row["p50_s"],
        p95_s=row["p95_s"],
        peak_rss_mb=row["peak_rss_mb"],
        rss_slope_mb_a_minute=row["rss_slope_mb_a_minute"],
        cpu_s=row["cpu_s"],
    )
