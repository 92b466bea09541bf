"""Where the camera is, out of a track file that may still grow."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from roadwarden.data.sidecars import read_track
from roadwarden.data.track import DEFAULT_TOLERANCE_S, Track
from roadwarden.detections import Position
from roadwarden.errors import DataError

logger = logging.getLogger(__name__)

READ_AGAIN_S = 1.0
READ_SHARE = 0.05
"""At most this share of the time is spent on reading a growing file again."""


class Positions:
    """A track file, read again when it has changed."""

    def __init__(self, place: Path | None, zone: ZoneInfo | None) -> None:
        self._place, self._zone = place, zone
        self._track: Track | None = None
        self._stamp: tuple[int, int] | None = None
        self._next_s = 0.0

    def at(self, moment: datetime) -> Position | None:
        """Between the fixes around; after the newest one, that one for a little while: a live receiver lags."""
        self._refresh()
        if self._track is None:
            return None
        found = self._track.at(moment)
        if found is not None:
            return found
        last_s = float(self._track.seconds[-1])
        if 0 <= moment.timestamp() - last_s <= DEFAULT_TOLERANCE_S:
            newest = self._track.at(datetime.fromtimestamp(last_s, UTC))
            return replace(newest) if newest is not None else None
        return None

    def _refresh(self) -> None:
        now = time.monotonic()
        if self._place is None or now < self._next_s:
            return
        self._next_s = now + READ_AGAIN_S
        try:
            about = self._place.stat()
        except OSError:
            return  # not there yet
        if (stamp := (about.st_mtime_ns, about.st_size)) == self._stamp:
            return
        self._stamp = stamp
        try:
            self._track = read_track(self._place, self._zone)
        except DataError as exc:
            logger.info("%s", exc)
        self._next_s = time.monotonic() + max(READ_AGAIN_S, (time.monotonic() - now) / READ_SHARE)
