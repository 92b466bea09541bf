"""What people and pictures said about sightings: only ever added to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from roadwarden.defects.rulings import Answer, Compared, Ruling
from roadwarden.errors import DataError
from roadwarden.storage.rows import chunks, rows_where
from roadwarden.storage.tables import comparisons, ruled_sightings, rulings


class RulingStore:
    """Within one transaction. The database itself refuses to change or delete a ruling."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, ruling: Ruling) -> bool:
        """Keeps a ruling; False where the very same is kept already. Raises DataError where another has its id."""
        for known in self._read(rulings.c.id, [ruling.id]):
            if known != ruling:
                raise DataError(f"ruling {ruling.id} is kept with another content; a new ruling needs a new id")
            return False
        values = {"id": ruling.id, "decided_at": ruling.decided_at, "decided_by": ruling.by}
        number = self._connection.execute(insert(rulings).returning(rulings.c.number), values).scalar_one()
        named = [
            {"ruling": number, "part": part, "place": place, "sighting": sighting}
            for part, group in enumerate(ruling.groups)
            for place, sighting in enumerate(group)
        ]
        self._connection.execute(insert(ruled_sightings), named)
        return True

    def all(self) -> tuple[Ruling, ...]:
        """Every ruling, in the order they were kept."""
        numbers = [row[0] for row in self._connection.execute(select(rulings.c.number))]
        return self._read(rulings.c.number, numbers)

    def about(self, sightings: Iterable[str]) -> tuple[Ruling, ...]:
        """The rulings that name at least one of the sightings, whole, in the order they were kept."""
        query = select(ruled_sightings.c.ruling).distinct()
        found = {row[0] for row in rows_where(self._connection, query, ruled_sightings.c.sighting, sightings)}
        return self._read(rulings.c.number, sorted(found))

    def add_answers(self, answers: Sequence[Compared]) -> None:
        """Keeps what comparing pictures said; an answer that is known stays."""
        pairs = {_pair(answer): answer.answer for answer in answers}
        known = {_pair(answer) for answer in self.answers({one for one, _ in pairs})}
        new = [
            {"one": one, "other": other, "answer": answer.value}
            for (one, other), answer in pairs.items()
            if (one, other) not in known
        ]
        for chunk in chunks(new):
            self._connection.execute(insert(comparisons), chunk)

    def answers(self, sightings: Iterable[str]) -> tuple[Compared, ...]:
        """The answers about pairs that hold at least one of the sightings, in order."""
        wanted = sorted(set(sightings))
        return tuple(
            sorted(
                {
                    Compared(row.one, row.other, Answer(row.answer))
                    for column in (comparisons.c.one, comparisons.c.other)
                    for row in rows_where(self._connection, select(comparisons), column, wanted)
                }
            )
        )

    def _read(self, column: Any, values: Iterable[Any]) -> tuple[Ruling, ...]:
        query = select(rulings, ruled_sightings.c.part, ruled_sightings.c.sighting).join(ruled_sightings)
        query = query.order_by(rulings.c.number, ruled_sightings.c.part, ruled_sightings.c.place)
        found: dict[int, tuple[Any, dict[int, list[str]]]] = {}
        for row in rows_where(self._connection, query, column, values):
            found.setdefault(row.number, (row, {}))[1].setdefault(row.part, []).append(row.sighting)
        return tuple(
            Ruling(row.id, row.decided_at, tuple(tuple(group) for group in groups.values()), row.decided_by)
            for row, groups in found.values()
        )


def _pair(answer: Compared) -> tuple[str, str]:
    return (answer.one, answer.other) if answer.one < answer.other else (answer.other, answer.one)
