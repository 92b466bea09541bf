"""Passwords, tokens and cookies: how they are made, kept and compared.

A password is kept as its argon2id hash. Tokens and cookies hold 256 bits of the system's randomness, so their sha256 is
as good as it gets and costs nothing at every request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from roadwarden.errors import ConfigError

SHORTEST_PASSWORD: Final = 12  # characters; NIST SP 800-63B asks for 8 at least where nothing else guards
LONGEST_PASSWORD: Final = 256  # argon2 reads all of it
TOKEN_PREFIX: Final = "rw"  # so that scanners of repositories find one that leaked
_HASHER: Final = PasswordHasher()
"""The library's defaults, those of RFC 9106 for little memory: 64 MiB, 3 passes, 4 lanes."""


@dataclass(frozen=True, slots=True)
class NewSecret:
    """What is shown once (``text``), what finds it again, and what is kept."""

    text: str
    id: str
    sha256: str

    def __repr__(self) -> str:
        return f"NewSecret(id={self.id!r})"


def hash_password(password: str) -> str:
    """Raises ConfigError for one that is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ConfigError(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    return _HASHER.hash(password)


NO_PASSWORD: Final = "$argon2id$v=19$m=65536,t=3,p=4$qgOrNRP0oqGQ/QUwUolKOg$OOCadJTvWBlRgezKm3ZUYHw20Eumi3oKRtTKCLxOZIo"
"""Of nobody: what is compared where there is no such account, so that the time tells nothing."""


def password_fits(kept: str | None, password: str) -> bool:
    """Takes as long where there is nothing to compare with."""
    try:
        fits = _HASHER.verify(kept or NO_PASSWORD, password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    return bool(fits) and kept is not None and len(password) <= LONGEST_PASSWORD


def wants_new_hash(kept: str) -> bool:
    """Whether it was made with weaker settings than today's."""
    return _HASHER.check_needs_rehash(kept)


def new_token() -> NewSecret:
    """``rw_ID_SECRET``."""
    name, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    return NewSecret(f"{TOKEN_PREFIX}_{name}_{secret}", name, sha256(secret))


def split_token(text: str) -> tuple[str, str] | None:
    """Id and sha256 of the secret; None for what is no token."""
    parts = text.split("_", 2)
    if len(parts) != 3 or parts[0] != TOKEN_PREFIX or not text.isascii():
        return None
    return parts[1], sha256(parts[2])


def new_session() -> NewSecret:
    """The id in a cookie."""
    secret = secrets.token_urlsafe(32)
    kept = sha256(secret)
    return NewSecret(secret, kept[:12], kept)


def csrf_of(session: str, purpose: str = "csrf") -> str:
    """What forms of that session carry: of no use to whoever has not the cookie, and never the cookie itself."""
    return hmac.new(session.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """In a time that says nothing of where they differ."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def sha256(text: str) -> str:
    """In hex."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
