"""Videos by PyAV: files once, the network for ever; what is broken in a stream is counted, not raised."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from roadwarden.data.redact_url import redact_url
from roadwarden.errors import StreamError
from roadwarden.inference.stream.decoding.messages import DecoderSpec, VideoSpec
from roadwarden.inference.stream.decoding.outlet import THUMBNAIL, Captured, Outlet, sha256_of_picture
from roadwarden.inference.stream.sampling import Thumbnail
from roadwarden.inference.stream.timeline import Timeline
from roadwarden.inference.stream.values import Door

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
WAIT_S = 1.0
LATE_PACKETS = 64
"""Packets that may be inside a decoder before those without a picture are called lost: it holds some to reorder."""
BACKLOG_S = 0.005
"""A packet that was there at once, within this, had been waiting."""


def read_video(spec: DecoderSpec, source: VideoSpec, outlet: Outlet) -> None:
    """Hands on frames until a file ends; of the network until this process is ended, or with ``until_eof`` at its end.

    Raises StreamError for a file that is no video.
    """
    import av

    av.logging.set_level(av.logging.PANIC)  # its own lines would show addresses with their passwords
    player = _Player(spec, source, outlet, av.FFmpegError)
    failures = 0
    while True:
        frames_before = player.number
        try:
            player.play()
            if not source.live or spec.until_eof:
                outlet.tell()
                return
            why = "the stream ended"
        except (av.FFmpegError, OSError, ValueError, IndexError) as exc:
            why = redact_url(f"{type(exc).__name__}: {exc}".replace(source.url, "the stream"))
            if not source.live:
                raise StreamError(f"{Path(source.url).name}: not a video that can be read: {why}") from None
        player.disconnected()
        failures = 1 if player.number > frames_before else failures + 1
        pause_s = source.backoff.pause_s(failures, random.Random())
        outlet.trouble(f"{why}; trying again in {pause_s:.1f} s", reconnects=True)
        _wait(pause_s, outlet)


def _wait(pause_s: float, outlet: Outlet) -> None:
    end = time.monotonic() + pause_s
    while (left := end - time.monotonic()) > 0:
        outlet.waiting(connected=False)
        time.sleep(min(WAIT_S, left))


@dataclass(slots=True)
class _Player:
    """One video and how far it was played."""

    spec: DecoderSpec
    source: VideoSpec
    outlet: Outlet
    broken: type[Exception]  # what PyAV raises; some of its errors are neither OSError nor ValueError
    number: int = 0
    timed: bool = True
    timeline: Timeline = field(init=False)
    inside: int = 0  # packets that the decoder has given no picture for

    def __post_init__(self) -> None:
        self.timeline = Timeline(live=self.source.live)

    def disconnected(self) -> None:
        """What the decoder still held is lost."""
        self._lost(self.inside, "no_picture")
        self.timeline = self.timeline.broken()

    def play(self) -> None:
        """From opening to the end."""
        container = _open(self.source)
        try:
            stream = container.streams.video[0]
            stream.thread_type = "NONE" if self.source.live else "SLICE"
            if self.source.keyframes_only:
                stream.codec_context.skip_frame = "NONKEY"
            begins, self.timed = self._begins(container)
            if not self.source.live:
                rate = float(stream.average_rate or 25)
                self.timeline = Timeline(live=False, nominal_s=1 / rate if rate > 0 else 0.04)
            self.inside = 0
            self._run(container, stream, begins)
        finally:
            container.close()

    def _run(self, container: Any, stream: Any, begins: datetime) -> None:
        started_s, last_s = time.monotonic(), time.monotonic()
        asked_s = time.monotonic()
        for packet in container.demux(stream):
            arrived_s = time.monotonic()
            backlog = arrived_s - asked_s < BACKLOG_S
            for frame in self._decoded(packet):
                last_s = arrived_s
                self._frame(frame, arrived_s, begins, started_s, backlog=backlog)
            if self.source.live and arrived_s - last_s > self.source.silence_s:
                raise OSError(f"packets, but no picture for {self.source.silence_s:.0f} s")
            asked_s = time.monotonic()
        if not self.source.live:
            self._lost(self.inside, "no_picture")

    def _decoded(self, packet: Any) -> Iterator[Any]:
        if packet.size and packet.is_corrupt:
            self._lost(1, "corrupt_packet", inside=False)
            return
        skipped = self.source.keyframes_only and packet.size and not packet.is_keyframe
        try:
            frames = packet.decode()
        except (self.broken, OSError, ValueError):
            self._lost(1, "corrupt_packet", inside=False)
            return
        if skipped:
            self._count_skipped()
            return
        self.inside += bool(packet.size)
        for frame in frames:
            self.inside = max(0, self.inside - 1)
            if frame.is_corrupt:
                self._lost(1, "corrupt_picture", inside=False)
                continue
            yield frame
        if self.inside > LATE_PACKETS:
            self._lost(self.inside - LATE_PACKETS, "no_picture")

    def _count_skipped(self) -> None:
        self.number += 1
        if self.number > self.source.skip:
            self.outlet.let_go(Door.SAMPLED_OUT, "no_key_frame")

    def _lost(self, count: int, why: str, *, inside: bool = True) -> None:
        if count <= 0:
            return
        self.inside -= count if inside else 0
        first = self.number
        self.number += count
        if (told := self.number - max(first, self.source.skip)) > 0:
            self.outlet.let_go(Door.DECODE_ERROR, why, told)

    def _frame(self, frame: Any, arrived_s: float, begins: datetime, started_s: float, *, backlog: bool) -> None:
        pts_s = None if frame.pts is None or frame.time_base is None else float(frame.pts * frame.time_base)
        now = datetime.now(UTC) if self.source.live else begins
        stamp, self.timeline = self.timeline.stamp(pts_s, now)
        number, self.number = self.number, self.number + 1
        if number < self.source.skip:
            return
        if self.source.recorded_pace:
            arrived_s = _paced(started_s, (stamp.at - begins).total_seconds())
        at = stamp.at + timedelta(seconds=self.spec.clock_offset_s)
        limit_s = self.spec.stale_after_s
        if self.source.live and backlog and limit_s is not None and (now - stamp.at).total_seconds() > limit_s:
            self.outlet.let_go(Door.DROPPED_STALE, "decoder_behind")
            return
        name = f"{Path(self.source.url).name}/{number:06d}" if not self.source.live else ""
        captured = Captured(number, at, arrived_s, stamp.segment, self.timed or self.source.live, name)
        position = self.outlet.position_of(captured)
        small = _thumbnail(frame) if self.outlet.wants_change else None
        if self.outlet.wants(captured, position, small) and self.outlet.has_turn(captured, position):
            image = frame.to_ndarray(format="bgr24")
            self.outlet.hand_on(captured, image, sha256_of_picture(image), position)

    def _begins(self, container: Any) -> tuple[datetime, bool]:
        """When a file begins, and whether anything tells."""
        if self.source.starts_at is not None:
            return self.source.starts_at.astimezone(UTC), True
        try:
            told = datetime.fromisoformat(container.metadata.get("creation_time", ""))
        except ValueError:
            return NEVER, False
        return (told if told.utcoffset() is not None else told.replace(tzinfo=UTC)).astimezone(UTC), True


def _open(source: VideoSpec) -> Any:
    import av

    if not source.live:
        return av.open(source.url)
    options = {"fflags": "nobuffer"}
    if source.url.startswith("rtsp"):
        options |= {"rtsp_transport": source.transport, "timeout": str(int(source.timeout_s * 1e6))}
    elif source.url.startswith("http"):
        options |= {"use_wallclock_as_timestamps": "1"}  # pictures one by one carry no times of their own
    return av.open(source.url, options=options, timeout=(source.timeout_s, source.timeout_s))


def _thumbnail(frame: Any) -> Thumbnail:
    small = frame.reformat(width=THUMBNAIL[0], height=THUMBNAIL[1], format="gray")
    return np.asarray(small.to_ndarray(), np.uint8)


def _paced(started_s: float, offset_s: float) -> float:
    """Waits until a frame's turn; gives the time it would have arrived at."""
    due_s = started_s + offset_s
    if (wait_s := due_s - time.monotonic()) > 0:
        time.sleep(wait_s)
    return due_s
