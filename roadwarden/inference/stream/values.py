"""What travels through the worker: frames, what they hold, and the doors they leave by."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from roadwarden.detections import Detections, Frame, Image, Position


class Door(StrEnum):
    """The ways out: every frame that enters leaves by exactly one. The words are those of the report."""

    INFERRED = "inferred"  # looked at, and kept in the database or on disk; also where it was kept before
    SAMPLED_OUT = "sampled_out"  # another frame stands for it
    POOR_QUALITY = "poor_quality"  # judged unusable; not shown to the detector
    DROPPED_STALE = "dropped_stale"  # waited for longer than the staleness budget
    DROPPED_QUEUE_FULL = "dropped_queue_full"
    DECODE_ERROR = "decode_error"  # no picture, or one that was given up on and lies in the quarantine
    SHUTDOWN = "shutdown"  # the worker ended before its turn came


DROPPED = frozenset({Door.DROPPED_STALE, Door.DROPPED_QUEUE_FULL, Door.DECODE_ERROR, Door.SHUTDOWN})
"""Doors behind which a piece of road was not looked at, although a camera was there."""


def new_trace_id() -> str:
    """32 hex digits, as W3C Trace Context and OpenTelemetry have them; never all zeros."""
    return secrets.token_hex(16).replace("0" * 32, "1" * 32)


@dataclass(frozen=True, slots=True)
class StreamFrame:
    """One frame on its way. ``sha256`` is of its file, of a video frame that of its BMP: as the batch job has it."""

    camera: str  # name in the configuration
    number: int  # of this camera since the source was opened, from 0
    captured_at: datetime  # UTC, by the camera's clock with its offset
    arrived_s: float  # monotonic clock of the worker's host, when its last byte was there
    sha256: str
    position: Position | None = None  # of the camera, where the source knows it
    segment: int = 0  # rises where the stream's clock breaks: a reconnect, a jump, a step back
    width_px: int = 0  # 0 where it is not decoded yet
    height_px: int = 0
    path: str = ""  # what people find it by: a file, or CAMERA/NUMBER
    size_bytes: int = 0
    trace_id: str = field(default_factory=new_trace_id)
    timed: bool = True  # False: nothing tells when it was taken, and ``captured_at`` only tells frames apart
    lease: int = 0  # token with which this worker reads a shared camera; 0: the camera is not shared

    def __post_init__(self) -> None:
        if self.captured_at.utcoffset() is None:
            raise ValueError(f"{self.camera} frame {self.number}: capture time has no time zone")

    def key(self, model: str) -> str:
        """What makes a look at this frame the same look, however often it is delivered."""
        return frame_key(self.camera, self.captured_at, self.sha256, model)

    def manifest(self) -> Frame:
        """The frame as the batch job and the survey know it."""
        name = self.path or f"{self.camera}/{self.number:09d}"
        return Frame(name, self.size_bytes, self.sha256, self.captured_at if self.timed else None, self.position)


def frame_key(source: str, captured_at: datetime, sha256: str, model: str) -> str:
    """64 hex digits of source, capture time to the microsecond, frame hash and model."""
    moment = captured_at.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256("\n".join([source, moment, sha256, model]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Picture:
    """Decoded already."""

    image: Image


@dataclass(frozen=True, slots=True)
class Encoded:
    """The bytes of a picture file; the worker decodes them where a crash costs only them."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Seen:
    """A box on a vehicle has looked: no detector is needed, and the picture, where there is one, is a crop."""

    detections: Detections
    model: str  # what looked: name@hash
    crop: bytes = b""  # a picture file


@dataclass(frozen=True, slots=True)
class Message:
    """A broker's message as it came, for the quarantine: it may be read again when the reason is gone."""

    subject: str
    number: int  # of the stream
    stored_at: datetime  # by the broker's clock
    headers: Mapping[str, str]
    body: bytes


Content = Picture | Encoded | Seen
NOTHING = Encoded(b"")
"""Left of a frame that has gone."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Frames that a source let go by itself, such as by sampling before it decoded them."""

    door: Door
    count: int = 1
    why: str = ""
    missed: StreamFrame | None = None  # one that was worth a look, for the coverage: driven, and not seen


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing new, but the source lives; sources that may be silent for long say so every second or so."""

    connected: bool = True
