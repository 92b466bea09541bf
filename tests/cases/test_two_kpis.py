"""Every figure against a second implementation, written by another hand from the definitions alone (naive_kpi.py)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import naive_kpi
import pytest
from city_quarter import quarter
from histories import START, seeded
from two_answers import by_case

from roadwarden.cases.case_facts import CaseFacts, case_facts
from roadwarden.cases.kpi_report import KpiReport, kpi_report
from roadwarden.cases.kpi_values import Period
from roadwarden.cases.policy import shipped_clock_policies

Line = dict[str, Any]
NOT_COMPARED = {"weeks", "stages"}
"""Compared below: of another form."""


def facts_of(lines: list[Line], now: datetime) -> Iterable[CaseFacts]:
    policies = shipped_clock_policies()
    found = (case_facts(events, policies, now) for events in by_case(lines).values())
    return [one for one in found if one is not None]


def assert_the_same(lines: list[Line], period: Period) -> KpiReport:
    report = kpi_report(facts_of(lines, period.now), period)
    naive = naive_kpi.kpi(lines, period.now, period.start, period.end)
    ours = report.as_json()
    for name, figure in naive.items():
        if name not in NOT_COMPARED:
            assert ours[name] == (figure if figure is None else pytest.approx(figure, rel=1e-9, abs=1e-9)), name
    counted = ("reported", "filed", "closed")
    assert [tuple(getattr(week, name) for name in counted) for week in report.weeks] == [
        tuple(week[name] for name in counted) for week in naive["weeks"]
    ]
    assert [week.start for week in report.weeks] == [week["from"] for week in naive["weeks"]]
    assert {stage.value: list(hours) for stage, hours in report.stage_hours.items()} == {
        stage: pytest.approx(hours) for stage, hours in naive["stages"].items()
    }
    return report


def crowd(first: int, size: int) -> list[Line]:
    """Random histories under one roof: each has cases of its own."""
    return [
        {**line, "case": f"{number}-{line['case']}"}
        for number in range(first, first + size)
        for line in seeded(number)[0]
    ]


@pytest.mark.parametrize("first", range(0, 200, 20))
@pytest.mark.parametrize("days", [(0, 7), (3, 30), (-10, 400)], ids=["a week", "a month", "all"])
def test_both_reckon_the_same_figures_from_random_histories(first: int, days: tuple[int, int]) -> None:
    lines = crowd(first, 20)
    start, end = (START + timedelta(days=day) for day in days)
    for now in (START + timedelta(days=5, hours=3), START + timedelta(days=60)):
        assert_the_same(lines, Period(start, end, now))


def test_the_random_histories_have_something_to_count() -> None:
    lines = crowd(0, 200)
    period = Period(START - timedelta(days=10), START + timedelta(days=400), START + timedelta(days=400))
    figures = assert_the_same(lines, period).as_json()
    for name in (
        "merged",
        "closed",
        "void",
        "parked",
        "bounces",
        "missed",
        "rejected",
        "evidence_requested",
        "reopened",
    ):
        assert figures[name], name


def test_both_reckon_the_same_figures_of_a_citys_weeks() -> None:
    lines = quarter(days=14, cases_a_day=40)
    begin = min(datetime.fromisoformat(line["received_at"]) for line in lines)
    figures = assert_the_same(lines, Period(begin, begin + timedelta(days=10), begin + timedelta(days=21))).as_json()
    assert figures["filed"] > 300
    assert 0 < figures["on_time_original"] <= figures["on_time_approved"] < 1
