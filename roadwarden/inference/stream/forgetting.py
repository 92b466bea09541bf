"""When the key of a frame may be forgotten: never while its source can bring the frame again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from roadwarden.errors import DataError, StorageAway
from roadwarden.inference.stream.broker.consumer import DUPLICATES_S
from roadwarden.inference.stream.config import CameraConfig
from roadwarden.inference.stream.config_sources import BrokerSource, FolderSource, VideoSource

logger = logging.getLogger(__name__)

EVERY_S = 3600.0
"""Also before the first time: by then a broker has delivered what earlier workers had and did not acknowledge."""


def kept_for(camera: CameraConfig, keep: timedelta) -> timedelta | None:
    """How long keys of a camera stay, at least ``keep``; None: as long as the camera is configured. Pure.

    A film or a folder is read again from its beginning whenever a worker begins. A broker delivers again until it was
    told, ``tries`` times, and takes a message twice outside its window for duplicates. A network camera brings nothing
    again; what waits on a worker's disk meanwhile is what ``keep`` is for.
    """
    source = camera.source
    if isinstance(source, VideoSource | FolderSource):
        return None
    if isinstance(source, BrokerSource):
        return max(keep, 2 * timedelta(seconds=source.ack_wait_s * source.tries + DUPLICATES_S))
    return keep


def forgotten_before(
    cameras: Mapping[str, CameraConfig], sources: Mapping[str, str], keep: timedelta, now: datetime
) -> dict[str, datetime]:
    """By camera, the time before which keys go. ``sources``: of cameras that subjects have brought. Pure."""
    of = {name: config for name, config in cameras.items() if not isinstance(config.source, BrokerSource)}
    of |= {name: cameras[source] for name, source in sources.items() if source in cameras and name not in of}
    ages = {name: kept_for(config, keep) for name, config in of.items()}
    return {name: now - age for name, age in ages.items() if age is not None}


class Forgetter:
    """Forgets once an hour."""

    def __init__(self, before: Callable[[datetime], Mapping[str, datetime]],
                 forget: Callable[[Mapping[str, datetime]], int]) -> None:  # fmt: skip
        """``before``: see ``forgotten_before``; ``forget`` returns how many went."""
        self._before, self._forget = before, forget
        self.forgotten = 0

    def run(self, stop: threading.Event, every_s: float = EVERY_S) -> None:
        """Until stopped; not at once."""
        while not stop.wait(every_s):
            try:
                gone = self._forget(self._before(datetime.now(UTC)))
            except (StorageAway, DataError) as exc:
                logger.info("keys of old frames stay for now: %s", exc)
                continue
            self.forgotten += gone
            if gone:
                logger.info("%d keys of old frames are forgotten", gone)
