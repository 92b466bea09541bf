"""When a city works, and when it sleeps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from roadwarden.cases.hours import QuietHours, Span, WorkingHours, WorkTime

SHANGHAI = "Asia/Shanghai"
WEEK = WorkingHours(
    zone=SHANGHAI,
    spans=(Span.model_validate({"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:30", "until": "17:30"}),),
    holidays=(date(2026, 10, 1),),  # a Thursday
    workdays=(date(2026, 10, 10),),  # a Saturday worked for it
)
NIGHT = QuietHours.model_validate({"zone": SHANGHAI, "from": "22:00", "until": "07:00"})


def local(text: str, zone: str = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "worked"),
    [
        ("2026-09-30T08:29", WorkTime.OFF),
        ("2026-09-30T08:30", WorkTime.WORKING),
        ("2026-09-30T17:29", WorkTime.WORKING),
        ("2026-09-30T17:30", WorkTime.OFF),
        ("2026-10-01T10:00", WorkTime.OFF),
        ("2026-10-03T10:00", WorkTime.OFF),
        ("2026-10-10T10:00", WorkTime.WORKING),
    ],
    ids=["a minute early", "opens", "last minute", "closed", "holiday", "Saturday", "Saturday worked instead"],
)
def test_a_desk_is_open_in_its_hours_and_on_days_worked_instead_of_holidays(at, worked):
    assert WEEK.at(local(at)) is worked


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-11-02T21:59", None),
        ("2026-11-02T22:00", "2026-11-03T07:00"),
        ("2026-11-03T06:59", "2026-11-03T07:00"),
        ("2026-11-03T07:00", None),
    ],
)
def test_a_night_across_midnight_ends_in_the_morning(at, ends):
    assert NIGHT.end_of(local(at)) == (None if ends is None else local(ends))


def test_hours_of_one_day_and_until_midnight():
    noon = QuietHours.model_validate({"zone": SHANGHAI, "from": "12:00", "until": "14:00"})
    late = QuietHours.model_validate({"zone": SHANGHAI, "from": "22:00", "until": "24:00"})
    assert noon.end_of(local("2026-11-02T13:59")) == local("2026-11-02T14:00")
    assert noon.end_of(local("2026-11-02T11:59")) is None
    assert late.end_of(local("2026-11-02T23:59")) == local("2026-11-03T00:00")


def test_a_night_in_which_clocks_are_set_ends_by_the_clock_on_the_wall():
    berlin = QuietHours.model_validate({"zone": "Europe/Berlin", "from": "22:00", "until": "07:00"})
    spring = local("2026-03-28T22:00", "Europe/Berlin")
    autumn = local("2026-10-24T22:00", "Europe/Berlin")
    ends = [berlin.end_of(spring), berlin.end_of(autumn)]
    assert [end - start for end, start in zip(ends, (spring, autumn), strict=True) if end] == [
        timedelta(hours=8),
        timedelta(hours=10),
    ]


@settings(deadline=None)
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001
    st.sampled_from([SHANGHAI, "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_quiet_hours_end_after_now_and_within_a_day(moment, zone):
    quiet = QuietHours.model_validate({"zone": zone, "from": "22:00", "until": "07:00"})
    now = moment.replace(tzinfo=UTC)
    end = quiet.end_of(now)
    if end is not None:
        assert now < end <= now + timedelta(hours=10)
        assert quiet.end_of(end) is None


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        ({"zone": "Asia/Hangzhou", "from": "22:00", "until": "07:00"}, "unknown time zone 'Asia/Hangzhou'"),
        ({"zone": SHANGHAI, "from": "22:00", "until": "22:00"}, "leave 'quiet' out"),
        ({"zone": SHANGHAI, "from": "25:00", "until": "07:00"}, "25:00 is no time of day"),
        ({"zone": SHANGHAI, "from": 1320, "until": "07:00"}, "in quotes"),  # YAML 1.1 reads 22:00 as 1320
    ],
)
def test_hours_are_read_strictly(hours, told):
    with pytest.raises(ValidationError, match=told):
        QuietHours.model_validate(hours)
