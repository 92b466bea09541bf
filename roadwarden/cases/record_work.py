"""How events of the work itself are folded: dispatch, acceptance, start, hand-back, transfer, safety."""

from __future__ import annotations

from typing import Final

from roadwarden.cases.answer import CaseState
from roadwarden.cases.events import EventType
from roadwarden.cases.fold_state import CaseFold
from roadwarden.cases.ordering import Placed
from roadwarden.cases.policy import Stage

_LEADS_TO: Final = {
    EventType.DISPATCHED: CaseState.DISPATCHED,  # sent out again, it has to be accepted again
    EventType.ACCEPTED: CaseState.ACCEPTED,
    EventType.REPAIR_STARTED: CaseState.UNDER_REPAIR,
    EventType.HANDED_BACK: CaseState.FILED,
}
_ANSWERS: Final = frozenset({EventType.ACCEPTED, EventType.REPAIR_STARTED, EventType.HANDED_BACK})
"""What answers a dispatch: who starts has accepted."""

TYPES: Final = frozenset({*_LEADS_TO, EventType.TRANSFERRED, EventType.SAFETY_MEASURE})


def record(case: CaseFold, placed: Placed) -> None:
    """None of these touches the repair clock; a transfer is counted elsewhere (``hand_overs``)."""
    cycle, kind = case.cycle, placed.event.type
    cycle.work = _LEADS_TO.get(kind, cycle.work)
    cycle.safe = cycle.safe or kind is EventType.SAFETY_MEASURE
    if kind is EventType.DISPATCHED:
        cycle.stages[Stage.DISPATCH].stop(placed.at)
        cycle.stages[Stage.ACCEPT].start(placed.at)
    if kind in _ANSWERS:
        cycle.stages[Stage.ACCEPT].stop(placed.at)
