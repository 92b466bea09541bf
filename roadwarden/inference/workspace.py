"""The output folder of a job, and the folder ``work`` inside it that lets the job go on after an interruption.

DIR/detections.parquet frames.parquet summary.json run.json report.html [detections.geojson] [annotated/]
DIR/work/listing.parquet   the archive's frames in order
DIR/work/job.json          what decides the content of the tables, and its fingerprint
DIR/work/parts/*.arrow     finished batches
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadwarden.errors import ConfigError, OutputError


@dataclass(frozen=True, slots=True)
class Workspace:
    """Paths of one job's output."""

    root: Path

    @property
    def work(self) -> Path:
        """What an interrupted job needs to go on."""
        return self.root / "work"

    @property
    def parts(self) -> Path:
        """The finished batches."""
        return self.work / "parts"

    @property
    def listing(self) -> Path:
        """The archive's frames."""
        return self.work / "listing.parquet"

    @property
    def job(self) -> Path:
        """The settings of the job."""
        return self.work / "job.json"

    @property
    def annotated(self) -> Path:
        """Drawn frames."""
        return self.root / "annotated"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the folders and holds them for one job at a time; a lock dies with its process."""
        with writing(self.root):
            self.parts.mkdir(parents=True, exist_ok=True)
            lock = (self.work / "lock").open("w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise OutputError(
                    f"{self.root}: another job is writing here; wait for it or use another --out"
                ) from exc
            yield

    def begin(self, fingerprint: str, job: dict[str, Any]) -> None:
        """Notes the job, or makes sure that the folder holds the same one; ConfigError where it holds another."""
        noted = self.read_job()
        if noted is None:
            write_json(self.job, {"fingerprint": fingerprint, **job})
        elif noted["fingerprint"] != fingerprint:
            changed = sorted(key for key in job if noted.get(key) != job[key]) or ["version of Roadwarden"]
            raise ConfigError(
                f"{self.root}: holds a job that differs in {', '.join(changed)}; "
                "use another --out, or --fresh to throw its results away"
            )

    def read_job(self) -> dict[str, Any] | None:
        """The noted job, None where none was begun."""
        if not self.job.is_file():
            return None
        try:
            noted: dict[str, Any] = json.loads(self.job.read_text(encoding="utf-8"))
        except ValueError as exc:
            raise OutputError(f"{self.job}: damaged; use --fresh to begin again") from exc
        return noted


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turns what a disk can refuse into an OutputError that says what to do."""
    try:
        yield
    except OSError as exc:
        if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise OutputError(
                f"{place}: the disk is full; free some space and run the same command again: finished batches are kept"
            ) from exc
        raise OutputError(f"{place}: cannot be written ({exc.strerror}); choose another --out") from exc


def write_json(place: Path, content: dict[str, Any]) -> None:
    """Writes a JSON file in one step."""
    draft = place.with_name(f"{place.name}.{os.getpid()}.tmp")
    draft.write_text(json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    draft.replace(place)
