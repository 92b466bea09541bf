"""From which states each event may be recorded; what else it asks for stands in the modules ``record_*``."""

from __future__ import annotations

from typing import Final

from roadwarden.cases.answer import CaseState
from roadwarden.cases.events import EventType

_WORK: Final = frozenset({CaseState.FILED, CaseState.DISPATCHED, CaseState.ACCEPTED, CaseState.UNDER_REPAIR})
_HANDED: Final = _WORK - {CaseState.FILED}
_UNTIL_ASSESSED: Final = _WORK | {CaseState.REPAIR_REPORTED}
_ALIVE: Final = _UNTIL_ASSESSED | {CaseState.ASSESSED, CaseState.CLOSED}

FROM: Final[dict[EventType, frozenset[CaseState]]] = {
    EventType.DISPATCHED: _WORK,
    EventType.ACCEPTED: frozenset({CaseState.DISPATCHED}),
    EventType.REPAIR_STARTED: frozenset({CaseState.DISPATCHED, CaseState.ACCEPTED}),
    EventType.HANDED_BACK: _HANDED,
    EventType.TRANSFERRED: _WORK,
    EventType.SEVERITY_CHANGED: _UNTIL_ASSESSED,
    EventType.EXTENDED: _UNTIL_ASSESSED,
    EventType.PARKED: _UNTIL_ASSESSED,
    EventType.RESUMED: _UNTIL_ASSESSED,
    EventType.ABSORBED: _UNTIL_ASSESSED,
    EventType.RELEASED: _UNTIL_ASSESSED,
    EventType.CLOSED: frozenset({CaseState.ASSESSED}),
    EventType.REOPENED: frozenset({CaseState.CLOSED}),
    EventType.REPAIR_REPORTED: _ALIVE,
    EventType.SELF_HANDLED: _ALIVE,
    EventType.ASSESSED: _ALIVE,
    EventType.EVIDENCE_REQUESTED: _ALIVE,
    EventType.TIME_ACCEPTED: _ALIVE,
    EventType.SAFETY_MEASURE: _ALIVE,
    EventType.VOIDED: _ALIVE,
    EventType.MERGED: _ALIVE,
    EventType.UNMERGED: frozenset({CaseState.MERGED}),
    EventType.FILED: frozenset(),
}
"""A parked case is in the state that it was parked in: parks rest a clock, not the people."""

_WHY: Final[dict[EventType, str]] = {
    EventType.FILED: "the case is filed already",
    EventType.CLOSED: "no report of this cycle is accepted, so the clock has no final stop",
    EventType.REOPENED: "only a closed case can be reopened",
    EventType.UNMERGED: "the case is not merged",
}


def wrong_state(kind: EventType, state: CaseState) -> str | None:
    """Why it cannot be recorded in that state; None if it can."""
    if state in FROM[kind]:
        return None
    if state in (CaseState.VOIDED, CaseState.MERGED):
        return f"the case is {state}"
    if kind is EventType.CLOSED and state is CaseState.CLOSED:
        return "the case is closed already"
    return _WHY.get(kind, f"{kind} is not possible while the case is {state}")
