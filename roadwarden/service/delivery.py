"""Messages of the outbox to their destinations: at least once, in the order of each case, by any number of schedulers.

A message is leased in one short transaction, sent outside of any, and settled in another. Whoever dies in between
leaves a lease that runs out; then somebody sends it again under the same key.
"""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from roadwarden.errors import ConfigError
from roadwarden.service.destinations import Destination, Retries
from roadwarden.service.senders import NotDelivered, Sender
from roadwarden.storage.case_tables import DeliveryState
from roadwarden.storage.case_unit import CaseUnit, reading, writing
from roadwarden.storage.outbox import Delivery
from roadwarden.storage.rows import Values

logger = logging.getLogger(__name__)

AT_ONCE = 10
"""Messages in one round."""
MARGIN = timedelta(seconds=10)
"""A lease outlasts by this what sending takes: finding the name, connecting, asking and hearing, a timeout each."""
STEPS = 3
LONGEST_ERROR = 500

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Tally:
    """What one round did."""

    sent: int = 0
    failed: int = 0  # will be tried again
    dead: int = 0
    lost: int = 0  # sent, but by then another scheduler had taken it over

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.sent + other.sent, self.failed + other.failed, self.dead + other.dead, self.lost + other.lost)


def hand_out(engine: Engine, known: Sequence[Destination], now: datetime) -> int:
    """Queues new messages for the destinations that want their topic; returns how many were queued.

    A destination that is new gets what is written from now on. Nothing is written where there is nothing to do.
    """
    queued, names = 0, [one.name for one in known]
    while True:
        with reading(engine) as unit:
            if not unit.outbox.behind(names):
                return queued
        with writing(engine) as unit:
            unit.outbox.meet(names, now)
            queued += sum(_hand_out_to(unit, one, now) for one in known)


def _hand_out_to(unit: CaseUnit, destination: Destination, now: datetime) -> int:
    left = unit.outbox.left_to_hand_out(destination.name)
    wanted = [(number, case) for number, topic, case in left if destination.wants(topic)]
    if left:
        unit.outbox.hand_out(destination.name, wanted, left[-1][0], now)
    return len(wanted)


@dataclass(frozen=True, slots=True)
class Courier:
    """Brings messages to one destination."""

    engine: Engine
    destination: Destination
    sender: Sender
    now: Now
    draw: Callable[[], float] = random.random  # 0..1, for the jitter
    name: str = ""  # of whoever holds a lease

    def round(self, stopped: Callable[[], bool] = lambda: False) -> Tally:
        """Sends what is due now, some ten messages; a tally of zeros where nothing was."""
        with reading(self.engine) as unit:
            if not unit.outbox.has_due(self.destination.name, self.now()):
                return Tally()
        by, tally = self.name or secrets.token_hex(8), Tally()
        with writing(self.engine) as unit:
            delivery = self._lease(unit, by)
        for left in reversed(range(AT_ONCE)):
            if delivery is None:
                break
            outcome, what = self._send(delivery)
            with writing(self.engine) as unit:  # what became of one, and the lease of the next
                tally += what if unit.outbox.settle(delivery, by, outcome) else Tally(lost=1)
                delivery = self._lease(unit, by) if left and not stopped() else None
        return tally

    def _lease(self, unit: CaseUnit, by: str) -> Delivery | None:
        lasts = timedelta(seconds=STEPS * self.destination.timeout_s) + MARGIN
        leased = unit.outbox.lease(self.destination.name, by, self.now(), lasts, 1)
        return leased[0] if leased else None

    def _send(self, delivery: Delivery) -> tuple[Values, Tally]:
        """What is to be written of it."""
        try:
            self.sender.send(delivery.message, self.now())
        except NotDelivered as exc:
            return self._failed(delivery, exc)
        return {"state": DeliveryState.SENT.value, "done_at": self.now(), "error": None}, Tally(sent=1)

    def _failed(self, delivery: Delivery, why: NotDelivered) -> tuple[Values, Tally]:
        outcome = after_failure(delivery, self.destination.retries, why, self.now(), self.draw())
        dead = outcome["state"] == DeliveryState.DEAD.value
        logger.log(
            logging.ERROR if dead else logging.WARNING,
            "%s: message %s was not taken (attempt %d): %s%s",
            self.destination.name,
            delivery.message.key,
            delivery.attempts + 1,
            why,
            "; it is a dead letter now, see 'roadwarden outbox dead'" if dead else "",
        )
        return outcome, Tally(dead=1) if dead else Tally(failed=1)


def after_failure(delivery: Delivery, retries: Retries, why: NotDelivered, now: datetime, draw: float) -> Values:
    """What is written of a delivery that failed: when it is tried again, or that it is a dead letter.

    Dead is what cannot succeed, or what would next be tried later than ``give_up_after`` from the first attempt: hours
    count, not attempts, so that a receiver may be away for a night. ``draw`` is 0..1.
    """
    attempts = delivery.attempts + 1
    first = delivery.first_tried_at or now
    try_at = now + timedelta(seconds=max(why.wait_s, pause_s(attempts, retries, draw)))
    dead = why.final or try_at > first + retries.give_up_after
    values: Values = {
        "attempts": attempts,
        "first_tried_at": first,
        "error": str(why)[:LONGEST_ERROR],
        "try_at": try_at,
    }
    if dead:
        return values | {"state": DeliveryState.DEAD.value, "done_at": now}
    return values | {"state": DeliveryState.WAITING.value}


def pause_s(attempts: int, retries: Retries, draw: float) -> float:
    """Seconds to wait after so many failures (at least 1): doubling, capped, and drawn from the upper half."""
    doubled = retries.first_s * 2.0 ** min(attempts - 1, 60)
    return min(doubled, retries.longest_s) * (0.5 + draw / 2)


def dead_letters(engine: Engine, name: str | None = None) -> tuple[Delivery, ...]:
    """What could not be delivered, oldest first, up to a thousand."""
    with reading(engine) as unit:
        return unit.outbox.list(DeliveryState.DEAD, name)


def replay(engine: Engine, name: str, numbers: Sequence[int] | None, now: datetime) -> int:
    """Has dead letters of a destination sent again; all of them, or those of these numbers. Returns how many.

    Raises ConfigError for a destination that nobody knows, and for numbers that are no dead letters of it.
    """
    with writing(engine) as unit:
        if name not in (known := unit.outbox.known()):
            raise ConfigError(f"there is no destination '{name}'; known are: {', '.join(known) or 'none'}")
        dead = {one.number for one in unit.outbox.list(DeliveryState.DEAD, name, numbers=numbers)}
        if wrong := sorted(set(numbers or ()) - dead):
            raise ConfigError(
                f"{', '.join(map(str, wrong))}: no dead letter of {name}; 'roadwarden outbox dead' lists them. Nothing "
                "is sent again"
            )
        return unit.outbox.replay(name, numbers, now)


def counts(engine: Engine) -> Mapping[tuple[str, DeliveryState], int]:
    """How many messages each destination has in each state."""
    with reading(engine) as unit:
        return unit.outbox.counts()


def prune(engine: Engine, before: datetime) -> int:
    """Forgets messages that were written before and that every destination has; returns how many."""
    total = 0
    while True:
        with writing(engine) as unit:
            gone = unit.outbox.prune(before)
        total += gone
        if not gone:
            return total
