"""Tokens, sessions, failed logins: found by what a secret hashes to, which alone is kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from roadwarden.access.people import Session, Token
from roadwarden.cases.rights import Right
from roadwarden.storage.people_tables import api_tokens, failed_logins, web_sessions


class CredentialStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def token(self, name: str) -> tuple[Token, str] | None:
        """A token and the sha256 of its secret, whether it lives or not."""
        row = self._connection.execute(select(api_tokens).where(api_tokens.c.id == name)).first()
        return None if row is None else (_token(row), row.sha256)

    def tokens_of(self, person: str) -> tuple[Token, ...]:
        """Every token that he ever had, the oldest first."""
        query = select(api_tokens).where(api_tokens.c.person == person)
        rows = self._connection.execute(query.order_by(api_tokens.c.created_at, api_tokens.c.id))
        return tuple(map(_token, rows))

    def add_token(self, token: Token, sha256: str) -> None:
        """A new one."""
        values: dict[str, Any] = {"id": token.id, "person": token.person, "label": token.label, "sha256": sha256}
        values |= {"scopes": " ".join(sorted(token.scopes)), "created_at": token.created_at}
        self._connection.execute(insert(api_tokens), values | {"expires_at": token.expires_at})

    def end_token(self, name: str, *, expires_at: datetime | None = None, revoked_at: datetime | None = None) -> None:
        """Ends it sooner: at a time, or now."""
        values = {"expires_at": expires_at} if expires_at else {"revoked_at": revoked_at}
        self._connection.execute(update(api_tokens).where(api_tokens.c.id == name).values(**values))

    def revoke_all(self, person: str, now: datetime) -> None:
        """Ends his tokens and sessions."""
        mine = (api_tokens.c.person == person, api_tokens.c.revoked_at.is_(None))
        self._connection.execute(update(api_tokens).where(*mine).values(revoked_at=now))
        self.end_sessions(person)

    def session(self, sha256: str) -> Session | None:
        """The session of a cookie that hashes to this, ended or not."""
        row = self._connection.execute(select(web_sessions).where(web_sessions.c.sha256 == sha256)).first()
        return None if row is None else Session(row.person, row.created_at, row.seen_at, row.expires_at)

    def add_session(self, sha256: str, session: Session) -> None:
        """A new one."""
        values = {"sha256": sha256, "person": session.person, "created_at": session.created_at}
        values |= {"seen_at": session.seen_at, "expires_at": session.expires_at}
        self._connection.execute(insert(web_sessions), values)

    def seen(self, sha256: str, now: datetime) -> None:
        """That the session is used."""
        self._connection.execute(update(web_sessions).where(web_sessions.c.sha256 == sha256).values(seen_at=now))

    def end_session(self, sha256: str) -> None:
        """Forgets one."""
        self._connection.execute(delete(web_sessions).where(web_sessions.c.sha256 == sha256))

    def end_sessions(self, person: str) -> None:
        """Forgets all of his."""
        self._connection.execute(delete(web_sessions).where(web_sessions.c.person == person))

    def forget_old(self, sessions_before: datetime, failures_before: datetime) -> None:
        """Sessions that are over, and failures that count no more."""
        self._connection.execute(delete(web_sessions).where(web_sessions.c.expires_at < sessions_before))
        self._connection.execute(delete(failed_logins).where(failed_logins.c.at < failures_before))

    def add_failure(self, name: str, address: str, now: datetime) -> None:
        """A login that failed."""
        self._connection.execute(insert(failed_logins), {"name": name, "address": address, "at": now})

    def forget_failures(self, name: str, address: str) -> None:
        """After a login that did not."""
        mine = (failed_logins.c.name == name, failed_logins.c.address == address)
        self._connection.execute(delete(failed_logins).where(*mine))

    def failures(self, since: datetime, *, name: str | None = None, address: str | None = None) -> list[datetime]:
        """When logins under a name, or from an address, failed; the oldest first."""
        query = select(failed_logins.c.at).where(failed_logins.c.at > since).order_by(failed_logins.c.at)
        if name is not None:
            query = query.where(failed_logins.c.name == name)
        if address is not None:
            query = query.where(failed_logins.c.address == address)
        return list(self._connection.execute(query).scalars())

    def live_sessions(self, now: datetime) -> int:
        """How many there are."""
        query = select(func.count()).select_from(web_sessions).where(web_sessions.c.expires_at > now)
        return int(self._connection.execute(query).scalar_one())


def scopes_of(words: Iterable[str]) -> frozenset[Right]:
    """Rights by their names; those that this Roadwarden does not know open nothing."""
    known = frozenset(Right)
    return frozenset(Right(word) for word in words if word in known)


def _token(row: Any) -> Token:
    return Token(
        row.id,
        row.person,
        row.label,
        scopes_of(row.scopes.split()),
        row.created_at,
        row.expires_at,
        row.revoked_at,
    )
