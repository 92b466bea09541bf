"""A simulated quarter of a city in compressed time: every case and every figure reckoned twice (issue 7, Proof).

194 cases a day with rain, bounces, false "done", phones with wrong clocks, late and doubled messages, merges, defects
that come back (city_quarter.py). By default ten days of it; the whole quarter with `-m slow`, its figures are in
eval/reports/clocks.md.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from city_quarter import CASES_A_DAY, DAYS, FIRST_DAY, quarter
from test_two_kpis import assert_the_same
from two_answers import differences, first_answers, naive_answers

from roadwarden.cases.kpi_values import Period

Line = dict[str, Any]
SLICE = 10
LATER = timedelta(days=3)


@pytest.fixture(scope="module")
def some_days() -> list[Line]:
    return quarter(days=SLICE)


def period(days: int) -> Period:
    end = FIRST_DAY + timedelta(days=days)
    return Period(FIRST_DAY, end, end + LATER)


def assert_every_case_is_the_same(lines: list[Line], now: datetime) -> Counter[str]:
    first, naive = first_answers(lines, now), naive_answers(lines, now)
    found = [f"{case}{found}" for case in first for found in differences(first[case], naive[case])]
    assert not found, "\n".join(found[:20])
    return Counter(answer["state"] for answer in first.values())


def assert_all_goes_wrong(figures: dict[str, Any]) -> None:
    """A city in which nothing of this happens would prove nothing."""
    for name in ("merged", "void", "parked", "bounced", "missed", "reopened", "rework", "evidence_requested"):
        assert figures[name] > 0, name
    for name in ("on_time_original", "on_time_approved", "assess_on_time", "closure_rate"):
        assert 0.5 < figures[name] < 1, name
    assert figures["on_time_original"] != figures["on_time_approved"]
    assert figures["breached_hours_assessor"] > 0
    assert figures["p50_h"] < figures["mean_h"] < figures["p90_h"] < figures["longest_h"]


def test_the_city_has_every_fault_that_the_issue_names(some_days: list[Line]) -> None:
    kinds = Counter(line["type"] for line in some_days)
    assert kinds["filed"] >= SLICE * CASES_A_DAY
    for kind in ("parked", "resumed", "handed_back", "transferred", "time_accepted", "severity_changed", "extended"):
        assert kinds[kind] > 5, kind
    for kind in ("absorbed", "released", "merged", "unmerged", "reopened", "voided", "self_handled", "safety_measure"):
        assert kinds[kind] > 0, kind
    twice = len(some_days) - len({(line["case"], line["seq"]) for line in some_days})
    assert twice > 50
    phones = [line for line in some_days if line["role"] == "crew" and line["occurred_at"] > line["received_at"]]
    assert len(phones) > 20


def test_every_case_of_some_days_is_the_same_in_both(some_days: list[Line]) -> None:
    middle = FIRST_DAY + timedelta(days=2, hours=7, microseconds=1)
    assert_every_case_is_the_same(some_days, middle)
    states = assert_every_case_is_the_same(some_days, period(SLICE).now)
    assert states["closed"] > states.total() / 2


def test_every_figure_of_some_days_is_the_same_in_both(some_days: list[Line]) -> None:
    report = assert_the_same(some_days, period(SLICE))
    assert_all_goes_wrong(report.as_json())


def test_messages_late_doubled_and_in_any_order_change_no_figure(some_days: list[Line]) -> None:
    days = [line for line in some_days if line["case"] < "HZ-000300"]
    once = list({(line["case"], line["seq"]): line for line in days}.values())
    shuffled = [*days, *once]
    Random(3).shuffle(shuffled)
    now = period(SLICE).now
    assert first_answers(shuffled, now) == first_answers(once, now)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_whole_quarter_is_the_same_in_both() -> None:
    lines = quarter()
    assert len({line["case"] for line in lines}) == DAYS * CASES_A_DAY
    assert_every_case_is_the_same(lines, period(DAYS).now)
    report = assert_the_same(lines, period(DAYS))
    figures = report.as_json()
    assert_all_goes_wrong(figures)
    print(len(lines), "lines")
    for name, figure in figures.items():
        if isinstance(figure, int | float):
            print(f"{name}: {figure:.4g}" if isinstance(figure, float) else f"{name}: {figure}")
