"""Looks into the database by the services of the survey, and the cases of what they show."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Engine

from roadwarden.data.sidecars import read_track_rows
from roadwarden.errors import CaseError, DataError, StorageAway
from roadwarden.geo.camera import CameraModel
from roadwarden.geo.fixes import Fix, seconds_of
from roadwarden.geo.pole import PoleCamera
from roadwarden.inference.stream.protocols import Kept, Look
from roadwarden.service.cases import CaseDesk
from roadwarden.service.filing import FilingRules, file_defects
from roadwarden.service.intake import Delivery, Intake, Viewer
from roadwarden.service.survey_frames import FrameState, SurveyFrame, SurveySettings
from roadwarden.storage.unit import reading, writing

logger = logging.getLogger(__name__)

FILE_EVERY_S = 1.0
OWN_FIXES = timedelta(minutes=2)
"""What a frame's own position says of frames before and after it. Kept around the newest frame of a camera, and around
those that have just come: some come hours late, behind newer ones.
"""
READ_AGAIN_S = 1.0


class LiveFixes:
    """A camera's fixes: of its track file as it grows, and those that its frames bear."""

    def __init__(self, track: Path | None, zone: ZoneInfo | None) -> None:
        self._track, self._zone = track, zone
        self._own: dict[datetime, Fix] = {}
        self._rows: list[Fix] = []
        self._seconds = seconds_of([])
        self._stamp: tuple[int, int] | None = None
        self._looked_s = 0.0

    def add(self, looks: Sequence[Look]) -> None:
        """Positions of frames; not needed where there is a track."""
        if self._track is not None:
            return
        for look in looks:
            frame = look.frame
            if frame.timed and frame.position is not None:
                self._own[frame.captured_at] = Fix.of(frame.captured_at, frame.position)
        if self._own:
            moments = [max(self._own), *(look.frame.captured_at for look in looks if look.frame.timed)]
            near = {_stretch(at) + beside for at in moments for beside in (-1, 0, 1)}
            self._own = {at: fix for at, fix in self._own.items() if _stretch(at) in near}

    def __call__(self, since: datetime, until: datetime) -> Sequence[Fix]:
        """Those between the two times, by time."""
        self._refresh()
        if self._track is None:
            return [self._own[at] for at in sorted(self._own) if since <= at <= until]
        near = (self._seconds >= since.timestamp()) & (self._seconds <= until.timestamp())
        return [self._rows[row] for row in np.flatnonzero(near).tolist()]

    def _refresh(self) -> None:
        now_s = time.monotonic()
        if self._track is None or now_s - self._looked_s < READ_AGAIN_S:
            return
        self._looked_s = now_s
        try:
            about = self._track.stat()
            if (stamp := (about.st_mtime_ns, about.st_size)) == self._stamp:
                return
            read = read_track_rows(self._track, self._zone)
        except (OSError, DataError) as exc:
            logger.info("track: %s", exc)
            return
        self._stamp = stamp
        self._rows = [Fix(row.time, row.lat, row.lon, row.heading_deg, row.speed_mps) for row in read.rows]
        self._seconds = seconds_of([row.at for row in self._rows])


def _stretch(at: datetime) -> int:
    return int(at.timestamp() // OWN_FIXES.total_seconds())


class DatabaseSink:
    """A ``Sink``; for one thread, but ``known`` for any."""

    def __init__(
        self,
        engine: Engine,
        cameras: Callable[[str], tuple[CameraModel | PoleCamera | None, str, LiveFixes]],
        desk: CaseDesk | None,
        rules: FilingRules,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        file_every_s: float = FILE_EVERY_S,
    ) -> None:
        """``cameras``: model, vehicle and fixes by name; without a ``desk`` no case is filed.

        ``file_every_s``: by the wall clock; infinity leaves it to ``close``.
        """
        self._file_every_s = file_every_s
        self._engine, self._cameras, self._desk, self._rules, self._clock = engine, cameras, desk, rules, clock
        self._intake = Intake(engine, self._viewer, clock)
        self._filed_s = 0.0
        self.sightings = 0
        self.not_placed: dict[str, int] = {}
        self.filed: set[str] = set()

    @property
    def seen_m(self) -> float:
        """Metres of road looked at in usable quality."""
        return self._intake.seen_m

    @property
    def passes_continued(self) -> int:
        """Passes that another life of this worker, or another worker, had begun."""
        return self._intake.passes_continued

    @property
    def missed_m(self) -> float:
        """Metres of road not looked at because frames were dropped."""
        return self._intake.missed_m

    def known(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of the keys that are kept already."""
        with reading(self._engine) as unit:
            return unit.stream.known(keys)

    def keep(self, looks: Sequence[Look]) -> Kept:
        """Keeps all of them or none, but those whose camera is another worker's now."""
        for camera in {look.frame.camera for look in looks}:
            self._cameras(camera)[2].add([look for look in looks if look.frame.camera == camera])
        kept = self._intake.keep([_delivery(look) for look in looks])
        self.sightings += kept.sightings
        for why, count in kept.not_placed.items():
            self.not_placed[why] = self.not_placed.get(why, 0) + count
        if time.monotonic() - self._filed_s >= self._file_every_s:
            self._file()
        return Kept(kept.doubles, kept.fenced)

    def close(self) -> None:
        """Coverage and cases that were waiting for more. Raises StorageAway."""
        self._intake.flush()
        while self._file():
            pass

    def forget(self, before: Mapping[str, datetime]) -> int:
        """Forgets keys of frames kept before a time of each camera; returns how many. For any thread."""
        return self._intake.forget(before)

    def _file(self) -> bool:
        """Files the cases of some noted defects; whether there may be more."""
        self._filed_s = time.monotonic()
        if self._desk is None:
            return False
        with reading(self._engine) as unit:
            waiting: Mapping[str, datetime] = unit.stream.unfiled()
        if not waiting:
            return False
        try:
            self.filed |= set(file_defects(self._desk, self._rules, sorted(waiting)).filed.values())
        except StorageAway:
            raise
        except CaseError as exc:
            logger.warning("a case could not be filed, and is tried again: %s", exc)
            return False
        with writing(self._engine) as unit:
            unit.stream.filed(waiting)
        return True

    def _viewer(self, camera: str) -> Viewer:
        model, vehicle, fixes = self._cameras(camera)
        return Viewer(model, SurveySettings(vehicle), fixes)


def _delivery(look: Look) -> Delivery:
    state = FrameState.USABLE if look.usable and not look.missed else FrameState.POOR
    frame = SurveyFrame(
        look.frame.manifest(), state, look.detections, look.model, look.frame.width_px, look.frame.height_px
    )
    return Delivery(look.key, look.frame.camera, frame, looked=not look.missed, lease=look.frame.lease)
