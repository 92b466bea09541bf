"""Who somebody is here whom another server vouches for: found by issuer and subject, never by a name or an address."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine

from roadwarden.access.people import Account, account_name
from roadwarden.errors import ConfigError, NotFound
from roadwarden.service.cases import utc_now
from roadwarden.service.single_sign_on.pending import SignOnFailed
from roadwarden.service.single_sign_on.settings import SignOnSettings, Standing
from roadwarden.storage.credentials import CredentialStore
from roadwarden.storage.engine import writing
from roadwarden.storage.identities import Identity, IdentityStore
from roadwarden.storage.people import PeopleStore

NO_GROUP: Final = "none of your groups at the login server means anything here; ask an administrator"


@dataclass(frozen=True, slots=True)
class SignOn:
    """The use cases, on one database."""

    engine: Engine
    settings: SignOnSettings
    now: Callable[[], datetime] = utc_now

    def let_in(self, claims: Mapping[str, Any]) -> Account:
        """The account of whom these (checked) claims are; a new one the first time.

        Where the account came to be by such a login, its roles and areas are what the groups say today. Raises
        SignOnFailed for who is in no group that counts, and for accounts that are disabled.
        """
        issuer, subject, standing = self.settings.issuer, str(claims["sub"]), self.settings.standing(claims)
        with writing(self.engine, durably=True) as connection:
            found = IdentityStore(connection).get(issuer, subject)
            if found is None:
                account = self._new(connection, claims, standing)
            elif found.managed:
                account = self._as_of_today(connection, found.person, standing)
            else:
                account = _account(connection, found.person)
            if account is not None and account.disabled_at is None and account.roles:
                IdentityStore(connection).seen(issuer, subject, self.now())
                return account
        if account is None or account.disabled_at is None:  # outside: that roles were taken away is to be kept
            raise SignOnFailed(NO_GROUP)
        raise SignOnFailed(f"the account {account.name} is disabled")

    def link(self, name: str, subject: str, by: str) -> Account:
        """Lets an account in that was made here; what it may stays as it is here.

        Raises NotFound for an account that nobody made, ConfigError for a subject that is somebody already.
        """
        with writing(self.engine, durably=True) as connection:
            account = _account(connection, name)
            store, now = IdentityStore(connection), self.now()
            if (other := store.get(self.settings.issuer, subject)) is not None:
                raise ConfigError(f"subject {subject} of {self.settings.issuer} is {other.person} already")
            store.add(Identity(self.settings.issuer, subject, name, managed=False), now)
            PeopleStore(connection).record(now, by, name, "linked", issuer=self.settings.issuer, subject=subject)
        return account

    def _new(self, connection: Connection, claims: Mapping[str, Any], standing: Standing) -> Account | None:
        if not standing.roles:
            return None
        people, now, subject = PeopleStore(connection), self.now(), str(claims["sub"])
        name = self._free_name(people, claims)
        shown = self.settings.told(claims, self.settings.display_name)[:200] or name
        account = _with(Account(name, shown), standing)
        people.add(account, now)
        IdentityStore(connection).add(Identity(self.settings.issuer, subject, name, managed=True), now)
        people.record(now, self.settings.issuer, name, "added", subject=subject, **_told(account))
        return account

    def _free_name(self, people: PeopleStore, claims: Mapping[str, Any]) -> str:
        """Their name for him if nobody has it here, who may be another person; else with some signs behind."""
        told = re.sub(r"[^\w.\-]+", "-", self.settings.told(claims, self.settings.user_name)).strip(".-")[:48]
        try:
            name = account_name(told)
        except ConfigError:
            name = "person"
        if told and people.get(name) is None:
            return name
        digest = hashlib.sha256(f"{self.settings.issuer}\n{claims['sub']}".encode()).hexdigest()
        return f"{name}-{digest[:10]}"

    def _as_of_today(self, connection: Connection, name: str, standing: Standing) -> Account:
        people, before = PeopleStore(connection), _account(connection, name)
        after = _with(before, standing)
        if after == before:
            return before
        people.set_roles(name, standing.roles)
        people.set_areas(name, standing.areas)
        people.change(name, department=standing.department, crew=standing.crew)
        if not standing.roles:
            CredentialStore(connection).end_sessions(name)
        people.record(self.now(), self.settings.issuer, name, "changed", **_told(after))
        return after


def _account(connection: Connection, name: str) -> Account:
    if (account := PeopleStore(connection).get(name)) is None:
        raise NotFound(f"there is no account {name}; 'roadwarden user list' shows those there are")
    return account


def _with(account: Account, standing: Standing) -> Account:
    return replace(
        account,
        roles=standing.roles,
        areas=standing.areas,
        department=standing.department,
        crew=standing.crew,
    )


def _told(account: Account) -> dict[str, object]:
    return {
        "roles": sorted(account.roles),
        "areas": sorted(account.areas),
        "department": account.department,
        "crew": account.crew,
    }
