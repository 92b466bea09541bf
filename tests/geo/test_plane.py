"""Metres about an origin, held against PROJ's geodesics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from roadwarden.detections import Position
from roadwarden.geo.plane import LocalPlane

GEOD = Geod(ellps="WGS84")
HANGZHOU = LocalPlane(30.2741, 120.1551)
origins = st.builds(LocalPlane, st.floats(-60, 60), st.floats(-180, 180))


@given(origins, st.floats(0, 360), st.floats(0, 10_000))
def test_within_10_km_a_place_is_where_the_geodesic_ends_to_a_centimetre(plane, azimuth, distance):
    lon, lat, _ = GEOD.fwd(plane.lon, plane.lat, azimuth, distance)
    east, north = plane.to_metres([(lat, lon)])[0]
    angle = np.radians(azimuth)
    assert np.hypot(east - distance * np.sin(angle), north - distance * np.cos(angle)) < 0.01


@given(origins, st.floats(-7_000, 7_000), st.floats(-7_000, 7_000), st.floats(0, 360))
def test_a_metre_of_the_plane_is_a_metre_of_the_ground(plane, east, north, azimuth):
    step = 100 * np.array([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))])
    (lat1, lon1), (lat2, lon2) = plane.to_degrees([(east, north), (east + step[0], north + step[1])])
    assert GEOD.inv(lon1, lat1, lon2, lat2)[2] == pytest.approx(100, abs=1e-3)


@given(origins, st.floats(-50_000, 50_000), st.floats(-50_000, 50_000))
def test_there_and_back_is_the_same_place(plane, east, north):
    assert np.allclose(plane.to_metres(plane.to_degrees([(east, north)])), [(east, north)], atol=1e-5)


@given(st.floats(-60, 60), st.floats(-30_000, 30_000), st.floats(-30_000, 30_000), st.floats(0, 360))
def test_a_heading_of_the_plane_is_turned_to_true_north(lat, east, north, azimuth):
    plane = LocalPlane(lat, 120.0)
    step = 50 * np.array([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))])
    (lat1, lon1), (lat2, lon2) = plane.to_degrees([(east, north), (east + step[0], north + step[1])])
    heading = azimuth + plane.convergence_deg([(east, north)])[0]
    assert (GEOD.inv(lon1, lat1, lon2, lat2)[0] - heading + 180) % 360 - 180 == pytest.approx(0, abs=0.01)


def test_the_origin_is_zero():
    assert HANGZHOU.to_metres([(30.2741, 120.1551)]).tolist() == [[0.0, 0.0]]
    assert HANGZHOU.to_metres(np.zeros((0, 2))).shape == (0, 2)


def test_a_street_on_the_date_line_stays_in_one_piece():
    plane = LocalPlane.around([Position(-16.5, 179.999), Position(-16.5, -179.999)])
    assert abs(plane.lon) == pytest.approx(180)
    west, east = plane.to_metres([(-16.5, 179.999), (-16.5, -179.999)])[:, 0]
    assert east - west == pytest.approx(213.5, abs=0.5)


def test_one_position_goes_and_comes_back_with_its_heading():
    place = HANGZHOU.position_of(12.0, -5.0, heading_deg=45.0, speed_mps=3.0)
    assert HANGZHOU.metres_of(place) == pytest.approx((12.0, -5.0), abs=1e-6)
    assert (place.heading_deg, place.speed_mps) == (45.0, 3.0)


def test_an_origin_in_whole_degrees_is_an_origin():
    assert LocalPlane(30, 120).to_degrees([(0, 1000)])[0] == pytest.approx((30.00902, 120), abs=1e-5)


def test_the_pole_and_nothing_have_no_plane():
    with pytest.raises(ValueError, match="no plane at 90"):
        LocalPlane(90, 0)
    with pytest.raises(ValueError, match="needs an origin"):
        LocalPlane.around([])
