"""A lane: batches from the hall through quality gate and detector to the recorder. One thread, one detector."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Protocol

from roadwarden.detections import Detections, Image
from roadwarden.errors import RoadwardenError
from roadwarden.inference.outcome import OutcomeKind
from roadwarden.inference.steps import Looked, detected, judged
from roadwarden.inference.stream.hall import Entrant, Hall
from roadwarden.inference.stream.model_slot import LoadedModel, ModelSlot
from roadwarden.inference.stream.protocols import Look
from roadwarden.inference.stream.values import Encoded, Picture, Seen, StreamFrame
from roadwarden.models.detector import Detector
from roadwarden.vision.decode import UndecodableFrame

logger = logging.getLogger(__name__)


class Decode(Protocol):
    """Bytes to a picture, where a crash costs only them."""

    def __call__(self, data: bytes) -> Image:
        """Raises UndecodableFrame for what is no picture, DecoderDied where the decoder died of it."""


class DecoderDied(RoadwardenError):
    """The decoder's process ended, or took too long."""


@dataclass(frozen=True, slots=True)
class Exits:
    """Where a lane's frames go."""

    looked: Callable[[Entrant, Look], None]
    failed: Callable[[Entrant, str], None]  # no picture, or tried often enough
    known: Callable[[Sequence[tuple[Entrant, str]]], frozenset[str]]  # keys of frames of archives kept already
    batch: Callable[[int, float], None] = lambda _frames, _seconds: None  # for metrics


@dataclass(slots=True)
class Lane:
    """``number`` picks its detector among those of the loaded model."""

    number: int
    hall: Hall
    slot: ModelSlot
    exits: Exits
    decode: Decode
    most: int
    deadline_s: float
    tries: int
    begun_s: float | None = None  # when the batch under way was begun

    def run(self, stop: Event) -> None:
        """Until stopped and the hall is empty."""
        while batch := self.hall.take(self.most, self.deadline_s, stop):
            self.begun_s = time.monotonic()
            try:
                self.work(batch)
            except Exception:
                logger.exception("a batch of %d frames failed; each is tried alone", len(batch))
                for one in batch:
                    if not one.gone:
                        self._alone(one)
            self.begun_s = None

    def busy_s(self) -> float:
        """For how long it has been at its batch; 0 where it waits for one."""
        begun_s = self.begun_s
        return 0.0 if begun_s is None else time.monotonic() - begun_s

    def work(self, batch: Sequence[Entrant]) -> None:
        """One batch by one model. Raises what the detector raises; nothing has left then."""
        started_s = time.perf_counter()
        model = self.slot.current
        todo = self._without_known([one for one in batch if not isinstance(one.arrival.content, Seen)], model)
        opened = [(one, looked) for one in todo if (looked := self._open(one)) is not None]
        detector = model.detectors[self.number % len(model.detectors)]
        found = self._halving([looked for _, looked in opened], detector)
        for (one, _), looked in zip(opened, found, strict=True):
            self._looked(one, look_of(one.arrival.frame, looked, model.label))
        for one in batch:
            if isinstance(content := one.arrival.content, Seen):
                self._looked(one, Look(one.arrival.frame, content.detections, content.model))
        self.exits.batch(len(batch), time.perf_counter() - started_s)

    def _alone(self, one: Entrant) -> None:
        while one.tries < self.tries:
            one.tries += 1
            try:
                self.work([one])
            except Exception as exc:
                logger.exception("%s: a frame failed, try %d of %d", one.ticket.camera, one.tries, self.tries)
                if one.gone:
                    return
                why = f"{type(exc).__name__}: {exc}"
                continue
            return
        self._failed(one, why)

    def _without_known(self, batch: Sequence[Entrant], model: LoadedModel) -> list[Entrant]:
        """Frames of archives that were kept before need no second look."""
        asked = [(one, one.arrival.frame.key(model.label)) for one in batch if one.policy.stale_after_s is None]
        known = self.exits.known(asked) if asked else frozenset()
        keys = {id(one): key for one, key in asked}
        for one, key in asked:
            if key in known:
                self._looked(one, Look(one.arrival.frame, Detections.none(), model.label))
        return [one for one in batch if keys.get(id(one)) not in known or id(one) not in keys]

    def _open(self, one: Entrant) -> Looked | None:
        content = one.arrival.content
        if isinstance(content, Picture):
            return judged(one.arrival.frame.manifest(), content.image)
        if not isinstance(content, Encoded):
            return None
        while one.tries < self.tries:
            one.tries += 1
            try:
                return judged(one.arrival.frame.manifest(), self.decode(content.data))
            except UndecodableFrame as exc:
                self._failed(one, str(exc.reason))
                return None
            except DecoderDied as exc:
                why = str(exc)
        self._failed(one, why)
        return None

    def _halving(self, looked: Sequence[Looked], detector: Detector) -> list[Looked]:
        """Detects; where the device's memory does not suffice, half at a time, and no larger batch from then on."""
        try:
            return detected(looked, detector)
        except Exception as exc:
            if len(looked) < 2 or not is_out_of_memory(exc):
                raise
            self.most = max(1, min(self.most, len(looked) // 2))
            logger.warning("memory does not suffice for %d frames at once; %d from now on", len(looked), self.most)
        middle = len(looked) // 2
        return [*self._halving(looked[:middle], detector), *self._halving(looked[middle:], detector)]

    def _looked(self, one: Entrant, look: Look) -> None:
        one.gone = True
        one.forget_content()
        self.exits.looked(one, look)

    def _failed(self, one: Entrant, why: str) -> None:
        one.gone = True
        self.exits.failed(one, why)
        one.forget_content()


def is_out_of_memory(exc: Exception) -> bool:
    """Whether a runtime ran out of memory: ONNX Runtime and CUDA say so in words only."""
    text = f"{type(exc).__name__} {exc}".lower()
    return isinstance(exc, MemoryError) or any(
        words in text
        for words in ("out of memory", "failed to allocate", "bad_alloc", "memoryerror", "cuda failure 2:")
    )


def look_of(frame: StreamFrame, looked: Looked, model: str) -> Look:
    """What the steps made of a frame, for the database."""
    sized = replace(frame, width_px=looked.result.width_px or 0, height_px=looked.result.height_px or 0)
    usable = looked.result.outcome.kind is not OutcomeKind.POOR_QUALITY
    return Look(sized, looked.result.detections, model, usable)
