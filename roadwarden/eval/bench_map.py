"""How quick the map is in a city of ten million cells: its health reckoned, and every tile of windows along the roads.

Beside each kind of tile stand what it costs when its bytes lie ready (bound), and the same features as GeoJSON (peer).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import resource
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

import numpy as np
from sqlalchemy import Engine

from roadwarden.eval.bench_map_city import NOW, CitySize, Tell, keep_city
from roadwarden.eval.geojson_tiles import geojson
from roadwarden.geo.vector_tile import Layer, encode_tile
from roadwarden.geo.web_tiles import Floats, WebTile, to_world
from roadwarden.service.atlas.atlas import Atlas
from roadwarden.service.atlas.health import Health, health_at
from roadwarden.service.atlas.health_tiles import age_layers, health_layers, health_tile
from roadwarden.service.atlas.point_tiles import case_layers, defect_layers
from roadwarden.storage import case_unit
from roadwarden.storage.engine import shown
from roadwarden.storage.map_points import MapFilter
from roadwarden.taxonomy import DistressType, Severity

ZOOMS: Final = range(8, 18)
"""The map's own least zoom, to that of its deepest tiles: deeper views are drawn from those."""
WINDOW_PX, TILE_PX = (1440, 900), 512
TILE_TARGET_MS, VIEW_TARGET_BYTES = 100.0, 800_000
"""An interaction; and 1.5 MB of a first view, of which page and scripts may take 0.7."""
LEAST_DRAWN: Final = 40
"""Times of each kind: from afar there are few tiles, and of one drawing there is no P95."""
PAST: Final = timedelta(days=2)
_NOT_RENEWED_S: Final = 86_400.0
Made = TypeVar("Made")


class MapLayer(StrEnum):
    """As in the addresses of tiles."""

    HEALTH = "health"
    AGES = "ages"
    DEFECTS = "defects"
    CASES = "cases"

    @property
    def deepest(self) -> int:
        """Zoom of its tiles (map.js)."""
        return 17 if self is MapLayer.HEALTH else 16


FIRST_SHOWN = (MapLayer.HEALTH, MapLayer.DEFECTS, MapLayer.CASES)
"""What the page shows when nobody has chosen anything."""


class Asked(StrEnum):
    """What of a layer."""

    ALL = "all"
    FILTERED = "filtered"  # severe potholes and alligator cracks; of cases, late ones
    PAST = "two days ago"


ASKED: Final = tuple(
    (layer, asked)
    for layer in MapLayer
    for asked in Asked
    if asked is not Asked.FILTERED or layer in (MapLayer.DEFECTS, MapLayer.CASES)
)


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of the clock on the wall; ``cpu_p95`` of this thread alone, whoever else has the machine."""

    number: int
    p50: float
    p95: float
    worst: float
    cpu_p95: float

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> Times:
        """From wall and CPU of each."""
        wall, cpu = np.array(pairs).T
        p50, p95 = np.percentile(wall, [50, 95]).tolist()
        return cls(len(pairs), p50, p95, float(wall.max()), float(np.percentile(cpu, 95)))


NO_TIMES: Final = Times(0, 0.0, 0.0, 0.0, 0.0)
"""Of tiles that all are empty: of few cases none may be late."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Tiles of one zoom, layer and question: sums are those of the window over the densest place."""

    zoom: int
    layer: MapLayer
    asked: Asked
    tiles: int
    bytes: int  # as the server sends them, which packs no tiles
    largest: int  # tile of all windows
    first: Times
    again: Times  # health and ages from memory; points are looked for again
    made_ms: float
    ready_ms: float  # bound: only the ETag of bytes that lie ready
    geojson_bytes: int  # peer
    geojson_ms: float


@dataclass(frozen=True, slots=True)
class View:
    """The three layers that are shown first, in all windows of a zoom; bytes of their tiles."""

    zoom: int
    is_first: bool  # the whole city
    tiles: int
    densest: int
    worst: int


@dataclass(frozen=True, slots=True)
class Reckoned:
    """The health of the whole city at one moment."""

    seconds: float
    cpu_s: float
    peak_mb: float  # of the process so far


@dataclass(frozen=True, slots=True)
class MapBench:
    """One run."""

    database: str
    cells: int
    defects: int
    cases: int
    windows: int  # at each zoom
    load: tuple[float, float]  # of the machine, before and after
    now: Reckoned
    past: Reckoned
    first_tile_ms: float  # of a new server: with the index of the roads
    renewing: Times  # tiles of zoom 14 while the city is reckoned anew beside them
    kinds: tuple[Kind, ...]
    views: tuple[View, ...]

    @property
    def misses(self) -> list[str]:
        """Targets that are missed."""
        slow = [f"zoom {one.zoom} {one.layer} {one.asked}" for one in self.kinds if one.first.p95 >= TILE_TARGET_MS]
        slow += ["tiles beside a reckoning"] * (self.renewing.p95 >= TILE_TARGET_MS)
        heavy = [f"a view of zoom {one.zoom}" for one in self.views if one.worst >= VIEW_TARGET_BYTES]
        return slow + heavy

    @property
    def holds(self) -> bool:
        """Whether every target is met."""
        return not self.misses

    def as_json(self) -> dict[str, Any]:
        """Its fields, and which targets are missed."""
        return asdict(self) | {"misses": self.misses, "holds": self.holds}


def bench_map(engine: Engine, size: CitySize, windows: int, tell: Tell = lambda _what: None) -> MapBench:
    """Fills a database of its own once, reckons the city and asks for the tiles of ``windows`` views of each zoom."""
    keep_city(engine, size, tell)
    load = os.getloadavg()[0]
    atlas = Atlas(engine, lambda: NOW, fresh_s=_NOT_RENEWED_S)
    tell("the health of the city, now and two days ago")
    health, now = _reckoned(atlas.health)
    before, past = _reckoned(lambda: atlas.health(NOW - PAST))
    whole = _tiles(np.array([0.5, 0.5]), 0, MapLayer.HEALTH)
    _, (first_ms, _) = _timed(lambda: [health_tile(health, tile) for tile in whole])
    measure = _Measure(atlas, health, before, windows, np.random.default_rng(size.seed))
    renewing = measure.while_renewing()
    kinds, views = [], []
    for zoom in ZOOMS:
        tell(f"zoom {zoom}")
        found, view = measure.of_zoom(zoom)
        kinds += found
        views.append(view)
    with case_unit.reading(engine) as unit:
        cases = unit.events.count_cases()
    loads = load, os.getloadavg()[0]
    sums = sum(health.counts().values()), len(health.defects), cases
    name = shown(engine).partition(":")[0]
    return MapBench(name, *sums, windows, loads, now, past, first_ms, renewing, tuple(kinds), tuple(views))


@dataclass(slots=True)
class _Measure:
    atlas: Atlas
    health: Health
    before: Health
    windows: int
    rng: np.random.Generator

    def of_zoom(self, zoom: int) -> tuple[list[Kind], View]:
        """All that is asked at a zoom."""
        centres = [self._densest(zoom), *(self._on_a_road() for _ in range(self.windows))]
        sizes: dict[tuple[MapLayer, WebTile], int] = {}
        kinds = []
        for layer, asked in ASKED:
            seen = [_tiles(centre, zoom, layer) for centre in centres]
            if zoom > layer.deepest:  # drawn from tiles that were timed with the zoom before
                if asked is Asked.ALL:
                    asked_for = dict.fromkeys(itertools.chain.from_iterable(seen))
                    sizes |= {(layer, tile): len(self._tile(layer, asked, tile)) for tile in asked_for}
                continue
            kind, bodies = self._kind(zoom, layer, asked, seen)
            kinds.append(kind)
            if asked is Asked.ALL:
                sizes |= {(layer, tile): len(body) for tile, body in bodies.items()}
        sums = [sum(sizes[one, tile] for one in FIRST_SHOWN for tile in _tiles(at, zoom, one)) for at in centres]
        tiles = sum(len(_tiles(centres[0], zoom, one)) for one in FIRST_SHOWN)
        return kinds, View(zoom, zoom == self._first_zoom(), tiles, sums[0], max(sums))

    def _kind(
        self, zoom: int, layer: MapLayer, asked: Asked, seen: Sequence[Sequence[WebTile]]
    ) -> tuple[Kind, dict[WebTile, bytes]]:
        bodies, took = {}, []
        for tile in dict.fromkeys(itertools.chain.from_iterable(seen)):
            bodies[tile], once = _timed(lambda: self._tile(layer, asked, tile))  # noqa: B023
            _, twice = _timed(lambda: self._tile(layer, asked, tile))  # noqa: B023
            if bodies[tile]:  # beside the city there is nothing to wait for
                took.append((once, twice))
        shown_ones = [tile for tile, body in bodies.items() if body]
        for tile in itertools.islice(itertools.cycle(shown_ones), max(0, LEAST_DRAWN - len(took))):
            _, drawn_anew = _timed(lambda: encode_tile(self._layers(layer, asked, tile)))  # noqa: B023
            took.append((drawn_anew, _timed(lambda: self._tile(layer, asked, tile))[1]))  # noqa: B023
        dense = seen[0]
        drawn, (made_ms, _) = _timed(lambda: [encode_tile(self._layers(layer, asked, tile)) for tile in dense])
        _, (ready_ms, _) = _timed(lambda: [hashlib.sha256(body).hexdigest() for body in drawn])
        peers, (peer_ms, _) = _timed(
            lambda: [json.dumps(geojson(self._layers(layer, asked, tile), tile)) for tile in dense]
        )
        largest = max(map(len, bodies.values()))
        size, peer = sum(map(len, drawn)), sum(map(len, peers))
        at_first, again = (Times.of([pair[nth] for pair in took]) if took else NO_TIMES for nth in (0, 1))
        made = Kind(zoom, layer, asked, len(dense), size, largest, at_first, again, made_ms, ready_ms, peer, peer_ms)
        return made, bodies

    def _tile(self, layer: MapLayer, asked: Asked, tile: WebTile) -> bytes:
        at = NOW - PAST if asked is Asked.PAST else None
        if layer is MapLayer.HEALTH:
            return self.atlas.health_tile(tile, at)
        if layer is MapLayer.AGES:
            return self.atlas.age_tile(tile, at)
        draw = self.atlas.defect_tile if layer is MapLayer.DEFECTS else self.atlas.case_tile
        return draw(tile, _wanted(layer, asked))

    def _layers(self, layer: MapLayer, asked: Asked, tile: WebTile) -> list[Layer]:
        health = self.before if asked is Asked.PAST else self.health
        if layer is MapLayer.HEALTH:
            return health_layers(health, tile)
        if layer is MapLayer.AGES:
            return age_layers(health, tile)
        if layer is MapLayer.DEFECTS:
            return defect_layers(health.defects, tile, _wanted(layer, asked))
        return case_layers(self.atlas.engine, tile, _wanted(layer, asked))

    def while_renewing(self) -> Times:
        """Tiles of zoom 14, each drawn anew, until the reckoning beside them has ended."""
        tiles = _tiles(self._densest(14), 14, MapLayer.HEALTH)
        other = threading.Thread(target=health_at, args=(self.atlas.engine, self.health.shapes, NOW))
        other.start()
        took = []
        for tile in itertools.cycle(tiles):
            took.append(_timed(lambda: health_tile(self.health, tile))[1])  # noqa: B023
            if not other.is_alive():
                break
        other.join()
        return Times.of(took)

    def _densest(self, zoom: int) -> Floats:
        """The middle of the defects of the tile that holds most of them."""
        world = self.health.defects.world
        _, group, counts = np.unique(np.floor(world * 2**zoom), axis=0, return_inverse=True, return_counts=True)
        return np.asarray(world[group.ravel() == counts.argmax()].mean(axis=0))

    def _on_a_road(self) -> Floats:
        strip = self.health.shapes.strips[self.rng.integers(len(self.health.shapes.strips))]
        return np.asarray(strip.at(self.rng.uniform(0, strip.chainages[-1], 1))[0])

    def _first_zoom(self) -> int:
        """At which the page shows the whole city."""
        box = self.health.bounds()
        low, high = to_world([(box.north, box.west), (box.south, box.east)])
        scale = min((size - 60) / (part * TILE_PX) for size, part in zip(WINDOW_PX, (high - low).tolist(), strict=True))
        return max(ZOOMS[0], min(math.floor(math.log2(scale)), ZOOMS[-1]))


def _wanted(layer: MapLayer, asked: Asked) -> MapFilter:
    if asked is Asked.FILTERED:
        types = (DistressType.POTHOLE, DistressType.ALLIGATOR_CRACK)
        late = True if layer is MapLayer.CASES else None
        return MapFilter(NOW, types, Severity.SEVERE, overdue=late, of_today=True)
    return MapFilter(NOW - PAST) if asked is Asked.PAST else MapFilter(NOW, of_today=True)


def _tiles(centre: Floats, zoom: int, layer: MapLayer) -> list[WebTile]:
    """Those that a window needs whose middle is there."""
    half = np.array(WINDOW_PX) / 2 / TILE_PX / 2**zoom
    z = min(zoom, layer.deepest)
    low, high = (np.clip(np.floor(edge * 2**z), 0, 2**z - 1).astype(int) for edge in (centre - half, centre + half))
    return [WebTile(z, x, y) for x in range(low[0], high[0] + 1) for y in range(low[1], high[1] + 1)]


def _reckoned(act: Callable[[], Health]) -> tuple[Health, Reckoned]:
    made, (wall_ms, cpu_ms) = _timed(act)
    return made, Reckoned(wall_ms / 1e3, cpu_ms / 1e3, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _timed(act: Callable[[], Made]) -> tuple[Made, tuple[float, float]]:
    """What it gave; milliseconds on the wall, and of this thread's CPU."""
    wall, cpu = time.perf_counter(), time.thread_time()
    made = act()
    return made, ((time.perf_counter() - wall) * 1e3, (time.thread_time() - cpu) * 1e3)
