"""The map's tiles say what the database says, at every zoom."""

from __future__ import annotations

import math
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from city import CITY_NOW, LITTLE
from tile_reading import read_tile

from roadwarden.defects.cells import Code
from roadwarden.defects.inspected import NEVER, microseconds
from roadwarden.errors import DataError
from roadwarden.geo.vector_tile import Feature, Layer, Shape, encode_tile
from roadwarden.geo.web_tiles import EXTENT, WebTile, to_world
from roadwarden.service.atlas import atlas as atlas_module
from roadwarden.service.atlas import point_tiles
from roadwarden.service.atlas.ages import Age, ages
from roadwarden.service.atlas.atlas import Atlas
from roadwarden.service.atlas.bands import banded, tens
from roadwarden.storage import case_unit
from roadwarden.storage.case_rows import CaseFilter
from roadwarden.storage.map_points import MapFilter
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import reading
from roadwarden.taxonomy import DistressType, Severity

ALL_OF_IT = MapFilter(CITY_NOW)


@pytest.fixture
def atlas(city):
    return Atlas(city, lambda: CITY_NOW)


def tiles_over(atlas, z):
    """Every tile of a zoom that the roads touch."""
    world = np.concatenate([strip.world for strip in atlas.health().shapes.strips])
    low, high = (np.floor(edge * 2**z).astype(int) for edge in (world.min(axis=0), world.max(axis=0)))
    return [WebTile(z, x, y) for x in range(low[0], high[0] + 1) for y in range(low[1], high[1] + 1)]


def inside(feature):
    return [place for part in feature.parts for place in part if 0 <= place[0] < EXTENT and 0 <= place[1] < EXTENT]


def area(ring):
    x, y = np.array(ring, float).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def test_the_writer_agrees_with_the_example_of_the_specification():
    polygon = Feature(Shape.POLYGON, [np.array([(3, 6), (8, 12), (20, 34)])], {})
    line = Feature(
        Shape.LINE, [np.array([(2, 2), (2, 10), (10, 10)])], {"name": "春晓路", "width": 7.5, "code": -2, "seen": True}
    )
    (features,) = read_tile(encode_tile([Layer("l", [polygon, line]), Layer("empty", [])])).values()
    assert features[0].parts == [[(3, 6), (8, 12), (20, 34)]]
    assert features[1].parts == [[(2, 2), (2, 10), (10, 10)]]
    assert features[1].properties == {"name": "春晓路", "width": 7.5, "code": -2, "seen": True}
    assert bytes([9, 6, 12, 18, 10, 12, 24, 44, 15]) in encode_tile([Layer("l", [polygon])])


def test_rings_turn_the_right_way_and_what_has_shrunk_to_nothing_is_left_out():
    square = np.array([(0, 0), (0, 10), (10, 10), (10, 0)])
    dust = Feature(Shape.POLYGON, [np.array([(5.1, 5.1), (5.2, 5.1), (5.2, 5.2)])])
    ((feature,),) = read_tile(encode_tile([Layer("l", [Feature(Shape.POLYGON, [square]), dust])])).values()
    assert area(feature.parts[0]) == 100.0


def test_square_metres_on_the_map_are_those_of_the_cells(atlas):
    counted = atlas.health().counts()
    drawn = Counter()
    for tile in tiles_over(atlas, 17):
        south, north = tile.box().south, tile.box().north
        metre = EXTENT * 2**17 / (40_075_016.7 * math.cos(math.radians((south + north) / 2)))
        for feature in read_tile(atlas.health_tile(tile)).get("cells", []):
            for ring in feature.parts:
                middle = np.mean(ring, axis=0)
                if (middle >= 0).all() and (middle < EXTENT).all():
                    drawn[Code(feature.properties["code"])] += area(ring) / metre**2
    assert sum(drawn.values()) == pytest.approx(sum(counted.values()), rel=0.01)
    for code in Code:
        assert drawn[code] == pytest.approx(counted[code], rel=0.05, abs=30), code


def test_a_stretch_is_red_for_one_cell_yellow_for_two_in_a_hundred_and_else_as_most_of_it_is():
    grid = np.zeros((400, 10), np.uint8)
    grid[5, 5] = Code.RED
    grid[100:102, :] = Code.YELLOW
    grid[200:300] = Code.GREY
    grid[200, 0:9] = Code.YELLOW
    sums = tens(grid)
    assert sums.sum() == grid.size
    assert banded(sums, 100).tolist() == [Code.RED, Code.YELLOW, Code.GREY, Code.GREEN]
    assert banded(sums, 10**9).tolist() == [Code.RED]
    assert banded(tens(grid[:205]), 100).tolist() == [
        Code.RED,
        Code.YELLOW,
        Code.YELLOW,
    ]  # the last one has five metres


def test_bands_and_whole_roads_are_drawn_at_every_zoom(atlas):
    for z in (11, 14, 16):
        bands = [one for tile in tiles_over(atlas, z) for one in read_tile(atlas.health_tile(tile)).get("bands", [])]
        assert {one.properties["code"] for one in bands} >= {Code.GREEN, Code.GREY}, z
        assert {one.properties["width"] for one in bands} >= {14.0, 21.0}


def test_from_afar_defects_are_counted_and_near_by_each_is_there(atlas, city):
    with reading(city) as unit:
        everything = unit.defects.count()
    far = [
        one
        for tile in tiles_over(atlas, 12)
        for one in read_tile(atlas.defect_tile(tile, ALL_OF_IT)).get("defects", [])
    ]
    near = [
        one
        for tile in tiles_over(atlas, 15)
        for one in read_tile(atlas.defect_tile(tile, ALL_OF_IT)).get("defects", [])
        if inside(one)
    ]
    assert sum(one.properties["count"] for one in far if inside(one)) == len(near)
    assert LITTLE.defects * 0.4 < len(near) < everything  # the mended ones are off the map
    assert len({one.properties["id"] for one in near}) == len(near)
    some = MapFilter(CITY_NOW, types=(DistressType.ALLIGATOR_CRACK,), severity=Severity.NORMAL)
    few = [one for tile in tiles_over(atlas, 15) for one in read_tile(atlas.defect_tile(tile, some)).get("defects", [])]
    assert {(one.properties["type"], one.properties["severe"]) for one in few} == {("alligator_crack", False)}


def test_a_crowded_tile_is_counted_and_half_a_kilometre_shows_everything(atlas, monkeypatch):
    def told(z):
        tiles = tiles_over(atlas, z)
        layers = {"defects": atlas.defect_tile, "cases": atlas.case_tile}
        return {
            name: [one for tile in tiles for one in read_tile(draw(tile, ALL_OF_IT)).get(name, []) if inside(one)]
            for name, draw in layers.items()
        }

    near = told(16)
    monkeypatch.setattr(point_tiles, "MOST_SHOWN", 1)
    for z in (14, 15):
        for name, found in told(z).items():
            assert any("count" in one.properties for one in found)
            assert sum(one.properties.get("count", 1) for one in found) == len(near[name]), (z, name)
    assert told(16) == near  # a click on a count leads here: all can be chosen


def test_cases_of_other_areas_are_not_on_the_map(atlas, city):
    def ids(wanted):
        tiles = [read_tile(atlas.case_tile(tile, wanted)) for tile in tiles_over(atlas, 15)]
        return {one.properties["id"] for found in tiles for one in found.get("cases", []) if inside(one)}

    with case_unit.reading(city) as unit:
        open_ones = set(unit.rows.names(CaseFilter(is_open=True), CITY_NOW))
        mine = set(unit.rows.names(CaseFilter(is_open=True, area="gongshu"), CITY_NOW))
    assert ids(ALL_OF_IT) == ids(replace(ALL_OF_IT, of_today=True)) == open_ones
    assert ids(MapFilter(CITY_NOW, areas=("gongshu",))) == mine
    assert ids(MapFilter(CITY_NOW, areas=())) == set()
    yesterday = MapFilter(CITY_NOW - timedelta(days=1))
    assert ids(yesterday) != open_ones


def test_the_map_of_a_past_day_knows_less_and_is_the_same_again(atlas):
    begin = CITY_NOW - timedelta(days=LITTLE.days - 2)
    before, after = atlas.health(begin).counts(), atlas.health().counts()
    assert 0 < before[Code.YELLOW] + before[Code.RED] < after[Code.YELLOW] + after[Code.RED] + 200
    assert before[Code.GREY] > after[Code.GREY]
    assert atlas.health(begin) is atlas.health(begin)


def test_tiles_of_now_do_not_wait_for_a_past_moment(atlas, monkeypatch):
    (tile,), asked, go_on = tiles_over(atlas, 10)[:1], threading.Event(), threading.Event()

    def slow(*_):
        asked.set()
        go_on.wait(30)
        raise DataError("somebody moved the slider again")

    monkeypatch.setattr(atlas_module, "health_at", slow)
    with ThreadPoolExecutor() as pool:
        past = pool.submit(atlas.health, CITY_NOW - timedelta(days=2))
        assert asked.wait(30)
        try:
            assert pool.submit(atlas.health_tile, tile).result(30)
            assert not past.done()
        finally:
            go_on.set()


def test_tiles_that_cannot_be_are_refused_and_a_map_without_roads_says_so(tmp_path):
    with pytest.raises(DataError, match="no tile 3/8/0"):
        WebTile(3, 8, 0)
    empty = Atlas(open_storage(f"sqlite:///{tmp_path / 'empty.db'}"), lambda: CITY_NOW)
    with pytest.raises(DataError, match="roads import"):
        empty.health_tile(WebTile(3, 6, 3))


def test_hangzhou_lies_where_the_web_map_has_it():
    assert np.floor(to_world([(30.25, 120.16)]) * 2**10).tolist() == [[853, 421]]


def test_the_age_of_an_inspection_is_that_of_the_oldest_square_metre_across():
    now = CITY_NOW
    days = [0.5, 1.0, 1.01, 3.0, 7.0, 7.01]
    seen = np.array([[microseconds(now - timedelta(days=one)), microseconds(now)] for one in days])
    seen = np.concatenate([seen, [[microseconds(now), NEVER]]])
    assert [Age(one) for one in ages(seen, now)] == [
        Age.DAY, Age.DAY, Age.TWO_DAYS, Age.THREE_DAYS, Age.WEEK, Age.OLDER, Age.NEVER,
    ]  # fmt: skip


def test_roads_that_nobody_has_seen_are_drawn_as_never_seen(atlas):
    health = atlas.health()
    never = {row for row, old in enumerate(health.ages) if (old == Age.NEVER).all()}
    drawn = Counter()
    for tile in tiles_over(atlas, 15):
        for feature in read_tile(atlas.age_tile(tile)).get("ages", []):
            drawn[Age(feature.properties["age"])] += 1
    assert (Age.NEVER in drawn) == bool(never)
    assert len(drawn) > 1
