"""The figures of a period (docs/kpi.md): how much came in, was done, was late, came back, and what was passed around.

Every figure is reckoned from events each time. Nothing that would polish it is left out quietly: what is still open and
late counts as late, parked time is part of a mean, voided and merged cases are counted by themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import fmean

import numpy as np

from roadwarden.cases.answer import ASSESS, REPAIR, CaseState, ClockAnswer, ClockState
from roadwarden.cases.case_facts import CaseFacts, Outcome
from roadwarden.cases.events import Severity
from roadwarden.cases.kpi_values import Branches, Flow, Kpi, OnTime, Period, Response, Rework, Share, VoidBy

_HOUR = timedelta(hours=1)
_OPEN = frozenset({ClockState.RUNNING, ClockState.PAUSED, ClockState.PROVISIONAL})


def reckon(facts: Iterable[CaseFacts], period: Period) -> Kpi:
    """The figures from the facts of all cases that were filed by the end of the period, as of ``period.now``."""
    known = tuple(facts)
    counted = [one for one in known if one.counts]
    cohort = [one for one in counted if one.filed_at in period]
    flow = _flow(known, counted, cohort, period)
    started = [(one, clock) for one in counted for clock in one.clocks if _began(clock, period)]
    repairs = [(one, clock) for one, clock in started if clock.clock == REPAIR]
    normal, severe = (
        [pair for pair in repairs if pair[0].severity is wanted] for wanted in (Severity.NORMAL, Severity.SEVERE)
    )
    grave = [one for one in counted if one.severity is Severity.SEVERE]
    return Kpi(
        period=period,
        flow=flow,
        on_time=_on_time([clock for _, clock in repairs], period),
        on_time_normal=_on_time([clock for _, clock in normal], period),
        on_time_severe=_on_time([clock for _, clock in severe], period),
        response=_response(counted, period),
        response_severe=_response(grave, period),
        assessment=_assessment([clock for _, clock in started if clock.clock == ASSESS]),
        rework=_rework(counted, flow.closed, period),
        branches=_branches(cohort),
        unfinished=Share(flow.closure.whole - flow.closure.part, flow.closure.whole),
    )


def repairs_of(facts: Iterable[CaseFacts], period: Period) -> list[tuple[ClockAnswer, float]]:
    """The repair clocks that finally stopped in the period, with their hours by the wall clock."""
    repairs = (clock for one in facts if one.counts for clock in one.clocks if clock.clock == REPAIR)
    return [
        (clock, (clock.stopped_at - clock.started_at) / _HOUR)
        for clock in repairs
        if clock.state is ClockState.STOPPED and clock.stopped_at is not None and clock.stopped_at in period
    ]


def _flow(
    known: Sequence[CaseFacts], counted: Sequence[CaseFacts], cohort: Sequence[CaseFacts], period: Period
) -> Flow:
    reported = sum(one.filed_at in period for one in known)
    valid = [one for one in cohort if one.state is not CaseState.VOIDED]
    closed = sum(one.state is CaseState.CLOSED for one in valid)
    due = sum(one.state is CaseState.CLOSED or _should_be_closed(one, period.now) for one in valid)
    return Flow(
        reported=reported,
        merged=reported - len(cohort),
        filed=len(cohort),
        closed=sum(moment in period for one in counted for moment in one.closings),
        closure=Share(closed, len(valid)),
        due_closure=Share(closed, due),
    )


def _should_be_closed(case: CaseFacts, now: datetime) -> bool:
    last = _last_repair(case)
    return last.state is ClockState.STOPPED or now > last.due_at


def _last_repair(case: CaseFacts) -> ClockAnswer:
    return [clock for clock in case.clocks if clock.clock == REPAIR][-1]


def _began(clock: ClockAnswer, period: Period) -> bool:
    return clock.started_at in period and clock.state is not ClockState.CANCELLED


def _on_time(clocks: Sequence[ClockAnswer], period: Period) -> OnTime:
    late = [clock for clock in clocks if clock.is_breached]
    approved = [clock for clock in clocks if clock.state is ClockState.STOPPED or clock.is_breached]
    after = {id(clock): _end(clock, period.now) > clock.original_due_at for clock in clocks}
    original = [clock for clock in clocks if clock.state is ClockState.STOPPED or after[id(clock)]]
    return OnTime(
        approved=Share(len(approved) - len(late), len(approved)),
        original=Share(sum(not after[id(clock)] for clock in original), len(original)),
        breached_h=_hours(clock.breached for clock in clocks),
        by_crew_h=_hours(clock.attributed.crew for clock in clocks),
        by_assessor_h=_hours(clock.attributed.assessor for clock in clocks),
    )


def _end(clock: ClockAnswer, now: datetime) -> datetime:
    """What a deadline is compared with: the stop, the report that waits for its verdict, or now."""
    open_ended = clock.state in (ClockState.RUNNING, ClockState.PAUSED)
    return now if open_ended else clock.counts_until


def _response(counted: Sequence[CaseFacts], period: Period) -> Response:
    done = repairs_of(counted, period)
    hours = [taken for _, taken in done]
    repairs = (clock for one in counted for clock in one.clocks if clock.clock == REPAIR)
    waiting = [clock for clock in repairs if clock.state in _OPEN and clock.started_at < period.end]
    ages = [(period.now - clock.started_at) / _HOUR for clock in waiting]
    p50, p90 = np.quantile(hours, [0.5, 0.9]) if hours else (None, None)
    return Response(
        repairs=len(done),
        mean_h=_mean(hours),
        p50_h=None if p50 is None else float(p50),
        p90_h=None if p90 is None else float(p90),
        longest_h=max(hours, default=None),
        mean_net_h=_mean([taken - clock.paused / _HOUR for clock, taken in done]),
        open=len(waiting),
        mean_with_open_h=_mean([*hours, *ages]),
    )


def _assessment(clocks: Sequence[ClockAnswer]) -> Share:
    decided = [clock for clock in clocks if clock.state is ClockState.STOPPED or clock.is_breached]
    return Share(sum(not clock.is_breached for clock in decided), len(decided))


def _rework(counted: Sequence[CaseFacts], closed: int, period: Period) -> Rework:
    reports = [report for one in counted for report in one.reports if report.reported_at in period]
    became = Counter(report.outcome for report in reports)
    reopened = sum(moment in period for one in counted for moment in one.reopenings)
    return Rework(
        reports=len(reports),
        rejected=Share(became[Outcome.REJECTED], became[Outcome.REJECTED] + became[Outcome.ACCEPTED]),
        evidence_requested=became[Outcome.EVIDENCE_REQUESTED],
        reopened=Share(reopened, closed),
    )


def _branches(cohort: Sequence[CaseFacts]) -> Branches:
    void = [one for one in cohort if one.state is CaseState.VOIDED]
    repairs = [clock for one in cohort for clock in one.clocks if clock.clock == REPAIR]
    return Branches(
        parked=Share(sum(one.parks > 0 for one in cohort), len(cohort)),
        parked_h=_hours(clock.paused for clock in repairs),
        void=Share(len(void), len(cohort)),
        void_breached=sum(_last_repair(one).is_breached for one in void),
        voids=_voids(void, cohort),
        bounced=Share(sum(one.bounces > 0 for one in cohort), len(cohort)),
        bounces=sum(one.bounces for one in cohort),
        missed=Share(sum(one.citizen_first for one in cohort), len(cohort)),
    )


def _voids(void: Sequence[CaseFacts], cohort: Sequence[CaseFacts]) -> tuple[VoidBy, ...]:
    by = Counter(one.voided_by for one in void if one.voided_by is not None)
    handled = Counter(actor for one in cohort for actor in one.actors)
    ordered = sorted(by.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(VoidBy(actor, Share(times, handled[actor])) for actor, times in ordered)


def _hours(lengths: Iterable[timedelta]) -> float:
    return sum(lengths, timedelta(0)) / _HOUR


def _mean(hours: Sequence[float]) -> float | None:
    return fmean(hours) if hours else None
