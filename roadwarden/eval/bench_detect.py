"""Speed of detection beside its bound and its peers, in one run on the same frames and weights."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from roadwarden.errors import DataError, MissingExtra
from roadwarden.eval.machine import machine

SAMPLE_EVERY_S = 0.05
TITLES = {
    "bound": "(a) bare ONNX Runtime session.run",
    "ours": "(b) roadwarden detect, the whole job",
    "peer_onnx": "(c) ultralytics predict, same ONNX",
    "peer_pt": "(d) ultralytics predict, .pt",
    "inference": "inference alone, one thread",
    "decode": "read + decode alone, one thread",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One contender's run."""

    name: str
    frames: int
    seconds: float
    first_frame_seconds: float
    peak_rss_mb: float

    @property
    def frames_per_second(self) -> float:
        """Start-up included."""
        return self.frames / self.seconds


@dataclass(frozen=True, slots=True)
class BenchResult:
    """All contenders, the machine, and the two ratios that are promised."""

    machine: str
    cores: int
    model: str
    runs: dict[str, Measured]

    @property
    def whole_job_bound(self) -> float:
        """Frames a second that the cores could do if only decoding and inference cost anything."""
        core_seconds = sum(self.runs[name].seconds / self.runs[name].frames for name in ("decode", "inference"))
        return self.cores / core_seconds

    @property
    def share_of_bound(self) -> float:
        """Our job against that bound; the target is 0.9."""
        return self.runs["ours"].frames_per_second / self.whole_job_bound

    def against_peer(self, peer: str) -> float:
        """Our job against a peer, start-up included on both sides; the target against (c) is 1.3."""
        return self.runs["ours"].frames_per_second / self.runs[peer].frames_per_second

    def markdown(self) -> str:
        """The table of eval/benchmarks/README.md."""
        lines = [
            f"Machine: {self.machine}, {self.cores} cores. Model: {self.model}. Frames: {self.runs['ours'].frames}.",
            "",
            "| contender | frames/s | s to first frame | peak RSS, MB |",
            "| --- | --- | --- | --- |",
        ]
        for name, run in self.runs.items():
            lines.append(
                f"| {TITLES[name]} | {run.frames_per_second:.1f} | {run.first_frame_seconds:.2f} "
                f"| {run.peak_rss_mb:.0f} |"
            )
        lines += ["", f"Bound of the whole job, cores ÷ (decode + inference): {self.whole_job_bound:.1f} frames/s."]
        lines.append(f"(b) is {self.share_of_bound:.2f} of that bound (target 0.90)")
        for peer in ("peer_onnx", "peer_pt"):
            if peer in self.runs:
                lines.append(f"and {self.against_peer(peer):.2f} × {TITLES[peer][:3]}")
        return "\n".join(lines) + "\n"


def bench(
    frames: Sequence[Path], *, onnx: Path, checkpoint: Path | None, cores: int, tell: Callable[[str], None]
) -> BenchResult:
    """Runs every contender once, one after the other; the peers only where Ultralytics is installed."""
    if not frames:
        raise DataError("no frames to measure on; name a folder of JPEGs")
    plan: dict[str, tuple[str, Path, int]] = {
        "inference": ("inference_alone", onnx, 1),
        "decode": ("decode_alone", onnx, 1),
        "bound": ("bare_session", onnx, cores),
        "ours": ("batch_job", onnx, cores),
        "peer_onnx": ("ultralytics", onnx, cores),
    }
    if checkpoint is not None:
        plan["peer_pt"] = ("ultralytics", checkpoint, cores)
    runs = {}
    for name, (contender, model, threads) in plan.items():
        tell(TITLES[name])
        runs[name] = measure(name, contender, frames, model, threads)
    return BenchResult(machine(), cores, onnx.name, {name: runs[name] for name in TITLES if name in runs})


def measure(name: str, contender: str, frames: Sequence[Path], model: Path, threads: int) -> Measured:
    """Runs one contender in a process of its own and watches its memory."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as listed:
        listed.write("\n".join(str(path.resolve()) for path in frames))
        listed.flush()
        command = [sys.executable, "-m", "roadwarden.eval.contenders"]
        process = subprocess.Popen(
            [*command, contender, listed.name, str(model), str(threads)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        peak = _watch_memory(process.pid)
        output, errors = process.communicate()
    if process.returncode:
        raise DataError(f"{TITLES[name]} failed: {errors.strip().splitlines()[-1] if errors.strip() else 'no message'}")
    seconds = json.loads(output.strip().splitlines()[-1])
    return Measured(name, len(frames), seconds["seconds"], seconds["first_frame_seconds"], peak() / 2**20)


def _watch_memory(pid: int) -> Callable[[], int]:
    """Samples the resident bytes of a process and its children until it ends; call the result for the peak.

    Pages that processes share count for each of them, so a job of many processes is overstated.
    """
    try:
        import psutil
    except ImportError as exc:
        raise MissingExtra("the benchmark watches memory with psutil: pip install 'roadwarden[dev]'") from exc
    root, peak, gone = psutil.Process(pid), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not gone.wait(SAMPLE_EVERY_S):
            try:
                family = [root, *root.children(recursive=True)]
                peak = max(peak, sum(one.memory_info().rss for one in family))
            except psutil.Error:
                continue

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()

    def stop() -> int:
        gone.set()
        watcher.join()
        return peak

    return stop
