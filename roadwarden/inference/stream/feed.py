"""A source that decodes in a process of its own: watched, restarted when it dies, given up on when it keeps dying."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from threading import Event

from roadwarden.errors import StreamError
from roadwarden.inference.stream.backoff import Backoff, Endurance
from roadwarden.inference.stream.decoding import process
from roadwarden.inference.stream.decoding.messages import (
    DecodedFrame,
    DecoderSpec,
    Ended,
    FolderSpec,
    Opening,
    Room,
    Shared,
    Trouble,
)
from roadwarden.inference.stream.decoding.slots import UNREAD, Slots
from roadwarden.inference.stream.decoding.start import DECODERS
from roadwarden.inference.stream.protocols import Arrival
from roadwarden.inference.stream.values import Door, Passed, Picture, Waiting

logger = logging.getLogger(__name__)

POLL_S = 0.5
START_S = 60.0
"""A decoder that has said nothing yet may take so long: a network opens slowly, and the machine may be busy."""
END_S = 2.0
ON_THE_WAY = UNREAD + 2
"""Frames not read yet, one before the door of a full buffer, and the one before, which its thread still refers to."""


@dataclass(frozen=True, slots=True)
class Restarts:
    """How a decoder that dies is dealt with; ``patience_s`` is for one that says nothing."""

    backoff: Backoff = field(default_factory=lambda: Backoff(first_s=0.2, longest_s=10.0))
    endurance: Endurance = field(default_factory=Endurance)
    patience_s: float = 45.0


class DecoderFeed:
    """A ``Source`` of one camera."""

    def __init__(
        self,
        spec: DecoderSpec,
        restarts: Restarts | None = None,
        on_reconnect: Callable[[str], None] = lambda _camera: None,
        oldest_s: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """``oldest_s``: the age up to which a frame gets its turn now."""
        self._oldest_s = oldest_s
        self._spec, self._restarts, self._on_reconnect = spec, restarts or Restarts(), on_reconnect
        self._handed = 0  # frames of a video that are through, by whatever door
        self._done: set[str] = set()  # pictures of a folder that are through
        self._opening = ""
        self._deaths: list[float] = []

    def arrivals(self, stop: Event) -> Iterator[Arrival | Passed | Waiting]:
        """Frames of the decoder, and of the next one when it dies. Raises StreamError when that happens too often."""
        while not stop.is_set():
            try:
                decoder = _Decoder(self._resumed(), self._oldest_s())
            except (EOFError, OSError) as exc:
                self._note_death(f"was not started: {type(exc).__name__}: {exc}")
                yield from self._pause(stop)
                continue
            try:
                ended = yield from self._listen(decoder, stop)
            finally:
                decoder.end()
            if ended is not None:
                if ended.failed:
                    raise StreamError(f"{self._spec.camera}: {ended.failed}")
                return
            if not stop.is_set():
                yield self._died(decoder)
                yield from self._pause(stop)

    def _listen(self, decoder: _Decoder, stop: Event) -> Generator[Arrival | Passed | Waiting, None, Ended | None]:
        """Yields what it says; returns how it ended, None where it died, fell silent, or was told to stop."""
        heard_s, patience_s = time.monotonic(), max(START_S, self._restarts.patience_s)
        while not stop.is_set():
            try:
                message = decoder.receive(POLL_S)
            except (EOFError, OSError):
                decoder.join()
                return None
            now_s = time.monotonic()
            decoder.shared.room.oldest_s = self._oldest_s()
            if message is None:
                if now_s - heard_s > patience_s:
                    logger.warning("%s: the decoder says nothing for %.0f s", self._spec.camera, patience_s)
                    return None
                yield Waiting(connected=False)
                continue
            heard_s, patience_s = now_s, self._restarts.patience_s
            if isinstance(message, Ended):
                return message
            yield from self._passed_on(message)
        return None

    def _passed_on(self, message: object) -> Iterator[Arrival | Passed | Waiting]:
        if isinstance(message, Arrival):
            if isinstance(self._spec.source, FolderSpec):
                self._done.add(message.frame.path)
            self._opening = ""
            self._handed = message.frame.number + 1
            yield message
        elif isinstance(message, Opening):
            self._forget_opening()
            self._opening = message.path
        elif isinstance(message, Trouble):
            logger.warning("%s: %s", self._spec.camera, message.text)
            if message.reconnects:
                self._on_reconnect(self._spec.camera)
        elif isinstance(message, Passed):
            self._handed += message.count
            yield message
        elif isinstance(message, Waiting):
            yield message

    def _forget_opening(self) -> None:
        """The picture before was let go by the decoder itself, or it would have been handed on."""
        if self._opening:
            self._done.add(self._opening)
        self._opening = ""

    def _resumed(self) -> DecoderSpec:
        source = self._spec.source
        if isinstance(source, FolderSpec):
            return replace(self._spec, source=replace(source, skip=frozenset(self._done)))
        return replace(self._spec, source=replace(source, skip=0 if source.live else self._handed))

    def _died(self, decoder: _Decoder) -> Passed:
        """The frame that it was at is lost with it, and not tried again."""
        where = self._opening or f"frame {self._handed}"
        self._note_death(f"ended ({decoder.how}) at {where}")
        self._forget_opening()
        self._handed += 1
        return Passed(Door.DECODE_ERROR, 1, f"decoder_crashed at {where}")

    def _note_death(self, how: str) -> None:
        """Raises StreamError where it happens too often."""
        now_s, endurance = time.monotonic(), self._restarts.endurance
        self._deaths = [one for one in self._deaths if now_s - one <= endurance.within_s] + [now_s]
        logger.warning("%s: the decoder %s", self._spec.camera, how)
        if endurance.is_spent(self._deaths, now_s):
            raise StreamError(
                f"{self._spec.camera}: its decoder failed {len(self._deaths)} times in {endurance.within_s:.0f} s, "
                f"last it {how}; it is given up on. Look at the source; SIGHUP tries again"
            )

    def _pause(self, stop: Event) -> Iterator[Waiting]:
        end = time.monotonic() + self._restarts.backoff.pause_s(len(self._deaths), random.Random())
        while (left := end - time.monotonic()) > 0 and not stop.wait(min(POLL_S, left)):
            yield Waiting(connected=False)


class _Decoder:
    """The process and the worker's end of its pipe."""

    def __init__(self, spec: DecoderSpec, oldest_s: float) -> None:
        self.shared = Shared(Room(oldest_s), Slots(spec.buffer_frames + spec.in_hand + ON_THE_WAY))
        self._pipe, theirs = DECODERS.Pipe(duplex=False)
        self._process: BaseProcess = DECODERS.Process(
            target=process.main, args=(spec, theirs, self.shared), name=f"decoder {spec.camera}", daemon=True
        )
        self._process.start()
        theirs.close()  # so that its death is the end of the pipe

    def receive(self, wait_s: float) -> object | None:
        """The next message, a frame with its picture; None where there is none yet. Raises EOFError when it is dead."""
        if not self._pipe.poll(wait_s):
            return None
        message: object = self._pipe.recv()
        if isinstance(message, DecodedFrame):
            image = self.shared.slots.read(message.slot, message.shape)
            return Arrival(message.frame, Picture(image), freed=self.shared.room.freed)
        return message

    def join(self) -> None:
        """Waits for the end of a process whose pipe has ended."""
        self._process.join(END_S)

    @property
    def how(self) -> str:
        """How it ended, for people."""
        code = self._process.exitcode
        return "still running" if code is None else f"signal {-code}" if code < 0 else f"exit code {code}"

    def end(self) -> None:
        """Ends the process, whatever it does; a connection it holds is closed by the system.

        One whose server is gone cannot be asked how it is, nor ended here: it ends with this object (``orphans``).
        """
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(END_S)
        self._pipe.close()
        self.shared.slots.close()
