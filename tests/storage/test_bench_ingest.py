"""The bench measures what it says, on both databases."""

from __future__ import annotations

import pytest
from kept_roads import survey

from roadwarden.errors import ConfigError
from roadwarden.eval.bench_ingest import bench_ingest
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import reading, writing


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    yield engine
    engine.dispose()


def run(engine, defects=300, sightings=120):
    told = []
    return bench_ingest(engine, defects=defects, sightings=sightings, batch=50, seed=1, tell=told.append), told


def test_a_drive_finds_most_of_its_defects_and_makes_the_others(engine):
    result, told = run(engine)
    assert result.defects_before == 300
    assert 0.7 < result.known_share < 1
    with reading(engine) as unit:
        made = unit.defects.count() - 300
    assert 1 <= made <= 120 * (1 - result.known_share)
    assert result.add_s + result.neighbours_s + result.settle_s <= result.seconds
    assert told[-1] == "120 of 120 sightings"
    assert f"| {result.per_second:,.0f} |" in result.markdown()


def test_a_second_run_fills_nothing_and_drives_anew(engine):
    run(engine)
    result, told = run(engine)
    assert result.defects_before > 300
    assert not any("stored" in line for line in told)
    assert result.known_share > 0.7


def test_somebodys_database_is_left_alone(engine):
    with writing(engine) as unit:
        unit.sightings.add(survey(holes=2))
    with pytest.raises(ConfigError, match="a database of its own"):
        run(engine)
    with reading(engine) as unit:
        assert unit.defects.count() == 0
