"""Messages to the outside, written in the transaction of what they tell, and how far each destination has them.

One writer at a time means that numbers appear in the order in which they were given: nobody who reads on from the last
number he saw can miss a message that was committed late.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, exists, func, insert, or_, select, update

from roadwarden.storage.case_tables import DeliveryState, deliveries, destinations, outbox
from roadwarden.storage.rows import Values, chunks, insert_of

HAND_OUT_AT_ONCE = 2000
PRUNE_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody outside is told; ``key`` is the same however often it has to be sent."""

    key: str
    topic: str
    case: str
    payload: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to one destination."""

    destination: str
    number: int
    message: Message
    state: DeliveryState
    attempts: int  # that have failed
    try_at: datetime
    first_tried_at: datetime | None = None
    done_at: datetime | None = None
    error: str | None = None


class OutboxStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, messages: Sequence[Message]) -> int:
        """Keeps messages; one whose key is kept already is left out. Returns how many were new."""
        statement = insert_of(self._connection, outbox).on_conflict_do_nothing(index_elements=["key"])
        return sum(
            self._connection.execute(statement.returning(outbox.c.number), _row(message)).first() is not None
            for message in messages
        )

    def newest(self) -> int:
        """Number of the newest message; 0 where there is none."""
        return self._connection.execute(select(func.max(outbox.c.number))).scalar_one() or 0

    def meet(self, names: Sequence[str], now: datetime) -> tuple[str, ...]:
        """Makes destinations known; a new one gets the messages from now on. Returns the new ones."""
        known = set(self._connection.execute(select(destinations.c.name)).scalars())
        new = [name for name in dict.fromkeys(names) if name not in known]
        if new:
            rows = [{"name": name, "up_to": self.newest(), "since": now} for name in new]
            self._connection.execute(insert(destinations), rows)
        return tuple(new)

    def behind(self, names: Sequence[str]) -> bool:
        """Whether one of the destinations is new, or was not yet handed the newest message."""
        query = select(destinations.c.name, destinations.c.up_to)
        up_to = {row[0]: row[1] for row in self._connection.execute(query)}
        newest = self.newest()
        return any(up_to.get(name, -1) < newest for name in names)

    def left_to_hand_out(self, name: str) -> tuple[tuple[int, str, str], ...]:
        """(number, topic, case) of the messages that a destination was not yet handed, oldest first, some 2,000."""
        up_to = select(destinations.c.up_to).where(destinations.c.name == name).scalar_subquery()
        query = select(outbox.c.number, outbox.c.topic, outbox.c.case_id).where(outbox.c.number > up_to)
        rows = self._connection.execute(query.order_by(outbox.c.number).limit(HAND_OUT_AT_ONCE))
        return tuple((row.number, row.topic, row.case_id) for row in rows)

    def hand_out(self, name: str, wanted: Sequence[tuple[int, str]], up_to: int, now: datetime) -> None:
        """Queues (number, case) for a destination, which has then seen all up to ``up_to``."""
        rows = [
            {
                "destination": name,
                "message": number,
                "case_id": case,
                "state": DeliveryState.WAITING.value,
                "attempts": 0,
                "try_at": now,
            }
            for number, case in wanted
        ]
        statement = insert_of(self._connection, deliveries).on_conflict_do_nothing()
        for chunk in chunks(rows):
            self._connection.execute(statement, chunk)
        moved = update(destinations).where(destinations.c.name == name, destinations.c.up_to < up_to)
        self._connection.execute(moved.values(up_to=up_to))

    def has_due(self, name: str, now: datetime) -> bool:
        """Whether ``lease`` would find something: asked first, as readers never wait."""
        return self._connection.execute(_due(name, now).limit(1)).first() is not None

    def lease(self, name: str, by: str, now: datetime, lasts: timedelta, most: int) -> tuple[Delivery, ...]:
        """Takes messages that are due for one destination, for a while, so that nobody else sends them.

        Of a case only the oldest that waits: what is told of a case arrives in its order.
        """
        query = _due(name, now).order_by(deliveries.c.try_at, deliveries.c.message).limit(most)
        numbers = [row.number for row in self._connection.execute(query)]
        if not numbers:
            return ()
        mine = and_(deliveries.c.destination == name, deliveries.c.message.in_(numbers))
        self._connection.execute(update(deliveries).where(mine).values(leased_until=now + lasts, leased_by=by))
        return self._read(mine)

    def settle(self, delivery: Delivery, by: str, outcome: Values) -> bool:
        """Writes what became of a delivery that ``by`` still holds; False where somebody else has taken it over."""
        statement = (
            update(deliveries)
            .where(deliveries.c.destination == delivery.destination, deliveries.c.message == delivery.number)
            .where(deliveries.c.leased_by == by, deliveries.c.state == DeliveryState.WAITING.value)
            .values(leased_until=None, leased_by=None, **outcome)
        )
        return self._connection.execute(statement).rowcount == 1

    def list(
        self, state: DeliveryState, name: str | None = None, most: int = 1000, numbers: Sequence[int] | None = None
    ) -> tuple[Delivery, ...]:
        """Deliveries of one state, oldest message first; of one destination, of these messages."""
        where = [deliveries.c.state == state.value]
        if name is not None:
            where.append(deliveries.c.destination == name)
        if numbers is not None:
            where.append(deliveries.c.message.in_([*numbers]))
        return self._read(and_(*where), most)

    def known(self) -> tuple[str, ...]:
        """Names of the destinations that a scheduler has met, sorted."""
        return tuple(self._connection.execute(select(destinations.c.name).order_by(destinations.c.name)).scalars())

    def counts(self) -> Mapping[tuple[str, DeliveryState], int]:
        """How many deliveries each destination has in each state."""
        query = select(deliveries.c.destination, deliveries.c.state, func.count()).group_by(
            deliveries.c.destination, deliveries.c.state
        )
        return {(row[0], DeliveryState(row[1])): row[2] for row in self._connection.execute(query)}

    def replay(self, name: str, numbers: Sequence[int] | None, now: datetime) -> int:
        """Dead letters of a destination wait again, as if they were new; all, or those of these numbers."""
        statement = update(deliveries).where(
            deliveries.c.destination == name, deliveries.c.state == DeliveryState.DEAD.value
        )
        if numbers is not None:
            statement = statement.where(deliveries.c.message.in_(list(numbers)))
        fresh = {"state": DeliveryState.WAITING.value, "attempts": 0, "try_at": now, "first_tried_at": None}
        return self._connection.execute(statement.values(done_at=None, **fresh)).rowcount

    def prune(self, before: datetime) -> int:
        """Forgets some 500 messages that were written before, and that no destination waits for or has refused.

        In small steps, because other writers wait meanwhile. Returns how many; call it again until it is 0. The newest
        message stays, or its number would be given again and destinations would pass over it.
        """
        held = exists().where(deliveries.c.message == outbox.c.number, deliveries.c.state != DeliveryState.SENT.value)
        behind = exists().where(destinations.c.up_to < outbox.c.number)
        query = select(outbox.c.number).where(outbox.c.created_at < before, ~held, ~behind)
        query = query.where(outbox.c.number < self.newest())
        numbers = list(self._connection.execute(query.order_by(outbox.c.number).limit(PRUNE_AT_ONCE)).scalars())
        self._connection.execute(delete(deliveries).where(deliveries.c.message.in_(numbers)))
        self._connection.execute(delete(outbox).where(outbox.c.number.in_(numbers)))
        return len(numbers)

    def _read(self, where: Any, most: int | None = None) -> tuple[Delivery, ...]:
        query = select(deliveries, outbox).join(outbox, outbox.c.number == deliveries.c.message).where(where)
        query = query.order_by(deliveries.c.message, deliveries.c.destination).limit(most)
        return tuple(map(_delivery, self._connection.execute(query)))


def _waits(name: str) -> Any:
    return and_(deliveries.c.destination == name, deliveries.c.state == DeliveryState.WAITING.value)


def _older_waits() -> Any:
    older = deliveries.alias()
    return exists().where(
        older.c.destination == deliveries.c.destination,
        older.c.case_id == deliveries.c.case_id,
        older.c.state == DeliveryState.WAITING.value,
        older.c.message < deliveries.c.message,
    )


def _due(name: str, now: datetime) -> Select[Any]:
    free = or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until <= now)
    return (
        select(deliveries.c.message.label("number"))
        .where(_waits(name), deliveries.c.try_at <= now, free)
        .where(~_older_waits())
    )


def _row(message: Message) -> Values:
    return {
        "key": message.key,
        "topic": message.topic,
        "case_id": message.case,
        "payload": json.dumps(message.payload, ensure_ascii=False),
        "created_at": message.created_at,
    }


def _delivery(row: Any) -> Delivery:
    return Delivery(
        destination=row.destination,
        number=row.number,
        message=Message(row.key, row.topic, row.case_id, json.loads(row.payload), row.created_at),
        state=DeliveryState(row.state),
        attempts=row.attempts,
        try_at=row.try_at,
        first_tried_at=row.first_tried_at,
        done_at=row.done_at,
        error=row.error,
    )
