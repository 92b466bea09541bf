"""A login that has begun and not ended."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass

from roadwarden.errors import NotLoggedIn


class SignOnFailed(NotLoggedIn):
    """The other server does not vouch for whoever knocks, or not so that it counts."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A login that has begun; kept in a cookie of the browser that began it."""

    state: str
    nonce: str
    verifier: str  # PKCE
    then: str  # path of ours

    @classmethod
    def new(cls, then: str) -> Pending:
        """With fresh randomness."""
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), then)

    def text(self) -> str:
        """For the cookie."""
        told = json.dumps([self.state, self.nonce, self.verifier, self.then])
        return base64.urlsafe_b64encode(told.encode()).decode()

    @classmethod
    def read(cls, text: str | None) -> Pending:
        """From the cookie; raises SignOnFailed where there is none."""
        try:
            parts = json.loads(base64.urlsafe_b64decode((text or "").encode()))
            state, nonce, verifier, then = (str(part) for part in parts)
        except (ValueError, TypeError):
            raise SignOnFailed("this login did not begin in this browser, or too long ago; begin again") from None
        return cls(state, nonce, verifier, then)
