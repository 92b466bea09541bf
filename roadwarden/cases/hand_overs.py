"""Hand-overs between departments, counted and visible: who had the case, who has it now, and who said why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from roadwarden.cases.events import CaseEvent, Dispatched, EventData, EventType, HandedBack, Transferred, format_time


@dataclass(frozen=True, slots=True)
class HandOver:
    """One change of hands. ``before`` is empty at the first dispatch, ``after`` where a department handed back."""

    seq: int  # of the event
    received_at: datetime
    kind: EventType  # DISPATCHED, HANDED_BACK or TRANSFERRED
    before: str
    after: str
    actor: str
    reason: str

    @property
    def is_bounce(self) -> bool:
        """推诿: somebody passed the case on. That a desk sends it out again afterwards is no second bounce."""
        return self.kind in BOUNCES

    def as_json(self) -> dict[str, str | int | bool]:
        """For machines; empty strings as above."""
        return {
            "seq": self.seq,
            "at": format_time(self.received_at),
            "kind": self.kind.value,
            "from": self.before,
            "to": self.after,
            "by": self.actor,
            "reason": self.reason,
            "bounce": self.is_bounce,
        }


BOUNCES = frozenset({EventType.HANDED_BACK, EventType.TRANSFERRED})


def hand_overs(events: Sequence[CaseEvent]) -> tuple[HandOver, ...]:
    """Every change of hands; a dispatch to another crew of the same department is none.

    ``events``: of one case, in their order, without refused ones.
    """
    held, found = "", []
    for event in events:
        after, reason = _passed_to(event, held)
        if event.type in BOUNCES or after != held:
            found.append(HandOver(event.seq, event.received_at, event.type, held, after, event.actor, reason))
        held = after
    return tuple(found)


def bounces(events: Sequence[CaseEvent]) -> int:
    """How often the case was passed on."""
    return sum(event.type in BOUNCES for event in events)


def handed_back_by(events: Sequence[CaseEvent]) -> frozenset[str]:
    """Departments that said the case is not theirs and have not had it dispatched to them again since."""
    refused: set[str] = set()
    for change in hand_overs(events):
        if change.is_bounce and change.before:
            refused.add(change.before)
        refused.discard(change.after)
    return frozenset(refused)


def holder(happened: Iterable[EventData]) -> tuple[str | None, str | None]:
    """The department and the crew that have the case. ``happened``: as ``hand_overs`` wants its events."""
    department: str | None = None
    crew: str | None = None
    for data in happened:
        match data:
            case Dispatched():
                department, crew = data.department, data.crew
            case Transferred():
                department, crew = data.to, None
            case HandedBack():
                department, crew = None, None
    return department, crew


def _passed_to(event: CaseEvent, held: str) -> tuple[str, str]:
    match event.data:
        case Dispatched(department=department, reason=reason):
            return department, reason or ""
        case Transferred(to=to, reason=reason):
            return to, reason
        case HandedBack(reason=reason):
            return "", reason
        case _:
            return held, ""
