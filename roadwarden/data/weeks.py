"""ISO weeks in UTC: the windows that figures are compared over."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from roadwarden.errors import ConfigError

FORM = re.compile(r"(\d{4})-W(\d{2})")


def week_of(time: datetime) -> str:
    """The week of an aware time, such as 2026-W09; weeks begin on Monday, 00:00 UTC, and sort as text."""
    year, week, _ = time.astimezone(UTC).isocalendar()
    return f"{year:04d}-W{week:02d}"


def monday_of(week: str) -> date:
    """The first day of a week; raises ConfigError for what is no ISO week."""
    found = FORM.fullmatch(week)
    try:
        if found:
            return date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError:
        pass
    raise ConfigError(f"'{week}' is no ISO week; wanted a form such as 2026-W09")


def weeks_between(earlier: str, later: str) -> int:
    """How many weeks lie from one to the other."""
    return (monday_of(later) - monday_of(earlier)).days // 7


def parse_weeks(text: str) -> tuple[str, ...]:
    """One week, or first..last with both of them; raises ConfigError."""
    first, dots, last = text.partition("..")
    count = weeks_between(first, last) if dots else weeks_between(first, first)
    if count < 0:
        raise ConfigError(f"'{text}': the first week comes after the last one")
    days = (monday_of(first) + timedelta(weeks=number) for number in range(count + 1))
    return tuple("{:04d}-W{:02d}".format(*day.isocalendar()[:2]) for day in days)
