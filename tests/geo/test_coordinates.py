"""WGS-84 and GCJ-02: there and back within a decimetre, and never a guess."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.errors import ConfigError, DataError
from roadwarden.geo.cgcs2000 import GaussKrueger, Zone
from roadwarden.geo.coordinates import CoordinateSystem, from_wgs84, gcj02_to_wgs84, to_wgs84, wgs84_to_gcj02


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
    assert ((lat, lon) == (30.2741, 120.1551)) is (system is not CoordinateSystem.GCJ02)


@given(st.sampled_from(CoordinateSystem), st.floats(18.5, 53), st.floats(74, 134))
def test_out_and_in_again_within_a_decimetre_in_every_system(system, lat, lon):
    back_lat, back_lon = to_wgs84(*from_wgs84(lat, lon, system), system)
    assert math.hypot(back_lat - lat, back_lon - lon) * 111_320 < 0.1


@st.composite
def places_in_a_zone(draw):
    zone = Zone(draw(st.sampled_from([75, 108, 120, 135])), draw(st.booleans()))
    return zone, draw(st.floats(18.5, 53)), zone.central_meridian + draw(st.floats(-1.6, 1.6))


@given(places_in_a_zone())
def test_a_plane_zone_of_cgcs2000_there_and_back_within_a_decimetre(place):
    zone, lat, lon = place
    plane = GaussKrueger(zone)
    back_lat, back_lon = plane.to_wgs84(*plane.from_wgs84([lat], [lon]))
    assert math.hypot(back_lat[0] - lat, back_lon[0] - lon) * 111_320 < 0.1


def test_the_meridian_arc_of_the_standard_gives_the_northing_on_the_central_meridian():
    # From the equator to 45 degrees on GRS 80: 4984944.378 m; the ellipsoid of CGCS2000 agrees to 0.1 mm.
    east, north = GaussKrueger(Zone.of_meridian(120)).from_wgs84([45.0], [120.0])
    assert (east[0], north[0]) == pytest.approx((500_000, 4_984_944.378), abs=0.002)


def test_a_prefixed_easting_begins_with_the_number_of_its_zone():
    east, north = GaussKrueger(Zone.of_meridian(120, prefixed=True)).from_wgs84([30.2741], [120.1551])
    plain, same = GaussKrueger(Zone.of_meridian(120)).from_wgs84([30.2741], [120.1551])
    assert int(east[0] // 1_000_000) == 40
    assert (east[0] - 40_000_000, north[0]) == pytest.approx((plain[0], same[0]), abs=1e-6)


@pytest.mark.parametrize(
    ("zone", "east", "north", "advice"),
    [
        (Zone.of_meridian(120), 3_350_000, 514_000, "x and y are exchanged"),
        (Zone.of_meridian(120, prefixed=True), 3_350_000, 40_514_000, "x and y are exchanged"),
        (Zone.of_meridian(120), 40_514_000, 3_350_000, "begins with zone 40"),
        (Zone.of_meridian(120, prefixed=True), 39_514_000, 3_350_000, "begins with zone 39"),
        (Zone.of_meridian(120, prefixed=True), 514_000, 3_350_000, "no zone number"),
        (Zone.of_meridian(120), 120.15, 30.27, "degrees"),
    ],
)
def test_coordinates_of_another_zone_or_order_are_refused_with_advice(zone, east, north, advice):
    with pytest.raises(DataError, match=advice):
        GaussKrueger(zone).to_wgs84([east], [north])


def test_a_zone_is_named_by_its_epsg_code_or_meridian():
    assert Zone.of_epsg(4549) == Zone.of_meridian(120)
    assert Zone.of_epsg(4528) == Zone.of_meridian(120, prefixed=True)
    assert [zone.epsg for zone in Zone.all()][:2] == [4534, 4513]
    with pytest.raises(ConfigError, match="multiples of 3"):
        Zone.of_meridian(121)
    with pytest.raises(ConfigError, match="4534 to 4554"):
        Zone.of_epsg(4326)
