"""The answer about one case at one time: its state, its clocks, and what was refused; the schema is issue 7's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from roadwarden.cases.events import Severity, format_time
from roadwarden.cases.ordering import Flag, Note

ZERO: Final = timedelta(0)
REPAIR, ASSESS = "repair", "assess"
"""Names of the two clocks that every case has; the others are stages of its policy."""


class CaseState(StrEnum):
    """Where a case stands."""

    FILED = "filed"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    UNDER_REPAIR = "under_repair"
    REPAIR_REPORTED = "repair_reported"  # and nobody has decided yet
    ASSESSED = "assessed"  # the repair is accepted
    CLOSED = "closed"
    PARKED = "parked"
    VOIDED = "voided"
    MERGED = "merged"


class ClockState(StrEnum):
    """What a clock does."""

    RUNNING = "running"
    PAUSED = "paused"
    PROVISIONAL = "provisional"  # a repair is reported; it stops then if the report is accepted
    STOPPED = "stopped"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that changes nothing, and why."""

    seq: int
    why: str


@dataclass(frozen=True, slots=True)
class Attributed:
    """Whose the breached time is; the parts sum to it."""

    crew: timedelta = ZERO
    assessor: timedelta = ZERO
    desk: timedelta = ZERO  # stage clocks of the desks only

    def as_json(self) -> dict[str, float]:
        """Seconds; ``desk`` only where it has a share."""
        shares = {"crew": seconds(self.crew), "assessor": seconds(self.assessor)}
        return {**shares, "desk": seconds(self.desk)} if self.desk else shares


@dataclass(frozen=True, slots=True)
class ClockAnswer:
    """One clock at one time; times are UTC."""

    clock: str  # repair, assess, or a stage
    cycle: int  # from 1
    state: ClockState
    started_at: datetime
    due_at: datetime
    original_due_at: datetime  # with parks, without extensions
    remaining: timedelta
    """From the moment it counts to (now, the start of the park, the report, the stop, its cancelling) to due; negative
    when late."""
    breached: timedelta
    """How long it was late, to that moment."""
    report_seq: int | None = None  # the report that an assess clock is about
    stopped_at: datetime | None = None
    cancelled_at: datetime | None = None
    paused: timedelta = ZERO
    attributed: Attributed = field(default_factory=Attributed)

    @property
    def is_breached(self) -> bool:
        """Exactly at due is in time."""
        return self.breached > ZERO

    @property
    def whole_seconds_left(self) -> int:
        """For boards: rounded down, so that nobody is shown time that he does not have."""
        return self.remaining // timedelta(seconds=1)

    @property
    def counts_until(self) -> datetime:
        """The moment that ``remaining`` and ``breached`` count to; while paused, the end of the park."""
        return self.due_at - self.remaining

    def as_json(self) -> dict[str, Any]:
        """The schema of the contract, with ``cancelled_at`` beside it."""
        return {
            "clock": self.clock,
            "cycle": self.cycle,
            **({} if self.report_seq is None else {"report_seq": self.report_seq}),
            "state": self.state.value,
            "started_at": format_time(self.started_at),
            "due_at": format_time(self.due_at),
            "original_due_at": format_time(self.original_due_at),
            "stopped_at": None if self.stopped_at is None else format_time(self.stopped_at),
            "cancelled_at": None if self.cancelled_at is None else format_time(self.cancelled_at),
            "remaining_s": seconds(self.remaining),
            "breached": self.is_breached,
            "breached_s": seconds(self.breached),
            "paused_s": seconds(self.paused),
            "attributed_s": self.attributed.as_json(),
        }


@dataclass(frozen=True, slots=True)
class CaseAnswer:
    """One case at one time; without a filing by then, ``state`` is None and there are no clocks."""

    case: str
    at: datetime  # the moment that the answer is for
    state: CaseState | None
    policy: str | None  # id of the clock policy that judges it
    severity: Severity | None
    cycle: int  # 1, and one more for every time it was reopened; 0 without a filing
    filed_at: datetime | None
    first_seen_at: datetime | None  # awareness, shown and never reckoned with
    notes: tuple[Note, ...]
    refused: tuple[Refusal, ...]
    clocks: tuple[ClockAnswer, ...]

    @property
    def flags(self) -> tuple[Flag, ...]:
        """What occurs in the notes, each once."""
        return tuple(sorted({note.flag for note in self.notes}))

    @property
    def repair(self) -> ClockAnswer:
        """The repair clock of the present cycle; raises LookupError for a case that is not filed."""
        found = [clock for clock in self.clocks if clock.clock == REPAIR]
        if not found:
            raise LookupError(f"case {self.case} was not filed by {format_time(self.at)}")
        return found[-1]

    def assess(self, report_seq: int) -> ClockAnswer:
        """The assess clock of one report; raises LookupError where there is none."""
        for clock in self.clocks:
            if clock.clock == ASSESS and clock.report_seq == report_seq:
                return clock
        raise LookupError(f"case {self.case} has no repair report {report_seq}")

    def as_json(self) -> dict[str, Any]:
        """The schema of the contract, with a few keys beside it (docs/clocks.md)."""
        return {
            "case": self.case,
            "state": None if self.state is None else self.state.value,
            "policy": self.policy,
            "severity": None if self.severity is None else self.severity.value,
            "cycle": self.cycle,
            "first_seen_at": None if self.first_seen_at is None else format_time(self.first_seen_at),
            "flags": [flag.value for flag in self.flags],
            "notes": [{"seq": note.seq, "flag": note.flag.value, "why": note.why} for note in self.notes],
            "refused": [{"seq": one.seq, "why": one.why} for one in self.refused],
            "clocks": [clock.as_json() for clock in self.clocks],
        }


def seconds(time: timedelta) -> float:
    """To the microsecond."""
    return time.total_seconds()
