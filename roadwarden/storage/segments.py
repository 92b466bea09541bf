"""Roads: every network that was ever imported, for a chainage means nothing without its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from roadwarden.geo.places import RoadClass, RoadGrade, Segment
from roadwarden.storage.rows import Values, chunks, rows_where
from roadwarden.storage.tables import networks, segments

_LATER = frozenset({"owner", "area"})


@dataclass(frozen=True, slots=True)
class KeptNetwork:
    """One import; the version of a network is its number."""

    number: int
    sha256: str  # of its segments, whatever their order
    source: str
    imported_at: datetime  # UTC


class SegmentStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, network: Sequence[Segment], source: str, now: datetime) -> KeptNetwork:
        """Keeps a network as a new version; the same segments again are the version they were. O(n log n)."""
        rows = [_row(segment) for segment in sorted(network, key=lambda segment: segment.id)]
        digest = _digest(rows)
        for known in self.networks():
            if known.sha256 == digest:
                return known
        values = {"sha256": digest, "source": source, "imported_at": now}
        number = self._connection.execute(insert(networks).returning(networks.c.number), values).scalar_one()
        for chunk in chunks(rows):
            self._connection.execute(insert(segments), [row | {"network": number} for row in chunk])
        return next(known for known in self.networks() if known.number == number)

    def networks(self) -> tuple[KeptNetwork, ...]:
        """Every version, the oldest first."""
        query = select(networks).order_by(networks.c.number)
        return tuple(
            KeptNetwork(row.number, row.sha256, row.source, row.imported_at) for row in self._connection.execute(query)
        )

    def of_network(self, number: int) -> tuple[Segment, ...]:
        """The segments of one version, by id; empty where there is no such version."""
        query = select(segments).where(segments.c.network == number)
        return _by_id(self._connection.execute(query))

    def page(self, number: int, after: str, most: int) -> tuple[Segment, ...]:
        """The segments of one version behind an id (empty: from the first), by id."""
        query = select(segments).where(segments.c.network == number, segments.c.id > after)
        return tuple(map(_segment, self._connection.execute(query.order_by(segments.c.id).limit(most))))

    def get(self, number: int, ids: Iterable[str]) -> tuple[Segment, ...]:
        """The segments of those ids, by id; ids that the network does not have are left out."""
        query = select(segments).where(segments.c.network == number)
        return _by_id(rows_where(self._connection, query, segments.c.id, ids))


def _by_id(rows: Iterable[Any]) -> tuple[Segment, ...]:
    return tuple(sorted(map(_segment, rows), key=lambda segment: segment.id))


def _digest(rows: Iterable[Values]) -> str:
    """What tells nothing of owners and areas has the digest that it had before they were kept."""
    told = [{k: v for k, v in row.items() if v is not None or k not in _LATER} for row in rows]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _row(segment: Segment) -> Values:
    points = [[lon, lat] for lat, lon in segment.line]
    return {
        "id": segment.id,
        "name": segment.name,
        "grade": segment.grade.value,
        "road_class": segment.road_class.value if segment.road_class else None,
        "one_way": segment.one_way,
        "width_m": segment.width_m,
        "line": json.dumps({"type": "LineString", "coordinates": points}),
        "owner": segment.owner,
        "area": segment.area,
    }


def _segment(row: Any) -> Segment:
    return Segment(
        id=row.id,
        name=row.name,
        grade=RoadGrade(row.grade),
        line=tuple((lat, lon) for lon, lat in json.loads(row.line)["coordinates"]),
        width_m=row.width_m,
        road_class=RoadClass(row.road_class) if row.road_class else None,
        one_way=row.one_way,
        owner=row.owner,
        area=row.area,
    )
