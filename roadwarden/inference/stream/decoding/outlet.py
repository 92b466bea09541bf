"""The decoder's end of the pipe: samples, counts what it lets go, and hands on the rest."""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection

import cv2
import numpy as np

from roadwarden.detections import Image, Position
from roadwarden.inference.stream.decoding.messages import DecodedFrame, DecoderSpec, Opening, Shared, Trouble
from roadwarden.inference.stream.decoding.positions import Positions
from roadwarden.inference.stream.sampling import ByChange, Glimpse, Sampler, Thumbnail
from roadwarden.inference.stream.values import Door, Passed, StreamFrame, Waiting

TELL_S = 0.5
"""Counts of what was let go are gathered for so long."""
THUMBNAIL = (64, 36)


@dataclass(frozen=True, slots=True)
class Captured:
    """A frame before it is sampled."""

    number: int
    at: datetime
    arrived_s: float
    segment: int = 0
    timed: bool = True
    path: str = ""
    size_bytes: int = 0
    position: Position | None = None  # its own; the track goes first


class Outlet:
    """Writes to the worker; blocks where the worker waits."""

    def __init__(self, spec: DecoderSpec, pipe: Connection, positions: Positions, shared: Shared) -> None:
        self._spec, self._pipe, self._positions, self._shared = spec, pipe, positions, shared
        self._handed_on = 0
        self._sampler = Sampler(spec.rule)
        self._let_go: dict[tuple[Door, str], int] = {}
        self._told_s = time.monotonic()

    @property
    def wants_change(self) -> bool:
        """Whether frames are chosen by what is in them."""
        return isinstance(self._spec.rule, ByChange)

    def position_of(self, frame: Captured) -> Position | None:
        """By the track, else its own."""
        return (self._positions.at(frame.at) if frame.timed else None) or frame.position

    def wants(self, frame: Captured, position: Position | None, thumbnail: Thumbnail | None = None) -> bool:
        """Whether it is worth a look; counted where it is not. Without a time nothing tells, and it is."""
        if not frame.timed and not self.wants_change:
            return True
        at = frame.at if frame.timed else datetime.now(UTC)
        wanted, self._sampler = self._sampler.step(Glimpse(at, position, thumbnail))
        if not wanted:
            self.let_go(Door.SAMPLED_OUT)
        return wanted

    def has_turn(self, frame: Captured, position: Position | None) -> bool:
        """Whether a frame that is worth a look will get one; where not it is counted, and was driven in vain.

        Asked before the frame is converted, hashed and sent: under overload that was most of a decoder's work, for
        frames that were dropped on arrival.
        """
        if self._spec.stale_after_s is None:
            return True
        if time.monotonic() - frame.arrived_s > self._shared.room.oldest_s:
            door, why = Door.DROPPED_STALE, "decoder_behind"
        elif self._handed_on - self._shared.room.left >= self._spec.buffer_frames:
            door, why = Door.DROPPED_QUEUE_FULL, "worker_behind"
        else:
            return True
        self._pipe.send(Passed(door, 1, why, self._envelope(frame, position)))
        return False

    def let_go(self, door: Door, why: str = "", count: int = 1) -> None:
        """Counts frames that do not reach the worker; told in time or with the next frame."""
        self._let_go[door, why] = self._let_go.get((door, why), 0) + count
        if time.monotonic() - self._told_s >= TELL_S:
            self.tell()

    def tell(self) -> None:
        """Says what was let go."""
        for (door, why), count in self._let_go.items():
            self._pipe.send(Passed(door, count, why))
        self._let_go.clear()
        self._told_s = time.monotonic()

    def opening(self, path: str) -> None:
        """Before a picture is touched that may end this process."""
        self._pipe.send(Opening(path))

    def waiting(self, *, connected: bool) -> None:
        """Nothing new."""
        self.tell()
        self._pipe.send(Waiting(connected))

    def trouble(self, text: str, *, reconnects: bool = False) -> None:
        """For the worker's log."""
        self._pipe.send(Trouble(text, reconnects))

    def hand_on(self, frame: Captured, image: Image, sha256: str, position: Position | None) -> None:
        """A frame that is worth a look."""
        self.tell()
        height, width, channels = image.shape
        envelope = replace(self._envelope(frame, position), sha256=sha256, width_px=width, height_px=height)
        self._handed_on += 1
        slot = self._shared.slots.write(image)
        self._pipe.send(DecodedFrame(envelope, slot, (height, width, channels)))

    def _envelope(self, frame: Captured, position: Position | None) -> StreamFrame:
        return StreamFrame(
            camera=self._spec.camera,
            number=frame.number,
            captured_at=frame.at,
            arrived_s=frame.arrived_s,
            sha256="",
            position=position,
            segment=frame.segment,
            path=frame.path,
            size_bytes=frame.size_bytes,
            timed=frame.timed,
        )


def sha256_of_picture(image: Image) -> str:
    """Of its BMP, as the batch job has a video's frames."""
    return hashlib.sha256(cv2.imencode(".bmp", image)[1].data).hexdigest()


def thumbnail_of(image: Image) -> Thumbnail:
    """Small and grey."""
    scale = max(1, math.floor(image.shape[1] / 256))  # a cheap first step for large pictures
    small = cv2.resize(image[::scale, ::scale], THUMBNAIL, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
