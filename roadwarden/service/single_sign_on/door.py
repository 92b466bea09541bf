"""The other server and the accounts here, as what a login goes through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from roadwarden.access.people import Account
from roadwarden.service.single_sign_on.accounts import SignOn
from roadwarden.service.single_sign_on.pending import Pending
from roadwarden.service.single_sign_on.provider import Provider
from roadwarden.service.single_sign_on.settings import SignOnSettings


@dataclass(frozen=True, slots=True)
class Door:
    """Of one login server."""

    provider: Provider
    accounts: SignOn

    @property
    def settings(self) -> SignOnSettings:
        """Of the server."""
        return self.provider.settings

    def begin(self, then: str, back_to: str) -> tuple[str, Pending]:
        """Where the browser is sent, and what it keeps meanwhile. Raises SignOnFailed."""
        pending = Pending.new(then)
        return self.provider.address(pending, back_to), pending

    def enter(self, pending: Pending, answer: Mapping[str, str], back_to: str) -> Account:
        """Who came back. Raises SignOnFailed."""
        return self.accounts.let_in(self.provider.claims(pending, answer, back_to, self.accounts.now()))
