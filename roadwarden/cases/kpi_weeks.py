"""What came in and was closed week by week, Monday to Monday by the city's clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from roadwarden.cases.case_facts import CaseFacts
from roadwarden.cases.kpi_values import Period

CITY_ZONE = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Week:
    """One week, cut to the period; half open."""

    start: datetime  # with the city's offset
    end: datetime
    reported: int
    filed: int
    closed: int

    @property
    def whole(self) -> bool:
        """Whether the period holds all seven days of it."""
        return self.end.replace(tzinfo=None) - self.start.replace(tzinfo=None) == timedelta(days=7)


def weeks(facts: Iterable[CaseFacts], period: Period, zone: str = CITY_ZONE) -> tuple[Week, ...]:
    """The weeks that the period touches, in their order; counts as in ``Flow``."""
    known = tuple(facts)
    return tuple(_week(known, start, end) for start, end in week_bounds(period, zone))


def week_bounds(period: Period, zone: str = CITY_ZONE) -> tuple[tuple[datetime, datetime], ...]:
    """Monday midnights by the wall clock, so that a week in which clocks are set has an hour more or less."""
    city = ZoneInfo(zone)
    first = period.start.astimezone(city).date()
    monday = first - timedelta(days=first.weekday())
    bounds = []
    while (start := datetime.combine(monday, time(), city)) < period.end:
        monday += timedelta(days=7)
        end = datetime.combine(monday, time(), city)
        bounds.append((max(start, period.start).astimezone(city), min(end, period.end).astimezone(city)))
    return tuple(bounds)


def _week(known: tuple[CaseFacts, ...], start: datetime, end: datetime) -> Week:
    filed = [one for one in known if start <= one.filed_at < end]
    return Week(
        start=start,
        end=end,
        reported=len(filed),
        filed=sum(one.counts for one in filed),
        closed=sum(start <= moment < end for one in known if one.counts for moment in one.closings),
    )
