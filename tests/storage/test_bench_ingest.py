"""The bench measures what it says, on both databases."""

from __future__ import annotations

import pytest
from kept_roads import survey

from roadwarden.errors import ConfigError
from roadwarden.eval.bench_ingest import bench_ingest
from roadwarden.geo.tiles import MapBox
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import reading, writing


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    yield engine
    engine.dispose()


def run(engine, defects=300, sightings=120):
    told = []
    done = bench_ingest(engine, defects=defects, sightings=sightings, batch=50, passes=1, seed=1, tell=told.append)
    return done, told


def test_a_drive_finds_most_of_its_defects_and_makes_the_others(engine):
    result, told = run(engine)
    assert result.defects_before >= 300
    with reading(engine) as unit:
        made = unit.defects.count() - result.defects_before
        judged = [
            defect for defect in unit.defects.get(unit_ids(unit)) if defect.severity is None or defect.road is None
        ]
    assert made == result.defects_new
    assert result.district_cells == 10 * 1000 * 10  # one street of 10 km
    assert result.district_defects > 300
    assert 1 <= made <= 0.3 * 120 / 3
    assert judged == []
    assert told[-1] == "120 of 120 sightings"
    assert f"| {result.per_second:,.0f} |" in result.markdown()


def unit_ids(unit):
    box = MapBox(29.0, 119.0, 31.0, 121.0)
    return [defect.id for defect in unit.defects.in_box(box)]


def test_a_second_run_fills_nothing_and_drives_anew(engine):
    run(engine)
    result, told = run(engine)
    assert result.defects_before > 300
    assert not any("stored" in line for line in told)


def test_somebodys_database_is_left_alone(engine):
    with writing(engine) as unit:
        unit.sightings.add(survey(holes=2))
    with pytest.raises(ConfigError, match="a database of its own"):
        run(engine)
    with reading(engine) as unit:
        assert unit.defects.count() == 0
