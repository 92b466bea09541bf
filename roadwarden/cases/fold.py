"""The fold over a case's events: what is refused changes nothing, what is rejected was never there.

Reports, verdicts, closings and re-openings are folded alone at first, to learn which reports are rejected in the end;
then everything, without those: a report that turns out to be false ends no park, blocks no extension, closes no case.
Both foldings give the same verdicts, which the tests hold as a property: what a verdict, a report, a void, a merger or
a re-opening asks for depends on nothing that a rejected report could have blocked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from roadwarden.cases import record_dues, record_merges, record_reports, record_work
from roadwarden.cases.answer import Refusal
from roadwarden.cases.approval import RolesOf, roles_of
from roadwarden.cases.events import EventType, Filed
from roadwarden.cases.fold_state import CaseFold
from roadwarden.cases.ordering import Flag, History, Note, Placed
from roadwarden.cases.policy import ClockPolicies
from roadwarden.cases.reports import rejected
from roadwarden.cases.roles import never_records
from roadwarden.cases.workflow_states import wrong_state

Recorder = Callable[[CaseFold, Placed], str | None]
_RECORDERS: Final[dict[EventType, Recorder]] = {
    kind: module_record
    for types, module_record in (
        (record_work.TYPES, record_work.record),
        (record_reports.TYPES, record_reports.record),
        (record_dues.TYPES, record_dues.record),
        (record_merges.TYPES, record_merges.record),
    )
    for kind in types
}
_DECIDE_REPORTS: Final = record_reports.TYPES | {EventType.VOIDED, EventType.MERGED}


def fold(known: History, policies: ClockPolicies) -> CaseFold | None:
    """The case as its events left it; None without a filing that counts."""
    if known.filing is None:
        return None
    people = roles_of(one.event for one in (known.filing, *known.later))
    undone = record_merges.undone(known.later)
    later = [one for one in known.later if one.seq not in undone.gone | undone.repeated]
    about_reports = [one for one in later if one.event.type in _DECIDE_REPORTS]
    first = _fold_once(known.filing, about_reports, policies, people, frozenset())
    false = frozenset(seq for cycle in first.cycles for seq in rejected(cycle.reports))
    case = _fold_once(known.filing, later, policies, people, false)
    case.refused.extend(Refusal(seq, "the case was merged so already") for seq in undone.repeated)
    return case


def _fold_once(
    filing: Placed, later: Sequence[Placed], policies: ClockPolicies, people: RolesOf, false: frozenset[int]
) -> CaseFold:
    case = _file(filing, policies, people, false)
    for placed in later:
        if why := record(case, placed):
            case.refused.append(Refusal(placed.seq, why))
    return case


def _file(filing: Placed, policies: ClockPolicies, people: RolesOf, false: frozenset[int]) -> CaseFold:
    data = filing.event.data
    if not isinstance(data, Filed):
        raise TypeError(f"{filing.event.type} files no case")
    known = data.policy is None or policies.knows(data.policy)
    policy = policies.at_filing(filing.at, data.policy if known else None)
    case = CaseFold(filing, data, policy, data.severity, people, false)
    if not known:
        why = f"there is no policy {data.policy!r}; judged by {policy.id}, which was valid at filing"
        case.notes.append(Note(filing.seq, Flag.UNKNOWN_POLICY, why))
    case.open_cycle(filing.at)
    return case


def record(case: CaseFold, placed: Placed) -> str | None:
    """Folds one event into the case, or says why it is refused; then the case is as before."""
    event = placed.event
    why = never_records(event.role, event.type) or wrong_state(event.type, case.state)
    return why or _RECORDERS[event.type](case, placed)
