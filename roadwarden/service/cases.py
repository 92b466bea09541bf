"""What people and machines do to cases: each command loads the events, lets the workflow judge, and keeps what follows
in one transaction: the event, the row of the lists, the messages to the outside, and the caller's key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from roadwarden.cases.answer import CaseAnswer
from roadwarden.cases.case_projection import row_of
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.clocks import clocks
from roadwarden.cases.events import (
    DATA_OF,
    Absorbed,
    Approver,
    CaseEvent,
    EventData,
    EventType,
    Filed,
    Merged,
    Released,
    Unmerged,
    data_as_json,
    format_time,
)
from roadwarden.cases.permissions import Permissions, Person, shipped_permissions
from roadwarden.cases.policy import ClockPolicies, shipped_clock_policies
from roadwarden.cases.workflow import Move, as_event, belongs, why_not
from roadwarden.errors import NotAllowed, StaleCase, UnknownCase
from roadwarden.service import case_messages
from roadwarden.storage.case_commands import DoneCommand
from roadwarden.storage.case_unit import CaseUnit, reading, writing

_TYPE_OF: Mapping[type[EventData], EventType] = {data: kind for kind, data in DATA_OF.items()}


CLOCKS_DIFFER = timedelta(minutes=5)
"""What a reporter's clock may be ahead of ours."""


def utc_now() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Ask:
    """How a command is meant, apart from what it says."""

    key: str | None = None  # the caller's idempotency key: the same once more does nothing more
    expected_version: int | None = None  # of the case as the caller saw it
    occurred_at: datetime | None = None  # by the actor's clock; None: now
    approver_areas: frozenset[str] = frozenset({"*"})  # of whoever approved; ``*``: all of them


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a command."""

    row: CaseRow  # as the case stands now
    events: tuple[CaseEvent, ...]  # that were added to it; none where the key was used before

    @property
    def repeated(self) -> bool:
        """Whether it had been done already."""
        return not self.events


PLAIN = Ask()


@dataclass(frozen=True, slots=True)
class CaseDesk:
    """The use cases, on one database. Raises CaseError for what cannot be done, StorageAway if the database is away.

    A StaleCase is for the caller: look again, decide again. After a StorageAway nobody knows whether the command was
    kept; repeat it with the same key.
    """

    engine: Engine
    policies: ClockPolicies = field(default_factory=shipped_clock_policies)
    permissions: Permissions = field(default_factory=shipped_permissions)
    now: Callable[[], datetime] = utc_now

    def file(self, who: Person, data: Filed, ask: Ask = PLAIN, case: str | None = None) -> Done:
        """立案. ``case``: its name; without one it gets the year and the next number of it."""

        def act(unit: CaseUnit, now: datetime) -> Done:
            if data.first_seen_at is not None and data.first_seen_at > now + CLOCKS_DIFFER:
                raise NotAllowed(
                    f"first seen at {format_time(data.first_seen_at)}, which is yet to come; correct the time"
                )
            name = case or _free_name(unit, now)
            if unit.events.version(name):
                raise NotAllowed(f"there is a case {name} already; name the new one otherwise")
            return self._add(unit, who, name, data, ask, now)

        return self._once(ask, asked_of("file", who, case or "", data, ask), act)

    def record(self, who: Person, case: str, data: EventData, ask: Ask = PLAIN) -> Done:
        """Anything else that happens to one case: the type of the event is that of its data."""
        if isinstance(data, Filed | Absorbed | Released | Merged | Unmerged):
            raise NotAllowed(f"{_TYPE_OF[type(data)]} has a command of its own: file, merge or unmerge")

        def act(unit: CaseUnit, now: datetime) -> Done:
            return self._add(unit, who, case, data, ask, now)

        return self._once(ask, asked_of("record", who, case, data, ask), act)

    def decide(
        self, who: Person, case: str, rule: str, choose: Callable[[CaseUnit, datetime], EventData], ask: Ask = PLAIN
    ) -> Done:
        """As ``record``, with data that ``rule`` chooses from what is kept, in the transaction that keeps it.

        Under a key it is the rule that is asked for, whatever it would choose by now.
        """

        def act(unit: CaseUnit, now: datetime) -> Done:
            return self._add(unit, who, case, choose(unit, now), ask, now)

        return self._once(ask, asked_of(rule, who, case, None, ask), act)

    def decide_all(
        self,
        case: str,
        rule: str,
        choose: Callable[[CaseUnit, datetime], Sequence[tuple[Person, EventData]]],
        ask: Ask = PLAIN,
    ) -> Done:
        """Several events of one case, each by whom ``choose`` says, kept together or not at all; at least one."""

        def act(unit: CaseUnit, now: datetime) -> Done:
            _require_version(case, unit.events.version(case), ask)
            steps, plain = choose(unit, now), Ask(occurred_at=ask.occurred_at)
            done = [self._add(unit, who, case, data, plain, now) for who, data in steps]
            return Done(done[-1].row, tuple(event for one in done for event in one.events))

        return self._once(ask, json.dumps({"command": rule, "case": case}, ensure_ascii=False), act)

    def merge(self, who: Person, case: str, into: str, ask: Ask = PLAIN) -> Done:
        """Two cases of one hole: ``case`` ends, ``into`` takes its start, severity and deadline where they bind more.

        Returns how the survivor stands; ``expected_version`` is the survivor's.
        """
        if case == into:
            raise NotAllowed(f"case {case} cannot be merged into itself")

        def act(unit: CaseUnit, now: datetime) -> Done:
            gone = self._answer(unit, case, now)
            if gone.filed_at is None or gone.severity is None:
                raise NotAllowed(f"case {case} is not filed and has nothing to bring along")
            brought = Absorbed(case, gone.filed_at, gone.severity, gone.repair.due_at)
            self._add(unit, who, case, Merged(into), Ask(occurred_at=ask.occurred_at), now)
            return self._add(unit, who, into, brought, ask, now)

        return self._once(ask, asked_of("merge", who, case, Merged(into), ask), act)

    def unmerge(self, who: Person, case: str, ask: Ask = PLAIN) -> Done:
        """Undoes a merge on both sides. Returns how ``case`` stands, which lives again."""

        def act(unit: CaseUnit, now: datetime) -> Done:
            merges = [event.data for event in unit.events.of(case) if isinstance(event.data, Merged)]
            if not merges:
                raise NotAllowed(f"case {case} was never merged into another")
            done = self._add(unit, who, case, Unmerged(), ask, now)
            self._add(unit, who, merges[-1].into, Released(case), Ask(occurred_at=ask.occurred_at), now)
            return done

        return self._once(ask, asked_of("unmerge", who, case, Unmerged(), ask), act)

    def answer(self, case: str, at: datetime | None = None) -> CaseAnswer:
        """What the clocks of a case say, now or at another time. Raises UnknownCase."""
        with reading(self.engine) as unit:
            return self._answer(unit, case, at or self.now())

    def events(self, case: str) -> tuple[CaseEvent, ...]:
        """Everything that happened to a case, in the order in which it was kept. Raises UnknownCase."""
        with reading(self.engine) as unit:
            return _known(unit, case)

    def row(self, case: str) -> CaseRow:
        """How a case stands now. Raises UnknownCase."""
        with reading(self.engine) as unit:
            row = unit.rows.get(case)
        if row is None:
            raise UnknownCase(no_such_case(case))
        return row.at(self.now())

    def _once(self, ask: Ask, asked: str, act: Callable[[CaseUnit, datetime], Done]) -> Done:
        with writing(self.engine) as unit:
            now = self.now()
            if ask.key and (done := unit.commands.done(ask.key, asked)):
                row = unit.rows.get(done.case)
                if row is None:
                    raise UnknownCase(no_such_case(done.case))
                return Done(row.at(now), ())
            result = act(unit, now)
            if ask.key:
                unit.commands.put(ask.key, asked, DoneCommand(result.row.case_id, result.row.version), now)
            return result

    def _answer(self, unit: CaseUnit, case: str, now: datetime) -> CaseAnswer:
        return clocks(_known(unit, case), self.policies, now)

    def _add(self, unit: CaseUnit, who: Person, case: str, wish: EventData, ask: Ask, now: datetime) -> Done:
        known = unit.events.of(case)
        _require_version(case, len(known), ask)
        if not known and not isinstance(wish, Filed):
            raise UnknownCase(no_such_case(case))
        at = max([now, *(event.received_at for event in known)])  # the server's clock may have been set back
        move = Move(case, _TYPE_OF[type(wish)], who, wish, ask.occurred_at)
        self._judge(move, known, ask, at)
        event = as_event(move, known, at)
        unit.events.append(case, [event], after=len(known), recorded_at=now)
        row = settle(unit, case, (*known, event), self.policies, now)
        if row is None:
            raise NotAllowed(f"case {case} is not filed")
        before = clocks(known, self.policies, at) if known else None
        after = clocks((*known, event), self.policies, at)
        restated = case_messages.of_restated(event, before, after, now)
        unit.outbox.put([case_messages.of_event(event, row, now), *restated])
        return Done(row.at(now), (event,))

    def _judge(self, move: Move, known: Sequence[CaseEvent], ask: Ask, at: datetime) -> None:
        why = why_not(move, known, self.policies, at, self.permissions) or self._approval(move, known, ask, at)
        if why:
            raise NotAllowed(f"case {move.case}: {move.type} by {move.by.actor} is refused: {why}")

    def _approval(self, move: Move, known: Sequence[CaseEvent], ask: Ask, at: datetime) -> str | None:
        """Why the approver may not approve it; None where he may, or none is named."""
        approver = getattr(move.data, "approved_by", None)
        if not isinstance(approver, Approver):
            return None
        if approver.role is None:
            return f"in what role does {approver.actor} approve? Write it as NAME:ROLE"
        person = Person(approver.actor, approver.role, ask.approver_areas)
        refused = {one.seq for one in clocks(known, self.policies, at).refused}
        where = belongs(move, [event for event in known if event.seq not in refused], at)
        return self.permissions.forbids_approval(person, move.type, where)


def _require_version(case: str, version: int, ask: Ask) -> None:
    if ask.expected_version is not None and ask.expected_version != version:
        raise StaleCase(
            f"case {case} is at version {version}, not {ask.expected_version}: somebody was faster; look at it again "
            "and repeat"
        )


def settle(
    unit: CaseUnit, case: str, events: Sequence[CaseEvent], policies: ClockPolicies, now: datetime
) -> CaseRow | None:
    """Writes how a case stands, and has the scheduler look at it; None where nothing files it."""
    row = row_of(events, policies)
    if row is not None:
        unit.rows.put([row])
        unit.warnings.watch({case: now if row.is_open else None})
    return row


def _free_name(unit: CaseUnit, now: datetime) -> str:
    """The year and the next number of it that no import has taken."""
    while unit.events.version(name := f"{now.year}-{unit.events.next_number(str(now.year)):06d}"):
        pass
    return name


def _known(unit: CaseUnit, case: str) -> tuple[CaseEvent, ...]:
    if not (events := unit.events.of(case)):
        raise UnknownCase(no_such_case(case))
    return events


def no_such_case(case: str) -> str:
    """What is said of a case that is not there, and of one that whoever asks may not see."""
    return f"there is no case {case}; 'roadwarden case list' shows those there are"


def asked_of(command: str, who: Person, case: str, data: EventData | None, ask: Ask = PLAIN) -> str:
    """What a key stands for; the same wish sent again says the same."""
    told: dict[str, Any] = {"command": command, "who": who.actor, "role": who.role.value, "case": case}
    if data is not None:
        told |= {"type": _TYPE_OF[type(data)].value, "data": data_as_json(data)}
    told |= {"occurred_at": None if ask.occurred_at is None else ask.occurred_at.isoformat()}
    return json.dumps(told, sort_keys=True, ensure_ascii=False)
