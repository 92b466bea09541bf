"""Messages of other systems: kept before anything is done about them, once each, and settled afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, exists, func, or_, select, update

from roadwarden.storage import engine as engines
from roadwarden.storage.inbox_tables import InboxState, inbox, partner_cases
from roadwarden.storage.rows import insert_of


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """One message as it came."""

    partner: str
    id: str
    body: str
    subject: str
    happened_at: datetime
    received_at: datetime

    @property
    def sha256(self) -> str:
        """Of the body: the same id with another body is another message, and a fault of theirs."""
        return hashlib.sha256(self.body.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A message, and what became of it."""

    number: int
    message: InboxMessage
    state: InboxState
    attempts: int = 0
    settled_at: datetime | None = None
    case: str | None = None
    reason: str | None = None


class InboxStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, message: InboxMessage) -> tuple[KeptMessage, bool]:
        """Keeps a message, and whether it was new; one whose id is known is what was kept then, whatever it says."""
        values = {
            "partner": message.partner,
            "message_id": message.id,
            "sha256": message.sha256,
            "body": message.body,
            "received_at": message.received_at,
            "subject": message.subject,
            "happened_at": message.happened_at,
            "state": InboxState.WAITING.value,
            "attempts": 0,
        }
        statement = insert_of(self._connection, inbox).on_conflict_do_nothing(index_elements=["partner", "message_id"])
        new = self._connection.execute(statement.returning(inbox.c.number), values).first() is not None
        where = and_(inbox.c.partner == message.partner, inbox.c.message_id == message.id)
        return self._read(where)[0], new

    def get(self, number: int) -> KeptMessage | None:
        """None where there is none of that number."""
        return next(iter(self._read(inbox.c.number == number)), None)

    def next_waiting(self, partner: str, up_to: datetime) -> KeptMessage | None:
        """The next one that was received by then; of a case only the one that happened first."""
        other = inbox.alias()
        first = or_(
            other.c.happened_at < inbox.c.happened_at,
            and_(other.c.happened_at == inbox.c.happened_at, other.c.number < inbox.c.number),
        )
        same = and_(other.c.partner == inbox.c.partner, other.c.subject == inbox.c.subject)
        older = exists().where(same, other.c.state == InboxState.WAITING.value, first)
        where = and_(inbox.c.partner == partner, inbox.c.state == InboxState.WAITING.value, ~older)
        found = self._read(and_(where, inbox.c.received_at <= up_to), 1)
        return found[0] if found else None

    def settle(self, kept: KeptMessage) -> None:
        """Writes what became of a message, if it is still waiting."""
        values = {
            "state": kept.state.value,
            "attempts": kept.attempts,
            "settled_at": kept.settled_at,
            "case_id": kept.case,
            "reason": kept.reason,
        }
        waits = and_(inbox.c.number == kept.number, inbox.c.state == InboxState.WAITING.value)
        self._connection.execute(update(inbox).where(waits).values(values))

    def again(self, partner: str, numbers: Sequence[int] | None) -> int:
        """Rejected ones of a partner wait again; all, or those of these numbers. Returns how many."""
        where = and_(inbox.c.partner == partner, inbox.c.state == InboxState.REJECTED.value)
        if numbers is not None:
            where = and_(where, inbox.c.number.in_([*numbers]))
        values = {"state": InboxState.WAITING.value, "settled_at": None}
        return self._connection.execute(update(inbox).where(where).values(values)).rowcount

    def list(
        self, state: InboxState | None = None, partner: str | None = None, most: int | None = 1000
    ) -> tuple[KeptMessage, ...]:
        """Messages, the newest first."""
        where = [inbox.c.state == state.value] if state is not None else []
        if partner is not None:
            where.append(inbox.c.partner == partner)
        query = select(inbox).where(*where).order_by(inbox.c.number.desc()).limit(most)
        return tuple(map(_kept, self._connection.execute(query)))

    def counts(self) -> Mapping[tuple[str, InboxState], int]:
        """How many messages of each partner are in each state."""
        query = select(inbox.c.partner, inbox.c.state, func.count()).group_by(inbox.c.partner, inbox.c.state)
        return {(row[0], InboxState(row[1])): row[2] for row in self._connection.execute(query)}

    def prune(self, before: datetime) -> int:
        """Forgets what was applied or ignored before; rejected ones stay. Returns how many."""
        done = inbox.c.state.in_([InboxState.APPLIED.value, InboxState.IGNORED.value])
        return self._connection.execute(delete(inbox).where(done, inbox.c.settled_at < before)).rowcount

    def link(self, partner: str, theirs: str, case: str, now: datetime) -> bool:
        """Remembers under which number a partner knows a case; False where number or case is another's already."""
        row = {"partner": partner, "theirs": theirs, "case_id": case, "since": now}
        self._connection.execute(insert_of(self._connection, partner_cases).on_conflict_do_nothing(), row)
        return self.ours(partner, theirs) == case

    def ours(self, partner: str, theirs: str) -> str | None:
        """Our case of their number."""
        query = select(partner_cases.c.case_id)
        here = query.where(partner_cases.c.partner == partner, partner_cases.c.theirs == theirs)
        return self._connection.execute(here).scalar()

    def theirs(self, partner: str, case: str) -> str | None:
        """Their number of our case."""
        query = select(partner_cases.c.theirs)
        here = query.where(partner_cases.c.partner == partner, partner_cases.c.case_id == case)
        return self._connection.execute(here).scalar()

    def _read(self, where: Any, most: int | None = None) -> tuple[KeptMessage, ...]:
        query = select(inbox).where(where).order_by(inbox.c.number).limit(most)
        return tuple(map(_kept, self._connection.execute(query)))


@contextmanager
def writing(engine: Engine) -> Iterator[InboxStore]:
    """A transaction that is on the disk once it has ended, or not kept at all."""
    with engines.writing(engine, durably=True) as connection:
        yield InboxStore(connection)


@contextmanager
def reading(engine: Engine) -> Iterator[InboxStore]:
    """A transaction that only reads."""
    with engines.reading(engine) as connection:
        yield InboxStore(connection)


def _kept(row: Any) -> KeptMessage:
    message = InboxMessage(row.partner, row.message_id, row.body, row.subject, row.happened_at, row.received_at)
    state = InboxState(row.state)
    return KeptMessage(row.number, message, state, row.attempts, row.settled_at, row.case_id, row.reason)
