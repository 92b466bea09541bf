"""Who there is: accounts, what they are, their passwords and tokens. Every change is written down with who made it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from roadwarden.access import secrets
from roadwarden.access.people import Account, Token, account_name
from roadwarden.access.secrets import NewSecret
from roadwarden.cases.event_types import Role
from roadwarden.cases.rights import Right
from roadwarden.errors import ConfigError, NotFound
from roadwarden.service.cases import utc_now
from roadwarden.storage.credentials import CredentialStore
from roadwarden.storage.engine import reading, writing
from roadwarden.storage.people import PeopleStore

LONGEST_TOKEN: Final = timedelta(days=366)
OVERLAP: Final = timedelta(hours=24)
"""How long the old token of a rotation still opens, so that programs can be told the new one."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token; ``secret.text`` is shown once."""

    token: Token
    secret: NewSecret


@dataclass(frozen=True, slots=True)
class People:
    """The use cases of whoever looks after accounts; ``by`` is who that is."""

    engine: Engine
    now: Callable[[], datetime] = utc_now

    def add(self, account: Account, by: str, password: str | None = None) -> Account:
        """A new account; without a password nobody logs in with one. Raises ConfigError where the name is taken."""
        account = dataclasses.replace(account, name=account_name(account.name))
        kept, now = None if password is None else secrets.hash_password(password), self.now()
        with writing(self.engine, durably=True) as connection:
            store = PeopleStore(connection)
            if store.get(account.name) is not None:
                raise ConfigError(f"there is an account {account.name} already; names are never given twice")
            store.add(account, now)
            store.change(account.name, password_hash=kept)
            store.record(now, by, account.name, "added", **_told(account))
        return account

    def first_administrator(self, name: str, display_name: str, password: str) -> Account:
        """The one account that needs nobody to make it. Raises ConfigError where there is an administrator."""
        with reading(self.engine) as connection:
            if PeopleStore(connection).has_role(Role.ADMINISTRATOR):
                raise ConfigError("there is an administrator already; 'roadwarden user add' makes further accounts")
        account = Account(name, display_name, frozenset({Role.ADMINISTRATOR}), frozenset({"*"}))
        return self.add(account, by=account_name(name), password=password)

    def all(self) -> tuple[Account, ...]:
        """Every account, disabled ones too, by name."""
        with reading(self.engine) as connection:
            return PeopleStore(connection).all()

    def get(self, name: str) -> Account:
        """Raises NotFound."""
        with reading(self.engine) as connection:
            return _known(PeopleStore(connection), name)

    def change(
        self,
        name: str,
        by: str,
        *,
        roles: Iterable[Role] | None = None,
        areas: Iterable[str] | None = None,
        department: str | None = None,
        crew: str | None = None,
    ) -> Account:
        """Sets what is given, leaves the rest; an empty department or crew takes it away.

        Raises NotFound, ConfigError for the last administrator.
        """
        now = self.now()
        with writing(self.engine, durably=True) as connection:
            store = PeopleStore(connection)
            before = _known(store, name)
            if roles is not None:
                store.set_roles(name, roles)
            if areas is not None:
                store.set_areas(name, areas)
            if department is not None or crew is not None:
                store.change(
                    name, department=before.department if department is None else department or None, crew=crew or None
                )
            after = _known(store, name)
            _one_administrator_stays(store, before)
            store.record(now, by, name, "changed", **_told(after))
        return after

    def set_password(self, name: str, password: str, by: str) -> None:
        """A new password; whoever was logged in with the old one is not any more."""
        kept = secrets.hash_password(password)
        with writing(self.engine, durably=True) as connection:
            store = PeopleStore(connection)
            _known(store, name)
            store.change(name, password_hash=kept)
            CredentialStore(connection).end_sessions(name)
            store.record(self.now(), by, name, "password")

    def disable(self, name: str, by: str) -> None:
        """Lets him in no more: sessions and tokens end at once. His name stays with what he did."""
        now = self.now()
        with writing(self.engine, durably=True) as connection:
            store = PeopleStore(connection)
            before = _known(store, name)
            store.change(name, disabled_at=now)
            _one_administrator_stays(store, before)
            CredentialStore(connection).revoke_all(name, now)
            store.record(now, by, name, "disabled")

    def enable(self, name: str, by: str) -> None:
        """Lets him in again; tokens stay revoked."""
        with writing(self.engine, durably=True) as connection:
            store = PeopleStore(connection)
            _known(store, name)
            store.change(name, disabled_at=None)
            store.record(self.now(), by, name, "enabled")

    def issue(self, person: str, label: str, scopes: Iterable[Right], lasts: timedelta, by: str) -> Issued:
        """A new token. Raises ConfigError for one without scopes or that lasts longer than a year."""
        wanted, now = frozenset(scopes), self.now()
        if not wanted or not timedelta() < lasts <= LONGEST_TOKEN:
            raise ConfigError(f"a token wants a scope at least, and lasts {LONGEST_TOKEN.days} days at most")
        secret = secrets.new_token()
        token = Token(secret.id, person, label, wanted, now, now + lasts)
        with writing(self.engine, durably=True) as connection:
            store = PeopleStore(connection)
            if _known(store, person).disabled_at is not None:
                raise ConfigError(f"the account {person} is disabled")
            CredentialStore(connection).add_token(token, secret.sha256)
            told = {
                "id": token.id,
                "label": label,
                "scopes": sorted(wanted),
                "expires_at": token.expires_at.isoformat(),
            }
            store.record(now, by, person, "token issued", **told)
        return Issued(token, secret)

    def rotate(self, token_id: str, by: str, overlap: timedelta = OVERLAP) -> Issued:
        """A new token with the same scopes and life; the old one ends after ``overlap``. Raises NotFound."""
        old = self.token(token_id)
        if not old.is_live(self.now()):
            raise ConfigError(f"token {token_id} is expired or revoked; issue a new one")
        issued = self.issue(old.person, old.label, old.scopes, old.expires_at - old.created_at, by)
        ends = min(old.expires_at, self.now() + overlap)
        with writing(self.engine, durably=True) as connection:
            CredentialStore(connection).end_token(token_id, expires_at=ends)
            PeopleStore(connection).record(
                self.now(), by, old.person, "token rotated", id=token_id, by_id=issued.token.id
            )
        return issued

    def revoke(self, token_id: str, by: str) -> Token:
        """Ends a token at once. Raises NotFound."""
        token, now = self.token(token_id), self.now()
        with writing(self.engine, durably=True) as connection:
            CredentialStore(connection).end_token(token_id, revoked_at=now)
            PeopleStore(connection).record(now, by, token.person, "token revoked", id=token_id)
        return token

    def token(self, token_id: str) -> Token:
        """Raises NotFound."""
        with reading(self.engine) as connection:
            found = CredentialStore(connection).token(token_id)
        if found is None:
            raise NotFound(f"there is no token {token_id}")
        return found[0]

    def tokens_of(self, person: str) -> tuple[Token, ...]:
        """Every token that he ever had, the oldest first. Raises NotFound."""
        with reading(self.engine) as connection:
            _known(PeopleStore(connection), person)
            return CredentialStore(connection).tokens_of(person)


def _known(store: PeopleStore, name: str) -> Account:
    account = store.get(name)
    if account is None:
        raise NotFound(f"there is no account {name}; 'roadwarden user list' shows those there are")
    return account


def _one_administrator_stays(store: PeopleStore, before: Account) -> None:
    if Role.ADMINISTRATOR in before.roles and before.disabled_at is None and not store.has_role(Role.ADMINISTRATOR):
        raise ConfigError(f"{before.name} is the last administrator; make another one first")


def _told(account: Account) -> dict[str, object]:
    return {
        "roles": sorted(account.roles),
        "areas": sorted(account.areas),
        "department": account.department,
        "crew": account.crew,
    }
