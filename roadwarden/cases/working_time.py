"""Deadlines in working time, for stage clocks only: a hole does not sleep, a desk does (DOMAIN 4.3, rule 1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from roadwarden.cases.hours import Day, WorkingHours
from roadwarden.cases.intervals import Interval, union
from roadwarden.errors import DataError

_FARTHEST_DAYS: Final = 3660


def after_working(start: datetime, worked: timedelta, hours: WorkingHours) -> datetime:
    """When so much working time has passed since ``start`` (aware), UTC.

    By the wall clock of the hours' zone: the day on which clocks are set is an hour shorter or longer there. Raises
    DataError where nobody works for ten years.
    """
    day = start.astimezone(ZoneInfo(hours.zone)).date()
    left = worked
    for number in range(_FARTHEST_DAYS):
        for opens, closes in _work_of(day + timedelta(days=number), hours):
            begins = max(opens, start)
            if closes - begins >= left:
                return (begins + left).astimezone(UTC)
            left -= max(closes - begins, timedelta(0))
    raise DataError(f"no {worked} of working time within ten years of {start}; look at the holidays of the stage")


def _work_of(day: date, hours: WorkingHours) -> Iterator[Interval]:
    if day in hours.holidays:
        return
    weekday = Day.MON if day in hours.workdays else Day(day.weekday())
    spans = (span for span in hours.spans if weekday in span.days)
    yield from union((_moment(day, span.from_, hours.zone), _moment(day, span.until, hours.zone)) for span in spans)


def _moment(day: date, minute: int, zone: str) -> datetime:
    local = datetime.combine(day, time()) + timedelta(minutes=minute)
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
