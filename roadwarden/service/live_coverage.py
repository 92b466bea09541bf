"""Which roads live frames looked at, kept every few seconds, and how many metres dropped frames have missed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from shapely import LineString, union_all
from sqlalchemy import Engine

from roadwarden.defects.inspected import Inspected, Quality
from roadwarden.geo.pose import Pose
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.seen import keep_looks, looks_of
from roadwarden.service.sightings import Located
from roadwarden.service.survey_frames import SurveyFrame

EVERY = timedelta(seconds=10)
"""Stretches are kept for so much of a drive at once: a row for each frame would be a hundred times as many."""


@dataclass(slots=True)
class _Drive:
    frames: list[SurveyFrame] = field(default_factory=list)
    poses: list[Pose | None] = field(default_factory=list)
    passes: list[str] = field(default_factory=list)
    missed: list[bool] = field(default_factory=list)
    begun_s: float = field(default_factory=time.monotonic)

    @property
    def gathered(self) -> timedelta:
        """By the frames' clock, or by ours where no more of them come."""
        return max(_length(self.poses), timedelta(seconds=time.monotonic() - self.begun_s))


class LiveCoverage:
    """Gathers frames with their poses; a kill loses a few seconds of what was looked at, which is never too much."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._drives: dict[str, _Drive] = {}
        self.missed_m = 0.0
        self.seen_m = 0.0  # in usable quality

    def add(self, camera: str, frames: Sequence[SurveyFrame], missed: Sequence[bool], where: Located) -> None:
        """Frames that were looked at, and those that were there and missed."""
        drive = self._drives.setdefault(camera, _Drive())
        for at, frame in enumerate(frames):
            if where.poses[at] is not None:
                drive.frames.append(frame)
                drive.poses.append(where.poses[at])
                drive.passes.append(where.pass_ids[at])
                drive.missed.append(missed[at])

    def flush_one(self, roads: KnownRoads) -> None:
        """Keeps what one camera has gathered for long enough, if any has: all at once would hold up frames behind.

        Raises StorageAway.
        """
        camera = max(self._drives, key=lambda name: self._drives[name].gathered, default=None)
        if camera is not None and self._drives[camera].gathered >= EVERY:
            self._flush([camera], roads)

    def flush(self, roads: KnownRoads) -> None:
        """Keeps all that was gathered; where the database is away it is gathered further. Raises StorageAway."""
        self._flush(list(self._drives), roads)

    def _flush(self, cameras: Sequence[str], roads: KnownRoads) -> None:
        for camera in cameras:
            drive = self._drives[camera]
            where = Located(tuple(drive.poses), (None,) * len(drive.poses), tuple(drive.passes), ())
            looks = looks_of(drive.frames, where, roads)
            keep_looks(self._engine, looks, roads, ())
            self.seen_m += _metres([one for one in looks if one.quality is Quality.USABLE])
            if any(drive.missed):
                seen = [one for one, missed in zip(drive.frames, drive.missed, strict=True) if not missed]
                self.missed_m += _beyond(looks, _of(drive, roads, seen))
            del self._drives[camera]


def _of(drive: _Drive, roads: KnownRoads, frames: Sequence[SurveyFrame]) -> list[Inspected]:
    """What would have been looked at by these frames alone."""
    chosen = [at for at, missed in enumerate(drive.missed) if not missed]
    poses, passes = tuple(drive.poses[at] for at in chosen), tuple(drive.passes[at] for at in chosen)
    return looks_of(frames, Located(poses, (None,) * len(poses), passes, ()), roads)


def _beyond(wanted: Iterable[Inspected], had: Iterable[Inspected]) -> float:
    """Metres of road that are in the first and not in the second; lanes side by side count once."""
    return _metres([*wanted]) - _metres([*had])


def _metres(looks: Sequence[Inspected]) -> float:
    total = 0.0
    for segment in {one.segment for one in looks}:
        lines = [LineString([(one.from_m, 0), (one.to_m, 0)]) for one in looks if one.segment == segment]
        total += float(union_all(lines).length)
    return total


def _length(poses: Sequence[Pose | None]) -> timedelta:
    times = [pose.at for pose in poses if pose is not None]
    return max(times) - min(times) if times else timedelta(0)
