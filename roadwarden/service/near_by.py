"""What lies near a place that somebody reports: cases, reports that wait, defects of the map."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from threading import Lock

from sqlalchemy import Engine

from roadwarden.cases.joining import Near, NearKind
from roadwarden.cases.requests import Asked
from roadwarden.defects.presence import Presence
from roadwarden.detections import Position
from roadwarden.geo.places import Segment
from roadwarden.geo.plane import FURTHEST_LATITUDE, LocalPlane
from roadwarden.geo.tiles import MapBox
from roadwarden.service.known_roads import KnownRoads
from roadwarden.storage.request_unit import RequestUnit
from roadwarden.storage.unit import UnitOfWork, reading

_METRES_A_DEGREE = 111_000.0  # a little less than any degree of latitude, so that boxes are a little too large


@dataclass(slots=True)
class RoadsAtHand:
    """The newest network, read once and again when another one is imported: a city's takes seconds."""

    engine: Engine
    _known: KnownRoads | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def road_at(self, asked: Asked) -> Segment | None:
        """The road that a place lies on; None where no network is known, or no road near."""
        if asked.latitude is None or asked.longitude is None or abs(asked.latitude) > FURTHEST_LATITUDE:
            return None
        roads = self._newest()
        if roads is None:
            return None
        (place,) = roads.places([Position(asked.latitude, asked.longitude)])
        return None if place is None else roads.network.segments[roads.rows[place.segment]]

    def _newest(self) -> KnownRoads | None:
        with self._lock, reading(self.engine) as unit:
            networks = unit.segments.networks()
            if not networks:
                return None
            if self._known is None or self._known.number != networks[-1].number:
                self._known = _read(unit)
            return self._known


def _read(unit: UnitOfWork) -> KnownRoads | None:
    return KnownRoads.newest(unit)


def near_by(unit: RequestUnit, asked: Asked, radius_m: float) -> tuple[Near, ...]:
    """Everything that a report may be about, within the radius; nothing for one without coordinates."""
    if asked.latitude is None or asked.longitude is None or abs(asked.latitude) > FURTHEST_LATITUDE:
        return ()
    here = Position(asked.latitude, asked.longitude)
    found: list[tuple[NearKind, str, str, Position, str | None]] = []
    for box in box_around(here, radius_m).parts():
        found += _in_box(unit, box)
    defects = [one for one in unit.defects.near([here], radius_m) if one.presence is not Presence.NOT_SEEN]
    found += [(NearKind.DEFECT, one.id, one.vote.type.value, one.position, None) for one in defects]
    return tuple(_nearer(here, found, radius_m))


def _in_box(unit: RequestUnit, box: MapBox) -> Iterator[tuple[NearKind, str, str, Position, str | None]]:
    for row in unit.cases.rows.open_in(box):
        if row.lat is not None and row.lon is not None:
            yield NearKind.CASE, row.case_id, row.distress, Position(row.lat, row.lon), None
    own = set[str]()
    for request in unit.requests.waiting_in(box):
        asked = request.asked
        if asked.latitude is not None and asked.longitude is not None:
            own.add(request.id)
            yield NearKind.REQUEST, request.id, asked.service, Position(asked.latitude, asked.longitude), None
    for kept in unit.tips.waiting_in(box):
        tip = kept.tip
        if tip.latitude is not None and tip.longitude is not None and tip.id not in own:
            yield NearKind.TIP, tip.id, tip.problem, Position(tip.latitude, tip.longitude), tip.source.value


def _nearer(
    here: Position, found: Iterable[tuple[NearKind, str, str, Position, str | None]], radius_m: float
) -> Iterator[Near]:
    for kind, id, problem, place, source in found:
        distance = metres_between(here, place)
        if distance <= radius_m:
            yield Near(kind, id, problem, distance, source)


def metres_between(one: Position, other: Position) -> float:
    """Along the ground; good within some kilometres."""
    ((east, north),) = LocalPlane(one.lat, one.lon).to_metres([(other.lat, other.lon)])
    return float(math.hypot(east, north))


def box_around(here: Position, radius_m: float) -> MapBox:
    """A box of the map that holds everything within a radius, and a little more."""
    high = radius_m / _METRES_A_DEGREE
    wide = high / math.cos(math.radians(here.lat))
    west, east = here.lon - wide, here.lon + wide
    return MapBox(
        max(here.lat - high, -90.0),
        west + 360 if west < -180 else west,
        min(here.lat + high, 90.0),
        east - 360 if east > 180 else east,
    )
