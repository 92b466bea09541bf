"""The enums of case events, and how their times are written."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Times outside are typing errors, and deadlines reckoned from them would leave the calendar."""


class EventType(StrEnum):
    """What happened."""

    FILED = "filed"
    SEVERITY_CHANGED = "severity_changed"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    REPAIR_STARTED = "repair_started"
    REPAIR_REPORTED = "repair_reported"
    SELF_HANDLED = "self_handled"
    ASSESSED = "assessed"
    EVIDENCE_REQUESTED = "evidence_requested"
    TIME_ACCEPTED = "time_accepted"
    CLOSED = "closed"
    REOPENED = "reopened"
    EXTENDED = "extended"
    PARKED = "parked"
    RESUMED = "resumed"
    HANDED_BACK = "handed_back"
    TRANSFERRED = "transferred"
    VOIDED = "voided"
    ABSORBED = "absorbed"
    RELEASED = "released"
    MERGED = "merged"
    UNMERGED = "unmerged"
    SAFETY_MEASURE = "safety_measure"


class Role(StrEnum):
    """In what capacity somebody acts."""

    SUPERVISOR = "supervisor"  # 监督员
    INTAKE = "intake"  # 受理员
    DUTY_OFFICER = "duty_officer"  # 值班长
    DISPATCHER = "dispatcher"  # 派遣员
    CREW = "crew"  # 养护单位
    ROAD_CHIEF = "road_chief"  # 路长
    AUDITOR = "auditor"  # 审计
    ADMINISTRATOR = "administrator"
    ASSESSOR = "assessor"  # the machine that judges repairs
    SYSTEM = "system"  # our own workers: filing, closing, scheduler
    CITIZEN = "citizen"


class Verdict(StrEnum):
    """On a repair report."""

    REPAIRED = "REPAIRED"
    REPAIRED_WITH_DEFECT = "REPAIRED_WITH_DEFECT"
    PARTIAL = "PARTIAL"
    NOT_REPAIRED = "NOT_REPAIRED"
    WRONG_OBJECT = "WRONG_OBJECT"
    LOCATION_UNCERTAIN = "LOCATION_UNCERTAIN"
    INSUFFICIENT_EVIDENCE = "INSUFFICIENT_EVIDENCE"


def parse_time(value: object) -> datetime:
    """ISO 8601 with an offset, to UTC; raises ValueError for anything else, also for years outside 1970 to 2199."""
    if isinstance(value, datetime):
        parsed = value
    elif isinstance(value, str) and "T" in value:
        parsed = datetime.fromisoformat(value)
    else:
        raise ValueError("wanted a time such as 2026-03-01T08:00:00Z")
    if parsed.tzinfo is None:
        raise ValueError(f"{value}: a time without an offset; end it with Z or +08:00")
    try:
        utc = parsed.astimezone(UTC)
    except OverflowError as exc:
        raise ValueError(f"{value}: outside the calendar") from exc
    if not EARLIEST <= utc < LATEST:
        raise ValueError(f"{value}: wanted a year from 1970 to 2199")
    return utc


def format_time(time: datetime) -> str:
    """ISO 8601 in UTC that ends with Z; microseconds only where there are some."""
    return time.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def parse_text(text: str) -> str:
    """What every store and file can hold: not blank, no NUL, no half of a surrogate pair; raises ValueError."""
    if not text.strip():
        raise ValueError("must not be blank")
    if "\x00" in text:
        raise ValueError("holds a NUL, which no database keeps")
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ValueError("holds half a surrogate pair, which is no character")
    return text
