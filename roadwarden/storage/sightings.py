"""Sightings: every look at the road that was ever kept, and the defect that it is counted to now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from roadwarden.detections import PlaneCovariance, Position, Sighting
from roadwarden.geo.tiles import tiles_within
from roadwarden.storage.rows import (
    Values,
    chunks,
    degrees,
    insert_rows,
    numbers_of,
    place_columns,
    rows_where,
    tiles,
    update_rows,
    within,
)
from roadwarden.storage.tables import models, passes, sightings
from roadwarden.storage.tracks import Home
from roadwarden.taxonomy import parse_type


class SightingStore:
    """Within one transaction. A sighting is never changed, only counted to another defect."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, batch: Sequence[Sighting]) -> tuple[Sighting, ...]:
        """Keeps those whose ids are not kept yet, and returns them: reading a survey twice adds nothing.

        O(k log n) for k sightings beside n.
        """
        wanted = {sighting.id: sighting for sighting in batch}
        known = self.known(wanted)
        new = tuple(sighting for name, sighting in wanted.items() if name not in known)
        if new:
            self._insert(new, {})
        return new

    def settle(self, homes: Mapping[str, Home], new: Sequence[Sighting]) -> None:
        """Counts sightings to tracks and defects, which are kept already; ``new`` ones are kept with their homes."""
        if new:
            self._insert(new, homes)
        fresh = {one.id for one in new}
        rows = (
            {"id": name, "track": home.track, "defect": home.defect}
            for name, home in homes.items()
            if name not in fresh
        )
        update_rows(self._connection, sightings, "id", rows)

    def unmerged(self, from_tile: int = 0, most: int = 2000) -> tuple[Sighting, ...]:
        """Sightings on no track, tile by tile from one on; empty where all are merged."""
        query = _sightings_with_defect().where(sightings.c.track.is_(None), sightings.c.tile >= from_tile)
        rows = self._connection.execute(query.order_by(sightings.c.tile, sightings.c.id).limit(most))
        return tuple(map(_sighting, rows))

    def count_unmerged(self) -> int:
        """How many are on no track; O(n)."""
        query = select(func.count()).select_from(sightings).where(sightings.c.track.is_(None))
        return self._connection.execute(query).scalar_one()

    def none_of(self, defects: Iterable[str]) -> frozenset[str]:
        """Those of the defects that no sighting is counted to."""
        wanted = frozenset(defects)
        query = select(sightings.c.defect).distinct()
        return wanted - {row[0] for row in rows_where(self._connection, query, sightings.c.defect, wanted)}

    def count(self) -> int:
        """How many there are; O(n)."""
        return self._connection.execute(select(func.count()).select_from(sightings)).scalar_one()

    def known(self, ids: Iterable[str]) -> frozenset[str]:
        """Those of the ids that are kept."""
        query = select(sightings.c.id)
        return frozenset(row[0] for row in rows_where(self._connection, query, sightings.c.id, ids))

    def get(self, ids: Iterable[str]) -> tuple[Sighting, ...]:
        """The sightings of those ids, by id; ids that are not kept are left out."""
        return self._read(sightings.c.id, ids)

    def models(self) -> tuple[str, ...]:
        """What has ever seen anything, in the order of first use."""
        return tuple(self._connection.execute(select(models.c.name).order_by(models.c.number)).scalars())

    def passes(self) -> int:
        """How many passes there were."""
        return self._connection.execute(select(func.count()).select_from(passes)).scalar_one()

    def near(self, places: Sequence[Position], radius_m: float) -> tuple[Sighting, ...]:
        """Every sighting within ``radius_m`` (up to 500 m) of at least one of the places, by id.

        One query for the whole batch: O(t log n + found) for its t tiles, up to 9 a place for radii up to 13.5 m.
        """
        if not places:
            return ()
        keys = (int(key) for key in tiles_within(degrees(places), radius_m))
        return within(self._read(sightings.c.tile, keys), places, radius_m)

    def of_defects(self, ids: Iterable[str]) -> Mapping[str, tuple[Sighting, ...]]:
        """The sightings of each defect, by id; defects without any are left out."""
        grouped: dict[str, list[Sighting]] = {}
        for row in rows_where(self._connection, _sightings_with_defect(), sightings.c.defect, ids):
            grouped.setdefault(row.defect, []).append(_sighting(row))
        return {name: tuple(sorted(ones, key=_id)) for name, ones in sorted(grouped.items())}

    def defects_of(self, ids: Iterable[str]) -> Mapping[str, str | None]:
        """The defect that each sighting is counted to; None where to none yet."""
        query = select(sightings.c.id, sightings.c.defect)
        return {row[0]: row[1] for row in rows_where(self._connection, query, sightings.c.id, ids)}

    def assign(self, defects: Mapping[str, str | None]) -> None:
        """Counts each sighting (key) to a defect, which is kept already, or to none."""
        rows = ({"id": sighting, "defect": defect} for sighting, defect in defects.items())
        update_rows(self._connection, sightings, "id", rows)

    def _insert(self, new: Sequence[Sighting], homes: Mapping[str, Home]) -> None:
        drives = numbers_of(self._connection, passes, passes.c.id, (one.pass_id for one in new))
        seers = numbers_of(self._connection, models, models.c.name, (one.model for one in new))
        keys = tiles([one.position for one in new])
        for chunk in chunks(zip(new, keys, strict=True)):
            rows = [
                _row(one, tile, drives[one.pass_id], seers[one.model]) | _homed(homes.get(one.id))
                for one, tile in chunk
            ]
            insert_rows(self._connection, sightings, rows)

    def _read(self, column: Any, values: Iterable[Any]) -> tuple[Sighting, ...]:
        rows = rows_where(self._connection, _sightings_with_defect(), column, values)
        return tuple(sorted(map(_sighting, rows), key=_id))


def _sightings_with_defect() -> Select[Any]:
    return (
        select(
            *(column for column in sightings.c if column.name not in {"pass", "model", "tile", "track"}),
            passes.c.id.label("drive"),
            models.c.name.label("seer"),
        )
        .join(passes, passes.c.number == sightings.c["pass"])
        .join(models, models.c.number == sightings.c.model)
    )


def _row(one: Sighting, tile: int, drive: int, seer: int) -> Values:
    return place_columns(one.position, one.covariance) | {
        "id": one.id,
        "tile": tile,
        "frame": one.frame,
        "seen_at": one.seen_at,
        "pass": drive,
        "model": seer,
        "type": one.type.value,
        "score": one.score,
        "heading_deg": one.position.heading_deg,
        "speed_mps": one.position.speed_mps,
        "length_m": one.length_m,
        "width_m": one.width_m,
        "size_sigma_m": one.size_sigma_m,
    }


def _homed(home: Home | None) -> Values:
    return {"track": home.track, "defect": home.defect} if home else {"track": None, "defect": None}


def _sighting(row: Any) -> Sighting:
    return Sighting(
        id=row.id,
        frame=row.frame,
        seen_at=row.seen_at,
        pass_id=row.drive,
        type=parse_type(row.type),
        score=row.score,
        position=Position(row.lat, row.lon, row.heading_deg, row.speed_mps),
        covariance=PlaneCovariance(row.east_m2, row.north_m2, row.east_north_m2),
        length_m=row.length_m,
        width_m=row.width_m,
        size_sigma_m=row.size_sigma_m,
        model=row.seer,
    )


def _id(one: Sighting) -> str:
    return one.id
