"""What ``roadwarden bench detect`` measures, each in a process of its own: ``python -m roadwarden.eval.contenders``.

A contender marks when its first frame is done, so that start-up (imports, loading, workers) is told apart.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

BEGAN = time.perf_counter()
PRELOADED = 32


class Stopwatch:
    """Seconds since the process began, or since ``restart``."""

    def __init__(self) -> None:
        """Starts at the process's beginning."""
        self._start, self._first = BEGAN, 0.0

    def restart(self) -> None:
        """Leaves out what was done so far."""
        self._start, self._first = time.perf_counter(), 0.0

    def frame_done(self) -> None:
        """Marks the first frame; later ones change nothing."""
        self._first = self._first or time.perf_counter() - self._start

    def read(self) -> dict[str, float]:
        """Seconds in all, and to the first frame."""
        return {"seconds": time.perf_counter() - self._start, "first_frame_seconds": self._first}


Contender = Callable[[Sequence[Path], Path, int, Stopwatch], None]


def bare_session(frames: Sequence[Path], model: Path, threads: int, watch: Stopwatch) -> None:
    """The bound of inference: session.run on tensors that lie ready, and nothing else."""
    from roadwarden.models.onnx import OnnxDetector, open_session
    from roadwarden.vision.decode import decode
    from roadwarden.vision.letterbox import Letterbox

    sizes = OnnxDetector(model).card.sizes
    session = open_session(model, threads=threads)
    name = session.get_inputs()[0].name
    looks = []
    for path in frames[:PRELOADED]:
        image = decode(path.read_bytes())
        looks.append([Letterbox.of(image.shape[0], image.shape[1], size).apply(image)[None] for size in sizes])
    for tensor in looks[0]:
        session.run(None, {name: tensor})
    watch.restart()
    for index in range(len(frames)):
        for tensor in looks[index % len(looks)]:
            session.run(None, {name: tensor})
        watch.frame_done()


def inference_alone(frames: Sequence[Path], model: Path, threads: int, watch: Stopwatch) -> None:
    """The bare session on one thread: core-seconds of inference."""
    del threads
    bare_session(frames, model, 1, watch)


def decode_alone(frames: Sequence[Path], model: Path, threads: int, watch: Stopwatch) -> None:
    """Reading and decoding on one thread: core-seconds of decoding."""
    del model, threads
    import cv2

    from roadwarden.vision.decode import decode

    cv2.setNumThreads(1)
    watch.restart()
    for path in frames:
        decode(path.read_bytes())
        watch.frame_done()


def batch_job(frames: Sequence[Path], model: Path, threads: int, watch: Stopwatch) -> None:
    """Our whole job: listing, hashing, decoding, quality, detection, tables, report."""
    from roadwarden.inference.batch import Progress, run_job
    from roadwarden.inference.settings import JobSettings

    def mark(progress: Progress) -> None:
        if progress.done:
            watch.frame_done()

    with tempfile.TemporaryDirectory() as folder:
        listed = _numbered(frames, Path(folder))
        run_job(JobSettings(archive=str(listed), model=model), Path(folder) / "out", workers=threads, on_progress=mark)


def ultralytics_predict(frames: Sequence[Path], model: Path, threads: int, watch: Stopwatch) -> None:
    """Ultralytics' own prediction over the same files, on the ONNX file or the checkpoint."""
    import torch
    from ultralytics import YOLO

    from roadwarden.models.card import Head
    from roadwarden.models.load import load_detector

    torch.set_num_threads(threads)
    card = load_detector(model).card
    network: Any = YOLO(str(model), task="detect")
    nms = False if card.head is Head.END_TO_END else None
    with tempfile.TemporaryDirectory() as folder:
        listed = _numbered(frames, Path(folder))
        for size in card.sizes:  # as many looks as ours takes
            for _ in network.predict(
                str(listed), imgsz=size, conf=card.lowest_threshold, nms=nms, stream=True, verbose=False
            ):
                watch.frame_done()


def _numbered(frames: Sequence[Path], folder: Path) -> Path:
    """A list of numbered links, because a frame that is measured again and again may stand in an archive only once."""
    links = [folder / f"{number:06d}{path.suffix}" for number, path in enumerate(frames)]
    for link, path in zip(links, frames, strict=True):
        link.symlink_to(path.resolve())
    listed = folder / "frames.txt"
    listed.write_text("\n".join(map(str, links)), encoding="utf-8")
    return listed


CONTENDERS: dict[str, Contender] = {
    "bare_session": bare_session,
    "inference_alone": inference_alone,
    "decode_alone": decode_alone,
    "batch_job": batch_job,
    "ultralytics": ultralytics_predict,
}


def main(arguments: Sequence[str]) -> None:
    """NAME LIST MODEL THREADS; prints the seconds as JSON on the last line."""
    name, listed, model, threads = arguments
    frames = [Path(line) for line in Path(listed).read_text(encoding="utf-8").splitlines()]
    watch = Stopwatch()
    CONTENDERS[name](frames, Path(model), int(threads), watch)
    sys.stdout.write(json.dumps(watch.read()) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
