"""How a case stands, in one row: what lists and the countdown board show. ``case_projection`` makes them."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from roadwarden.cases.event_types import format_time
from roadwarden.taxonomy import Severity

YELLOW_IS_A = 5
"""A fifth of the limit, the last one, is yellow: from 80 % on; red is what is past it (DOMAIN 2.4)."""


class Light(StrEnum):
    """红黄绿 of a case; not the health code of a cell."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    NONE = "none"  # no clock runs


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as of its newest event; ``at`` says how it stands later. Times are aware and UTC."""

    case_id: str
    version: int
    as_of: datetime
    state: str
    is_open: bool
    severity: Severity
    policy: str
    cycle: int
    filed_at: datetime
    first_seen_at: datetime | None
    closed_at: datetime | None
    clock: str | None  # that counts now: repair, or assess once a repair is reported; none where nothing is due
    clock_started_at: datetime | None
    due_at: datetime | None  # if nothing more happens: a park that lasts is counted to its end
    original_due_at: datetime | None
    paused_s: float  # of that clock, at ``due_at``
    parked_until: datetime | None
    state_after_park: str | None
    repair_due_at: datetime | None
    repair_stopped_at: datetime | None  # finally, or provisionally
    repair_final: bool
    reports: int
    bounces: int  # handed back or transferred
    transfers: int
    distress: str
    domain: str | None
    area: str | None
    department: str | None
    crew: str | None
    road_grade: str | None
    owner: str | None
    segment: str | None
    lat: float | None
    lon: float | None
    defect: str | None
    source: str | None

    def at(self, now: datetime) -> CaseRow:
        """The row at a later time: a park that has ended by itself is over."""
        if self.parked_until is None or self.parked_until > now or self.state_after_park is None:
            return self
        return replace(self, state=self.state_after_park, parked_until=None, state_after_park=None)

    def remaining_s(self, now: datetime) -> int | None:
        """Whole seconds to go, rounded down, negative when late; stands still while parked; None: nothing is due."""
        if self.due_at is None:
            return None
        rests = self.parked_until is not None and self.parked_until <= self.due_at  # late before the park: late on
        since = max(now, self.parked_until) if rests and self.parked_until else now
        return math.floor((self.due_at - since).total_seconds())

    def as_json(self, now: datetime) -> dict[str, Any]:
        """Every field, and what is reckoned for ``now``: ``remaining_s``, ``overdue``, ``light``."""
        here = self.at(now)
        fields = {field.name: _plain(getattr(here, field.name)) for field in dataclasses.fields(here)}
        told = {"now": format_time(now), "remaining_s": here.remaining_s(now), "overdue": here.overdue(now)}
        return fields | told | {"light": here.light(now).value}

    def overdue(self, now: datetime) -> bool:
        """Whether the clock that counts is past its due time; exactly at it is in time."""
        return self.due_at is not None and now > self.due_at

    def light(self, now: datetime) -> Light:
        """Green below 80 % of the limit, yellow up to it, red past it; parked time is not part of the limit."""
        remaining = self.remaining_s(now)
        if remaining is None or self.due_at is None or self.clock_started_at is None:
            return Light.NONE
        if self.overdue(now):
            return Light.RED
        limit = (self.due_at - self.clock_started_at).total_seconds() - self.paused_s
        return Light.YELLOW if remaining <= limit / YELLOW_IS_A else Light.GREEN


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_time(value)
    return value.value if isinstance(value, StrEnum) else value
