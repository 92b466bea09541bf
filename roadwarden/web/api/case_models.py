"""What cases look like in OpenAPI."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from roadwarden.cases.answer import CaseState
from roadwarden.cases.case_row import Light
from roadwarden.cases.event_types import EventType, Role
from roadwarden.taxonomy import Severity

CASE_EXAMPLE: Final[dict[str, Any]] = {
    "case_id": "2026-000001",
    "version": 3,
    "as_of": "2026-03-02T08:20:00Z",
    "state": "dispatched",
    "is_open": True,
    "severity": "normal",
    "policy": "cn-default",
    "cycle": 1,
    "filed_at": "2026-03-02T08:00:00Z",
    "first_seen_at": None,
    "closed_at": None,
    "clock": "repair",
    "clock_started_at": "2026-03-02T08:00:00Z",
    "due_at": "2026-03-04T08:00:00Z",
    "original_due_at": "2026-03-04T08:00:00Z",
    "paused_s": 0.0,
    "parked_until": None,
    "state_after_park": None,
    "repair_due_at": "2026-03-04T08:00:00Z",
    "repair_stopped_at": None,
    "repair_final": False,
    "reports": 0,
    "bounces": 0,
    "transfers": 0,
    "distress": "pothole",
    "domain": "pavement",
    "area": "west-lake",
    "department": "roads",
    "crew": "roads-2",
    "road_grade": "I",
    "owner": "city",
    "segment": "s1",
    "lat": 30.274,
    "lon": 120.155,
    "defect": None,
    "source": "camera",
    "now": "2026-03-02T09:00:00Z",
    "remaining_s": 169200,
    "overdue": False,
    "light": "green",
}
EVENT_EXAMPLE: Final[dict[str, Any]] = {
    "case": "2026-000001",
    "seq": 2,
    "type": "dispatched",
    "occurred_at": "2026-03-02T08:20:00Z",
    "received_at": "2026-03-02T08:20:00Z",
    "role": "dispatcher",
    "data": {"department": "roads", "crew": "roads-2"},
}
CLOCK_EXAMPLE: Final[dict[str, Any]] = {
    "clock": "repair",
    "cycle": 1,
    "state": "running",
    "started_at": "2026-03-02T08:00:00Z",
    "due_at": "2026-03-04T08:00:00Z",
    "original_due_at": "2026-03-04T08:00:00Z",
    "stopped_at": None,
    "cancelled_at": None,
    "remaining_s": 169200.0,
    "breached": False,
    "breached_s": 0.0,
    "paused_s": 0.0,
    "attributed_s": {"crew": 0.0, "assessor": 0.0},
}


class CaseItem(BaseModel):
    """How a case stands (docs/cases.md); times are UTC."""

    model_config = ConfigDict(json_schema_extra={"examples": [CASE_EXAMPLE]})
    case_id: str
    version: int = Field(description="its ETag, and what If-Match wants")
    as_of: datetime
    state: CaseState
    is_open: bool
    severity: Severity
    policy: str
    cycle: int
    filed_at: datetime
    first_seen_at: datetime | None
    closed_at: datetime | None
    clock: str | None = Field(description="the clock that counts now: repair, or assess once a repair is reported")
    clock_started_at: datetime | None
    due_at: datetime | None
    original_due_at: datetime | None
    paused_s: float
    parked_until: datetime | None
    state_after_park: str | None
    repair_due_at: datetime | None
    repair_stopped_at: datetime | None
    repair_final: bool
    reports: int
    bounces: int
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
    now: datetime = Field(description="the server's time, which the three below are reckoned for")
    remaining_s: int | None = Field(description="negative when late; stands still while parked")
    overdue: bool
    light: Light


class CasePage(BaseModel):
    """A page of a list."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"now": "2026-03-02T09:00:00Z", "items": [CASE_EXAMPLE], "next": None}]}
    )
    now: datetime
    items: list[CaseItem]
    next: str | None = Field(description="what ``after`` wants for the next page; null: this is the last one")


class EventItem(BaseModel):
    """One event (docs/events.md). ``actor``, approver and free text only with ``personal=true`` and the right to it."""

    model_config = ConfigDict(json_schema_extra={"examples": [EVENT_EXAMPLE]})
    case: str
    seq: int
    type: EventType
    occurred_at: datetime
    received_at: datetime
    actor: str | None = None
    role: Role
    data: dict[str, Any]


class NoteItem(BaseModel):
    """What is odd about an event."""

    seq: int
    flag: str
    why: str | None = Field(default=None, description="with personal data only")


class RefusalItem(BaseModel):
    """An event that counts for nothing."""

    seq: int
    why: str | None = Field(default=None, description="with personal data only")


class ClockItem(BaseModel):
    """One clock (docs/clocks.md)."""

    model_config = ConfigDict(json_schema_extra={"examples": [CLOCK_EXAMPLE]})
    clock: str
    cycle: int
    report_seq: int | None = None
    state: str
    started_at: datetime
    due_at: datetime
    original_due_at: datetime
    stopped_at: datetime | None
    cancelled_at: datetime | None
    remaining_s: float
    breached: bool
    breached_s: float
    paused_s: float
    attributed_s: dict[str, float]


class CaseDetail(BaseModel):
    """A case with its clocks and all that happened."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "case": CASE_EXAMPLE,
                    "clocks": [CLOCK_EXAMPLE],
                    "events": [EVENT_EXAMPLE],
                    "flags": [],
                    "notes": [],
                    "refused": [],
                    "personal": False,
                }
            ]
        }
    )
    case: CaseItem
    clocks: list[ClockItem]
    events: list[EventItem]
    flags: list[str]
    notes: list[NoteItem]
    refused: list[RefusalItem]
    personal: bool = Field(description="whether personal data is in it; that read was written down")


class CommandDone(BaseModel):
    """What came of a command."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "case_id": "2026-000001",
                    "version": 3,
                    "case": CASE_EXAMPLE,
                    "events": [EVENT_EXAMPLE | {"actor": "ma"}],
                    "repeated": False,
                    "notes": [],
                }
            ]
        }
    )
    case_id: str
    version: int
    case: CaseItem | None = Field(description="null where the key was used before and you see the case no more")
    events: list[EventItem] = Field(description="that were added to the case; none where the key was used before")
    repeated: bool
    notes: list[NoteItem] = Field(description="what of it counts otherwise than it was said")
