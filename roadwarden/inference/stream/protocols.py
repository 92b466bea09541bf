"""The seams of the worker: where frames come from, who is told what became of them, where results go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from threading import Event
from typing import Protocol

from roadwarden.detections import Detections
from roadwarden.inference.stream.values import Content, Door, Passed, StreamFrame, Waiting


class Receipt(Protocol):
    """Told once what became of a frame, from any thread; a broker acknowledges or redelivers by it."""

    def settled(self, door: Door) -> None:
        """The frame has left for good: acknowledge."""

    def returned(self, why: str) -> None:
        """It could not be worked on now, say because the worker ends: let it be delivered again."""


class NoReceipt:
    """Of sources that nobody waits behind."""

    def settled(self, door: Door) -> None:
        """Nobody wants to know."""

    def returned(self, why: str) -> None:
        """Nobody wants to know."""


NO_RECEIPT = NoReceipt()


def _nobody_waits() -> None:
    """Of sources that do not ask whether there is room."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A frame at the worker's entrance; ``deliveries`` counts from 1 for sources that deliver again.

    ``freed`` is called once, when the frame waits no more, whatever becomes of it: there is room for another one.
    """

    frame: StreamFrame
    content: Content
    receipt: Receipt = NO_RECEIPT
    deliveries: int = 1
    freed: Callable[[], None] = _nobody_waits


class Source(Protocol):
    """Frames of one camera, or of one subject of a broker; each is read by a thread of its own.

    ``arrivals`` ends when the source is at its end (a file) or soon after ``stop`` is set; it may block for about a
    second at most, and yields ``Waiting`` meanwhile. What can be mended (a camera away, a decoder that died) it mends
    itself with ``backoff``; it raises StreamError where it gives up. Taking the next arrival is taking the one before:
    a source must not hand on more than is asked for. ``camera`` of its frames may be one it names itself: a subject
    brings many cameras.
    """

    def arrivals(self, stop: Event) -> Iterator[Arrival | Passed | Waiting]:
        """What comes, in order."""


@dataclass(frozen=True, slots=True)
class Look:
    """A frame that was looked at: what was seen, by what. ``missed``: it was there, and nobody looked."""

    frame: StreamFrame
    detections: Detections
    model: str  # name@hash
    usable: bool = True  # False: the quality gate kept it from the detector
    missed: bool = False

    @property
    def key(self) -> str:
        """See ``values.frame_key``."""
        return self.frame.key(self.model)


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of looks that were handed to a sink."""

    doubles: int = 0  # that were kept before
    fenced: frozenset[int] = frozenset()  # places of those refused: another worker reads their camera now


class Sink(Protocol):
    """Where looks are kept; doing it again with the same changes nothing."""

    def known(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of the keys that are kept already: such frames of archives need no second look.

        Raises StorageAway.
        """

    def keep(self, looks: Sequence[Look]) -> Kept:
        """Keeps all of them or none, but those that are fenced off.

        Raises StorageAway where it can be tried again later, DataError where one of them is refused.
        """


class SpoolFull(StrEnum):
    """Which evidence a full spool keeps."""

    KEEP_OLDEST = "keep_oldest"  # refuses what is newer
    KEEP_NEWEST = "keep_newest"  # gives up the oldest


class Spool(Protocol):
    """Looks on disk while the database is away; in order, bounded, there again after a crash."""

    def put(self, look: Look) -> tuple[Look, ...]:
        """Keeps a look durably; returns those given up for want of room, which may be the very one."""

    def first(self, count: int) -> tuple[Look, ...]:
        """The oldest that are kept, oldest first."""

    def forget(self, looks: Sequence[Look]) -> None:
        """Removes looks that have been kept elsewhere."""

    def __len__(self) -> int: ...
