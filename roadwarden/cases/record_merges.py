"""How void and merge are folded; what was undone is not folded at all (``undone``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from roadwarden.cases.answer import CaseState
from roadwarden.cases.approval import doubt, not_approved
from roadwarden.cases.dues import Brought
from roadwarden.cases.events import Absorbed, EventType, Merged, Released, Severity, Voided
from roadwarden.cases.fold_state import CaseFold
from roadwarden.cases.ordering import Placed
from roadwarden.cases.roles import never_records

TYPES: Final = frozenset(
    {EventType.VOIDED, EventType.ABSORBED, EventType.RELEASED, EventType.MERGED, EventType.UNMERGED}
)

_MERGERS: Final = frozenset({EventType.ABSORBED, EventType.MERGED})
_UNDOING: Final = frozenset({EventType.RELEASED, EventType.UNMERGED})


def record(case: CaseFold, placed: Placed) -> str | None:
    """Why it is refused; None if it was folded."""
    match placed.event.data:
        case Voided() as data:
            return _void(case, placed, data)
        case Merged() as data:
            return _merge(case, placed, data)
        case Absorbed() as data:
            return _absorb(case, placed, data)
        case Released(case=other):
            return f"{other} is not absorbed"  # what was is left out with its release before the fold
    return None


@dataclass(frozen=True, slots=True)
class Undone:
    """Mergers that were undone."""

    gone: frozenset[int]
    """Seqs of the mergers and of what undid them: both are as if they had never been."""
    repeated: frozenset[int]
    """Seqs that told such a merger once more: refused, or they would outlive its undoing."""


def undone(placed: Sequence[Placed]) -> Undone:
    """Pairs ``released`` with the ``absorbed`` of the same case, and ``unmerged`` with ``merged``, in their order."""
    gone: set[int] = set()
    repeated: set[int] = set()
    standing: dict[str | None, list[int]] = {}  # by absorbed case; None: merged
    for one in placed:
        if never_records(one.event.role, one.event.type):
            continue
        other = one.event.data.case if isinstance(one.event.data, Absorbed | Released) else None
        if one.event.type in _MERGERS:
            standing.setdefault(other, []).append(one.seq)
        elif one.event.type in _UNDOING and other in standing:
            first, *again = standing.pop(other)
            gone.update((first, one.seq))
            repeated.update(again)
    return Undone(frozenset(gone), frozenset(repeated))


def _void(case: CaseFold, placed: Placed, data: Voided) -> str | None:
    """Cancels the clocks of the present cycle and freezes what was breached."""
    if why := not_approved(placed.event, data.approved_by, case.known_roles):
        return why
    if note := doubt(placed.event, data.approved_by, case.known_roles):
        case.notes.append(note)
    case.over, case.cycle.cancelled_at = CaseState.VOIDED, placed.at
    return None


def _merge(case: CaseFold, placed: Placed, data: Merged) -> str | None:
    """The other case goes on; this one's clocks are cancelled."""
    if data.into == placed.event.case:
        return "a case cannot be merged into itself"
    case.over, case.into, case.cycle.cancelled_at = CaseState.MERGED, data.into, placed.at
    return None


def _absorb(case: CaseFold, placed: Placed, data: Absorbed) -> str | None:
    """The earliest filing, the highest severity and the earlier due are kept."""
    if data.case == placed.event.case:
        return "a case cannot absorb itself"
    if data.case in case.absorbed:
        return f"{data.case} is absorbed already"
    case.absorbed.add(data.case)
    case.cycle.moves.append(Brought(data.filed_at, data.due_at))
    if data.severity is Severity.SEVERE:
        case.severity = Severity.SEVERE
    return None
