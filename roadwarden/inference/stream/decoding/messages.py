"""What a decoder is told when it starts, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from roadwarden.inference.stream.backoff import Backoff
from roadwarden.inference.stream.decoding.slots import Slots
from roadwarden.inference.stream.decoding.start import DECODERS
from roadwarden.inference.stream.sampling import EveryFrame, Rule
from roadwarden.inference.stream.values import StreamFrame


@dataclass(frozen=True, slots=True)
class VideoSpec:
    """A video, from a file or the network. ``url`` holds credentials: it is never shown."""

    url: str = field(repr=False)
    live: bool
    transport: str = "tcp"
    timeout_s: float = 10.0
    silence_s: float = 20.0
    keyframes_only: bool = False
    recorded_pace: bool = False
    starts_at: datetime | None = None
    skip: int = 0  # frames of a file that an earlier decoder has handed on
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(frozen=True, slots=True)
class FolderSpec:
    """A folder of pictures."""

    path: Path
    watch: bool
    poll_s: float = 1.0
    settled_s: float = 0.5
    zone: str | None = None
    skip: frozenset[str] = frozenset()  # paths that an earlier decoder has handed on, or died of


@dataclass(frozen=True, slots=True)
class DecoderSpec:
    """One camera."""

    camera: str
    source: VideoSpec | FolderSpec
    until_eof: bool = False
    rule: Rule = field(default_factory=EveryFrame)
    stale_after_s: float | None = None
    buffer_frames: int = 2  # decoded frames that may wait in the worker
    in_hand: int = 4  # decoded frames that it may be at, besides
    track: Path | None = None
    zone: str | None = None
    clock_offset_s: float = 0.0


class Room:
    """What a worker lets the decoder of a live camera know, in memory that both see.

    The worker alone writes, the decoder alone reads; a value that is a moment old does no harm.
    """

    def __init__(self, oldest_s: float) -> None:
        """``oldest_s``: see ``Policy.oldest_s``."""
        self._values = DECODERS.RawArray("d", (0.0, oldest_s))

    def freed(self) -> None:
        """One of the frames handed on waits no more."""
        self._values[0] += 1

    @property
    def left(self) -> int:
        """Frames that wait no more, since the decoder was started."""
        return int(self._values[0])

    @property
    def oldest_s(self) -> float:
        """A frame that is older has no turn to wait for."""
        return float(self._values[1])

    @oldest_s.setter
    def oldest_s(self, seconds: float) -> None:
        self._values[1] = seconds


@dataclass(frozen=True, slots=True)
class Shared:
    """Memory that the worker and one decoder both see."""

    room: Room
    slots: Slots


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A frame's envelope, and where its picture lies."""

    frame: StreamFrame
    slot: int
    shape: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Opening:
    """The decoder is about to read this picture; if it dies, of this one."""

    path: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something for the log, without credentials."""

    text: str
    reconnects: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The source is at its end; ``failed`` says why where that was not wanted."""

    failed: str = ""
