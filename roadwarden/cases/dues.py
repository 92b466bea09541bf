"""When the repair clock of a cycle is due: a fold over what moves the deadline, in the order in which it counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from roadwarden.cases.events import Severity
from roadwarden.cases.intervals import Interval, union
from roadwarden.cases.policy import ClockPolicy


@dataclass(frozen=True, slots=True)
class Rest:
    """A park from its start to its end, planned or actual."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Raised:
    """Severity went up."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Lowered:
    """Severity went down."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Granted:
    """An extension."""

    due: datetime


@dataclass(frozen=True, slots=True)
class Brought:
    """What an absorbed case brings with it."""

    filed_at: datetime
    due: datetime


DueMove = Rest | Raised | Lowered | Granted | Brought


@dataclass(frozen=True, slots=True)
class Reckoned:
    """The deadline, and how it came about."""

    started_at: datetime
    due: datetime
    rests: tuple[Interval, ...]  # parked time that moved the deadline
    was_late: tuple[Interval, ...]  # breached before severity went down: a breach stays a breach

    def late(self, end: datetime) -> tuple[Interval, ...]:
        """The breached time up to ``end``."""
        return union((start, min(stop, end)) for start, stop in (*self.was_late, (self.due, end)))


def reckon(start: datetime, severity: Severity, policy: ClockPolicy, moves: Iterable[DueMove]) -> Reckoned:
    """From the start of the cycle and its severity then; leave ``Granted`` out for the original deadline."""
    track = _Track(start, start + policy.repair_limit(severity), policy)
    for move in moves:
        track.take(move)
    return Reckoned(track.start, track.due, union(track.rests), tuple(track.was_late))


@dataclass(slots=True)
class _Track:
    start: datetime
    due: datetime
    policy: ClockPolicy
    extended: datetime | None = None  # the last extension, with the parks since
    rested: timedelta = timedelta(0)
    rests: list[Interval] = field(default_factory=list)
    was_late: list[Interval] = field(default_factory=list)

    def take(self, move: DueMove) -> None:
        match move:
            case Rest(start, end):
                self._rest(start, end)
            case Raised(at):
                self.due = min(self.due, at + self.policy.repair_limit(Severity.SEVERE))
            case Lowered(at):
                self._lower(at)
            case Granted(due):
                self.due = self.extended = due
            case Brought(filed_at, due):
                self.start, self.due = min(self.start, filed_at), min(self.due, due)

    def _rest(self, start: datetime, end: datetime) -> None:
        if start > self.due or start >= end:
            return
        gained = end - max(start, self.rests[-1][1] if self.rests else start)
        if gained > timedelta(0):
            self.rests.append((end - gained, end))
            self.rested += gained
            self.due += gained
            self.extended = None if self.extended is None else self.extended + gained

    def _lower(self, at: datetime) -> None:
        if at > self.due:
            self.was_late.append((self.due, at))
        due = self.start + self.policy.repair_limit(Severity.NORMAL) + self.rested
        self.due = due if self.extended is None else max(due, self.extended)
