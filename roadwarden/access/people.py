"""Accounts, the two ways to prove who one is, and whoever asks for something."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from roadwarden.cases.event_types import Role
from roadwarden.cases.permissions import Person
from roadwarden.cases.rights import Right
from roadwarden.errors import ConfigError

ALL_AREAS: Final = "*"
_NAME: Final = re.compile(r"\w[\w.\-]{0,63}")


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may be let in. ``name`` is the actor of his events and never given to another person."""

    name: str
    display_name: str
    roles: frozenset[Role] = frozenset()
    areas: frozenset[str] = frozenset()
    """Area ids; with ``*`` all of them."""
    department: str | None = None
    crew: str | None = None
    disabled_at: datetime | None = None

    def persons(self) -> tuple[Person, ...]:
        """He in each of his roles, in the order of the enum."""
        return tuple(self.person(role) for role in Role if role in self.roles)

    def person(self, role: Role) -> Person:
        """He in one role."""
        return Person(self.name, role, self.areas, self.department, self.crew)


@dataclass(frozen=True, slots=True)
class Token:
    """A token for programs; the secret itself is kept nowhere."""

    id: str  # shown and logged; finds the row
    person: str
    label: str
    scopes: frozenset[Right]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody at a browser; the cookie's id is kept as its sha256."""

    person: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime  # whatever happens


class Way(StrEnum):
    """How somebody proved who he is."""

    TOKEN = "token"
    SESSION = "session"
    NONE = "none"  # anybody: pages for citizens


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever asks: an account, what of its rights holds here, and how it was proved."""

    account: Account
    way: Way
    scopes: frozenset[Right]  # of the token; every right at a browser
    credential: str  # id of the token or a short name of the session: for audits, opens nothing

    @property
    def name(self) -> str:
        """The actor of his events."""
        return self.account.name


EVERY_RIGHT: Final = frozenset(Right)
ANYBODY: Final = Principal(
    Account("anybody", "anybody", frozenset({Role.CITIZEN})), Way.NONE, frozenset({Right.REPORTS_FILE}), ""
)
"""Who has not said who he is."""


def account_name(text: str) -> str:
    """A name as it is kept; raises ConfigError for one that events, URLs and approvals cannot carry."""
    name = unicodedata.normalize("NFC", text.strip())
    if not _NAME.fullmatch(name) or name == ANYBODY.name:
        raise ConfigError(f"'{text}' is no name for an account: letters, digits, '.', '-' and '_', at most 64 of them")
    return name
