"""The pictures of sightings, read from the archives that they were surveyed from."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache

from sqlalchemy import Engine

from roadwarden.data.archives import Archive, UnreadableEntry, open_archive
from roadwarden.data.redact_url import redact_url
from roadwarden.detections import Sighting
from roadwarden.errors import RoadwardenError
from roadwarden.inference.picture_matcher import Look, Looks
from roadwarden.storage.unit import reading

logger = logging.getLogger(__name__)

KEPT_ARCHIVES = 16
"""Archives held open."""


def looks_in_archives(engine: Engine, open_one: Callable[[str], Archive] = open_archive) -> Looks:
    """Finds frame and box of a sighting that is kept; None where its archive is gone or was never told."""

    @lru_cache(maxsize=KEPT_ARCHIVES)
    def opened(name: str) -> Archive | None:
        try:
            return open_one(name)
        except RoadwardenError as exc:
            logger.warning("pictures of %s cannot be compared: %s", redact_url(name), exc)
            return None

    def look(sighting: Sighting) -> Look | None:
        with reading(engine) as unit:
            picture = unit.pictures.of([sighting.id]).get(sighting.id)
        archive = opened(picture.place.archive) if picture else None
        if picture is None or archive is None:
            return None
        try:
            return Look(archive.read(picture.place.path), picture.box_xyxy)
        except UnreadableEntry as exc:
            logger.warning("%s: %s", picture.place.path, exc)
            return None

    return look
