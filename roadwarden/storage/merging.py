"""The living map of a database: its plane, the rules it was made by, and its tracks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, delete, insert, select, update

from roadwarden.defects.map import DefectMap, rules_of
from roadwarden.defects.policy import MergingPolicy
from roadwarden.detections import Sighting
from roadwarden.errors import DataError
from roadwarden.geo.plane import LocalPlane
from roadwarden.storage.rows import degrees
from roadwarden.storage.tables import merging, sightings, track_cells, tracks
from roadwarden.storage.tracks import StoredShelf

FURTHEST_M = 200_000.0
"""From the middle of the plane: there distances are right to 0.02 % and headings to some degrees."""


class MergingStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def plane(self) -> LocalPlane | None:
        """The plane that everything is merged in; None before the first sighting."""
        row = self._connection.execute(select(merging.c.lat, merging.c.lon)).one_or_none()
        return LocalPlane(row.lat, row.lon) if row else None

    def open(self, new: Sequence[Sighting], policy: MergingPolicy) -> tuple[DefectMap, StoredShelf] | None:
        """The map and its shelf, to take in sightings; the first ones give the plane. None where there are none at all.

        Raises DataError where tracks were made by other rules, or a sighting lies outside the plane.
        """
        plane = self.plane() or self._begin(new, policy)
        if plane is None:
            return None
        known = self._connection.execute(select(merging.c.rules)).scalar_one()
        if known != rules_of(policy):
            raise DataError("defects were merged by other rules than today's; run 'roadwarden defects rebuild' first")
        _check_near(plane, new)
        shelf = StoredShelf(self._connection)
        return DefectMap(plane, policy, shelf), shelf

    def renew(self, policy: MergingPolicy) -> None:
        """Throws all tracks away where they were made by other rules; nothing where by these.

        Sightings, rulings and defects stay until they are merged anew.
        """
        if self._connection.execute(select(merging.c.rules)).scalar_one_or_none() in {None, rules_of(policy)}:
            return
        self._connection.execute(delete(track_cells))
        self._connection.execute(delete(tracks))
        self._connection.execute(update(sightings).values(track=None))
        self._connection.execute(update(merging).values(rules=rules_of(policy)))

    def _begin(self, new: Sequence[Sighting], policy: MergingPolicy) -> LocalPlane | None:
        if not new:
            return None
        middle = np.median(degrees([one.position for one in new]), axis=0)
        plane = LocalPlane(round(float(middle[0]), 2), round(float(middle[1]), 2))
        values = {"number": 1, "lat": plane.lat, "lon": plane.lon, "rules": rules_of(policy)}
        self._connection.execute(insert(merging), values)
        return plane


def _check_near(plane: LocalPlane, new: Sequence[Sighting]) -> None:
    if not new:
        return
    away = np.hypot(*plane.to_metres(degrees([one.position for one in new])).T)
    if away.max() > FURTHEST_M:
        one = new[int(away.argmax())]
        raise DataError(
            f"sighting {one.id} at {one.position.lat:.4f}, {one.position.lon:.4f} lies {away.max() / 1000:.0f} km from "
            f"{plane.lat}, {plane.lon}, around which this database is merged; keep another city in another database"
        )
