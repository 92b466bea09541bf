"""The database reads only the cases that a period can depend on, and that changes no figure."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from city_quarter import FIRST_DAY, quarter

from roadwarden.cases.event_lines import write_event_lines
from roadwarden.cases.events import parse_event
from roadwarden.cases.kpi_report import kpi_report
from roadwarden.cases.kpi_values import Period
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.service.case_lines import import_events
from roadwarden.service.kpi import file_facts, stored_facts
from roadwarden.storage.schema import open_storage

DAY, POLICIES = timedelta(days=1), shipped_clock_policies()


@pytest.fixture(scope="module")
def lines(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("city") / "events.jsonl"
    write_event_lines(file, map(parse_event, quarter(days=30, cases_a_day=12)))
    return file


@pytest.fixture(scope="module")
def engine(lines: Path):
    engine = open_storage(f"sqlite:///{lines.parent}/roadwarden.db")
    import_events(engine, lines, POLICIES, FIRST_DAY + 400 * DAY)
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    ("first", "days", "now"),
    [(0, 30, 90), (20, 7, 90), (20, 7, 24), (45, 7, 90), (10, 5, 8), (-20, 10, 90)],
    ids=[
        "all",
        "a week",
        "a week, drawn within it",
        "after the last filing",
        "drawn before it began",
        "before the first",
    ],
)
def test_the_figures_of_a_period_are_those_of_all_lines(engine, lines: Path, first: int, days: int, now: int) -> None:
    period = Period(FIRST_DAY + first * DAY, FIRST_DAY + (first + days) * DAY, FIRST_DAY + now * DAY)
    stored = kpi_report(stored_facts(engine, period, POLICIES), period).as_json()
    every = kpi_report(file_facts(lines, period, POLICIES), period).as_json()
    assert stored.keys() == every.keys()
    for name, figure in every.items():
        expected = pytest.approx(figure) if isinstance(figure, float) else figure
        assert stored[name] == expected, name


def test_a_week_reads_only_some_of_the_cases(engine, lines: Path) -> None:
    week = Period(FIRST_DAY + 45 * DAY, FIRST_DAY + 52 * DAY, FIRST_DAY + 90 * DAY)
    some = list(stored_facts(engine, week, POLICIES))
    every = list(file_facts(lines, week, POLICIES))
    assert 0 < len(some) < len(every) / 2
