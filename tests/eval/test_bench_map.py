"""The bench of the map on four roads: its city is filled once, its figures add up, others' roads are left alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from roadwarden.errors import ConfigError
from roadwarden.eval import bench_map as bench_module
from roadwarden.eval.bench_map import FIRST_SHOWN, ZOOMS, Asked, MapLayer, bench_map
from roadwarden.eval.bench_map_city import CitySize, streets
from roadwarden.eval.bench_map_page import as_markdown
from roadwarden.eval.geojson_tiles import geojson
from roadwarden.geo.vector_tile import Feature, Layer, Shape
from roadwarden.geo.web_tiles import WebTile, to_world
from roadwarden.service.roads import import_roads
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import reading
from roadwarden.taxonomy import DistressType

SIZE = CitySize(roads=4, defects=400, cases=80)


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(autouse=True)
def drawn_twice(monkeypatch):
    """Figures that nobody trusts, in a fraction of the time."""
    monkeypatch.setattr(bench_module, "LEAST_DRAWN", 2)


def test_it_fills_once_and_its_figures_add_up(engine):
    told = []
    first = bench_map(engine, SIZE, windows=2, tell=told.append)
    assert 40_000 <= first.cells < 41_000
    assert 300 < first.defects < 400  # the mended ones are off the map
    assert first.cases == 80
    assert "80 of 80 cases" in told
    with reading(engine) as unit:
        kept = unit.defects.in_box(bench_module.WebTile(0, 0, 0).box())
    assert len(kept) == 400
    assert {one.vote.type for one in kept} > {DistressType.POTHOLE, DistressType.CONCRETE_BLOW_UP}
    assert len({one.severity for one in kept}) == 2
    assert [one.zoom for one in first.views] == list(ZOOMS)
    assert sum(one.is_first for one in first.views) == 1
    for view in first.views:
        dense = [one for one in first.kinds if one.zoom == view.zoom and one.asked is Asked.ALL]
        assert view.densest <= view.worst
        if view.zoom < 17:  # there points are those of zoom 16
            assert sum(one.bytes for one in dense if one.layer in FIRST_SHOWN) == view.densest
    for one in first.kinds:
        assert one.first.p50 <= one.first.p95 <= one.first.worst
        assert one.geojson_bytes > one.bytes
        assert one.largest <= 400 * 60
    again = [one.first.number for one in first.kinds if one.layer is MapLayer.HEALTH]
    assert min(again) > 0
    assert json.loads(json.dumps(first.as_json()))["holds"] is first.holds
    second = bench_map(engine, SIZE, windows=1, tell=told.append)
    assert told.count("80 of 80 cases") == 1
    assert [one.bytes for one in second.kinds if one.zoom == 12] == [one.bytes for one in first.kinds if one.zoom == 12]


def test_what_is_too_slow_or_too_heavy_is_named(engine, monkeypatch):
    monkeypatch.setattr(bench_module, "TILE_TARGET_MS", 0.0)
    monkeypatch.setattr(bench_module, "VIEW_TARGET_BYTES", 1000)
    monkeypatch.setattr(bench_module, "ZOOMS", range(15, 16))
    told = bench_map(engine, SIZE, windows=1)
    assert not told.holds
    assert {"zoom 15 health all", "zoom 15 cases two days ago", "a view of zoom 15"} < set(told.misses)
    assert "**missed** by zoom 15 health all" in as_markdown(told)


def test_somebodys_roads_are_left_alone(engine):
    import_roads(engine, tuple(streets(4)), "a city", datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(ConfigError, match="a database of its own"):
        bench_map(engine, SIZE, windows=1)
    with reading(engine) as unit:
        assert unit.defects.count() == 0


def test_geojson_has_the_places_of_the_tile():
    tile = WebTile(15, 27320, 13490)
    place = (30.25, 120.16)
    units = WebTile.units(tile, to_world([place]))
    (feature,) = geojson([Layer("defects", [Feature(Shape.POINT, [units], {"id": "a"})])], tile)["features"]
    assert feature["geometry"]["coordinates"] == pytest.approx(place[::-1], abs=1e-6)
    assert feature["properties"] == {"layer": "defects", "id": "a"}
