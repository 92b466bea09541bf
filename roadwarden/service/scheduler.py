"""Looks at cases whose time has come, warns, and delivers: any number of schedulers may run on one database.

What makes a warning unique is the key it is kept under, in the transaction that also writes its message; whoever comes
second finds it there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Engine

from roadwarden.cases.clocks import clocks
from roadwarden.cases.escalation import EscalationPolicy, shipped_escalation_policy
from roadwarden.cases.events import CaseEvent
from roadwarden.cases.policy import ClockPolicies, shipped_clock_policies
from roadwarden.cases.warnings import CaseWarning, due_warnings, next_warning_at
from roadwarden.errors import DataError, RoadwardenError, StorageAway
from roadwarden.service import case_messages
from roadwarden.service.cases import utc_now
from roadwarden.service.delivery import Courier, Tally, hand_out, prune
from roadwarden.storage.case_tables import WarningState
from roadwarden.storage.case_unit import CaseUnit, reading, writing
from roadwarden.storage.case_warnings import KeptWarning

logger = logging.getLogger(__name__)

CASES_AT_ONCE = 50
"""In one transaction, some 50 ms; between two others may write."""
SOONEST_AGAIN = timedelta(seconds=1)
UNREADABLE_AGAIN = timedelta(hours=1)
PRUNE_EVERY = timedelta(hours=1)
LONGEST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Looked:
    """What looking at cases gave."""

    cases: int = 0
    sent: int = 0
    skipped: int = 0
    unreadable: int = 0  # cases that cannot be reckoned: told in the log, and looked at again in an hour

    def __add__(self, other: Looked) -> Looked:
        return Looked(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Chore:
    """Something else that is to be done again and again. What it cannot do is logged, and holds up nothing else."""

    name: str
    do: Callable[[], int]  # returns how much was done
    every_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Scheduler:
    """Warnings and deliveries of one process."""

    engine: Engine
    couriers: Sequence[Courier] = ()
    policies: ClockPolicies = field(default_factory=shipped_clock_policies)
    escalation: EscalationPolicy = field(default_factory=shipped_escalation_policy)
    now: Callable[[], datetime] = utc_now
    keep: timedelta = timedelta(days=30)  # how long messages stay that everybody has
    chores: Sequence[Chore] = ()

    def look(self) -> Looked:
        """Warns about every case whose time has come."""
        total = Looked()
        while True:
            now = self.now()
            with reading(self.engine) as unit:  # readers wait for nobody; mostly there is nothing to do
                if not unit.warnings.to_look_at(now, 1):
                    return total
            with writing(self.engine) as unit:
                total += self._look(unit, now)

    def deliver(self) -> Tally:
        """Hands new messages out and sends all that are due, one destination after the other."""
        total = Tally()
        hand_out(self.engine, [courier.destination for courier in self.couriers], self.now())
        for courier in self.couriers:
            while (done := courier.round()) != Tally():
                total += done
        return total

    def once(self) -> tuple[Looked, Tally]:
        """Every warning and delivery that is due now; for cron, and for tests."""
        looked = self.look()
        return looked, self.deliver()

    def do_chores(self) -> dict[str, int | None]:
        """Each once; how much it did, or None where it could not. Comes before ``once``: what is done may be told."""
        return {chore.name: _done(chore) for chore in self.chores}

    def run(self, stop: threading.Event, every_s: float = 1.0) -> None:
        """Until ``stop``: a thread for the warnings and one for each destination, so that a slow one holds nobody up.

        A database that is away is waited for; any other error stops all threads and is raised.
        """
        failures: list[BaseException] = []
        pruned: list[datetime] = []

        def warn() -> None:
            self.look()
            hand_out(self.engine, [courier.destination for courier in self.couriers], self.now())
            if not pruned or self.now() - pruned[-1] >= PRUNE_EVERY:
                pruned[:] = [self.now()]
                prune(self.engine, self.now() - self.keep)

        def send(courier: Courier) -> None:
            while not stop.is_set() and courier.round(stop.is_set) != Tally():
                pass

        works: list[Callable[[], object]] = [warn, *(lambda one=courier: send(one) for courier in self.couriers)]
        paces = [(work, every_s) for work in works]
        paces += [(partial(_done, chore), max(every_s, chore.every_s)) for chore in self.chores]
        threads = [threading.Thread(target=_repeat, args=(work, stop, wait_s, failures)) for work, wait_s in paces]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def _look(self, unit: CaseUnit, now: datetime) -> Looked:
        names = unit.warnings.to_look_at(now, CASES_AT_ONCE)
        kept, total = unit.warnings.of_cases(names), Looked()
        for name, events in _histories(unit, names).items():
            if events is None:
                unit.warnings.watch({name: now + UNREADABLE_AGAIN})
                total += Looked(unreadable=1)
            else:
                total += self._look_at(unit, name, events, kept.get(name, ()), now)
        return total

    def _look_at(
        self, unit: CaseUnit, case: str, events: Sequence[CaseEvent], kept: Sequence[KeptWarning], now: datetime
    ) -> Looked:
        answer = clocks(events, self.policies, now)
        already = frozenset(one.key for one in kept)
        send, skipped = due_warnings(answer, already, self.escalation, now)
        unit.warnings.put([_kept(one, WarningState.SKIPPED, now) for one in skipped])
        new = {one.key for one in unit.warnings.put([_kept(one, WarningState.SENT, now) for one in send])}
        row = unit.rows.get(case)
        messages = [
            case_messages.of_warning(one, _passed_over(one, skipped), None if row is None else row.at(now), now)
            for one in send
            if one.key in new
        ]
        unit.outbox.put(messages)
        after = next_warning_at(answer, already | {one.key for one in (*send, *skipped)}, self.escalation, now)
        unit.warnings.watch({case: None if after is None else max(after, now + SOONEST_AGAIN)})
        return Looked(1, len(messages), len(skipped))


def _histories(unit: CaseUnit, names: Sequence[str]) -> dict[str, tuple[CaseEvent, ...] | None]:
    """All at once; where that fails one by one, so that a case that cannot be read keeps no other from its warnings."""
    try:
        return dict(unit.events.of_cases(names))
    except (DataError, ValueError):
        return {name: _history(unit, name) for name in names}


def _history(unit: CaseUnit, name: str) -> tuple[CaseEvent, ...] | None:
    try:
        return unit.events.of_cases([name])[name]
    except (DataError, ValueError) as exc:
        logger.error("case %s cannot be read, nobody is warned about it: %s", name, exc)
        return None


def _done(chore: Chore) -> int | None:
    """Raises StorageAway, which is waited for."""
    try:
        return chore.do()
    except StorageAway:
        raise
    except RoadwardenError as exc:
        logger.error("%s: %s", chore.name, exc)  # it has our words, and needs no traceback
        return None


def _repeat(work: Callable[[], object], stop: threading.Event, every_s: float, failures: list[BaseException]) -> None:
    wait_s = every_s
    while not stop.is_set():
        try:
            work()
            wait_s = every_s
        except StorageAway as exc:
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            logger.warning("%s; trying again in %.0f s", exc, wait_s)
        except BaseException as exc:
            logger.exception("the scheduler stops")
            failures.append(exc)
            stop.set()
        stop.wait(wait_s)


def _kept(one: CaseWarning, state: WarningState, now: datetime) -> KeptWarning:
    return KeptWarning(
        one.case, one.clock, one.cycle, one.report_seq, one.threshold, state, one.due_since, recorded_at=now
    )


def _passed_over(one: CaseWarning, skipped: Sequence[CaseWarning]) -> list[CaseWarning]:
    """The lighter ones of the same clock."""
    return [other for other in skipped if other.key[:-1] == one.key[:-1]]
