"""Hours of a week in a city's own time: when people work, and when nobody is woken for what can wait."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, model_validator

from roadwarden.cases.tables import Strict

_MINUTES_A_DAY = 24 * 60


class Day(IntEnum):
    """As ``date.weekday`` counts."""

    MON = 0
    TUE = 1
    WED = 2
    THU = 3
    FRI = 4
    SAT = 5
    SUN = 6


class WorkTime(StrEnum):
    """Whether people are at work."""

    WORKING = "working"
    OFF = "after_hours"


def _day(value: object) -> object:
    return Day[value.upper()] if isinstance(value, str) and value.upper() in Day.__members__ else value


def _minute(value: object) -> object:
    """``07:30`` to minutes of the day; ``24:00`` is its end."""
    if not isinstance(value, str) or not value.replace(":", "", 1).isdigit() or ":" not in value:
        raise ValueError('wanted a time of day such as "07:30", in quotes')
    hours, minutes = map(int, value.split(":"))
    if minutes > 59 or not 0 <= hours * 60 + minutes <= _MINUTES_A_DAY:
        raise ValueError(f'{value} is no time of day; wanted "00:00" to "24:00"')
    return hours * 60 + minutes


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ValueError(f"unknown time zone '{name}'; wanted an IANA name such as Asia/Shanghai") from exc
    return name


Minute = Annotated[int, BeforeValidator(_minute)]
Zone = Annotated[str, BeforeValidator(_known_zone)]


class Span(Strict):
    """From and until a time of the same day, on some weekdays; half open."""

    days: tuple[Annotated[Day, BeforeValidator(_day)], ...] = Field(min_length=1, description="mon … sun")
    from_: Minute = Field(alias="from", description="first minute, HH:MM")
    until: Minute = Field(description="the minute after the last, HH:MM")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.from_ >= self.until:
            raise ValueError("'until' is not after 'from'; write two spans for hours across midnight")
        return self


class WorkingHours(Strict):
    """Of a week, with the days that are otherwise: holidays, and weekend days worked instead (调休)."""

    zone: Zone = Field(description="IANA time zone that the hours are of")
    spans: tuple[Span, ...] = Field(min_length=1, description="hours of work")
    holidays: tuple[date, ...] = Field(default=(), description="days nobody works, whatever their weekday")
    workdays: tuple[date, ...] = Field(default=(), description="days worked like a Monday, whatever their weekday")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if both := sorted(set(self.holidays) & set(self.workdays)):
            raise ValueError(f"{both[0]}: both in 'holidays' and in 'workdays'")
        return self

    def at(self, moment: datetime) -> WorkTime:
        """Whether people are at work then."""
        local = moment.astimezone(ZoneInfo(self.zone))
        day, minute = local.date(), local.hour * 60 + local.minute
        if day in self._off:
            return WorkTime.OFF
        weekday = Day.MON if day in self._worked else Day(day.weekday())
        working = any(weekday in span.days and span.from_ <= minute < span.until for span in self.spans)
        return WorkTime.WORKING if working else WorkTime.OFF

    @cached_property
    def _off(self) -> frozenset[date]:
        return frozenset(self.holidays)

    @cached_property
    def _worked(self) -> frozenset[date]:
        return frozenset(self.workdays)


class QuietHours(Strict):
    """Of every day, across midnight where ``from`` is the later one; half open."""

    zone: Zone = Field(description="IANA time zone that the hours are of")
    from_: Minute = Field(alias="from", description="first quiet minute, HH:MM")
    until: Minute = Field(description="the minute after the last, HH:MM")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.from_ == self.until:
            raise ValueError("quiet hours from a time until the same time: leave 'quiet' out if there are none")
        return self

    def end_of(self, moment: datetime) -> datetime | None:
        """When the quiet hours that hold then are over (same zone as ``moment``); None where none hold.

        Reckoned by the wall clock: a night in which clocks are set is an hour shorter or longer.
        """
        local = moment.astimezone(ZoneInfo(self.zone))
        minute = local.hour * 60 + local.minute
        across = self.from_ > self.until
        late = minute >= self.from_
        quiet = (late or minute < self.until) if across else (late and minute < self.until)
        if not quiet:
            return None
        day = local.date() + timedelta(days=int(across and late))
        return self._moment(day, self.until).astimezone(moment.tzinfo)

    def _moment(self, day: date, minute: int) -> datetime:
        midnight = datetime.combine(day + timedelta(days=minute // _MINUTES_A_DAY), time())
        naive = midnight + timedelta(minutes=minute % _MINUTES_A_DAY)
        return naive.replace(tzinfo=ZoneInfo(self.zone))
