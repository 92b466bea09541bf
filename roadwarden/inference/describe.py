"""Capture time and position of each frame: the manifest's columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from roadwarden.data.exif import read_exif
from roadwarden.data.sidecars import SIDECAR_ENDINGS, read_track
from roadwarden.data.track import Track
from roadwarden.detections import Frame, Position
from roadwarden.errors import ConfigError, DataError
from roadwarden.geo.coordinates import CoordinateSystem, to_wgs84
from roadwarden.inference.settings import JobSettings
from roadwarden.inference.zone import read_zone


@dataclass(frozen=True, slots=True)
class FrameDescriber:
    """Time from EXIF with the camera's offset added; position from the track by that time, else from EXIF.

    The track goes first: it is the survey's receiver, while EXIF positions are often the last ones a phone knew.
    """

    track: Track | None
    track_label: str
    tolerance_s: float
    clock_offset: timedelta
    zone: ZoneInfo | None
    coordinates: CoordinateSystem

    def __call__(self, path: str, data: bytes, size_bytes: int, sha256: str) -> Frame:
        """The manifest row of a frame."""
        exif = read_exif(data, self.zone)
        captured_at = exif.captured_at + self.clock_offset if exif.captured_at else None
        position = self._on_track(captured_at) or exif.position
        return Frame(path, size_bytes or len(data), sha256, captured_at, self._wgs84(position))

    def _on_track(self, captured_at: datetime | None) -> Position | None:
        return self.track.at(captured_at, self.tolerance_s) if self.track and captured_at else None

    def _wgs84(self, position: Position | None) -> Position | None:
        if position is None:
            return None
        lat, lon = to_wgs84(position.lat, position.lon, self.coordinates)
        return Position(lat, lon, position.heading_deg, position.speed_mps)


def describer_for(settings: JobSettings) -> FrameDescriber:
    """Reads the track; raises DataError where it cannot be used, ConfigError for an unknown zone."""
    zone = read_zone(settings.zone)
    return FrameDescriber(
        track=read_track(settings.track, zone) if settings.track else None,
        track_label=settings.track.name if settings.track else "none",
        tolerance_s=settings.tolerance_s,
        clock_offset=timedelta(seconds=settings.clock_offset_s),
        zone=zone,
        coordinates=settings.coordinates,
    )


def find_track(archive: str, choice: str) -> Path | None:
    """The track file: the named one, none, or with 'auto' the only one that lies in the archive's folder itself."""
    if choice == "none":
        return None
    if choice != "auto":
        place = Path(choice)
        if not place.is_file():
            raise DataError(f"--track {choice}: no such file; 'none' does without positions")
        return place
    folder = Path(archive)
    if "://" in archive or not folder.is_dir():
        return None
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SIDECAR_ENDINGS)
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ConfigError(f"{archive}: several files could be the track ({names}); name one with --track, or 'none'")
    return found[0] if found else None
