"""What needs another person's approval: it waits until he says so himself, then it is recorded with both names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from roadwarden.access.people import Account
from roadwarden.cases.events import EventData, EventType, data_as_json, parse_data
from roadwarden.cases.permissions import NEED_APPROVAL, Person
from roadwarden.errors import KeyUsed, NotAllowed, NotFound
from roadwarden.service.cases import Ask, CaseDesk, Done
from roadwarden.storage.engine import reading, writing
from roadwarden.storage.people_tables import WishState
from roadwarden.storage.wishes import Wish, WishStore

AccountOf = Callable[[str], Account | None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """The use cases, beside a desk; ``account``: who somebody is by now."""

    desk: CaseDesk
    account: AccountOf

    def ask(self, who: Person, case: str, kind: EventType, data: EventData, version: int, key: str) -> Wish:
        """A wish that waits; under the same key the one of before. Raises NotAllowed where nothing needs approval."""
        if kind not in NEED_APPROVAL:
            raise NotAllowed(f"{kind} needs no approval; send the command itself")
        name = hashlib.sha256(f"{who.actor}\n{key}".encode()).hexdigest()[:20]
        wish = Wish(name, case, version, kind, data_as_json(data), who.actor, who.role, self.desk.now())
        with writing(self.desk.engine, durably=True) as connection:
            store = WishStore(connection)
            kept = store.get(name)
            if kept is None:
                store.add(wish)
                return wish
        if (kept.case, kept.type, kept.data) != (wish.case, wish.type, wish.data):
            raise KeyUsed("the idempotency key stands for another wish; each needs its own")
        return kept

    def get(self, name: str) -> Wish:
        """Raises NotFound."""
        with reading(self.desk.engine) as connection:
            wish = WishStore(connection).get(name)
        if wish is None:
            raise NotFound(f"there is no wish {name}")
        return wish

    def list(self, state: WishState | None = None, case: str | None = None) -> tuple[Wish, ...]:
        """The oldest first."""
        with reading(self.desk.engine) as connection:
            return WishStore(connection).list(state, case)

    def approve(self, wish: Wish, by: Person, version: int | None) -> Done:
        """Records what was wished, with both names. Raises NotAllowed, StaleCase.

        The event carries a key of the wish's, so approving twice records once; the wish is marked behind it.
        """
        if wish.state is WishState.REFUSED:
            raise NotAllowed(f"wish {wish.id} was refused by {wish.decided_by}")
        told = dict(wish.data) | {"approved_by": {"actor": by.actor, "role": by.role.value}}
        ask = Ask(f"wish {wish.id} {by.actor}", version, approver_areas=by.areas)
        done = self.desk.record(self._who(wish), wish.case, parse_data(wish.type, told), ask)
        self._decide(wish, WishState.APPROVED, by, self.desk.now())
        return done

    def refuse(self, wish: Wish, by: Person, reason: str) -> Wish:
        """It will not be done. Raises NotAllowed where it was decided already."""
        if not self._decide(wish, WishState.REFUSED, by, self.desk.now(), reason):
            raise NotAllowed(f"wish {wish.id} was decided already")
        return self.get(wish.id)

    def _decide(self, wish: Wish, state: WishState, by: Person, now: datetime, reason: str | None = None) -> bool:
        with writing(self.desk.engine, durably=True) as connection:
            return WishStore(connection).decide(wish.id, state, by.actor, now, reason)

    def _who(self, wish: Wish) -> Person:
        account = self.account(wish.actor)
        if account is None or account.disabled_at is not None or wish.role not in account.roles:
            raise NotAllowed(f"{wish.actor} is no {wish.role} any more; the wish cannot be recorded in that name")
        return account.person(wish.role)
