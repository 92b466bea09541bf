"""The server's time, which it signs: whoever shows a countdown can prove whose clock it goes by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from roadwarden.client.errors import Untrusted
from roadwarden.errors import LedgerError
from roadwarden.ledger.note import SignedNote, VerifierKey


@dataclass(frozen=True, slots=True)
class ServerTime:
    """Checked."""

    now: datetime
    key: str  # the public key, as C2SP writes verifier keys


def time_of(told: Mapping[str, Any], nonce: str, trusted: str | None) -> ServerTime:
    """The time of an answer that is signed, for our nonce. Raises Untrusted.

    ``trusted``: the key that was handed over by another way; without it the one that the server shows, which tells
    that the answer is whole and fresh, but not whose it is.
    """
    try:
        key = VerifierKey.parse(trusted or str(told["key"]))
        note = SignedNote.parse(str(told["note"]))
        name, signed_nonce, now = note.text.splitlines()
        at = datetime.fromisoformat(now)
    except (LedgerError, KeyError, ValueError) as exc:
        raise Untrusted(f"the server's time is not told as it should be: {exc}") from exc
    if not note.signed_by(key) or name != key.name:
        raise Untrusted(f"the server's time is not signed by {key.name}")
    if signed_nonce != nonce:
        raise Untrusted("the server's time is an old answer: it is signed for another nonce")
    return ServerTime(at, str(key))
