"""A worker process: decodes and detects, so that a decoder's crash costs one frame and not the job.

Each worker holds its own detector on one thread: on a CPU that keeps every core busy without moving pictures between
processes; on a GPU a few workers share the card, one decoding while another detects.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from roadwarden.data.archives import Entry, open_archive
from roadwarden.detections import Image
from roadwarden.inference.describe import FrameDescriber
from roadwarden.inference.orphans import end_with_parent
from roadwarden.inference.outcome import FrameResult
from roadwarden.inference.settings import JobSettings
from roadwarden.inference.steps import StageSeconds, Steps
from roadwarden.models.load import load_detector
from roadwarden.models.tiling import TiledDetector
from roadwarden.vision.decode import UndecodableFrame, decode
from roadwarden.vision.drawing import draw
from roadwarden.vision.redaction import Redactor, default_redactor

JPEG_QUALITY = 88


@dataclass(frozen=True, slots=True)
class BatchDone:
    """What a worker hands back."""

    results: tuple[FrameResult, ...]
    seconds: StageSeconds


class Worker:
    """The state of one worker process."""

    def __init__(self, settings: JobSettings, describe: FrameDescriber, annotated: Path | None) -> None:
        """Opens the archive and the model on one thread."""
        cv2.setNumThreads(1)
        self._archive = open_archive(settings.archive)
        self._describe = describe
        self._detector = TiledDetector(load_detector(settings.model, threads=1))
        self._annotated = annotated
        self._redactor: Redactor | None = None

    def run(self, entries: Sequence[Entry], crashed: frozenset[str]) -> BatchDone:
        """Takes a batch through the steps."""
        steps = Steps(self._archive, self._describe, self._detector)
        results = []
        for looked in steps.inspect(entries, crashed):
            if self._annotated is not None and looked.image is not None:
                with steps.seconds.measure("write"):
                    self._write_drawn(self._annotated, looked.image, looked.result)
            results.append(looked.result)
        return BatchDone(tuple(results), steps.seconds)

    def probe(self, entry: Entry) -> None:
        """Decodes one frame for no other end than to see whether the process survives it."""
        try:
            decode(self._archive.read(entry.path))
        except UndecodableFrame:
            return

    def picture(self, result: FrameResult) -> bytes:
        """The frame as a JPEG for people: faces and plates blurred, boxes drawn."""
        return self._drawn_jpeg(decode(self._archive.read(result.frame.path)), result)

    def _drawn_jpeg(self, image: Image, result: FrameResult) -> bytes:
        self._redactor = self._redactor or default_redactor()
        drawn = draw(self._redactor.redact(image), result.detections)
        return bytes(cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1])

    def _write_drawn(self, folder: Path, image: Image, result: FrameResult) -> None:
        place = folder / f"{safe_relative(result.frame.path)}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(self._drawn_jpeg(image, result))


def safe_relative(path: str) -> str:
    """A frame's path that stays below the folder it is joined to, whatever a zip member or list calls itself."""
    return "/".join(part for part in path.split("/") if part not in {"", ".", ".."}).replace(":", "_")


_worker: Worker | None = None


def start(settings: JobSettings, describe: FrameDescriber, annotated: Path | None) -> None:
    """Makes this process a worker."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    _worker = Worker(settings, describe, annotated)


def run(entries: Sequence[Entry], crashed: frozenset[str]) -> BatchDone:
    """``Worker.run`` in this process."""
    return _this_worker().run(entries, crashed)


def probe(entry: Entry) -> None:
    """``Worker.probe`` in this process."""
    _this_worker().probe(entry)


def picture(result: FrameResult) -> bytes:
    """``Worker.picture`` in this process."""
    return _this_worker().picture(result)


def _this_worker() -> Worker:
    if _worker is None:
        raise RuntimeError("start() was not called in this process")
    return _worker
