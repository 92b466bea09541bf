"""The rows of shared cameras: who lives, who reads what, and the tokens that fence those who do no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from roadwarden.storage.rows import OnConflict, insert_rows, rows_where
from roadwarden.storage.stream_tables import camera_leases, stream_workers


class CameraLeaseStore:
    """Within one transaction; whoever decides by what it reads here writes in the same one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def beat(self, worker: str, fleet: str, beat: int, now: datetime) -> None:
        """Says that it lives, also where its row was swept away meanwhile."""
        row = {"worker": worker, "fleet": fleet, "beat": beat, "seen_at": now}
        insert_rows(self._connection, stream_workers, [row], OnConflict(("worker",), ("fleet", "beat", "seen_at")))

    def workers(self) -> Mapping[str, tuple[str, int]]:
        """Fleet and beat of each."""
        return {row.worker: (row.fleet, row.beat) for row in self._connection.execute(select(stream_workers))}

    def leases(self) -> Mapping[str, tuple[str | None, int]]:
        """Worker, or None where nobody has it, and token of each camera."""
        return {row.camera: (row.worker, row.token) for row in self._connection.execute(select(camera_leases))}

    def tokens(self, cameras: Iterable[str]) -> Mapping[str, int]:
        """Those that hold now; a camera that nobody ever had has none."""
        query = select(camera_leases.c.camera, camera_leases.c.token)
        return {row[0]: row[1] for row in rows_where(self._connection, query, camera_leases.c.camera, cameras)}

    def take(self, worker: str, tokens: Mapping[str, int], now: datetime) -> None:
        """From now on it reads these cameras, with these tokens."""
        rows = ({"camera": one, "worker": worker, "token": token, "since": now} for one, token in tokens.items())
        insert_rows(self._connection, camera_leases, rows, OnConflict(("camera",), ("worker", "token", "since")))

    def let_go(self, worker: str, cameras: Iterable[str] | None = None) -> None:
        """Others may take what it holds of these, or of all; the tokens stay."""
        mine = update(camera_leases).where(camera_leases.c.worker == worker).values(worker=None)
        if cameras is not None:
            mine = mine.where(camera_leases.c.camera.in_(list(cameras)))
        self._connection.execute(mine)

    def forget(self, workers: Iterable[str]) -> None:
        """Rows of workers that have left, or are dead; one that was not says so with its next beat."""
        self._connection.execute(delete(stream_workers).where(stream_workers.c.worker.in_(list(workers))))
