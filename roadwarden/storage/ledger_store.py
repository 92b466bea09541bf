"""Rows of the log. What they mean, and every hash, is reckoned elsewhere: ``ledger``, and ``service.ledger``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select

from roadwarden.storage.case_tables import case_events
from roadwarden.storage.ledger_tables import (
    ledger_checkpoints,
    ledger_keys,
    ledger_leaves,
    ledger_salts,
    ledger_tiles,
)
from roadwarden.storage.rows import OnConflict, insert_rows, rows_where


@dataclass(frozen=True, slots=True)
class LeafRow:
    """One leaf, and its salt where it has one that was not erased."""

    number: int
    kind: str
    source: str
    position: int
    part: int
    case: str | None
    body: str
    salt: bytes | None = None


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A signed checkpoint as it was made."""

    number: int
    size: int
    note: str
    made_at: datetime


class LedgerStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def size(self) -> int:
        """How many leaves there are, by the number of the last one."""
        newest = self._connection.execute(select(func.max(ledger_leaves.c.number))).scalar_one()
        return 0 if newest is None else int(newest) + 1

    def newest(self, source: str) -> int:
        """The highest position of a source that is in the log; 0 where none is."""
        query = select(func.max(ledger_leaves.c.position)).where(ledger_leaves.c.source == source)
        return self._connection.execute(query).scalar_one() or 0

    def add(self, leaves: Sequence[LeafRow]) -> None:
        """Adds leaves and their salts; raises DataError where one of them is there already."""
        columns = ("number", "kind", "source", "position", "part", "body")
        rows = ({name: getattr(leaf, name) for name in columns} | {"case_id": leaf.case} for leaf in leaves)
        insert_rows(self._connection, ledger_leaves, rows)
        salts = ({"number": leaf.number, "salt": leaf.salt} for leaf in leaves if leaf.salt is not None)
        insert_rows(self._connection, ledger_salts, salts)

    def leaves(self, start: int, end: int) -> tuple[LeafRow, ...]:
        """Those with numbers from ``start`` up to below ``end``, in order."""
        return self._leaves(ledger_leaves.c.number >= start, ledger_leaves.c.number < end)

    def leaves_of_case(self, case: str) -> tuple[LeafRow, ...]:
        """In the order of the log."""
        return self._leaves(ledger_leaves.c.case_id == case)

    def leaves_of_source(self, source: str) -> tuple[LeafRow, ...]:
        """In the order of the log; meant for sources that have few."""
        return self._leaves(ledger_leaves.c.source == source)

    def leaves_at(self, source: str, first: int, last: int) -> tuple[LeafRow, ...]:
        """Those of positions from ``first`` to ``last``, in the order of the log."""
        return self._leaves(ledger_leaves.c.source == source, ledger_leaves.c.position.between(first, last))

    def leaves_of_kinds(self, kinds: Iterable[str], after: int, most: int) -> tuple[LeafRow, ...]:
        """Those of some kinds behind a number, in the order of the log, at most so many."""
        query = self._query().where(ledger_leaves.c.kind.in_(sorted(kinds)), ledger_leaves.c.number > after)
        rows = self._connection.execute(query.order_by(ledger_leaves.c.number).limit(most))
        return tuple(map(_leaf, rows))

    def count_of_kinds(self, kinds: Iterable[str]) -> int:
        """How many leaves of some kinds there are; reads the whole log."""
        query = select(func.count()).select_from(ledger_leaves).where(ledger_leaves.c.kind.in_(sorted(kinds)))
        return int(self._connection.execute(query).scalar_one())

    def leaf_at(self, source: str, position: int, part: int = 0) -> LeafRow | None:
        """The leaf of something, or None where it is not in the log yet."""
        found = self._leaves(
            ledger_leaves.c.source == source, ledger_leaves.c.position == position, ledger_leaves.c.part == part
        )
        return found[0] if found else None

    def erase_salts(self, numbers: Iterable[int]) -> int:
        """Throws salts away; returns how many there were."""
        gone = 0
        for number in numbers:
            done = self._connection.execute(delete(ledger_salts).where(ledger_salts.c.number == number))
            gone += int(done.rowcount)
        return gone

    def tile(self, level: int, number: int) -> bytes:
        """The hashes of a tile; empty where there is none."""
        query = select(ledger_tiles.c.hashes).where(ledger_tiles.c.level == level, ledger_tiles.c.number == number)
        found = self._connection.execute(query).scalar()
        return b"" if found is None else bytes(found)

    def put_tiles(self, tiles: Mapping[tuple[int, int], bytes]) -> None:
        """New tiles, and those that have grown."""
        rows = ({"level": level, "number": number, "hashes": hashes} for (level, number), hashes in tiles.items())
        insert_rows(self._connection, ledger_tiles, rows, OnConflict(("level", "number"), ("hashes",)))

    def tile_keys(self) -> Iterator[tuple[int, int, int]]:
        """Level, number and length in bytes of every tile, in order."""
        query = select(ledger_tiles.c.level, ledger_tiles.c.number, func.length(ledger_tiles.c.hashes))
        for row in self._connection.execute(query.order_by(ledger_tiles.c.level, ledger_tiles.c.number)):
            yield row[0], row[1], row[2]

    def checkpoints(self, after: int = 0) -> tuple[CheckpointRow, ...]:
        """Those with numbers behind ``after``, in order."""
        query = select(ledger_checkpoints).where(ledger_checkpoints.c.number > after)
        return tuple(map(_checkpoint, self._connection.execute(query.order_by(ledger_checkpoints.c.number))))

    def last_checkpoint(self) -> CheckpointRow | None:
        """The newest one."""
        query = select(ledger_checkpoints).order_by(ledger_checkpoints.c.number.desc()).limit(1)
        row = self._connection.execute(query).first()
        return None if row is None else _checkpoint(row)

    def add_checkpoint(self, size: int, note: str, now: datetime) -> CheckpointRow:
        """Adds one; its number follows the last one's."""
        last = self.last_checkpoint()
        row = CheckpointRow(1 if last is None else last.number + 1, size, note, now)
        values = {"number": row.number, "size": size, "note": note, "made_at": now}
        self._connection.execute(insert(ledger_checkpoints), values)
        return row

    def successions(self) -> tuple[str, ...]:
        """Notes in which older keys name their successors, in order."""
        query = select(ledger_keys.c.note).order_by(ledger_keys.c.number)
        return tuple(self._connection.execute(query).scalars())

    def add_succession(self, note: str, now: datetime) -> int:
        """Adds one; returns its number."""
        number = len(self.successions()) + 1
        self._connection.execute(insert(ledger_keys), {"number": number, "note": note, "recorded_at": now})
        return number

    def events_after(self, position: int, most: int) -> Sequence[Any]:
        """Rows of ``case_events`` behind a position, in order: as they stand, not judged."""
        query = select(case_events).where(case_events.c.position > position)
        return self._connection.execute(query.order_by(case_events.c.position).limit(most)).all()

    def events_between(self, first: int, last: int) -> Sequence[Any]:
        """Rows of ``case_events`` with positions from ``first`` to ``last``, in order."""
        query = select(case_events).where(case_events.c.position.between(first, last))
        return self._connection.execute(query.order_by(case_events.c.position)).all()

    def position_of(self, case: str, version: int) -> int | None:
        """Where an event of a case stands now; None where it is gone."""
        query = select(case_events.c.position).where(case_events.c.case_id == case, case_events.c.version == version)
        return self._connection.execute(query).scalar()

    def newest_event(self) -> int:
        """The highest position of an event; 0 where there is none."""
        return self._connection.execute(select(func.max(case_events.c.position))).scalar_one() or 0

    def waiting(self, position: int) -> tuple[int, datetime | None]:
        """How many events stand behind a position, and when the oldest of them was recorded."""
        query = select(func.count(), func.min(case_events.c.recorded_at)).where(case_events.c.position > position)
        row = self._connection.execute(query).one()
        return row[0], row[1]

    def salts(self, numbers: Iterable[int]) -> Mapping[int, bytes]:
        """Leaf number to salt, where there is one."""
        query = select(ledger_salts)
        found = rows_where(self._connection, query, ledger_salts.c.number, numbers)
        return {row.number: bytes(row.salt) for row in found}

    def _leaves(self, *where: Any) -> tuple[LeafRow, ...]:
        query = self._query().where(*where).order_by(ledger_leaves.c.number)
        return tuple(map(_leaf, self._connection.execute(query)))

    @staticmethod
    def _query() -> Select[Any]:
        return select(ledger_leaves, ledger_salts.c.salt).outerjoin(
            ledger_salts, ledger_salts.c.number == ledger_leaves.c.number
        )


def _leaf(row: Any) -> LeafRow:
    salt = None if row.salt is None else bytes(row.salt)
    return LeafRow(row.number, row.kind, row.source, row.position, row.part, row.case_id, row.body, salt)


def _checkpoint(row: Any) -> CheckpointRow:
    return CheckpointRow(row.number, row.size, row.note, row.made_at)
