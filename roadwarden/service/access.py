"""Who is let in: accounts, logins with throttling, sessions, tokens. Every change is written down with who made it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar, cast

from sqlalchemy import Connection, Engine

from roadwarden.access import secrets
from roadwarden.access.people import EVERY_RIGHT, Account, Principal, Session, Token, Way
from roadwarden.access.secrets import NewSecret
from roadwarden.errors import NotLoggedIn, TooMany
from roadwarden.service.cases import utc_now
from roadwarden.storage.credentials import CredentialStore
from roadwarden.storage.engine import reading, writing
from roadwarden.storage.people import PeopleStore

Value = TypeVar("Value")
MOST_REMEMBERED: Final = 10_000
SESSION_LASTS: Final = timedelta(hours=12)  # a shift
SESSION_IDLE: Final = timedelta(hours=2)
SEEN_EVERY: Final = timedelta(minutes=5)  # how often a session that is used says so: most requests write nothing
FAILURES_WITHIN: Final = timedelta(minutes=15)
MOST_FAILURES_OF_NAME: Final = 10
MOST_FAILURES_OF_ADDRESS: Final = 50  # an office may stand behind one address
_NO: Final = "name or password is wrong"  # never which of them
_NOT_LIVE: Final = "the token is unknown, expired or revoked; ask for a new one"


@dataclass(frozen=True, slots=True)
class Access:
    """The use cases of whoever knocks, on one database."""

    engine: Engine
    now: Callable[[], datetime] = utc_now
    memory: dict[tuple[str, str], tuple[int, object]] = field(default_factory=dict, repr=False, compare=False)

    def of_token(self, text: str) -> Principal:
        """Whoever holds the token. Raises NotLoggedIn."""
        parts = secrets.split_token(text)
        if parts is None:
            raise NotLoggedIn(_NOT_LIVE)
        with reading(self.engine) as connection:
            version = PeopleStore(connection).version()
            found = self._known(version, "token", parts[0], lambda: CredentialStore(connection).token(parts[0]))
            token, kept = found or (None, secrets.sha256(""))
            fits = secrets.same(kept, parts[1])
            if token is None or not fits or not token.is_live(self.now()):
                raise NotLoggedIn(_NOT_LIVE)
            account = self._account(connection, version, token.person)
        if account is None or account.disabled_at is not None:
            raise NotLoggedIn(_NOT_LIVE)
        return Principal(account, Way.TOKEN, token.scopes, token.id)

    def of_session(self, cookie: str) -> Principal | None:
        """Whoever sits at the browser; None where the session is over."""
        kept, now = secrets.sha256(cookie), self.now()
        with reading(self.engine) as connection:
            session = CredentialStore(connection).session(kept)
            if session is None or now >= session.expires_at or now - session.seen_at >= SESSION_IDLE:
                return None
            account = self._account(connection, PeopleStore(connection).version(), session.person)
        if account is None or account.disabled_at is not None:
            return None
        if now - session.seen_at >= SEEN_EVERY:
            with writing(self.engine) as connection:
                CredentialStore(connection).seen(kept, now)
        return Principal(account, Way.SESSION, EVERY_RIGHT, kept[:12])

    def _account(self, connection: Connection, version: int, name: str) -> Account | None:
        return self._known(version, "account", name, lambda: PeopleStore(connection).get(name))

    def _known(self, version: int, what: str, name: str, read: Callable[[], Value | None]) -> Value | None:
        """What was read before, unless anything about accounts or tokens has changed since: one question, not four."""
        kept = self.memory.get((what, name))
        if kept is not None and kept[0] == version:
            return cast("Value", kept[1])
        found = read()
        if found is not None:
            if len(self.memory) >= MOST_REMEMBERED:
                self.memory.clear()
            self.memory[what, name] = (version, found)
        return found

    def log_in(self, name: str, password: str, address: str) -> NewSecret:
        """A new session; its text is the cookie. Raises NotLoggedIn, or TooMany after too many failures."""
        with reading(self.engine) as connection:
            self._throttle(connection, name, address)
            people = PeopleStore(connection)
            account, kept = people.get(name), people.password_hash(name)
        usable = account is not None and account.disabled_at is None
        fits = secrets.password_fits(kept if usable else None, password)
        if not fits or not usable:
            with writing(self.engine) as connection:
                CredentialStore(connection).add_failure(name, address, self.now())
            raise NotLoggedIn(_NO)
        better = secrets.hash_password(password) if kept and secrets.wants_new_hash(kept) else None
        return self.open_session(name, address, better)

    def open_session(self, name: str, address: str, better_hash: str | None = None) -> NewSecret:
        """A new session of somebody who has proved who he is, here or to another server."""
        secret, now = secrets.new_session(), self.now()
        with writing(self.engine) as connection:
            store = CredentialStore(connection)
            store.forget_failures(name, address)
            store.forget_old(now, now - FAILURES_WITHIN)
            store.add_session(secret.sha256, Session(name, now, now, now + SESSION_LASTS))
            if better_hash is not None:
                PeopleStore(connection).change(name, password_hash=better_hash)
        return secret

    def log_out(self, cookie: str) -> None:
        """Ends the session of that cookie."""
        with writing(self.engine) as connection:
            CredentialStore(connection).end_session(secrets.sha256(cookie))

    def account(self, name: str) -> Account | None:
        """An account, disabled ones too."""
        with reading(self.engine) as connection:
            return PeopleStore(connection).get(name)

    def tokens_of(self, person: str) -> tuple[Token, ...]:
        """His tokens, dead ones too."""
        with reading(self.engine) as connection:
            return CredentialStore(connection).tokens_of(person)

    def _throttle(self, connection: Connection, name: str, address: str) -> None:
        store, now = CredentialStore(connection), self.now()
        since = now - FAILURES_WITHIN
        of_name, of_address = store.failures(since, name=name), store.failures(since, address=address)
        for failures, most in ((of_name, MOST_FAILURES_OF_NAME), (of_address, MOST_FAILURES_OF_ADDRESS)):
            if len(failures) >= most:
                wait = failures[-most] + FAILURES_WITHIN - now
                raise TooMany("too many logins have failed; wait and try again", max(1, int(wait.total_seconds())))
