"""Calibration against cameras whose truth is known: rendered chessboards, lanes of the synthetic street."""

from __future__ import annotations

import json
from functools import cache

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from roadwarden.cli import app
from roadwarden.data.synthetic import Camera
from roadwarden.errors import ConfigError, DataError
from roadwarden.geo.calibrate import ImageLine, LaneView, lens_of, mounting_of, parse_lines
from roadwarden.geo.camera import CameraModel, Lens, Measured, Mounting
from roadwarden.geo.camera_file import camera_yaml, read_camera
from roadwarden.vision.chessboard import Board, measure_lens

BOARD = Board(7, 5, 0.03)
TRUE_LENS = Lens(480, 360, Measured(420.0), Measured(246.0), Measured(176.0), (-0.12, 0.03, 0.0, 0.0, 0.0))
TILTS = [(0, 0), (25, 0), (-25, 5), (0, 25), (5, -25), (20, 20), (-20, 20), (15, -30)]


def board_picture(tilt_x, tilt_y, shift):
    """The board as ``TRUE_LENS`` sees it, pixel by pixel."""
    turned = cv2.Rodrigues(np.radians([tilt_x, tilt_y, 5.0]))[0]
    middle = np.array([*shift, 0.42])
    rays = rays_of_all_pixels()
    reach = (turned[:, 2] @ middle) / (rays @ turned[:, 2])
    on_board = (rays * reach[:, None] - middle) @ turned[:, :2]
    texture, per_metre = board_texture()
    at = (on_board * per_metre + np.array(texture.shape[::-1]) / 2).astype(np.float32).reshape(360, 480, 2)
    grey = cv2.remap(texture, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=200)
    return np.dstack([cv2.GaussianBlur(grey, (0, 0), 0.7)] * 3)


@cache
def rays_of_all_pixels():
    u, v = np.meshgrid(np.arange(480.0), np.arange(360.0))
    return TRUE_LENS.rays(np.stack([u.ravel(), v.ravel()], axis=1))


def board_texture():
    square = 40
    cells = (np.indices((BOARD.rows + 1, BOARD.columns + 1)).sum(axis=0) % 2 * 205 + 25).astype(np.uint8)
    squares = np.kron(cells, np.ones((square, square), np.uint8))
    return cv2.copyMakeBorder(squares, square, square, square, square, cv2.BORDER_CONSTANT, value=230), square / 0.03


@pytest.fixture(scope="module")
def boards():
    shifts = [(0, 0), (0.05, 0), (-0.06, 0.02), (0.05, -0.03), (-0.05, -0.02), (0, 0.04), (0.03, 0.03), (-0.04, 0.01)]
    return {f"{i}.png": board_picture(*tilt, shift) for i, (tilt, shift) in enumerate(zip(TILTS, shifts, strict=True))}


def within(found, truth, sigmas=4.0, slack=0.0):
    return abs(found.value - truth) <= sigmas * found.sigma + slack


def test_a_lens_is_measured_on_rendered_chessboards(boards):
    grey = {"none.png": np.full((360, 480, 3), 128, np.uint8)}
    measured = measure_lens({**boards, **grey}, BOARD)
    lens = lens_of(measured)
    assert measured.not_found == ("none.png",)
    assert measured.rms_px < 0.3
    assert lens.focal_px.value == pytest.approx(420, rel=0.01)
    assert 0 < lens.focal_px.sigma < 5
    assert within(lens.focal_px, 420, slack=1)
    assert within(lens.centre_x_px, 246, slack=1)
    assert within(lens.centre_y_px, 176, slack=1)
    corners = np.array([[20.0, 20.0], [460.0, 340.0], [20.0, 340.0]])
    assert lens.rays(corners) == pytest.approx(TRUE_LENS.rays(corners), abs=0.02)


def test_too_few_boards_a_wrong_board_and_mixed_sizes_are_refused_with_advice(boards):
    with pytest.raises(DataError, match="count corners, not squares"):
        measure_lens(boards, Board(8, 6, 0.03))
    with pytest.raises(DataError, match="several sizes"):
        measure_lens({**boards, "small.png": np.zeros((90, 120, 3), np.uint8)}, BOARD)
    with pytest.raises(ConfigError, match="9x6"):
        Board.parse("9 by 6", 0.03)
    assert Board.parse("7x5", 0.03) == BOARD


# Lanes


def lane_lines(camera, offsets=(-1.75, 1.75), near=5.0, far=25.0):
    """Lines along the road as the synthetic street's camera shows them, to the whole pixel."""
    lines = []
    for offset in offsets:
        ends, _ = camera.project(np.array([[near, offset, 0.0], [far, offset, 0.0]]), 0.0)
        lines.append(ImageLine(*(float(value) for value in ends.round().ravel())))
    return tuple(lines)


@pytest.mark.parametrize(("pitch", "yaw", "height"), [(17.0, 0.0, 1.5), (8.0, 3.0, 2.4), (12.0, -5.0, 1.2)])
def test_a_mounting_is_measured_on_a_lane(pitch, yaw, height):
    street = Camera(pitch_deg=pitch, yaw_deg=yaw, height_m=height)
    lens = Lens.of_focal(1280, 720, Measured(980.0, 5.0))
    mounting = mounting_of(lens, LaneView(lane_lines(street), Measured(3.5, 0.05)))
    assert mounting.height_m.value == pytest.approx(height, rel=0.02)
    assert mounting.pitch_deg.value == pytest.approx(pitch, abs=0.3)
    assert mounting.heading_deg.value == pytest.approx(yaw, abs=0.3)
    assert 0.01 < mounting.height_m.sigma < 0.1
    assert 0.3 <= mounting.pitch_deg.sigma < 1.0
    model = CameraModel("street", lens, mounting)
    seen, _ = street.project(np.array([[10.0, 1.0, 0.0]]), 0.0)
    assert model.ground(seen)[0] == pytest.approx([10.0, -1.0], abs=0.35)


def test_the_sigmas_of_a_mounting_are_what_throwing_dice_gives():
    street, dice = Camera(), np.random.default_rng(9)
    lens = Lens.of_focal(1280, 720, Measured(980.0))
    exact = lane_lines(street)

    def thrown():
        lines = tuple(
            ImageLine(*(np.array([each.u1, each.v1, each.u2, each.v2]) + dice.normal(0, 1.5, 4))) for each in exact
        )
        view = LaneView(lines, Measured(dice.normal(3.5, 0.1)), Measured(dice.normal(0, 0.5)))
        mounting = mounting_of(lens, view)
        return mounting.height_m.value, mounting.pitch_deg.value, mounting.heading_deg.value

    truth = np.std(np.array([thrown() for _ in range(250)]), axis=0)
    view = LaneView(exact, Measured(3.5, 0.1), Measured(0, 0.5), parallel_sigma_deg=0, nodding_deg=0)
    found = mounting_of(lens, view)
    sigmas = [found.height_m.sigma, found.pitch_deg.sigma, found.heading_deg.sigma]
    assert sigmas == pytest.approx(truth, rel=0.2)


def test_a_third_line_makes_the_direction_surer():
    lens = Lens.of_focal(1280, 720, Measured(980.0))
    two = mounting_of(lens, LaneView(lane_lines(Camera()), Measured(3.5), nodding_deg=0))
    three = mounting_of(lens, LaneView(lane_lines(Camera(), (-1.75, 1.75, 0.3)), Measured(3.5), nodding_deg=0))
    assert three.pitch_deg.sigma < two.pitch_deg.sigma


@pytest.mark.parametrize(
    ("lines", "advice"),
    [
        (["410,700,610,420"], "two are needed"),
        (["410,700,610"], "wanted u1,v1,u2,v2"),
        (["410,700,412,702", "900,700,690,420"], "nearer than 20 px"),
        (["410,700,610,420", "420,700,611,420"], "one lane width apart"),
        (["410,100,610,400", "900,100,690,400"], "along the road|above the horizon|lane width"),
    ],
)
def test_lines_that_are_no_lane_are_refused_with_advice(lines, advice):
    lens = Lens.of_focal(1280, 720, Measured(980.0))
    with pytest.raises(DataError, match=advice):
        mounting_of(lens, LaneView(parse_lines(lines), Measured(3.5)))


# The command


def calibrate(*arguments):
    return CliRunner().invoke(app, ["camera", "calibrate", *map(str, arguments)], catch_exceptions=True)


def test_a_camera_file_is_made_of_a_chessboard_and_a_lane(tmp_path, boards):
    folder = tmp_path / "boards"
    folder.mkdir()
    for name, image in boards.items():
        cv2.imwrite(str(folder / name), image)
    out = tmp_path / "cameras" / "front.yaml"
    lane = [(130, 350, 222, 215), (360, 350, 268, 215)]
    lines = [part for line in lane for part in ("--line", ",".join(map(str, line)))]
    done = calibrate(out, "--chessboard", folder, "--board", "7x5", "--square-mm", 30, *lines, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    model = read_camera(out)
    assert isinstance(model, CameraModel)
    assert model.lens.focal_px.value == pytest.approx(420, rel=0.01)
    assert told["height_m"]["value"] == pytest.approx(model.mounting.height_m.value, abs=1e-5)
    assert told["height_m"]["sigma"] > 0
    assert "8 pictures" in told["made"]


def test_what_is_not_measured_anew_stays(tmp_path):
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    by_hand = calibrate(old, "--focal-px", 980, "--size", "1280x720", "--height-m", 1.5, "--pitch-deg", 17)
    assert by_hand.exit_code == 0, by_hand.output
    street = Camera(pitch_deg=12.0)
    lines = [part for each in lane_lines(street) for part in ("--line", f"{each.u1},{each.v1},{each.u2},{each.v2}")]
    assert calibrate(new, "--camera", old, *lines).exit_code == 0
    before, after = read_camera(old), read_camera(new)
    assert after.lens == before.lens
    assert before.mounting.pitch_deg.value == 17
    assert after.mounting.pitch_deg.value == pytest.approx(12, abs=0.3)


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ([], "which lens"),
        (["--focal-px", "980"], "--size 1280x720"),
        (["--focal-px", "980", "--size", "1280x720"], "how is the camera mounted"),
        (["--focal-px", "980", "--size", "1280x720", "--board", "9"], "wanted inner corners"),
    ],
)
def test_a_call_that_lacks_something_says_what(tmp_path, arguments, advice):
    done = calibrate(tmp_path / "x.yaml", *arguments)
    assert done.exit_code != 0
    assert advice in str(done.exception)
    assert not (tmp_path / "x.yaml").exists()


def test_a_pole_camera_is_no_start(tmp_path):
    file = tmp_path / "pole.yaml"
    vehicle = camera_yaml(CameraModel("a", TRUE_LENS, Mounting(Measured(1.5), Measured(5))), "")
    file.write_text(vehicle.replace("kind: vehicle", "kind: pole"), encoding="utf-8")
    assert isinstance(calibrate(tmp_path / "x.yaml", "--camera", file).exception, ConfigError)
