"""Tips that wait for a person, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from roadwarden.cases.filing import Source
from roadwarden.cases.tips import KeptTip, Tip, TipState
from roadwarden.errors import UnknownCase
from roadwarden.geo.tiles import MapBox
from roadwarden.storage import engine as engines
from roadwarden.storage.rows import rows_where
from roadwarden.storage.tip_tables import case_tips


class TipStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, tip: Tip, now: datetime) -> KeptTip:
        """Lets a tip wait; one that is known stays as it is, whatever is told now."""
        if (known := self._find(tip.source, tip.id)) is not None:
            return known
        self._connection.execute(
            insert(case_tips), _values(tip) | {"received_at": now, "state": TipState.WAITING.value}
        )
        return KeptTip(tip, TipState.WAITING, now)

    def get(self, source: Source, id: str) -> KeptTip:
        """Raises UnknownCase where there is no such tip."""
        if (known := self._find(source, id)) is None:
            raise UnknownCase(f"there is no tip {source} {id}; 'roadwarden case tips list' shows those that wait")
        return known

    def in_state(self, state: TipState, area: str | None = None) -> tuple[KeptTip, ...]:
        """Those in that state, the longest known first."""
        query = select(case_tips).where(case_tips.c.state == state.value)
        if area is not None:
            query = query.where(case_tips.c.area == area)
        oldest_first = query.order_by(case_tips.c.received_at, case_tips.c.source, case_tips.c.id)
        return tuple(map(_kept, self._connection.execute(oldest_first)))

    def of_names(self, names: Iterable[tuple[Source, str]]) -> tuple[KeptTip, ...]:
        """Those tips, as far as they are kept; in no order."""
        wanted = set(names)
        query = select(case_tips)
        rows = rows_where(self._connection, query, case_tips.c.id, {id for _, id in wanted})
        return tuple(kept for kept in map(_kept, rows) if (kept.tip.source, kept.tip.id) in wanted)

    def waiting_in(self, box: MapBox) -> tuple[KeptTip, ...]:
        """Those that wait for a person and lie in a box of the map."""
        query = select(case_tips).where(case_tips.c.state == TipState.WAITING.value)
        query = query.where(case_tips.c.lat.between(box.south, box.north), case_tips.c.lon.between(box.west, box.east))
        return tuple(map(_kept, self._connection.execute(query)))

    def settle(self, kept: KeptTip) -> None:
        """Writes what became of a tip."""
        outcome = {
            "state": kept.state.value,
            "settled_at": kept.settled_at,
            "settled_by": kept.settled_by,
            "case_id": kept.case,
            "reason": kept.reason,
        }
        here = (case_tips.c.source == kept.tip.source.value) & (case_tips.c.id == kept.tip.id)
        self._connection.execute(update(case_tips).where(here), outcome)

    def _find(self, source: Source, id: str) -> KeptTip | None:
        query = select(case_tips).where(case_tips.c.source == source.value, case_tips.c.id == id)
        row = self._connection.execute(query).first()
        return None if row is None else _kept(row)


@contextmanager
def writing(engine: Engine) -> Iterator[TipStore]:
    """A transaction that is on the disk once it has ended, or not kept at all."""
    with engines.writing(engine, durably=True) as connection:
        yield TipStore(connection)


@contextmanager
def reading(engine: Engine) -> Iterator[TipStore]:
    """A transaction that only reads."""
    with engines.reading(engine) as connection:
        yield TipStore(connection)


def _values(tip: Tip) -> dict[str, Any]:
    return {
        "source": tip.source.value,
        "id": tip.id,
        "problem": tip.problem,
        "seen_at": tip.seen_at,
        "lat": tip.latitude,
        "lon": tip.longitude,
        "area": tip.area,
        "owner": tip.owner,
        "road_grade": tip.road_grade,
        "segment": tip.segment,
        "note": tip.note,
        "defect": tip.defect,
    }


def _kept(row: Any) -> KeptTip:
    tip = Tip(
        id=row.id,
        source=Source(row.source),
        problem=row.problem,
        seen_at=row.seen_at,
        latitude=row.lat,
        longitude=row.lon,
        area=row.area,
        owner=row.owner,
        road_grade=row.road_grade,
        segment=row.segment,
        note=row.note,
        defect=row.defect,
    )
    state = TipState(row.state)
    return KeptTip(tip, state, row.received_at, row.settled_at, row.settled_by, row.case_id, row.reason)
