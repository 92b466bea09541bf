"""A worker begins when its database is there: a host that comes up before the database server waits for it."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sqlalchemy import Engine

from roadwarden.errors import StorageAway
from roadwarden.inference.stream.backoff import Backoff
from roadwarden.inference.workspace import write_json
from roadwarden.storage.schema import open_storage

logger = logging.getLogger(__name__)


def open_patiently(
    url: str,
    patience_s: float = 600.0,
    backoff: Backoff | None = None,
    open_: Callable[[str], Engine] = open_storage,
) -> Engine:
    """The database at the newest schema; raises StorageAway where it stays away for longer than ``patience_s``."""
    failures, end_s, backoff = 0, time.monotonic() + patience_s, backoff or Backoff(first_s=0.5, longest_s=10.0)
    while True:
        try:
            return open_(url)
        except StorageAway as exc:
            failures += 1
            if time.monotonic() > end_s:
                raise
            logger.warning("waiting for the database: %s", exc)
            time.sleep(backoff.pause_s(failures, random.Random()))


class CameraNames:
    """Which source brought a camera: a subject's cameras are in no configuration, and looks on the disk outlive us."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._known = _read(place)

    def source_of(self, camera: str) -> str | None:
        """The source's name in the configuration; None for a camera that none has brought."""
        return self._known.get(camera)

    def all(self) -> Mapping[str, str]:
        """Every camera that a source has brought, and the source."""
        return dict(self._known)

    def note(self, camera: str, source: str) -> None:
        """Durable before the camera's first frame is looked at."""
        if self._known.get(camera) != source:
            self._known = {**self._known, camera: source}
            self._place.parent.mkdir(parents=True, exist_ok=True)
            write_json(self._place, self._known)


def _read(place: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found
