"""WGS-84 and GCJ-02: there and back within a decimetre, and never a guess."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.geo.coordinates import CoordinateSystem, gcj02_to_wgs84, to_wgs84, wgs84_to_gcj02


@given(st.floats(18.5, 53), st.floats(74, 134))
def test_there_and_back_within_a_decimetre(lat, lon):
    back_lat, back_lon = gcj02_to_wgs84(*wgs84_to_gcj02(lat, lon))
    metres = math.hypot((back_lat - lat) * 111_320, (back_lon - lon) * 111_320 * math.cos(math.radians(lat)))
    assert metres < 0.1


def test_hangzhou_is_shifted_by_hundreds_of_metres():
    lat, lon = wgs84_to_gcj02(30.2741, 120.1551)
    metres = math.hypot((lat - 30.2741) * 111_320, (lon - 120.1551) * 96_200)
    assert 300 < metres < 700


def test_outside_china_nothing_moves():
    assert wgs84_to_gcj02(-22.9, -43.2) == (-22.9, -43.2)
    assert gcj02_to_wgs84(-22.9, -43.2) == (-22.9, -43.2)


@pytest.mark.parametrize("system", CoordinateSystem)
def test_a_system_is_named_not_guessed(system):
    lat, lon = to_wgs84(30.2741, 120.1551, system)
    assert ((lat, lon) == (30.2741, 120.1551)) is (system is CoordinateSystem.WGS84)
