"""Which warnings of a case are due, which are passed over, and when to look again: pure, what was sent comes in.

A warning is sent once for its key (case, clock, cycle, report, threshold). Of several that are due for one clock, as
after an outage, the weightiest is sent and the others are recorded as passed over. Clocks that have stopped, rest or
wait for a verdict warn nobody. In quiet hours nothing is sent of a normal case unless its clock runs out before they
end.
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
class _Ahead:
    """A threshold of a live clock that nobody was warned of."""

    clock: ClockAnswer
    threshold: Threshold
    weight: int
    passed_at: datetime


def due_warnings(
    answer: CaseAnswer, already: frozenset[WarningKey], policy: EscalationPolicy, now: datetime
) -> tuple[tuple[CaseWarning, ...], tuple[CaseWarning, ...]]:
    """(to send, passed over) at ``now``; keep the keys of both.

    ``answer`` is that of the case at ``now``; ``already`` are the keys that were sent or passed over before. Raises
    ValueError for an answer of a later time.
    """
    if answer.at > now:
        raise ValueError(f"the answer of {answer.case} is of {answer.at}, later than {now}")
    passed: dict[tuple[str, int, int | None], list[_Ahead]] = {}
    for one in _ahead(answer, already, policy):
        if _may_be_sent_from(one, answer, policy, now) <= now:
            passed.setdefault((one.clock.clock, one.clock.cycle, one.clock.report_seq), []).append(one)
    to_send, skipped = [], []
    for due in passed.values():
        due.sort(key=lambda one: one.weight)
        skipped += [_warning(one, answer, policy, now) for one in due[:-1]]
        to_send.append(_warning(due[-1], answer, policy, now))
    return tuple(to_send), tuple(skipped)


def next_warning_at(
    answer: CaseAnswer, already: frozenset[WarningKey], policy: EscalationPolicy, now: datetime
) -> datetime | None:
    """The first moment from ``now`` on at which a warning is due if nothing happens before; None: never.

    So a scheduler that looks then, and after every event of the case, misses none. A park that ends is counted in.
    """
    ahead = _ahead(answer, already, policy)
    return min((_may_be_sent_from(one, answer, policy, now) for one in ahead), default=None)


def _ahead(answer: CaseAnswer, already: frozenset[WarningKey], policy: EscalationPolicy) -> Iterator[_Ahead]:
    for clock in answer.clocks:
        if not _live(clock):
            continue
        limit = _limit(clock, answer.at)
        for weight, threshold in enumerate(policy.thresholds):
            passed_at = threshold.passed_at(clock.due_at, limit)
            key = (answer.case, clock.clock, clock.cycle, clock.report_seq, threshold.id)
            if passed_at is not None and key not in already:
                yield _Ahead(clock, threshold, weight, passed_at)


def _live(clock: ClockAnswer) -> bool:
    return clock.state in (ClockState.RUNNING, ClockState.PAUSED)


def _limit(clock: ClockAnswer, at: datetime) -> timedelta:
    """The length of the clock without its parks; ``paused`` counts the present one to ``at`` only, due to its end."""
    rest = max(ZERO, clock.counts_until - at) if clock.state is ClockState.PAUSED else ZERO
    return clock.due_at - clock.started_at - clock.paused - rest


def _may_be_sent_from(one: _Ahead, answer: CaseAnswer, policy: EscalationPolicy, now: datetime) -> datetime:
    """The first moment from ``now`` on at which the threshold is passed and neither a rest nor the night holds it back.

    What would be sent only when the clock has run out meanwhile is not held back: a warning is no use then.
    """
    moment = max(now, one.passed_at)
    clock = one.clock
    if clock.state is ClockState.PAUSED and clock.remaining >= ZERO:  # late is late, resting or not
        moment = max(moment, clock.counts_until)
    morning = None if policy.quiet is None or answer.severity is Severity.SEVERE else policy.quiet.end_of(moment)
    return moment if morning is None or moment <= clock.due_at <= morning else morning


def _warning(one: _Ahead, answer: CaseAnswer, policy: EscalationPolicy, now: datetime) -> CaseWarning:
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
