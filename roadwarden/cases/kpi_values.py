"""What the figures of a period are made of: the period, shares, and the figures themselves (docs/kpi.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MEAN_AT_MOST_H = 48.0
"""The brief: the mean from filing to repair, apart from the 48 h that each case has."""


@dataclass(frozen=True, slots=True)
class Period:
    """Half open, aware; ``now`` is when the figures are drawn: later messages are not known then."""

    start: datetime
    end: datetime
    now: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None or self.now.tzinfo is None:
            raise ValueError("a period of times without a time zone")
        if self.start >= self.end:
            raise ValueError(f"a period from {self.start} to {self.end} is empty")

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """0..1; None of nothing."""
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Flow:
    """What came in and was closed; cases."""

    reported: int  # merged ones too: each was a report
    merged: int
    filed: int
    closed: int  # closings in the period, whenever filed
    closure: Share  # of the filed that are not void, closed by now
    due_closure: Share  # 结案率: of those that should be closed by now


@dataclass(frozen=True, slots=True)
class OnTime:
    """Repair clocks that began in the period and are decided: stopped, or late while open."""

    approved: Share  # with extensions
    original: Share
    breached_h: float
    by_crew_h: float
    by_assessor_h: float


@dataclass(frozen=True, slots=True)
class Response:
    """Filing to repair, of repairs of the period, hours by the wall clock; None where there was none."""

    repairs: int
    mean_h: float | None
    p50_h: float | None
    p90_h: float | None
    longest_h: float | None
    mean_net_h: float | None  # parks taken off
    open: int
    mean_with_open_h: float | None  # open ones with their age: the least that the mean will be

    @property
    def mean_met(self) -> bool | None:
        """Whether the mean keeps the promise of 48 h; None where nothing was repaired."""
        return None if self.mean_h is None else self.mean_h <= MEAN_AT_MOST_H


@dataclass(frozen=True, slots=True)
class Rework:
    """Repair reports of the period, and what was opened again."""

    reports: int
    rejected: Share  # of the judged: not repaired, in part, or the wrong thing
    evidence_requested: int  # stands on so many; they are not judged
    reopened: Share  # of the closings

    @property
    def rework(self) -> int:
        """Rejected reports and re-openings."""
        return self.rejected.part + self.reopened.part


@dataclass(frozen=True, slots=True)
class VoidBy:
    """Cases that one person voided, of those in which he did anything."""

    actor: str
    voids: Share


@dataclass(frozen=True, slots=True)
class Branches:
    """Of the cases filed in the period: what left the straight way."""

    parked: Share
    parked_h: float
    void: Share
    void_breached: int  # late already when they were voided
    voids: tuple[VoidBy, ...]  # most first
    bounced: Share
    bounces: int
    missed: Share  # 漏报: a citizen found it first


@dataclass(frozen=True, slots=True)
class Kpi:
    """All figures of one period."""

    period: Period
    flow: Flow
    on_time: OnTime
    on_time_normal: OnTime
    on_time_severe: OnTime
    response: Response
    response_severe: Response
    assessment: Share  # assessed on time, of the reports of the period that are decided or late
    rework: Rework
    branches: Branches
    unfinished: Share  # of the filed that are not void, not closed by now
