"""Boxes to metres: by hand, against the synthetic street's own camera, and by throwing dice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from roadwarden.data.synthetic import Camera
from roadwarden.errors import ConfigError
from roadwarden.geo.camera import CameraModel, Lens, Measured, Mounting
from roadwarden.geo.ground import Refusal, measure

LENS = Lens(1280, 720, Measured(1000.0, 5.0), Measured(640.0, 2.0), Measured(360.0, 2.0))
LEVEL = CameraModel("level", LENS, Mounting(Measured(1.5, 0.02), Measured(0.0, 0.3)))
STREET = CameraModel(
    "street",
    Lens(1280, 720, Measured(980.0, 4.0), Measured(640.0, 2.0), Measured(360.0, 2.0)),
    Mounting(Measured(1.5, 0.02), Measured(17.0, 0.3), Measured(0.0, 0.3), Measured(0.0, 0.3)),
)
WIDE = replace(LENS, distortion=(-0.28, 0.07, 0.001, -0.0005, 0.01))


def round_patch(x, y, length, width):
    angles = np.linspace(0, 2 * np.pi, 200)
    return np.column_stack([x + length / 2 * np.cos(angles), y + width / 2 * np.sin(angles)])


def test_a_level_camera_by_hand():
    # 100 px below the horizon at 1000 px focal length: ten times the height away; 100 px to the left: a tenth of that
    assert LEVEL.ground(np.array([[640.0, 460.0], [540.0, 460.0]])) == pytest.approx(np.array([[15, 0], [15, 1.5]]))


def test_a_box_by_hand():
    patch = LEVEL.project([[600, 460, 680, 510]])
    assert patch.length_m[0] == pytest.approx(1500 / 100 - 1500 / 150)  # from 10 m to 15 m
    assert patch.centre_m[0] == pytest.approx([12.5, 0.0])
    assert patch.width_m[0] == pytest.approx(80 * 12.5 / 1000)


def test_at_the_horizon_and_above_there_is_no_road():
    assert np.isnan(LEVEL.ground(np.array([[640.0, 360.0], [640.0, 10.0]]))).all()


@pytest.mark.parametrize("yaw", [-4.0, 0.0, 6.0])
@pytest.mark.parametrize(("x", "y"), [(5.0, -1.0), (7.0, 0.4), (12.0, 2.0), (18.0, 0.0)])
def test_the_synthetic_streets_potholes_come_out_where_they_are(x, y, yaw):
    camera = Camera(yaw_deg=yaw)
    seen = camera.box_of(round_patch(x, -y, 0.8, 0.6), at_x=0.0)  # the street counts y to the right
    assert seen is not None
    model = replace(STREET, mounting=replace(STREET.mounting, heading_deg=Measured(yaw, 0.3)))
    patch = model.project([seen[0]])
    assert patch.centre_m[0] == pytest.approx([x, y], abs=0.02)
    assert patch.length_m[0] == pytest.approx(0.8, abs=0.03)
    assert patch.width_m[0] == pytest.approx(0.6, abs=0.03)


cameras = st.builds(
    lambda height, pitch, roll, heading, lens: CameraModel(
        "any", lens, Mounting(Measured(height), Measured(pitch), Measured(roll), Measured(heading))
    ),
    st.floats(0.8, 3.5),
    st.floats(0, 35),
    st.floats(-5, 5),
    st.floats(-20, 20),
    st.sampled_from([LENS, WIDE]),
)


@given(cameras, st.floats(3, 25), st.floats(-0.3, 0.3))
def test_the_road_seen_in_a_picture_is_the_same_road(camera, x, slope):
    pixel = camera.pixels(np.array([[x, slope * x]]))
    assume(((pixel > 0) & (pixel < [1280, 720])).all())
    assert camera.ground(pixel) == pytest.approx(np.array([[x, slope * x]]), abs=1e-3)


@pytest.mark.parametrize("x", [4.0, 9.0, 15.0])
def test_the_covariance_is_what_throwing_dice_gives(x):
    edge = 2.0
    box = measure_box(x, 1.0)
    patch = STREET.project([box], edge_sigma_px=edge)
    dice = np.random.default_rng(3)
    thrown = np.array([measure(perturbed(STREET, dice), (box + dice.normal(0, edge, 4))[None])[0] for _ in range(1200)])
    truth = np.cov(thrown.T)
    assert patch.covariance_m2[0] == pytest.approx(
        truth[:2, :2], rel=0.12, abs=0.06 * np.sqrt(truth[0, 0] * truth[1, 1])
    )
    assert patch.length_sigma_m[0] ** 2 == pytest.approx(truth[2, 2], rel=0.15)
    assert patch.width_sigma_m[0] ** 2 == pytest.approx(truth[3, 3], rel=0.15)


def measure_box(x, y):
    pixels = STREET.pixels(round_patch(x, y, 1.0, 1.0))
    return np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])


def perturbed(model, dice):
    def throw(known):
        return Measured(dice.normal(known.value, known.sigma))

    lens, mounting = model.lens, model.mounting
    return replace(
        model,
        lens=replace(
            lens,
            focal_px=throw(lens.focal_px),
            centre_x_px=throw(lens.centre_x_px),
            centre_y_px=throw(lens.centre_y_px),
        ),
        mounting=Mounting(
            *map(throw, (mounting.height_m, mounting.pitch_deg, mounting.roll_deg, mounting.heading_deg))
        ),
    )


def test_far_away_is_less_sure_mostly_along_the_road():
    near, far = STREET.project([measure_box(5, 0), measure_box(20, 0)]).covariance_m2
    assert far[0, 0] > 50 * near[0, 0]
    assert far[0, 0] > 10 * far[1, 1]


def test_a_camera_known_exactly_and_exact_boxes_have_no_spread():
    exact = replace(
        LEVEL,
        lens=replace(LENS, focal_px=Measured(1000), centre_x_px=Measured(640), centre_y_px=Measured(360)),
        mounting=Mounting(Measured(1.5), Measured(5.0), Measured(0.0), Measured(0.0)),
    )
    assert exact.project([[600, 460, 680, 510]], edge_sigma_px=0).covariance_m2.tolist() == [[[0, 0], [0, 0]]]


def test_boxes_that_cannot_be_placed_are_refused_with_a_reason_and_the_others_are_not():
    patch = LEVEL.project(
        [
            [600, 300, 680, 510],  # a van that stands up above the horizon
            [600, 365, 680, 370],  # 300 m away
            [680, 460, 600, 510],
            [np.nan, 460, 680, 510],
            [600, 460, 680, 510],
        ]
    )
    degenerate = Refusal.DEGENERATE
    assert patch.refused == (Refusal.ABOVE_HORIZON, Refusal.TOO_FAR, degenerate, degenerate, None)
    assert patch.placed.tolist() == [False, False, False, False, True]
    assert np.isnan(patch.centre_m[:4]).all()
    assert np.isfinite(patch.covariance_m2[4]).all()


def test_no_boxes_no_patches():
    assert len(LEVEL.project(np.zeros((0, 4)))) == 0


def test_a_box_at_the_border_says_that_its_size_is_a_lower_bound():
    assert LEVEL.project([[600, 500, 680, 720], [0, 500, 80, 600], [600, 500, 680, 600]]).cut.tolist() == [
        True,
        True,
        False,
    ]


def test_half_size_frames_show_the_same_road():
    box = np.array([600, 460, 680, 510])
    whole, half = LEVEL.project([box], 4.0), LEVEL.scaled_to(640, 360).project([box / 2], 2.0)
    assert half.centre_m == pytest.approx(whole.centre_m)
    assert half.covariance_m2 == pytest.approx(whole.covariance_m2)


def test_cropped_frames_are_another_camera():
    with pytest.raises(ConfigError, match="calibrate on frames as they come"):
        LEVEL.scaled_to(640, 480)
