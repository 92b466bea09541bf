"""What the map asks: tiles, from what is kept in memory of some moments and from the database.

The health of the city now is reckoned anew when it is older than ``fresh_s`` and something asks for it; until the new
one is there, the old one answers. Moments of the past do not change much and are kept as they are asked for, a few.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import Engine

from roadwarden.errors import DataError, RoadwardenError
from roadwarden.geo.web_tiles import WebTile
from roadwarden.service.atlas.health import Health, health_at
from roadwarden.service.atlas.health_tiles import age_tile, health_tile
from roadwarden.service.atlas.point_tiles import case_tile, defect_tile
from roadwarden.service.atlas.shapes import RoadShapes
from roadwarden.service.coverage import newest_roads
from roadwarden.storage.map_points import MapFilter
from roadwarden.storage.unit import reading

logger = logging.getLogger(__name__)

MOMENTS = 6
"""Of the past, in memory at once: a city of 10 million cells takes 10 MB for each."""
TILES = 2000
Draw: TypeAlias = Callable[[Health, WebTile], bytes]


@dataclass(slots=True)
class Atlas:
    """One for each process; its methods may be called from several threads."""

    engine: Engine
    now: Callable[[], datetime]
    fresh_s: float = 60.0
    _lock: threading.Lock = field(default_factory=threading.Lock)  # held while the city is reckoned: for seconds
    _tiles_lock: threading.Lock = field(default_factory=threading.Lock)  # never for long
    _shapes: RoadShapes | None = None
    _today: tuple[float, Health] | None = None
    _renewing: bool = False
    _past: OrderedDict[datetime, Health] = field(default_factory=OrderedDict)
    _tiles: OrderedDict[tuple[Draw, datetime, WebTile], bytes] = field(default_factory=OrderedDict)

    def health(self, at: datetime | None = None) -> Health:
        """Of now, at most ``fresh_s`` and the time of a reckoning old; or of the end of the hour of a past moment.

        Raises DataError where no network is imported.
        """
        if at is not None and at < self.now() - timedelta(seconds=self.fresh_s):
            return self._of_past(at.replace(minute=59, second=59, microsecond=0))
        if self._today is None:
            with self._lock:
                if self._today is None:
                    self._today = time.monotonic(), health_at(self.engine, self._roads(), self.now())
        made, health = self._today
        if time.monotonic() - made > self.fresh_s and not self._renewing:
            self._renewing = True
            threading.Thread(target=self._renew, name="health of the roads", daemon=True).start()
        return health

    def health_tile(self, tile: WebTile, at: datetime | None = None) -> bytes:
        """See ``health_tiles``."""
        return self._tile(health_tile, tile, at)

    def age_tile(self, tile: WebTile, at: datetime | None = None) -> bytes:
        """See ``health_tiles``."""
        return self._tile(age_tile, tile, at)

    def _tile(self, draw: Draw, tile: WebTile, at: datetime | None) -> bytes:
        health = self.health(at)
        key = (draw, health.now, tile)
        if (kept := self._tiles.get(key)) is not None:
            return kept
        made = draw(health, tile)
        with self._tiles_lock:
            self._tiles[key] = made
            while len(self._tiles) > TILES:
                self._tiles.popitem(last=False)
        return made

    def street_names(self) -> dict[str, str]:
        """Of each segment of the newest network; none where there is no network."""
        try:
            return self._roads().names
        except DataError:
            return {}

    def defect_tile(self, tile: WebTile, wanted: MapFilter) -> bytes:
        """See ``point_tiles``."""
        return defect_tile(self.health(wanted.at).defects, tile, wanted)

    def case_tile(self, tile: WebTile, wanted: MapFilter) -> bytes:
        """See ``point_tiles``."""
        return case_tile(self.engine, tile, wanted)

    def _of_past(self, at: datetime) -> Health:
        with self._lock:
            if at not in self._past:
                self._past[at] = health_at(self.engine, self._roads(), at)
                while len(self._past) > MOMENTS:
                    self._past.popitem(last=False)
            self._past.move_to_end(at)
            return self._past[at]

    def _renew(self) -> None:
        try:
            self._today = time.monotonic(), health_at(self.engine, self._roads(), self.now())
        except RoadwardenError as exc:
            logger.warning("the health of the roads could not be reckoned anew: %s", exc)
        finally:
            self._renewing = False

    def _roads(self) -> RoadShapes:
        """The newest network, drawn once."""
        with reading(self.engine) as unit:
            newest = unit.segments.networks()[-1:]
            if self._shapes is None or not newest or self._shapes.roads.number != newest[0].number:
                self._shapes = RoadShapes(newest_roads(unit))
        return self._shapes
