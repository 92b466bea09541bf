"""``clocks``: what the clocks of a case say at a moment, reckoned from its events each time (docs/clocks.md)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from roadwarden.cases.answer import CaseAnswer, ClockAnswer, Refusal
from roadwarden.cases.assess_clock import assess_clock, overdue
from roadwarden.cases.events import CaseEvent
from roadwarden.cases.fold import fold
from roadwarden.cases.fold_state import CaseFold, Cycle
from roadwarden.cases.intervals import union
from roadwarden.cases.ordering import History, history
from roadwarden.cases.policy import ClockPolicies
from roadwarden.cases.repair_clock import repair_clock
from roadwarden.cases.stage_clocks import stage_clocks
from roadwarden.errors import DataError


def clocks(events: Iterable[CaseEvent], policies: ClockPolicies, now: datetime) -> CaseAnswer:
    """The answer about one case from the events that were received by ``now`` (aware), in whatever order they come.

    Raises DataError for no event at all, events of two cases, or one seq that says two things.
    """
    events = tuple(events)
    if not events:
        raise DataError("no event, so no case to answer for")
    known = history(events, now)
    folded = fold(known, policies)
    return _unfiled(events[0].case, known, now) if folded is None else answer(folded, known, now)


def answer(case: CaseFold, known: History, now: datetime) -> CaseAnswer:
    """Of a folded case."""
    notes = sorted((*known.notes, *case.notes), key=lambda note: (note.seq, note.flag))
    return CaseAnswer(
        case=case.filing.event.case,
        at=now,
        state=case.state_at(now),
        policy=case.policy.id,
        severity=case.severity,
        cycle=case.cycle.number,
        filed_at=case.filing.at,
        first_seen_at=case.filed.first_seen_at,
        notes=tuple(notes),
        refused=tuple(sorted(case.refused, key=lambda one: one.seq)),
        clocks=tuple(clock for cycle in case.cycles for clock in _of_cycle(cycle, now)),
    )


def _of_cycle(cycle: Cycle, now: datetime) -> tuple[ClockAnswer, ...]:
    assess = tuple(assess_clock(cycle, report, now) for report in cycle.reports)
    late = union(overdue(clock) for clock in assess)
    return repair_clock(cycle, late, now), *assess, *stage_clocks(cycle, now)


def _unfiled(case: str, known: History, now: datetime) -> CaseAnswer:
    """Nothing is known of the case by then, or only what came before its filing."""
    refused = tuple(Refusal(seq, "the case is not filed") for seq in sorted(one.seq for one in known.later))
    return CaseAnswer(case, now, None, None, None, 0, None, None, known.notes, refused, ())
