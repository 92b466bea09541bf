"""Which account a subject of another server is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from roadwarden.storage.identity_tables import identities


@dataclass(frozen=True, slots=True)
class Identity:
    """A subject of another server, and who that is here."""

    issuer: str
    subject: str
    person: str
    managed: bool


class IdentityStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, issuer: str, subject: str) -> Identity | None:
        """None where nobody is linked to it."""
        here = select(identities).where(identities.c.issuer == issuer, identities.c.subject == subject)
        row = self._connection.execute(here).first()
        return None if row is None else Identity(row.issuer, row.subject, row.person, row.managed)

    def add(self, identity: Identity, now: datetime) -> None:
        """Links one; raises DataError where it is linked already."""
        values = {"issuer": identity.issuer, "subject": identity.subject, "person": identity.person}
        self._connection.execute(insert(identities), values | {"managed": identity.managed, "since": now})

    def seen(self, issuer: str, subject: str, now: datetime) -> None:
        """That he has come in by it."""
        here = (identities.c.issuer == issuer, identities.c.subject == subject)
        self._connection.execute(update(identities).where(*here).values(seen_at=now))
