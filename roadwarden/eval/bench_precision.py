"""How much faster one file of a model is than another: both in one process, by turns, on the same tensors."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from roadwarden.detections import Image
from roadwarden.errors import DataError
from roadwarden.models.cpu import has_vnni
from roadwarden.models.onnx import OnnxDetector, open_session
from roadwarden.vision.letterbox import Letterbox

ROUNDS = 60
WARM_UP = 3
Tensor = npt.NDArray[np.float32]
"""An input, (batch, 3, height, width)."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Medians over the rounds; a round runs both files on one frame, and only its ratio is taken over rounds.

    ``ratio`` compares CPU time, which other programs on the machine cannot take away; ``wall_ratio`` the clock on the
    wall, which with more threads than one is the fairer: threads that wait for each other spin.
    """

    threads: int
    batch: int  # frames a run
    rounds: int
    reference_fps: float  # frames a second by the wall clock
    candidate_fps: float
    wall_ratio: float  # how many times as fast the candidate is
    ratio: float
    vnni: bool  # whether the CPU multiplies 8-bit numbers natively

    def as_json(self) -> dict[str, Any]:
        """For the parity report."""
        return asdict(self)

    def line(self) -> str:
        """For people."""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return (
            f"{threads}, batches of {self.batch}: {self.reference_fps:.1f} → {self.candidate_fps:.1f} frames/s, "
            f"{self.wall_ratio:.2f} × by the clock, {self.ratio:.2f} × by CPU time"
        )


def compare_speed(
    reference: Path, candidate: Path, images: Sequence[Image], *, threads: int = 1, batch: int = 1, rounds: int = ROUNDS
) -> Speed:
    """Runs both files by turns; decoding, letterbox and suppression are left out, since they are the same in both.

    A batch is made of frames of one shape: that of the first. They are taken again where there are too few.
    """
    if not images:
        raise DataError("no frames to measure on; name a folder of JPEGs")
    inputs = _inputs(images, OnnxDetector(reference, threads=1).card.input_size, batch)
    ours, theirs = (_runner(path, threads) for path in (reference, candidate))
    for _ in range(WARM_UP):
        ours(inputs[0])
        theirs(inputs[0])
    seconds = np.array([[_time(run, inputs[index % len(inputs)]) for run in (ours, theirs)] for index in range(rounds)])
    wall, cpu = seconds[..., 0], seconds[..., 1]
    return Speed(
        threads=threads,
        batch=batch,
        rounds=rounds,
        reference_fps=float(batch / np.median(wall[:, 0])),
        candidate_fps=float(batch / np.median(wall[:, 1])),
        wall_ratio=float(np.median(wall[:, 0] / wall[:, 1])),
        ratio=float(np.median(cpu[:, 0] / cpu[:, 1])),
        vnni=has_vnni(),
    )


def _runner(path: Path, threads: int) -> Callable[[Tensor], object]:
    session = open_session(path, threads=threads)
    name = session.get_inputs()[0].name
    return lambda tensor: session.run(None, {name: tensor})


def _inputs(images: Sequence[Image], input_size: int, batch: int) -> list[Tensor]:
    """Batches of (batch, 3, height, width)."""
    shape = images[0].shape
    frames = [
        Letterbox.of(image.shape[0], image.shape[1], input_size).apply(image)
        for image in images
        if image.shape == shape
    ]
    runs = -(-len(frames) // batch)
    return [
        np.stack([frames[index % len(frames)] for index in range(run * batch, (run + 1) * batch)])
        for run in range(runs)
    ]


def _time(run: Callable[[Tensor], object], tensor: Tensor) -> tuple[float, float]:
    """Seconds by the wall clock, and of CPU time."""
    wall, cpu = time.perf_counter(), time.process_time()
    run(tensor)
    return time.perf_counter() - wall, time.process_time() - cpu
