"""Case histories told in domain words, hours counted from Sunday 2026-03-01 00:00 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Self

from roadwarden.cases.answer import CaseAnswer
from roadwarden.cases.clocks import clocks
from roadwarden.cases.events import CaseEvent, format_time, parse_event
from roadwarden.cases.policy import ClockPolicies, shipped_clock_policies

START = datetime(2026, 3, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
CHIEF = {"actor": "zhao", "role": "road_chief"}
"""Another person than anybody who acts in the stories."""

_USUAL_ROLE = {
    "filed": "intake",
    "dispatched": "dispatcher",
    "accepted": "crew",
    "repair_started": "crew",
    "repair_reported": "crew",
    "handed_back": "crew",
    "self_handled": "supervisor",
    "assessed": "assessor",
    "closed": "system",
}
Hour = float | timedelta


def at(hour: Hour) -> datetime:
    """A moment; whole and half hours, or an exact distance."""
    return START + (hour if isinstance(hour, timedelta) else timedelta(hours=hour))


def exactly(hour: float, beside: timedelta = MICRO) -> timedelta:
    """That hour and a little beside it."""
    return timedelta(hours=hour) + beside


class Story:
    """Grows event by event; every event is received when it happens, unless it says otherwise."""

    def __init__(self, case: str = "HZ-1", policies: ClockPolicies | None = None) -> None:
        self.case = case
        self.events: list[CaseEvent] = []
        self.policies = policies or shipped_clock_policies()

    def tell(
        self,
        event: str,
        hour: Hour,
        *,
        role: str | None = None,
        actor: str | None = None,
        received: Hour | None = None,
        **data: Any,
    ) -> Self:
        role = role or _USUAL_ROLE.get(event, "duty_officer")
        line = {
            "case": self.case,
            "seq": len(self.events) + 1,
            "type": event,
            "occurred_at": format_time(at(hour)),
            "received_at": format_time(at(hour if received is None else received)),
            "actor": actor or f"the {role}",
            "role": role,
            "data": {name: format_time(one) if isinstance(one, datetime) else one for name, one in data.items()},
        }
        self.events.append(parse_event(line))
        return self

    @property
    def last(self) -> int:
        """Seq of the last event."""
        return len(self.events)

    def filed(self, hour: Hour = 0, severity: str = "normal", **more: Any) -> Self:
        tell = {"distress": "pothole", "severity": severity, **more}
        return self.tell("filed", hour, **tell)

    def reported(self, hour: Hour, **more: Any) -> Self:
        return self.tell("repair_reported", hour, **more)

    def assessed(self, hour: Hour, verdict: str, report: int | None = None, **more: Any) -> Self:
        return self.tell("assessed", hour, verdict=verdict, report_seq=report or self._last_report(), **more)

    def parked(self, hour: Hour, until: Hour, approved_by: Any = CHIEF, **more: Any) -> Self:
        return self.tell("parked", hour, reason="rain", until=at(until), approved_by=approved_by, **more)

    def extended(self, hour: Hour, due: Hour, clock: str = "repair", approved_by: Any = CHIEF, **more: Any) -> Self:
        return self.tell("extended", hour, clock=clock, due=at(due), reason="asphalt", approved_by=approved_by, **more)

    def raised(self, hour: Hour, **more: Any) -> Self:
        return self.tell("severity_changed", hour, to="severe", **more)

    def lowered(self, hour: Hour, approved_by: Any = CHIEF, **more: Any) -> Self:
        return self.tell("severity_changed", hour, to="normal", approved_by=approved_by, **more)

    def absorbed(self, hour: Hour, case: str, filed: Hour, due: Hour, severity: str = "normal") -> Self:
        return self.tell("absorbed", hour, case=case, filed_at=at(filed), severity=severity, due_at=at(due))

    def mended(self, report: Hour, verdict: Hour, close: Hour) -> Self:
        """Reported, found repaired by the machine, closed."""
        return self.reported(report).assessed(verdict, "REPAIRED").tell("closed", close)

    def answer(self, now: Hour) -> CaseAnswer:
        return clocks(self.events, self.policies, at(now))

    def refused(self, now: Hour = 10_000) -> dict[int, str]:
        return {one.seq: one.why for one in self.answer(now).refused}

    def _last_report(self) -> int:
        reports = [event.seq for event in self.events if event.type in ("repair_reported", "self_handled")]
        return reports[-1] if reports else 0


def hours(time: timedelta) -> float:
    return time / timedelta(hours=1)
