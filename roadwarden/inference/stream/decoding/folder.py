"""A folder of pictures: those that are there in the order of their names, then new ones as they settle."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from roadwarden.data.archives.base import Entry, UnreadableEntry
from roadwarden.data.archives.files import FolderArchive, walk
from roadwarden.data.exif import read_exif
from roadwarden.inference.stream.decoding.messages import DecoderSpec, FolderSpec
from roadwarden.inference.stream.decoding.outlet import Captured, Outlet, thumbnail_of
from roadwarden.inference.stream.values import Door
from roadwarden.inference.zone import read_zone
from roadwarden.vision.decode import UndecodableFrame, decode

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Of pictures that nothing tells the time of."""


def read_folder(spec: DecoderSpec, source: FolderSpec, outlet: Outlet) -> None:
    """Hands on the folder's pictures; returns at its end, which a watched folder has only with ``until_eof``."""
    reader = _Reader(spec, source, outlet)
    seen = set(source.skip)
    while True:
        fresh = [entry for entry in _listed(source.path) if entry.path not in seen]
        ready = [entry for entry in fresh if spec.until_eof or _settled(source, entry)]
        for entry in ready:
            reader.read(entry)
            seen.add(entry.path)
        if not ready:
            if spec.until_eof or not source.watch:
                outlet.tell()
                return
            outlet.waiting(connected=source.path.is_dir())
            time.sleep(source.poll_s)


def _listed(folder: Path) -> Iterator[Entry]:
    return walk(folder) if folder.is_dir() else iter(())


def _settled(source: FolderSpec, entry: Entry) -> bool:
    try:
        age_s = time.time() - (source.path / entry.path).stat().st_mtime
    except OSError:
        return False
    return age_s >= source.settled_s


class _Reader:
    """Numbers the pictures as they come."""

    def __init__(self, spec: DecoderSpec, source: FolderSpec, outlet: Outlet) -> None:
        self._spec, self._outlet = spec, outlet
        self._archive = FolderArchive(source.path)
        self._zone = read_zone(source.zone)
        self._number = len(source.skip)

    def read(self, entry: Entry) -> None:
        """One picture, to the worker or to a door."""
        self._outlet.opening(entry.path)
        number, self._number = self._number, self._number + 1
        try:
            data = self._archive.read(entry.path)
        except UnreadableEntry as exc:
            self._outlet.let_go(Door.DECODE_ERROR, f"{entry.path}: {exc.why}")
            return
        frame = self._captured(number, entry, data)
        position = self._outlet.position_of(frame)
        if not self._outlet.wants_change and not self._outlet.wants(frame, position):
            return
        if not self._outlet.wants_change and not self._outlet.has_turn(frame, position):
            return
        try:
            image = decode(data)
        except UndecodableFrame as exc:
            self._outlet.let_go(Door.DECODE_ERROR, f"{entry.path}: {exc.reason}")
            return
        if self._outlet.wants_change and not self._outlet.wants(frame, position, thumbnail_of(image)):
            return
        self._outlet.hand_on(frame, image, hashlib.sha256(data).hexdigest(), position)

    def _captured(self, number: int, entry: Entry, data: bytes) -> Captured:
        exif = read_exif(data, self._zone)
        timed = exif.captured_at is not None
        at = NEVER if exif.captured_at is None else exif.captured_at + timedelta(seconds=self._spec.clock_offset_s)
        return Captured(
            number,
            at.astimezone(UTC),
            time.monotonic(),
            timed=timed,
            path=entry.path,
            size_bytes=len(data),
            position=exif.position,
        )
