"""A camera on a pole: its points are made by a camera whose place is known."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from roadwarden.errors import DataError
from roadwarden.geo.camera import CameraModel, Lens, Measured, Mounting
from roadwarden.geo.ground import Refusal
from roadwarden.geo.plane import LocalPlane
from roadwarden.geo.pole import PoleCamera, PolePoint

FOOT = LocalPlane(30.2741, 120.1551)
MAST = CameraModel(
    "mast",
    Lens.of_focal(1920, 1080, Measured(1400.0)),
    Mounting(Measured(6.0), Measured(15.0), Measured(1.0), Measured(0.0)),
    reach_m=200,
)
HEADING = 40.0
CORNERS = [(9.0, 3.0), (9.0, -3.0), (25.0, -4.0), (25.0, 4.0)]


def on_the_map(x, y):
    """WGS-84 of metres ahead and to the left of a mast that looks along ``HEADING``."""
    angle = np.radians(HEADING)
    return FOOT.to_degrees([(x * np.sin(angle) - y * np.cos(angle), x * np.cos(angle) + y * np.sin(angle))])[0]


def points(corners=CORNERS):
    pixels = MAST.pixels(np.array(corners))
    return tuple(PolePoint(*pixel, *on_the_map(*corner)) for pixel, corner in zip(pixels, corners, strict=True))


def pole(marks=None, **settings):
    return PoleCamera("mast", 1920, 1080, marks or points(), HEADING, **settings)


def box_around(x, y, size=0.8):
    angles = np.linspace(0, 2 * np.pi, 100)
    pixels = MAST.pixels(np.column_stack([x + size / 2 * np.cos(angles), y + size / 2 * np.sin(angles)]))
    return np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])


@pytest.mark.parametrize(("x", "y"), [(11.0, 0.0), (18.0, 2.0), (28.0, -3.0)])
def test_a_pothole_between_the_points_is_put_on_the_map(x, y):
    camera = pole()
    patch = camera.project([box_around(x, y)])
    pose = camera.pose(datetime(2026, 5, 1, tzinfo=UTC))
    angle = np.radians(pose.heading_deg)
    forward, left = patch.centre_m[0]
    place = camera.plane.position_of(
        forward * np.sin(angle) - left * np.cos(angle), forward * np.cos(angle) + left * np.sin(angle)
    )
    assert FOOT.to_metres([(place.lat, place.lon)])[0] == pytest.approx(FOOT.to_metres([on_the_map(x, y)])[0], abs=0.03)
    assert patch.length_m[0] == pytest.approx(0.8, abs=0.05)


def test_the_covariance_is_what_throwing_dice_gives():
    box, dice, throws = box_around(18.0, 1.0), np.random.default_rng(5), 300
    marks, middle = points(), pole().plane
    metres = middle.to_metres([(mark.lat, mark.lon) for mark in marks])
    metres = metres + dice.normal(0, 0.1, (throws, 4, 2))
    places = middle.to_degrees(metres).reshape(throws, 4, 2)
    pixels = [(mark.u, mark.v) for mark in marks] + dice.normal(0, 2.0, (throws, 4, 2))
    boxes = box + dice.normal(0, 3.0, (throws, 4))

    def seen(throw):
        shaken = tuple(PolePoint(*pixel, *place) for pixel, place in zip(pixels[throw], places[throw], strict=True))
        camera = pole(shaken, pixel_sigma=0, ground_sigma_m=0)
        return camera.project(boxes[throw], edge_sigma_px=0).centre_m[0] + turned(metres[throw].mean(axis=0))

    truth = np.cov(np.array([seen(throw) for throw in range(throws)]).T)
    found = pole().project([box], edge_sigma_px=3.0).covariance_m2[0]
    assert np.diag(found) == pytest.approx(np.diag(truth), rel=0.2)


def turned(metres):
    """East and north as forward and left of the road."""
    angle = np.radians(HEADING)
    east, north = metres
    return np.array([east * np.sin(angle) + north * np.cos(angle), north * np.sin(angle) - east * np.cos(angle)])


def test_the_sky_and_the_far_end_of_the_road_are_refused():
    patch = pole().project([[900, 20, 1000, 100], box_around(60.0, 0.0)])
    assert patch.refused == (Refusal.ABOVE_HORIZON, Refusal.TOO_FAR)


def test_a_fifth_point_tells_how_well_the_others_fit():
    exact = points([*CORNERS, (15.0, 0.0)])
    wrong = (*exact[:4], PolePoint(exact[4].u + 40, exact[4].v, exact[4].lat, exact[4].lon))
    assert pole(exact).misfit_m < 1e-3
    assert 0.05 < pole(wrong).misfit_m < 1.0


@pytest.mark.parametrize(
    ("marks", "advice"),
    [
        (points()[:3], "at least four"),
        (points([(9.0, 0.0), (12.0, 0.0), (15.0, 0.0), (25.0, 4.0)]), "on a line"),
        ((points()[1], *points()[1:]), "on a line"),
        (
            tuple(
                PolePoint(mark.u, mark.v, other.lat, other.lon)
                for mark, other in zip(points(), [points()[i] for i in (1, 0, 2, 3)], strict=True)
            ),
            "exchanged",
        ),
        (
            tuple(
                PolePoint(mark.u, mark.v, other.lat, other.lon)
                for mark, other in zip(points(), [points()[i] for i in (1, 0, 3, 2)], strict=True)
            ),
            "exchanged",
        ),
    ],
    ids=["three", "line", "twice the same", "two exchanged", "mirrored"],
)
def test_points_that_tell_nothing_are_refused_with_advice(marks, advice):
    with pytest.raises(DataError, match=advice):
        pole(marks)
