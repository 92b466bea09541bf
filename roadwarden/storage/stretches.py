"""Stretches of road that were looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from roadwarden.defects.inspected import WHOLE_WIDTH, Inspected, Quality
from roadwarden.storage.rows import OnConflict, Values, insert_rows, numbers_of, rows_where
from roadwarden.storage.tables import passes, stretches

_KEYS = ("network", "segment", "seen_at", "lane", "from_m", "to_m", "quality")


class StretchStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, network: int, looks: Sequence[Inspected]) -> None:
        """Keeps stretches of a network's segments; the very same again adds nothing. O(k log n)."""
        drives = numbers_of(self._connection, passes, passes.c.id, (one.pass_id for one in looks if one.pass_id))
        rows = (_row(network, look) | {"pass": drives.get(look.pass_id or "")} for look in looks)
        insert_rows(self._connection, stretches, rows, OnConflict(_KEYS))

    def of_segments(
        self, network: int, segments: Iterable[str], since: datetime, until: datetime
    ) -> tuple[Inspected, ...]:
        """What was looked at from ``since`` to ``until``, both inside, by time: O(log n + found) a segment."""
        query = (
            select(stretches, passes.c.id.label("drive"))
            .outerjoin(passes, passes.c.number == stretches.c["pass"])
            .where(stretches.c.network == network)
            .where(stretches.c.seen_at >= since, stretches.c.seen_at <= until)
        )
        found = map(_inspected, rows_where(self._connection, query, stretches.c.segment, segments))
        return tuple(sorted(found, key=lambda look: (look.seen_at, look.segment, look.from_m, look.to_m)))

    def usable(self, network: int, since: datetime, until: datetime) -> Iterator[tuple[str, int, float, float, int]]:
        """What was seen usably from ``since`` to ``until``, both inside: segment, lane, from, to, and the drive.

        Whole-width looks have lane -1; a look whose drive nobody knows has a negative number of its own. O(kept).
        """
        columns = stretches.c
        query = (
            select(columns.segment, columns.lane, columns.from_m, columns.to_m, columns["pass"])
            .where(columns.network == network, columns.quality == Quality.USABLE.value)
            .where(columns.seen_at >= since, columns.seen_at <= until)
            .order_by(columns.segment, columns.seen_at, columns.lane, columns.from_m, columns.to_m)
        )
        for number, row in enumerate(self._connection.execution_options(yield_per=10_000).execute(query), start=1):
            yield row[0], row[1], row[2], row[3], -number if row[4] is None else row[4]


def _row(network: int, look: Inspected) -> Values:
    return {
        "network": network,
        "segment": look.segment,
        "seen_at": look.seen_at,
        "lane": WHOLE_WIDTH if look.lane is None else look.lane,
        "from_m": look.from_m,
        "to_m": look.to_m,
        "quality": look.quality.value,
    }


def _inspected(row: Any) -> Inspected:
    lane = None if row.lane == WHOLE_WIDTH else row.lane
    return Inspected(row.segment, row.from_m, row.to_m, row.seen_at, Quality(row.quality), lane, row.drive)
