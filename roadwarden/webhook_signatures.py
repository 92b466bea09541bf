"""Who sent a message: the signatures of Standard Webhooks (standardwebhooks.com), made and checked.

Headers ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``; signed is "id.timestamp.body". A signature is
"v1," and the base64 of HMAC-SHA256, or "v1a," and that of Ed25519; several stand side by side while a key is changed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from roadwarden.errors import ConfigError, DataError

SHORTEST_SECRET: Final = 16
MOST_SIGNATURES: Final = 10
TOLERANCE: Final = timedelta(minutes=5)
"""Between their clock and ours: an older message may be one that somebody has recorded and plays again."""


class BadSignature(DataError):
    """A message does not come from whom it says, or is an old one again."""


class KeyKind(StrEnum):
    """By the prefix of its text."""

    HMAC = "whsec_"
    ED25519_PRIVATE = "whsk_"
    ED25519_PUBLIC = "whpk_"


@dataclass(frozen=True, slots=True)
class WebhookKey:
    """One key; never shown."""

    kind: KeyKind
    data: bytes = field(repr=False)

    def sign(self, content: bytes) -> str:
        """One signature with its version; raises ConfigError for a public key."""
        match self.kind:
            case KeyKind.HMAC:
                return "v1," + _base64(hmac.new(self.data, content, hashlib.sha256).digest())
            case KeyKind.ED25519_PRIVATE:
                from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

                return "v1a," + _base64(Ed25519PrivateKey.from_private_bytes(self.data).sign(content))
            case KeyKind.ED25519_PUBLIC:
                raise ConfigError("a public key (whpk_) checks signatures and makes none; give the private one (whsk_)")

    def verifies(self, version: str, signature: bytes, content: bytes) -> bool:
        """Whether it is a signature of this key."""
        if self.kind is KeyKind.HMAC:
            right = hmac.new(self.data, content, hashlib.sha256).digest()
            return version == "v1" and hmac.compare_digest(right, signature)
        return version == "v1a" and _verifies(self.public().data, signature, content)

    def public(self) -> WebhookKey:
        """What receivers are given; the key itself where both sides share it."""
        if self.kind is not KeyKind.ED25519_PRIVATE:
            return self
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        raw = Ed25519PrivateKey.from_private_bytes(self.data).public_key().public_bytes_raw()
        return WebhookKey(KeyKind.ED25519_PUBLIC, raw)

    def text(self) -> str:
        """As it stands in a file: with its prefix, in base64."""
        return self.kind.value + _base64(self.data)


@dataclass(frozen=True, slots=True)
class Signed:
    """What a good signature says."""

    id: str
    at: datetime


def read_key(text: str) -> WebhookKey:
    """A key from its text: with a prefix what stands behind it in base64, without one the bytes of the text itself.

    Raises ConfigError, which does not show it.
    """
    kind = next((kind for kind in KeyKind if text.startswith(kind.value)), None)
    try:
        data = text.encode() if kind is None else base64.b64decode(text.removeprefix(kind.value), validate=True)
    except ValueError:
        raise ConfigError(f"a secret begins with {kind} and goes on with something else than base64") from None
    if kind is None or kind is KeyKind.HMAC:
        if len(data) < SHORTEST_SECRET:
            raise ConfigError(
                f"a secret has fewer than {SHORTEST_SECRET} bytes; make one with 'roadwarden outbox keygen'"
            )
        return WebhookKey(KeyKind.HMAC, data)
    wanted = 32 if kind is KeyKind.ED25519_PUBLIC or len(data) == 32 else 64  # a private key may carry its public half
    if len(data) != wanted:
        raise ConfigError(f"a key begins with {kind} and has {len(data)} bytes; Ed25519 keys have 32")
    return WebhookKey(kind, data[:32])


def new_key(*, ed25519: bool = False) -> WebhookKey:
    """32 random bytes: a shared secret, or a private key whose public half receivers are given."""
    return WebhookKey(KeyKind.ED25519_PRIVATE if ed25519 else KeyKind.HMAC, secrets.token_bytes(32))


def signed_headers(keys: Sequence[WebhookKey], id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a body, with one signature for each key."""
    timestamp = int(at.timestamp())
    content = _content(id, str(timestamp), body)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(key.sign(content) for key in keys),
    }


def verify(
    keys: Sequence[WebhookKey],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> Signed:
    """Id and time of a message that one of the keys has signed; raises BadSignature that says what is wrong.

    ``headers``: names in lower case.
    """
    id, timestamp, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (id and timestamp and signatures):
        raise BadSignature("wanted the headers webhook-id, webhook-timestamp and webhook-signature")
    at = _time(timestamp)
    content = _content(id, timestamp, body)
    if not any(_signed_by(keys, one, content) for one in signatures.split(" ")[:MOST_SIGNATURES]):
        raise BadSignature("no signature of the message is one of the keys that are known here")
    if abs(now - at) > tolerance:
        raise BadSignature(
            f"signed at {at.isoformat()}, and here it is {now.isoformat(timespec='seconds')}: more than "
            f"{tolerance.total_seconds():.0f} s apart; sign anew at each attempt, and set the clock"
        )
    return Signed(id, at)


def _signed_by(keys: Sequence[WebhookKey], signature: str, content: bytes) -> bool:
    version, _, encoded = signature.partition(",")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:
        return False
    return any(key.verifies(version, raw, content) for key in keys)


def _verifies(public: bytes, signature: bytes, content: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _time(timestamp: str) -> datetime:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise BadSignature("webhook-timestamp is to be whole seconds since 1970")
    return datetime.fromtimestamp(int(timestamp), UTC)


def _content(id: str, timestamp: str, body: bytes) -> bytes:
    return f"{id}.{timestamp}.".encode() + body


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
