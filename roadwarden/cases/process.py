"""How cases flow: the workflow as it is designed and as it is lived, how long cases stay where, who passes them on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from roadwarden.cases.answer import CaseState
from roadwarden.cases.event_types import EventType
from roadwarden.cases.hand_overs import BOUNCES
from roadwarden.cases.kpi_values import Period, Share
from roadwarden.cases.walks import LEADS_TO, REPORTS, VERDICTS, Walk
from roadwarden.cases.workflow_states import FROM

_HOUR = timedelta(hours=1)
ENDS = frozenset({CaseState.CLOSED, CaseState.VOIDED})
STATES = (
    *(CaseState.FILED, CaseState.DISPATCHED, CaseState.ACCEPTED, CaseState.UNDER_REPAIR),
    *(CaseState.REPAIR_REPORTED, CaseState.ASSESSED, CaseState.CLOSED, CaseState.VOIDED),
)
"""In the order of the straight way."""


@dataclass(frozen=True, slots=True, order=True)
class Arrow:
    """From one state to another by an event."""

    start: CaseState
    by: EventType
    end: CaseState


@dataclass(frozen=True, slots=True)
class Times:
    """Of durations, hours by the wall clock; None of none."""

    count: int
    mean_h: float | None
    p50_h: float | None
    p90_h: float | None


@dataclass(frozen=True, slots=True)
class Flow:
    """How often cases went along an arrow, and how long they had been where it starts."""

    arrow: Arrow
    times: Times


@dataclass(frozen=True, slots=True)
class Stay:
    """A state: how often it was entered, how long it lasted where it was left, who is there still."""

    state: CaseState
    entered: int
    left: Times
    there: int  # at ``now``
    oldest_h: float | None  # of those that are there, since they came; None where none is, or where it is an end


@dataclass(frozen=True, slots=True)
class Passed:
    """推诿: cases that one department passed on, to whom they went next, and how long that took."""

    before: str  # empty: nobody had it
    after: str  # empty: nobody has it yet
    times: Times  # from the hand-back or transfer to the next department; a transfer takes none


@dataclass(frozen=True, slots=True)
class Process:
    """Of the cases filed in a period that are not merged, as of ``period.now``."""

    period: Period
    filed: int
    flows: tuple[Flow, ...]
    stays: tuple[Stay, ...]
    passed: tuple[Passed, ...]
    bounces: int
    bounced: Share
    parked: Share
    reworked: Share  # cases whose work was sent back at least once, by a verdict or by opening them again
    rejected: int  # verdicts that sent work back
    reopened: int
    void: Share
    closed: Share  # of the filed that are not void
    straight: Share  # cases that never went back, among those that are closed
    refused: tuple[tuple[EventType, str, int], ...]  # what was tried and not allowed, how often; the most first


def designed() -> frozenset[Arrow]:
    """Every arrow that the workflow allows: from the table by which the fold itself refuses."""
    arrows = set[Arrow]()
    for kind, starts in FROM.items():
        for start in starts & set(STATES):
            arrows |= {Arrow(start, kind, end) for end in _ends(start, kind) if end is not start}
    return frozenset(arrows)


def _ends(start: CaseState, kind: EventType) -> frozenset[CaseState]:
    """Where an event may lead from a state."""
    decided = start in (CaseState.ASSESSED, CaseState.CLOSED)
    if kind in LEADS_TO:
        return frozenset({LEADS_TO[kind]})
    if kind in REPORTS:
        return frozenset({start if decided else CaseState.REPAIR_REPORTED})
    if kind in VERDICTS:
        work = {CaseState.FILED, CaseState.DISPATCHED, CaseState.ACCEPTED, CaseState.UNDER_REPAIR}
        return frozenset({CaseState.ASSESSED, CaseState.REPAIR_REPORTED, *work})
    return frozenset({start})


def process(walks: Iterable[Walk], period: Period) -> Process:
    """Counts the walks of the cases that were filed in the period."""
    known = [one for one in walks if one.filed_at in period]
    void = [one for one in known if one.state is CaseState.VOIDED]
    closed = [one for one in known if one.state is CaseState.CLOSED]
    back = [one for one in known if one.rejected or EventType.REOPENED in one.happened]
    return Process(
        period=period,
        filed=len(known),
        flows=_flows(known),
        stays=tuple(_stay(known, state, period.now) for state in STATES),
        passed=_passed(known),
        bounces=sum(_bounces(one) for one in known),
        bounced=Share(sum(_bounces(one) > 0 for one in known), len(known)),
        parked=Share(sum(EventType.PARKED in one.happened for one in known), len(known)),
        reworked=Share(len(back), len(known)),
        rejected=sum(one.rejected for one in known),
        reopened=sum(one.happened.count(EventType.REOPENED) for one in known),
        void=Share(len(void), len(known)),
        closed=Share(len(closed), len(known) - len(void)),
        straight=Share(sum(_straight(one) for one in closed), len(closed)),
        refused=_refused(known),
    )


def times(hours: Sequence[float]) -> Times:
    """Their number, mean and quantiles, linear between neighbours."""
    if not hours:
        return Times(0, None, None, None)
    p50, p90 = np.quantile(hours, [0.5, 0.9]).tolist()
    return Times(len(hours), float(np.mean(hours)), p50, p90)


def _flows(known: Sequence[Walk]) -> tuple[Flow, ...]:
    hours: dict[Arrow, list[float]] = defaultdict(list)
    for one in known:
        for before, after in pairwise(one.steps):
            hours[Arrow(before.state, after.by, after.state)].append((after.at - before.at) / _HOUR)
    order = {state: place for place, state in enumerate(STATES)}
    told = sorted(hours, key=lambda arrow: (order[arrow.start], order[arrow.end], arrow.by))
    return tuple(Flow(arrow, times(hours[arrow])) for arrow in told)


def _stay(known: Sequence[Walk], state: CaseState, now: datetime) -> Stay:
    left = [
        (after.at - before.at) / _HOUR
        for one in known
        for before, after in pairwise(one.steps)
        if before.state is state
    ]
    there = [one.steps[-1] for one in known if one.state is state]
    oldest = None if state in ENDS or not there else (now - min(step.at for step in there)) / _HOUR
    return Stay(state, len(left) + len(there), times(left), len(there), oldest)


def _passed(known: Sequence[Walk]) -> tuple[Passed, ...]:
    hours: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in known:
        for place, hand in enumerate(one.hands):
            if hand.is_bounce:
                later = [x for x in one.hands[place:] if x.after]
                after, at = (later[0].after, later[0].received_at) if later else ("", hand.received_at)
                hours[hand.before, after].append((at - hand.received_at) / _HOUR)
    told = sorted(hours.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return tuple(Passed(before, after, times(taken)) for (before, after), taken in told)


def _bounces(one: Walk) -> int:
    return sum(kind in BOUNCES for kind in one.happened)


def _straight(one: Walk) -> bool:
    """Never back to an earlier state, and never passed on."""
    order = [STATES.index(step.state) for step in one.steps]
    return order == sorted(order) and not _bounces(one)


def _refused(known: Sequence[Walk]) -> tuple[tuple[EventType, str, int], ...]:
    count = Counter((attempt.type, _general(attempt.why)) for one in known for attempt in one.refused)
    told = sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple((kind, why, number) for (kind, why), number in told)


def _general(why: str) -> str:
    """The reason without the number of a report."""
    return " ".join("N" if word.isdigit() else word for word in why.split())
