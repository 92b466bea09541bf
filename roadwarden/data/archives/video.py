"""A video file as an archive: its frames, numbered from 0, losslessly handed on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2

from roadwarden.data.archives.base import Entry, UnreadableEntry
from roadwarden.errors import DataError, MissingExtra

VIDEO_ENDINGS = frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".ts"})


class VideoArchive:
    """Frames named ``<file name>/000123``; read in order they are decoded once, a jump back starts again."""

    def __init__(self, place: Path) -> None:
        """Opens it; DataError where it holds no video stream that can be read."""
        self._place = place
        self._frames: Iterator[Any] | None = None
        self._next = 0
        self._stream()  # tells a damaged file at once

    def __reduce__(self) -> tuple[type[VideoArchive], tuple[Path]]:
        """A decoder is not shared between processes: each opens its own."""
        return VideoArchive, (self._place,)

    def entries(self) -> Iterator[Entry]:
        """Every frame that can be demuxed; their number is counted, not believed."""
        stream = self._stream()
        count = sum(1 for packet in stream.container.demux(stream) if packet.size and not packet.is_corrupt)
        if not count:
            raise DataError(f"{self._place}: holds no frame")
        yield from (Entry(f"{self._place.name}/{number:06d}", 0) for number in range(count))

    def read(self, path: str) -> bytes:
        """One frame as a BMP: what a photo archive would hold, without a loss."""
        number = int(path.rpartition("/")[2])
        if self._frames is None or number < self._next:
            self._frames, self._next = self._decoded(), 0
        try:
            while self._next <= number:
                frame = next(self._frames)
                self._next += 1
        except (StopIteration, ValueError, OSError) as exc:  # PyAV's errors are OSError or ValueError
            self._frames = None
            raise UnreadableEntry(path, "corrupt_video") from exc
        return bytes(cv2.imencode(".bmp", frame.to_ndarray(format="bgr24"))[1])

    def _decoded(self) -> Iterator[Any]:
        stream = self._stream()
        decoded: Iterator[Any] = stream.container.decode(stream)
        return decoded

    def _stream(self) -> Any:
        try:
            import av
        except ImportError as exc:
            raise MissingExtra(f"{self._place}: videos need PyAV: pip install 'roadwarden[video]'") from exc
        try:
            return av.open(str(self._place)).streams.video[0]
        except (OSError, ValueError, IndexError) as exc:
            raise DataError(f"{self._place}: not a video that can be read: {exc}") from exc
