"""The city in small is made by the services: what its pages show can be counted again from the tables."""

from __future__ import annotations

from datetime import timedelta

import pytest
from city import CITY_NOW, LITTLE

from roadwarden.cases.answer import CaseState
from roadwarden.cases.clocks import clocks
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.defects.cells import Code
from roadwarden.errors import ConfigError
from roadwarden.service.cells import cells_of
from roadwarden.service.city.build import CitySettings, build_city
from roadwarden.service.known_roads import KnownRoads
from roadwarden.storage import case_unit
from roadwarden.storage.case_rows import ALL, CaseFilter
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import reading


def test_its_cases_are_in_every_state_and_nothing_that_happened_is_refused(city):
    with case_unit.reading(city) as unit:
        states = unit.rows.count_by_state(ALL, CITY_NOW)
        rows = unit.rows.list(ALL, CITY_NOW, most=1000)
        answers = [clocks(unit.events.of(row.case_id), shipped_clock_policies(), CITY_NOW) for row in rows]
        open_ones = unit.rows.count(CaseFilter(is_open=True), CITY_NOW)
    assert sum(states.values()) == len(rows) > 12
    assert open_ones >= 3
    assert states[CaseState.CLOSED] > open_ones
    assert [refusal for answer in answers for refusal in answer.refused] == []
    assert {row.area for row in rows} == {"west-lake", "gongshu", "shangcheng", "binjiang"}
    assert max(row.as_of for row in rows) <= CITY_NOW


def test_a_city_has_cells_of_every_colour(city):
    with reading(city) as unit:
        roads = KnownRoads.newest(unit)
        cells = cells_of(unit, roads, list(roads.rows), CITY_NOW)
        assert LITTLE.defects * 0.5 < unit.defects.count() < LITTLE.defects * 1.5
    assert len(roads.rows) == LITTLE.roads
    assert all((cells.codes == code).sum() > 20 for code in Code)


def test_a_city_is_the_same_again_and_made_in_an_empty_database_only(tmp_path):
    settings = CitySettings(CITY_NOW, roads=4, days=2, defects=12)
    made = [build_city(open_storage(f"sqlite:///{tmp_path / name}"), settings) for name in ("a.db", "b.db")]
    assert made[0] == made[1]
    assert made[0].sightings > 0
    with pytest.raises(ConfigError, match="holds roads already"):
        build_city(open_storage(f"sqlite:///{tmp_path / 'a.db'}"), settings)
    with pytest.raises(ConfigError, match="wants 4 roads"):
        CitySettings(CITY_NOW - timedelta(days=1), roads=1)
