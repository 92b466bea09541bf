"""The steps of one frame: read, decode, judge its quality, detect. Batch jobs and streams share them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from roadwarden.data.archives import Archive, Entry, UnreadableEntry
from roadwarden.detections import Detections, Frame, Image
from roadwarden.inference.outcome import FrameResult, Outcome, OutcomeKind
from roadwarden.models.detector import Detector
from roadwarden.vision.decode import UndecodableFrame, decode
from roadwarden.vision.quality import judge

Describe = Callable[[str, bytes, int, str], Frame]
"""(path, bytes, size, sha256) -> the manifest row, with capture time and position."""

CLEAN, DETECTED = Outcome(OutcomeKind.CLEAN), Outcome(OutcomeKind.DETECTED)
DECODER_CRASHED = Outcome(OutcomeKind.UNREADABLE, "decoder_crashed")


@dataclass(slots=True)
class StageSeconds:
    """Where the time of a worker goes."""

    read: float = 0.0
    decode: float = 0.0
    quality: float = 0.0
    detect: float = 0.0
    write: float = 0.0

    def add(self, other: StageSeconds) -> None:
        """Adds another worker's seconds."""
        for stage in self.__slots__:
            setattr(self, stage, getattr(self, stage) + getattr(other, stage))

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Adds the seconds spent inside to one stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            setattr(self, stage, getattr(self, stage) + time.perf_counter() - start)


@dataclass(frozen=True, slots=True)
class Looked:
    """A frame's result and, where it could be decoded, its picture."""

    result: FrameResult
    image: Image | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """The parts a worker is made of; ``inspect`` takes frames through all of them."""

    archive: Archive
    describe: Describe
    detector: Detector
    together: int = 1  # frames the detector sees in one run
    seconds: StageSeconds = field(default_factory=StageSeconds)

    def inspect(self, entries: Sequence[Entry], crashed: frozenset[str] = frozenset()) -> Iterator[Looked]:
        """One result a frame, in order; at most ``together`` pictures are in memory.

        ``crashed`` are frames that ended a decoder before: they are given up on without another look.
        """
        for first in range(0, len(entries), self.together):
            looked = [self._open(entry, crashed) for entry in entries[first : first + self.together]]
            yield from self._detect(looked)

    def _open(self, entry: Entry, crashed: frozenset[str]) -> Looked:
        if entry.path in crashed:
            return _unseen(Frame(entry.path, entry.size_bytes, ""), DECODER_CRASHED)
        try:
            with self.seconds.measure("read"):
                data = self.archive.read(entry.path)
                frame = self.describe(entry.path, data, entry.size_bytes, hashlib.sha256(data).hexdigest())
        except UnreadableEntry as exc:
            return _unseen(Frame(entry.path, entry.size_bytes, ""), Outcome(OutcomeKind.UNREADABLE, exc.why))
        try:
            with self.seconds.measure("decode"):
                image = decode(data)
        except UndecodableFrame as exc:
            return _unseen(frame, Outcome(OutcomeKind.UNREADABLE, str(exc.reason)))
        return self._judge(frame, image)

    def _judge(self, frame: Frame, image: Image) -> Looked:
        with self.seconds.measure("quality"):
            return judged(frame, image)

    def _detect(self, looked: Sequence[Looked]) -> Iterator[Looked]:
        with self.seconds.measure("detect"):
            found = detected(looked, self.detector)
        yield from found


def judged(frame: Frame, image: Image) -> Looked:
    """The quality gate: CLEAN until a detector says otherwise, or POOR_QUALITY with the gravest reason."""
    quality = judge(image)
    poor = Outcome(OutcomeKind.POOR_QUALITY, "" if quality.usable else str(quality.problems[0]))
    outcome = CLEAN if quality.usable else poor
    return Looked(FrameResult(frame, outcome, Detections.none(), image.shape[1], image.shape[0]), image)


def detected(looked: Sequence[Looked], detector: Detector) -> list[Looked]:
    """The same, in order, with what the detector saw in those that passed the gate."""
    usable = {i: one.image for i, one in enumerate(looked) if one.result.outcome is CLEAN and one.image is not None}
    found = dict(zip(usable, detector.detect(list(usable.values())), strict=True)) if usable else {}
    return [
        replace(one, result=replace(one.result, outcome=DETECTED, detections=found[i]))
        if len(found.get(i, Detections.none()))
        else one
        for i, one in enumerate(looked)
    ]


def _unseen(frame: Frame, outcome: Outcome) -> Looked:
    return Looked(FrameResult(frame, outcome, Detections.none()))
