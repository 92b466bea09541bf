"""Which warnings of a case are due, which are passed over, and when to look again: pure, what was sent comes in.

A warning is sent once for its key (case, clock, cycle, report, threshold). Of several that are due for one clock, as
after an outage, the one with the least time to go is sent, unless it was before, and the others are recorded as passed
over. Clocks that have stopped, rest or wait for a verdict warn nobody. In quiet hours nothing is sent of a normal case
unless its clock runs out before they end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from roadwarden.cases.answer import ZERO, CaseAnswer, ClockAnswer, ClockState
from roadwarden.cases.escalation import EscalationPolicy, Recipient, Threshold
from roadwarden.cases.events import Severity
from roadwarden.cases.tables import Words
from roadwarden.cases.warning_texts import warning_text

WarningKey: TypeAlias = tuple[str, str, int, int | None, str]
"""Case, clock, cycle, seq of the report, threshold."""


@dataclass(frozen=True, slots=True)
class CaseWarning:
    """A threshold that a clock has passed."""

    case: str
    clock: str
    cycle: int
    report_seq: int | None
    threshold: str
    severity: Severity
    due_since: datetime  # when the threshold was passed, UTC
    due_at: datetime  # of the clock
    recipients: tuple[Recipient, ...]
    text: Words

    @property
    def key(self) -> WarningKey:
        """What makes it the same warning."""
        return self.case, self.clock, self.cycle, self.report_seq, self.threshold


@dataclass(frozen=True, slots=True)
class _Moment:
    """A threshold of a live clock, with the moment at which it is passed."""

    clock: ClockAnswer
    threshold: Threshold
    passed_at: datetime
    told: bool  # sent or passed over before


def due_warnings(
    answer: CaseAnswer, already: frozenset[WarningKey], policy: EscalationPolicy, now: datetime
) -> tuple[tuple[CaseWarning, ...], tuple[CaseWarning, ...]]:
    """(to send, passed over) at ``now``; keep the keys of both.

    ``answer`` is that of the case at ``now``; ``already`` are the keys that were sent or passed over before. Raises
    ValueError for an answer of a later time.
    """
    if answer.at > now:
        raise ValueError(f"the answer of {answer.case} is of {answer.at}, later than {now}")
    to_send, skipped = [], []
    for moments in _moments(answer, already, policy):
        passed = [one for one in moments if _may_be_sent_from(one, answer, policy, now) <= now]
        due = [one for one in passed if not one.told]
        if due and due[-1] is passed[-1]:  # else the weightiest was sent, and a deadline that moved brought up another
            to_send.append(_warning(due.pop(), answer, policy, now))
        skipped += [_warning(one, answer, policy, now) for one in due]
    return tuple(to_send), tuple(skipped)


def next_warning_at(
    answer: CaseAnswer, already: frozenset[WarningKey], policy: EscalationPolicy, now: datetime
) -> datetime | None:
    """The first moment from ``now`` on at which a warning is due if nothing happens before; None: never.

    So a scheduler that looks then, and after every event of the case, misses none. A park that ends is counted in.
    """
    ahead = (one for moments in _moments(answer, already, policy) for one in moments if not one.told)
    return min((_may_be_sent_from(one, answer, policy, now) for one in ahead), default=None)


def _moments(answer: CaseAnswer, already: frozenset[WarningKey], policy: EscalationPolicy) -> Iterator[list[_Moment]]:
    """For each live clock its thresholds in the order in which they are passed; of two at once the weightier last."""
    for clock in filter(_live, answer.clocks):
        limit = _limit(clock, answer.at)
        found = []
        for threshold in policy.thresholds:
            passed_at = threshold.passed_at(clock.due_at, limit)
            key = (answer.case, clock.clock, clock.cycle, clock.report_seq, threshold.id)
            if passed_at is not None:
                found.append(_Moment(clock, threshold, passed_at, key in already))
        yield sorted(found, key=lambda one: one.passed_at)


def _live(clock: ClockAnswer) -> bool:
    return clock.state in (ClockState.RUNNING, ClockState.PAUSED)


def _limit(clock: ClockAnswer, at: datetime) -> timedelta:
    """The length of the clock without its parks; ``paused`` counts the present one to ``at`` only, due to its end."""
    rest = max(ZERO, clock.counts_until - at) if clock.state is ClockState.PAUSED else ZERO
    return clock.due_at - clock.started_at - clock.paused - rest


def _may_be_sent_from(one: _Moment, answer: CaseAnswer, policy: EscalationPolicy, now: datetime) -> datetime:
    """The first moment from ``now`` on at which the threshold is passed and neither a rest nor the night holds it back.

    What would be sent only when the clock has run out meanwhile is not held back: a warning is no use then.
    """
    moment = max(now, one.passed_at)
    clock = one.clock
    if clock.state is ClockState.PAUSED and clock.remaining >= ZERO:  # late is late, resting or not
        moment = max(moment, clock.counts_until)
    morning = None if policy.quiet is None or answer.severity is Severity.SEVERE else policy.quiet.end_of(moment)
    return moment if morning is None or moment <= clock.due_at <= morning else morning


def _warning(one: _Moment, answer: CaseAnswer, policy: EscalationPolicy, now: datetime) -> CaseWarning:
    severity = answer.severity or Severity.NORMAL
    return CaseWarning(
        case=answer.case,
        clock=one.clock.clock,
        cycle=one.clock.cycle,
        report_seq=one.clock.report_seq,
        threshold=one.threshold.id,
        severity=severity,
        due_since=one.passed_at,
        due_at=one.clock.due_at,
        recipients=policy.recipients(one.clock.clock, severity, one.threshold.id),
        text=warning_text(answer.case, one.clock, severity, one.threshold, policy.zone, now),
    )
