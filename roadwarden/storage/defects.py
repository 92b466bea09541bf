"""Defects as they are now; what they are made of stays with the sightings."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, func, or_, select

from roadwarden.defects.defect import Defect
from roadwarden.defects.presence import Presence
from roadwarden.defects.votes import Vote
from roadwarden.detections import PlaneCovariance, Position
from roadwarden.errors import DataError
from roadwarden.geo.places import RoadPlace, Side
from roadwarden.geo.tiles import MapBox, key_ranges, tiles_within
from roadwarden.storage.rows import (
    OnConflict,
    Values,
    chunks,
    degrees,
    insert_rows,
    place_columns,
    rows_where,
    tiles,
    update_rows,
    within,
)
from roadwarden.storage.tables import defects, sightings
from roadwarden.taxonomy import DistressType, Severity, parse_type

_ON_ROAD = ("network", "segment", "chainage_m", "offset_m", "side")
_FOLDED = tuple(column.name for column in defects.c if column.name not in {"id", "severity", "presence", *_ON_ROAD})
"""What a fold of sightings says; the rest is set by ``settle_on_road`` and ``watch``."""


@dataclass(frozen=True, slots=True)
class KeptDefect:
    """A defect as lists and maps show it: its passes and sightings are counted, not named."""

    id: str
    vote: Vote
    position: Position
    covariance: PlaneCovariance
    length_m: float
    width_m: float
    size_sigma_m: float
    first_seen_at: datetime
    last_seen_at: datetime
    passes: int
    sightings: int
    severity: Severity | None = None  # not judged yet
    presence: Presence = Presence.SEEN
    network: int | None = None  # that ``road`` is a place of
    road: RoadPlace | None = None  # not matched to a road


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which defects; what is None or empty does not matter."""

    types: tuple[DistressType, ...] = ()
    severity: Severity | None = None
    presence: Presence | None = None
    segment: str | None = None  # of the newest network that a defect was placed on
    box: MapBox | None = None


class DefectStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, folds: Sequence[Defect]) -> None:
        """Keeps the defects, new or changed; places on roads and severities that are known stay."""
        keys = tiles([fold.position for fold in folds])
        rows = (_row(fold, tile) for fold, tile in zip(folds, keys, strict=True))
        insert_rows(self._connection, defects, rows, OnConflict(("id",), _FOLDED))

    def remove(self, ids: Iterable[str]) -> None:
        """Forgets defects. Raises DataError where sightings are counted to one of them."""
        ids = tuple(ids)
        query = select(sightings.c.defect).distinct()
        if kept := sorted(row[0] for row in rows_where(self._connection, query, sightings.c.defect, ids)):
            raise DataError(
                f"defect {kept[0]} has sightings that were not merged with the others"
                + (f", and {len(kept) - 1} more have" if len(kept) > 1 else "")
                + "; merge a wider neighbourhood"
            )
        for chunk in chunks(ids):
            self._connection.execute(delete(defects).where(defects.c.id.in_(chunk)))

    def settle_on_road(
        self, places: Mapping[str, RoadPlace | None], severities: Mapping[str, Severity], network: int
    ) -> None:
        """Says where on the roads of a network defects lie (None: on none), and how bad they are there.

        A defect without a severity here has none.
        """
        rows = (
            {"id": name, "severity": severities[name].value if name in severities else None}
            | dict(zip(_ON_ROAD, _road(place, network), strict=True))
            for name, place in places.items()
        )
        update_rows(self._connection, defects, "id", rows)

    def unseen(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Those of the defects that good passes no longer saw."""
        query = select(defects.c.id).where(defects.c.presence == Presence.NOT_SEEN.value)
        return tuple(row[0] for row in rows_where(self._connection, query, defects.c.id, ids))

    def watch(self, presences: Mapping[str, Presence]) -> None:
        """Says which defects are still seen; a new fold of one does not change that, so say it after settling."""
        rows = ({"id": name, "presence": presence.value} for name, presence in presences.items())
        update_rows(self._connection, defects, "id", rows)

    def get(self, ids: Iterable[str]) -> tuple[KeptDefect, ...]:
        """The defects of those ids, by id; see ``now`` for ids that defects had once."""
        return self._read(select(defects), defects.c.id, ids)

    def beginning(self, digits: str, most: int = 3) -> tuple[KeptDefect, ...]:
        """The defects whose ids begin with those hex digits, by id, at most so many."""
        first, last = digits.ljust(32, "0"), digits.ljust(32, "f")
        query = select(defects).where(defects.c.id >= first, defects.c.id <= last).order_by(defects.c.id).limit(most)
        return tuple(map(_kept, self._connection.execute(query)))

    def beside(self, network: int) -> tuple[str, ...]:
        """Ids of the defects that have no place on that network, in order."""
        elsewhere = or_(defects.c.network.is_(None), defects.c.network != network)
        return tuple(self._connection.execute(select(defects.c.id).where(elsewhere).order_by(defects.c.id)).scalars())

    def pages(self, wanted: Wanted | None = None, size: int = 10_000) -> Iterator[tuple[KeptDefect, ...]]:
        """All that are wanted, by id, so many at a time: a city does not have to fit into memory."""
        query, after = _chosen(wanted or Wanted()), ""
        while page := tuple(map(_kept, self._connection.execute(_following(query, after).limit(size)))):
            yield page
            after = page[-1].id

    def page(self, wanted: Wanted, after: str, most: int) -> tuple[KeptDefect, ...]:
        """Those that are wanted behind an id (empty: from the first), by id."""
        return tuple(map(_kept, self._connection.execute(_following(_chosen(wanted), after).limit(most))))

    def count(self) -> int:
        """How many there are; O(n)."""
        return self._connection.execute(select(func.count()).select_from(defects)).scalar_one()

    def now(self, ids: Iterable[str]) -> Mapping[str, str]:
        """The defect that each id leads to; an id that never was a sighting's is left out.

        A defect has the id of its first sighting: an id that was given once leads to what that sighting is counted to.
        """
        query = select(sightings.c.id, sightings.c.defect).where(sightings.c.defect.is_not(None))
        return {row[0]: row[1] for row in rows_where(self._connection, query, sightings.c.id, ids)}

    def near(self, places: Sequence[Position], radius_m: float) -> tuple[KeptDefect, ...]:
        """Every defect whose middle lies within ``radius_m`` (up to 500 m) of one of the places, by id: one query."""
        if not places:
            return ()
        keys = (int(key) for key in tiles_within(degrees(places), radius_m))
        found = self._read(select(defects), defects.c.tile, keys)
        return within(found, places, radius_m)

    def in_box(self, box: MapBox, most: int = 100_000) -> tuple[KeptDefect, ...]:
        """The defects of a box of the map, by id, at most ``most`` of them: O(log n + found) for a box of a city."""
        query = select(defects).where(_in_runs(box), _in_box(box)).order_by(defects.c.id).limit(most)
        return tuple(map(_kept, self._connection.execute(query)))

    def along(self, network: int, segment: str, from_m: float = 0.0, to_m: float = math.inf) -> tuple[KeptDefect, ...]:
        """The defects on a stretch of a segment, its ends too, by chainage."""
        query = (
            select(defects)
            .where(defects.c.network == network, defects.c.segment == segment)
            .where(defects.c.chainage_m >= from_m, defects.c.chainage_m <= to_m)
            .order_by(defects.c.chainage_m, defects.c.id)
        )
        return tuple(map(_kept, self._connection.execute(query)))

    def on_segments(self, network: int, segments: Iterable[str]) -> tuple[KeptDefect, ...]:
        """The defects on whole segments, by id."""
        return self._read(select(defects).where(defects.c.network == network), defects.c.segment, segments)

    def _read(self, query: Select[Any], column: Any, values: Iterable[Any]) -> tuple[KeptDefect, ...]:
        found = map(_kept, rows_where(self._connection, query, column, values))
        return tuple(sorted(found, key=lambda defect: defect.id))


def _chosen(wanted: Wanted) -> Select[Any]:
    query = select(defects)
    if wanted.types:
        query = query.where(defects.c.type.in_([one.value for one in wanted.types]))
    if wanted.severity is not None:
        query = query.where(defects.c.severity == wanted.severity.value)
    if wanted.presence is not None:
        query = query.where(defects.c.presence == wanted.presence.value)
    if wanted.segment is not None:
        query = query.where(defects.c.segment == wanted.segment)
    if wanted.box is not None:
        query = query.where(_in_runs(wanted.box), _in_box(wanted.box))
    return query.order_by(defects.c.id)


def _following(query: Select[Any], after: str) -> Select[Any]:
    return query.where(defects.c.id > after) if after else query


def _in_runs(box: MapBox) -> Any:
    return or_(*(defects.c.tile.between(first, last) for first, last in key_ranges(box)))


def _in_box(box: MapBox) -> Any:
    return or_(
        *(
            and_(defects.c.lat.between(part.south, part.north), defects.c.lon.between(part.west, part.east))
            for part in box.parts()
        )
    )


def _road(place: RoadPlace | None, network: int) -> tuple[Any, ...]:
    if place is None:
        return (None,) * len(_ON_ROAD)
    return network, place.segment, place.chainage_m, place.offset_m, place.side.value


def _row(fold: Defect, tile: int) -> Values:
    return place_columns(fold.position, fold.covariance) | {
        "id": fold.id,
        "tile": tile,
        "type": fold.type.value,
        "margin": fold.vote.margin,
        "heading_deg": fold.position.heading_deg,
        "shares": json.dumps(dict(fold.vote.shares)),
        "length_m": fold.length_m,
        "width_m": fold.width_m,
        "size_sigma_m": fold.size_sigma_m,
        "passes": len(fold.passes),
        "sightings": len(fold.sightings),
        "first_seen_at": fold.first_seen_at,
        "last_seen_at": fold.last_seen_at,
    }


def _kept(row: Any) -> KeptDefect:
    shares = tuple((parse_type(name), share) for name, share in json.loads(row.shares).items())
    on_road = row.segment is not None
    return KeptDefect(
        id=row.id,
        vote=Vote(parse_type(row.type), shares, row.margin),
        position=Position(row.lat, row.lon, row.heading_deg),
        covariance=PlaneCovariance(row.east_m2, row.north_m2, row.east_north_m2),
        length_m=row.length_m,
        width_m=row.width_m,
        size_sigma_m=row.size_sigma_m,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        passes=row.passes,
        sightings=row.sightings,
        severity=Severity(row.severity) if row.severity else None,
        presence=Presence(row.presence),
        network=row.network,
        road=RoadPlace(row.segment, row.chainage_m, row.offset_m, Side(row.side)) if on_road else None,
    )
