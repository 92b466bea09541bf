"""Which frames were looked at, which defects wait for their case, and how far passes have got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select

from roadwarden.storage.rows import OnConflict, insert_rows, rows_where
from roadwarden.storage.stream_tables import stream_frames, stream_passes, stream_unfiled


class StreamFrameStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def known(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of the keys that are kept. O(k log n)."""
        query = select(stream_frames.c.key)
        return frozenset(row[0] for row in rows_where(self._connection, query, stream_frames.c.key, keys))

    def claim(self, frames: Mapping[str, tuple[str, datetime]], now: datetime) -> frozenset[str]:
        """Keeps the keys (to camera and capture time) that are not kept yet, and returns those."""
        new = frames.keys() - self.known(frames)
        rows = (
            {"key": key, "camera": frames[key][0], "captured_at": frames[key][1], "kept_at": now} for key in sorted(new)
        )
        insert_rows(self._connection, stream_frames, rows)
        return frozenset(new)

    def forget(self, camera: str, before: datetime, most: int) -> int:
        """Forgets frames of a camera kept before a time, which nothing can deliver again; returns how many, at most.

        O(n) over the frames kept before that time.
        """
        old = (stream_frames.c.kept_at < before) & (stream_frames.c.camera == camera)
        some = select(stream_frames.c.key).where(old).order_by(stream_frames.c.kept_at).limit(most)
        return self._connection.execute(delete(stream_frames).where(stream_frames.c.key.in_(some))).rowcount

    def note_unfiled(self, defects: Iterable[str], now: datetime) -> None:
        """Defects whose cases are to be filed, in the transaction that changed them."""
        rows = ({"defect": one, "noted_at": now} for one in sorted(set(defects)))
        insert_rows(self._connection, stream_unfiled, rows, OnConflict(("defect",), ("noted_at",)))

    def unfiled(self, most: int = 500) -> Mapping[str, datetime]:
        """Those that wait, the longest first, and since when."""
        query = select(stream_unfiled).order_by(stream_unfiled.c.noted_at, stream_unfiled.c.defect).limit(most)
        return {row.defect: row.noted_at for row in self._connection.execute(query)}

    def filed(self, defects: Mapping[str, datetime]) -> None:
        """Strikes out those that have not been noted anew since."""
        for defect, noted_at in defects.items():
            here = (stream_unfiled.c.defect == defect) & (stream_unfiled.c.noted_at <= noted_at)
            self._connection.execute(delete(stream_unfiled).where(here))

    def pass_of(self, camera: str) -> tuple[str, datetime, str] | None:
        """Name, time of its newest frame, and way of the pass that the camera was last seen on."""
        row = self._connection.execute(select(stream_passes).where(stream_passes.c.camera == camera)).one_or_none()
        return None if row is None else (row[1], row.at, row.way)

    def keep_pass(self, camera: str, name: str, at: datetime, way: str) -> None:
        """In place of what was kept of the camera before."""
        row = {"camera": camera, "pass": name, "at": at, "way": way}
        insert_rows(self._connection, stream_passes, [row], OnConflict(("camera",), ("pass", "at", "way")))
