"""The bench measures what it says, on both databases, and leaves other people's cases alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from roadwarden.cases.events import Filed, Role, Severity
from roadwarden.cases.permissions import Person
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.errors import ConfigError
from roadwarden.eval.bench_cases import bench_cases
from roadwarden.service.cases import CaseDesk
from roadwarden.service.rebuild import rebuild
from roadwarden.storage.schema import open_storage


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    yield engine
    engine.dispose()


def run(engine):
    return bench_cases(engine, cases=400, rounds=3, seed=1, tell=lambda _what: None)


def test_it_fills_once_with_rows_that_the_events_give_and_times_every_question(engine):
    first, second = run(engine), run(engine)
    assert (first.cases, first.open) == (400, 20)
    assert 9.5 < first.events / first.cases < 11
    assert second.events == first.events + 4  # one command for each round, and one to begin with
    assert rebuild(engine, shipped_clock_policies(), datetime.now(UTC)).mended == ()
    names = [one.what for one in first.timings]
    assert {"countdown board", "replay of one case", "list of an area, closed"} < set(names)
    assert all(0 < one.p50_ms <= one.p95_ms <= one.worst_ms for one in first.timings)
    assert all(f"| {name} | 3 |" in first.markdown() for name in names)


def test_somebodys_cases_are_left_alone(engine):
    CaseDesk(engine).file(Person("u1", Role.INTAKE, frozenset({"*"})), Filed("pothole", Severity.NORMAL), case="HZ-1")
    with pytest.raises(ConfigError, match="a database of its own"):
        run(engine)
