"""Where the pictures of sightings lie. The pictures themselves stay in their archives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from roadwarden.storage.picture_tables import archives, frame_places, sighting_boxes
from roadwarden.storage.rows import OnConflict, insert_rows, numbers_of, rows_where
from roadwarden.storage.tables import sightings


@dataclass(frozen=True, slots=True)
class FramePlace:
    """A frame in an archive."""

    archive: str  # as ``data.archives.open_archive`` takes it
    path: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Where a sighting is to be seen."""

    place: FramePlace
    box_xyxy: tuple[float, float, float, float]  # pixels of the whole frame


class PictureStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, frames: Mapping[str, FramePlace], boxes: Mapping[str, tuple[float, float, float, float]]) -> None:
        """Notes frames by sha256 and boxes by sighting; a frame that lies elsewhere now is found there."""
        numbers = numbers_of(self._connection, archives, archives.c.name, {one.archive for one in frames.values()})
        rows = (
            {"frame": frame, "archive": numbers[place.archive], "path": place.path} for frame, place in frames.items()
        )
        insert_rows(self._connection, frame_places, rows, OnConflict(("frame",), ("archive", "path")))
        boxed = (
            {"sighting": sighting} | dict(zip(("x1_px", "y1_px", "x2_px", "y2_px"), box, strict=True))
            for sighting, box in boxes.items()
        )
        insert_rows(self._connection, sighting_boxes, boxed, OnConflict(("sighting",)))

    def of(self, ids: Iterable[str]) -> Mapping[str, Picture]:
        """The picture of each sighting; those that nothing is known of are left out."""
        query = (
            select(sighting_boxes, archives.c.name, frame_places.c.path)
            .join(sightings, sightings.c.id == sighting_boxes.c.sighting)
            .join(frame_places, frame_places.c.frame == sightings.c.frame)
            .join(archives, archives.c.number == frame_places.c.archive)
        )
        found = rows_where(self._connection, query, sighting_boxes.c.sighting, ids)
        return {
            row.sighting: Picture(FramePlace(row.name, row.path), (row.x1_px, row.y1_px, row.x2_px, row.y2_px))
            for row in found
        }
