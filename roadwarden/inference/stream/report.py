"""What a worker says of itself: the books, and what they came to; also in a file that outlives it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from roadwarden.errors import DataError, OutputError
from roadwarden.inference.stream.books import Account
from roadwarden.inference.stream.leaseholder import Standing
from roadwarden.inference.workspace import write_json

BOOKS = "books.json"


@dataclass(frozen=True, slots=True)
class StreamReport:
    """At one moment, or at the end."""

    cameras: Mapping[str, Account]
    started_at: datetime
    at: datetime
    model: str = ""
    doubles: int = 0  # frames that were kept before
    sightings: int = 0
    cases: int = 0
    not_placed: Mapping[str, int] = field(default_factory=dict)
    metres_not_inspected: float = 0.0
    spooled: int = 0  # on the disk, for the database
    faults: Mapping[str, str] = field(default_factory=dict)  # cameras that were given up on
    states: Mapping[str, str] = field(default_factory=dict)  # of cameras
    passes_continued: int = 0  # passes that an earlier life, or another worker, had begun
    fenced: int = 0  # looks refused because another worker reads their camera now; they are among the stale
    standing: Standing | None = None  # of shared cameras
    ended: bool = False

    @property
    def total(self) -> Account:
        """Of all cameras."""
        return Account.total(self.cameras.values())

    @property
    def balances(self) -> bool:
        """Of every camera."""
        return all(one.balances for one in self.cameras.values())

    def as_json(self) -> dict[str, Any]:
        """The report file."""
        return {
            "total": self.total.as_json(),
            "cameras": {name: one.as_json() for name, one in self.cameras.items()},
            "balanced": self.balances,
            "ended": self.ended,
            "started_at": self.started_at.astimezone(UTC).isoformat(),
            "at": self.at.astimezone(UTC).isoformat(),
            "model": self.model,
            "duplicates": self.doubles,
            "sightings": self.sightings,
            "cases_filed": self.cases,
            "not_placed": dict(sorted(self.not_placed.items())),
            "metres_not_inspected": round(self.metres_not_inspected, 1),
            "spooled": self.spooled,
            "states": dict(sorted(self.states.items())),
            "failed_cameras": dict(sorted(self.faults.items())),
            "passes_continued": self.passes_continued,
            "fenced": self.fenced,
            "sharing": None if self.standing is None else _sharing(self.standing),
        }


def _sharing(standing: Standing) -> dict[str, Any]:
    """Who reads which camera, and which of the workers are alive."""
    cameras = {
        name: {"worker": lease.worker if lease.worker in standing.living else None, "token": lease.token}
        for name, lease in sorted(standing.leases.items())
    }
    return {
        "worker": standing.worker,
        "living": sorted(standing.living),
        "failed_rounds": standing.failed_rounds,
        "cameras": cameras,
    }


def write_report(place: Path, report: StreamReport) -> None:
    """In one step; raises OutputError."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_json(place, report.as_json())
    except OSError as exc:
        raise OutputError(f"{place}: the report cannot be written: {exc.strerror}") from exc


def read_report(state: Path) -> dict[str, Any]:
    """The newest report of a worker that has its state there; raises DataError where there is none."""
    place = state / BOOKS
    try:
        report: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise DataError(f"{place}: no worker has kept its books there; name its configuration or --state") from exc
    except (OSError, ValueError) as exc:
        raise DataError(f"{place}: damaged: {exc}") from exc
    return report


def is_running(state: Path) -> bool:
    """Whether a worker holds the folder."""
    try:
        with (state / "lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def holding(state: Path) -> Iterator[None]:
    """Holds a worker's folder: two that shared one would give each other's spool to the database."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        handle = (state / "lock").open("a")
    except OSError as exc:
        raise OutputError(f"{state}: cannot be written: {exc.strerror}; name another 'state' folder") from exc
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise OutputError(f"{state}: another worker has its state there; name another 'state' folder") from exc
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
