"""Who has read personal data of which case: only added to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from roadwarden.storage.people_tables import personal_reads


@dataclass(frozen=True, slots=True)
class PersonalRead:
    """One read."""

    number: int
    at: datetime
    actor: str
    credential: str
    case: str
    what: str


class ReadStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, at: datetime, actor: str, credential: str, case: str, what: str) -> None:
        """Writes a read down."""
        values = {"at": at, "actor": actor, "credential": credential, "case_id": case, "what": what}
        self._connection.execute(insert(personal_reads), values)

    def list(self, before: int | None = None, case: str | None = None, most: int = 50) -> tuple[PersonalRead, ...]:
        """The newest first, from below number ``before`` on."""
        query = select(personal_reads).order_by(personal_reads.c.number.desc()).limit(most)
        if before is not None:
            query = query.where(personal_reads.c.number < before)
        if case is not None:
            query = query.where(personal_reads.c.case_id == case)
        rows = self._connection.execute(query)
        return tuple(PersonalRead(row.number, row.at, row.actor, row.credential, row.case_id, row.what) for row in rows)
