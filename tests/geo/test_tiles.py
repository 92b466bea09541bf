"""Tiles of the Earth: whatever is near is found, and little else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from roadwarden.geo.plane import LocalPlane
from roadwarden.geo.tiles import MapBox, key_ranges, tile_keys, tiles_within

HANGZHOU = (30.25, 120.16)
road_lat = st.floats(-80, 80)
any_lon = st.floats(-180, 180)


def held(keys, ranges):
    return [any(first <= key <= last for first, last in ranges) for key in keys]


def test_a_key_is_the_row_and_column_with_their_bits_in_turn():
    # Row (90 + 0.5 / 8192) * 8192 = 737280 = 0b10110100000000000000; column floor(180 * 8192 * cos 1 deg) = 1474335
    # of floor(360 * 8192 * cos 1 deg) = 2948670 columns; the bits are put in turn by Python's strings, not by us.
    row, column = 737280, math.floor(180 * math.floor(360 * 8192 * math.cos(math.radians(1))) / 360)
    turned = "".join(a + b for a, b in zip(f"{row:022b}", f"{column:022b}", strict=True))
    assert tile_keys([(0.5 / 8192, 1e-9)]).tolist() == [int(turned, 2)]


@settings(deadline=None)
@given(road_lat, any_lon, st.floats(0, 360), st.floats(0, 1))
@example(30.0, 179.99999, 90.0, 1.0)  # over the date line
@example(29.99999, 120.0, 0.0, 1.0)  # from one band of columns into the next
@example(0.0, 0.0, 180.0, 1.0)
def test_whatever_lies_within_the_radius_lies_in_a_tile_that_is_asked(lat, lon, bearing, share):
    plane = LocalPlane(lat, lon)
    there = plane.to_degrees([(10 * share * math.sin(bearing), 10 * share * math.cos(bearing))])
    assert np.isin(tile_keys(there), tiles_within([(lat, lon)], 10.0)).all()


@settings(deadline=None)
@given(road_lat, any_lon)
def test_ten_metres_ask_at_most_nine_tiles(lat, lon):
    assert 1 <= len(tiles_within([(lat, lon)], 10.0)) <= 9


@given(st.floats(-60, 60), st.floats(-179, 179))
@settings(max_examples=40, deadline=None)
def test_tiles_are_thirteen_and_a_half_metres_and_hardly_more(lat, lon):
    along = tile_keys(np.column_stack([np.full(800, lat), lon + np.arange(800) * 1e-6]))
    first, second, *_ = np.flatnonzero(np.diff(along))
    assert 13.3 <= (second - first) * 1e-6 * 111_320 * math.cos(math.radians(lat)) <= 14.4


def test_a_batch_asks_each_tile_once():
    alone = tiles_within([HANGZHOU], 10.0)
    assert tiles_within([HANGZHOU] * 500, 10.0).tolist() == alone.tolist()
    assert tiles_within(np.zeros((0, 2)), 10.0).tolist() == []


def test_a_radius_of_a_kilometre_is_a_box():
    with pytest.raises(ValueError, match="up to 500 m"):
        tiles_within([HANGZHOU], 1000.0)


@settings(deadline=None)
@given(st.floats(-84, 83), any_lon, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
@example(29.5, 179.5, 1.0, 1.0, 0.5, 0.9)
def test_every_place_of_a_box_lies_in_its_runs(south, west, height, width, up, along):
    east = west + width
    box = MapBox(south, west, min(south + height, 90), east - 360 if east > 180 else east)
    lon = west + along * width
    lon = lon - 360 if lon > 180 else lon
    assert held(tile_keys([(box.south + up * (box.north - box.south), lon)]), key_ranges(box)) == [True]


def test_the_runs_of_a_box_hold_little_else():
    south, west = HANGZHOU
    box = MapBox(south, west, south + 0.01, west + 0.01)  # 1.1 km by 1 km
    around = np.random.default_rng(3).uniform((south - 0.1, west - 0.1), (south + 0.1, west + 0.1), (20_000, 2))
    inside = (around >= HANGZHOU).all(1) & (around <= (box.north, box.east)).all(1)
    kept = np.array(held(tile_keys(around), key_ranges(box)))
    assert len(key_ranges(box)) <= 64
    assert kept[inside].all()
    assert kept.sum() <= 2.5 * inside.sum()


def test_a_continent_is_one_run_of_everything():
    assert len(key_ranges(MapBox(18, 73, 54, 135))) == 1


@pytest.mark.parametrize("wrong", [(31, 120, 30, 121), (30, 120, 31, 190)], ids=["upside down", "off the map"])
def test_a_box_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="south, west, north, east"):
        MapBox(*wrong)
