"""Commands that were done, by the key their caller gave: the same key again does nothing again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from roadwarden.errors import KeyUsed
from roadwarden.storage.case_tables import case_commands


@dataclass(frozen=True, slots=True)
class DoneCommand:
    """What came of a command: the case, and its version afterwards."""

    case: str
    version: int


class CommandStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def done(self, key: str, asked: str) -> DoneCommand | None:
        """What came of the command of this key; None where it was not done yet.

        Raises KeyUsed where something else than ``asked`` was asked under this key.
        """
        row = self._connection.execute(select(case_commands).where(case_commands.c.key == key)).first()
        if row is None:
            return None
        if row.sha256 != _sha256(asked):
            raise KeyUsed(
                f"the key '{key}' was used for another command, on case {row.case_id}; each command needs its own"
            )
        return DoneCommand(row.case_id, row.version)

    def put(self, key: str, asked: str, done: DoneCommand, now: datetime) -> None:
        """Remembers what came of a command."""
        values = {"key": key, "sha256": _sha256(asked), "case_id": done.case, "version": done.version}
        self._connection.execute(insert(case_commands), values | {"recorded_at": now})


def _sha256(asked: str) -> str:
    return hashlib.sha256(asked.encode()).hexdigest()
