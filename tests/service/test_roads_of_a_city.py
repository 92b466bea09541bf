"""Condition and cells of streets, from what is kept: a street of known holes, reckoned by hand."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest
from drives import CAMERA, HOLES, MORNING, SETTINGS, drive, fixes, street

from roadwarden.defects.cells import Code
from roadwarden.defects.cjj36 import condition
from roadwarden.defects.jtg5210_table import Level
from roadwarden.defects.votes import Vote
from roadwarden.geo.places import Segment
from roadwarden.service.cells import cells_of
from roadwarden.service.condition import conditions
from roadwarden.service.exports.jtg import jtg_file
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.survey import survey
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import reading, writing
from roadwarden.taxonomy import DistressType, Pavement

NOON = MORNING + timedelta(hours=3)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """Two segments that were driven along, and one that nobody has seen."""
    engine = open_storage(f"sqlite:///{tmp_path_factory.mktemp('city')}/roadwarden.db")
    beyond = Segment("lane", "", street()[0].grade, tuple((lat + 0.01, lon) for lat, lon in street()[0].line), 8.0)
    with writing(engine) as unit:
        unit.segments.add([*street(), beyond], "city", MORNING)
    survey(engine, drive(), fixes(), CAMERA, SETTINGS)
    yield engine
    engine.dispose()


def test_the_index_of_a_street_is_that_of_its_holes_and_an_unseen_street_has_none(city):
    with reading(city) as unit:
        roads = KnownRoads.newest(unit)
        found = {one.segment.id: one for one in conditions(unit, roads, NOON)}
        holes = unit.defects.on_segments(roads.number, ["street 1"])
    first, second, lane = found["street 1"], found["street 2"], found["lane"]
    assert (lane.index, lane.why) == (None, "never seen in usable quality")
    assert (first.defects, second.defects) == (2, 2)
    area = sum(hole.length_m * hole.width_m for hole in holes)
    by_hand = condition({DistressType.POTHOLE: area}, 150.0 * 8.0, Pavement.ASPHALT)
    assert first.index.pci == pytest.approx(by_hand.pci, abs=0.01)
    assert 60 < first.index.pci < 100
    assert first.seen_share == pytest.approx(148 / 150, abs=0.01)


def test_cells_with_holes_are_not_healthy_and_what_was_seen_without_is(city):
    with reading(city) as unit:
        roads = KnownRoads.newest(unit)
        cells = cells_of(unit, roads, ["street 1", "street 2", "lane"], NOON)
        later = cells_of(unit, roads, ["street 1"], NOON + timedelta(days=3))
    east, north = HOLES[0]
    lateral = int(8.0 / 2 - north)  # from the left edge, looking east
    assert cells.at("street 1", int(east), lateral).code in (Code.YELLOW, Code.RED)
    assert cells.at("street 1", 100, 1).code is Code.GREEN
    assert cells.at("lane", 100, 1).code is Code.GREY
    assert later.at("street 1", 100, 1).code is Code.GREY  # grade I: every day
    assert later.at("street 1", int(east), lateral).code is not Code.GREY


def test_what_the_delivery_file_leaves_open_is_written_as_told_and_counted(city):
    with reading(city) as unit:
        roads = KnownRoads.newest(unit)
        holes = unit.defects.on_segments(roads.number, ["street 1"])
    strip = replace(holes[0], vote=Vote(DistressType.PATCH, (), 1.0), length_m=6.0, width_m=0.3)
    block = replace(strip, length_m=2.0, width_m=1.5)
    made = jtg_file([*holes, strip, block], roads.roadways["street 1"], Pavement.ASPHALT, Level.LIGHT)
    rows = list(csv.DictReader(io.StringIO(made.text)))
    sums = {name: sum(float(row[name]) for row in rows) for name in rows[0] if name.startswith(("坑槽", "修补"))}
    area = sum(hole.length_m * hole.width_m for hole in holes)
    assert (made.defects, made.level_assumed, made.left_out.total()) == (4, 2, 0)
    assert sums["坑槽轻(m²)"] == pytest.approx(area, abs=0.01)
    assert sums["坑槽重(m²)"] == 0
    assert sums["修补块状(m²)"] == pytest.approx(3.0, abs=0.01)
    assert sums["修补条状(m)"] == pytest.approx(6.0, abs=0.02)
