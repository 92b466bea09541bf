"""Whether somebody may do something now: judged by the same fold that judges histories, and by who he is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from roadwarden.cases.clocks import clocks
from roadwarden.cases.events import CaseEvent, EventData, EventType, Filed
from roadwarden.cases.hand_overs import holder
from roadwarden.cases.ordering import history
from roadwarden.cases.permissions import Belongs, Permissions, Person
from roadwarden.cases.policy import ClockPolicies

_MAY_OVERTURN: Final = frozenset({EventType.ASSESSED, EventType.EVIDENCE_REQUESTED})
"""A verdict may take the ground from under what was recorded before: that is what a later verdict is for."""


@dataclass(frozen=True, slots=True)
class Move:
    """What somebody wants to do to a case, before it is a fact."""

    case: str
    type: EventType
    by: Person
    data: EventData
    occurred_at: datetime | None = None  # aware; without it now


def as_event(move: Move, events: Sequence[CaseEvent], now: datetime) -> CaseEvent:
    """The fact that the move would be: the next seq of the case, received now."""
    return CaseEvent(
        case=move.case,
        seq=max((event.seq for event in events), default=0) + 1,
        type=move.type,
        occurred_at=move.occurred_at or now,
        received_at=now,
        actor=move.by.actor,
        role=move.by.role,
        data=move.data,
    )


def why_not(
    move: Move, events: Sequence[CaseEvent], policies: ClockPolicies, now: datetime, permissions: Permissions
) -> str | None:
    """The reason for which the move is refused; None if it may be made.

    ``events``: all of the case, none for a case that is to be filed. The permissions are asked about the person who
    acts; about the approver they are asked with ``Permissions.forbids_approval``, because only the caller knows where
    the approver belongs.
    """
    before = clocks(events, policies, now) if events else None
    refused = {one.seq for one in before.refused} if before else set()
    where = belongs(move, [event for event in events if event.seq not in refused], now)
    if why := permissions.forbids(move.by, move.type, where):
        return why
    event = as_event(move, events, now)
    after = {one.seq: one.why for one in clocks((*events, event), policies, now).refused}
    if event.seq in after:
        return after[event.seq]
    undone = sorted(after.keys() - refused)
    if undone and move.type not in _MAY_OVERTURN:
        return f"dated so that event {undone[0]} would be refused: {after[undone[0]]}"
    return None


def may(
    move: Move, events: Sequence[CaseEvent], policies: ClockPolicies, now: datetime, permissions: Permissions
) -> bool:
    """Whether ``why_not`` has nothing against it."""
    return why_not(move, events, policies, now, permissions) is None


def belongs(move: Move, events: Sequence[CaseEvent], now: datetime) -> Belongs:
    """Area of the filing (of the move itself if it files), and the department and crew that hold the case.

    ``events``: without refused ones.
    """
    if isinstance(move.data, Filed):
        return Belongs(area=move.data.area)
    known = history(events, now)
    if known.filing is None or not isinstance(known.filing.event.data, Filed):
        return Belongs()
    department, crew = holder([placed.event.data for placed in known.later])
    return Belongs(known.filing.event.data.area, department, crew)
