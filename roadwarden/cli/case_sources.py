"""Where figures come from: the cases of the database or of a file of events, and times as people type them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from roadwarden.cases.case_facts import CaseFacts
from roadwarden.cases.kpi_values import Period
from roadwarden.cases.kpi_weeks import CITY_ZONE
from roadwarden.cases.policy import ClockPolicies
from roadwarden.cli.database import existing
from roadwarden.cli.progress import Report
from roadwarden.errors import ConfigError
from roadwarden.settings import time_zone


@contextmanager
def facts_from(
    events: Path | None, database: str | None, period: Period, policies: ClockPolicies, tell: Report
) -> Iterator[Iterator[CaseFacts]]:
    """The facts of the cases of a file, or without one of the database."""
    from roadwarden.service.kpi import file_facts, stored_facts  # SQLAlchemy takes its time

    if events is not None:
        yield file_facts(events, period, policies, tell)
        return
    engine = existing(database)
    try:
        yield stored_facts(engine, period, policies, tell)
    finally:
        engine.dispose()


def city_zone(name: str | None) -> ZoneInfo:
    """The zone of that name, or the one that people are shown times in; raises ConfigError."""
    try:
        return time_zone() if name is None else ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise ConfigError(f"--zone: unknown time zone '{name}'; wanted an IANA name such as {CITY_ZONE}") from exc


def city_time(option: str, text: str, city: ZoneInfo) -> datetime:
    """A day begins at the city's midnight; a time without an offset is the city's. In UTC; raises ConfigError."""
    try:
        if "T" not in text:
            return datetime.combine(date.fromisoformat(text), time(), city).astimezone(UTC)
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ConfigError(f"{option} {text}: wanted a day such as 2026-11-02, or 2026-11-02T08:00+08:00") from exc
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=city)).astimezone(UTC)
