"""Two pictures are registered where they show the same road, and only there."""

from __future__ import annotations

import csv
import itertools
import random
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.data.synthetic import Camera, Visit, scene_of, street_for
from roadwarden.vision.decode import decode
from roadwarden.vision.registration import (
    LEAST_INLIERS,
    Features,
    Refused,
    attempt,
    features,
    register,
    warp_boxes,
)

WIDTH, HEIGHT = 480, 320


def asphalt(seed: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Grain of two sizes: what a close picture of a road is made of."""
    noise = np.random.default_rng(seed).normal(0, 1, (2, height, width))
    grain = cv2.GaussianBlur(noise[0], (0, 0), 1.5) * 60 + cv2.GaussianBlur(noise[1], (0, 0), 5) * 120
    return np.dstack([(120 + grain).clip(0, 255).astype(np.uint8)] * 3)


def seen_from(homography: np.ndarray, picture: np.ndarray) -> np.ndarray:
    return cv2.warpPerspective(picture, homography, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)


def of(points: np.ndarray) -> Features:
    """A picture whose every keypoint looks like itself and like nothing else."""
    looks = np.random.default_rng(0).integers(0, 256, (len(points), 128)).astype(np.uint8)
    return Features(points.astype(np.float32), looks, WIDTH, HEIGHT)


def corner_error(found: np.ndarray, true: np.ndarray, width: int, height: int) -> float:
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    ends = [cv2.perspectiveTransform(corners, one)[0] for one in (found, true)]
    return float(np.linalg.norm(ends[0] - ends[1], axis=1).max())


SHIFTS = {
    "sideways": np.array([[1, 0, 37.5], [0, 1, -21], [0, 0, 1]]),
    "nearer": np.array([[1.35, 0.05, -90], [-0.04, 1.4, -60], [0, 0, 1]]),
    "tilted": np.array([[1.1, 0.12, -20], [0.03, 0.95, 12], [2e-4, 3e-4, 1]]),
}


@pytest.mark.parametrize("homography", SHIFTS.values(), ids=SHIFTS.keys())
def test_a_known_homography_is_found_to_two_pixels(homography):
    picture = asphalt(1)
    found = register(features(picture), features(seen_from(homography, picture)))
    assert found is not None
    assert corner_error(found.homography, homography, WIDTH, HEIGHT) < 2
    assert found.inliers >= 50
    assert 0.5 < found.inlier_ratio <= 1
    assert found.reprojection_px < 1.5


@pytest.fixture(scope="module")
def drive() -> tuple[Camera, dict[float, np.ndarray]]:
    """The synthetic street in the morning, seen every second metre."""
    camera = Camera(480, 270, 367)
    scene = scene_of(street_for(7, 12), Visit())
    return camera, {at: scene.frame(camera, at, seed=int(at)) for at in (2.0, 3.0)}


def test_the_road_of_the_next_frame_is_found(drive):
    camera, frames = drive
    found = register(*(features(frame) for frame in frames.values()))
    true = camera.plane_to_image(3.0) @ np.linalg.inv(camera.plane_to_image(2.0))
    assert found is not None
    ahead = np.array([[[x, y] for x in (6.0, 9.0) for y in (-1.5, 1.5)]])
    before = cv2.perspectiveTransform(ahead, camera.plane_to_image(2.0))
    error = cv2.perspectiveTransform(before, found.homography) - cv2.perspectiveTransform(before, true)
    assert np.linalg.norm(error, axis=2).max() < 2


def test_another_hour_and_another_camera_are_still_the_same_road(drive):
    camera, frames = drive
    later = replace(camera, lateral_m=0.3, yaw_deg=2)
    evening = scene_of(street_for(7, 12), Visit(hour=15)).frame(later, 3.0, seed=9)
    found = register(features(frames[3.0]), features(evening))
    true = later.plane_to_image(3.0) @ np.linalg.inv(camera.plane_to_image(3.0))
    assert found is not None
    near = cv2.perspectiveTransform(np.array([[[6.0, -1.0], [6.0, 1.0], [8.0, 0.0]]]), camera.plane_to_image(3.0))
    error = cv2.perspectiveTransform(near, found.homography) - cv2.perspectiveTransform(near, true)
    assert np.linalg.norm(error, axis=2).max() < 3


def test_other_streets_are_not_registered(drive):
    elsewhere = scene_of(street_for(8, 12), Visit()).frame(drive[0], 2.0, seed=1)
    pictures = [drive[1][2.0], elsewhere, asphalt(1), asphalt(2)]
    for ours, theirs in itertools.permutations([features(picture) for picture in pictures], 2):
        assert register(ours, theirs) is None


def test_the_same_pair_gives_the_same_answer():
    ours, theirs = features(asphalt(3)), features(seen_from(SHIFTS["tilted"], asphalt(3)))
    first = register(ours, theirs)
    cv2.setRNGSeed(77)
    second = register(ours, theirs)
    assert first is not None
    assert second is not None
    assert np.array_equal(first.homography, second.homography)


def behind_bonnet(picture: np.ndarray) -> np.ndarray:
    """The lower third is the vehicle itself, the same in every frame, and full of corners."""
    shown = picture.copy()
    shown[HEIGHT * 2 // 3 :] = asphalt(99)[HEIGHT * 2 // 3 :]
    return shown


def test_the_bonnet_of_the_car_is_no_place():
    one, other = features(behind_bonnet(asphalt(1))), features(behind_bonnet(asphalt(2)))
    assert register(one, other) is None
    assert attempt(one, other).matches < LEAST_INLIERS  # those on the bonnet do not count


def test_the_road_above_a_bonnet_is_found_though_the_bonnet_has_more_corners():
    shift = np.array([[1, 0, 60.0], [0, 1, 30], [0, 0, 1]])
    picture = asphalt(1)
    found = register(features(behind_bonnet(picture)), features(behind_bonnet(seen_from(shift, picture))))
    assert found is not None
    assert corner_error(found.homography, shift, WIDTH, HEIGHT) < 3


def test_a_vehicle_that_stands_still_sees_one_place():
    noisy = np.clip(asphalt(1).astype(np.float32) + np.random.default_rng(5).normal(0, 4, (HEIGHT, WIDTH, 1)), 0, 255)
    found = register(features(asphalt(1)), features(noisy.astype(np.uint8)))
    assert found is not None
    assert corner_error(found.homography, np.eye(3), WIDTH, HEIGHT) < 1


def test_why_two_pictures_are_not_registered_is_told():
    assert attempt(features(asphalt(1)), features(asphalt(2))).refused in {Refused.FEW_MATCHES, Refused.FEW_INLIERS}
    flat = features(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    nothing = attempt(flat, features(asphalt(1)))
    assert (nothing.keypoints, nothing.matches, nothing.inliers) == (0, 0, 0)
    assert nothing.refused is Refused.FEW_MATCHES


def test_what_is_masked_out_is_not_looked_at():
    """A repair replaces the middle by another road that moved otherwise; only the surroundings may vote."""
    before = asphalt(4)
    after = seen_from(SHIFTS["sideways"], before)
    after[100:260, 120:420] = seen_from(SHIFTS["tilted"], before)[100:260, 120:420]
    mask = np.ones((HEIGHT, WIDTH), bool)
    mask[90:270, 110:430] = False
    looked_at = features(after, mask=mask)
    columns, rows = np.floor(looked_at.keypoints_xy.T + 0.5).astype(int)
    assert mask[rows, columns].all()
    found = register(features(before), looked_at)
    assert found is not None
    assert corner_error(found.homography, SHIFTS["sideways"], WIDTH, HEIGHT) < 2
    assert register(features(before), features(after, mask=np.zeros((HEIGHT, WIDTH), bool))) is None


@pytest.mark.parametrize(
    "picture",
    [np.full((HEIGHT, WIDTH, 3), 128, np.uint8), np.zeros((8, 8, 3), np.uint8), asphalt(5, 20, 12), asphalt(5, 1, 1)],
    ids=["flat grey", "tiny black", "tiny", "one pixel"],
)
def test_a_picture_without_anything_to_see_is_registered_to_nothing(picture):
    nothing = features(picture)
    assert register(nothing, nothing) is None
    assert register(features(asphalt(6)), nothing) is None
    assert register(nothing, features(asphalt(6))) is None


def test_a_picture_lies_on_itself():
    itself = features(asphalt(7))
    found = register(itself, itself)
    assert found is not None
    assert corner_error(found.homography, np.eye(3), WIDTH, HEIGHT) < 0.01
    assert found.inliers == len(itself)


MOVED = np.array([5, 9])
SCATTERED = np.random.default_rng(5).uniform([0, 0], [WIDTH, HEIGHT], (200, 2))
ALONG_A_LINE = np.column_stack([np.linspace(20, 450, 60), np.linspace(30, 290, 60)]) + (
    np.random.default_rng(6).normal(0, 2, (60, 2))
)


@pytest.mark.parametrize(
    ("points", "ends"),
    [
        (SCATTERED, SCATTERED * [-1, 1] + [WIDTH, 0]),
        (SCATTERED, SCATTERED * 0.1),
        (SCATTERED, SCATTERED * [6, 1]),
        (ALONG_A_LINE, ALONG_A_LINE + MOVED),
        (SCATTERED[: LEAST_INLIERS - 1], SCATTERED[: LEAST_INLIERS - 1] + MOVED),
        (SCATTERED, SCATTERED[::-1]),
    ],
    ids=["mirrored", "ten times smaller", "stretched one way", "all on a line", "too few", "no order"],
)
def test_what_no_two_cameras_could_have_taken_is_refused(points, ends):
    assert register(of(points), of(ends)) is None


def test_the_same_points_moved_as_a_camera_moves_are_taken():
    found = register(of(SCATTERED), of(SCATTERED * 1.5 + MOVED))
    assert found is not None
    assert found.inliers == len(SCATTERED)


def test_boxes_are_warped_clipped_and_lost():
    boxes = np.array([[10, 20, 50, 60], [400, 20, 470, 60], [-100, 0, -10, 5]], np.float32)
    moved = warp_boxes(boxes, SHIFTS["sideways"], (WIDTH, HEIGHT))
    assert moved == pytest.approx(np.array([[47.5, 0, 87.5, 39], [437.5, 0, 480, 39], [0, 0, 0, 0]]))
    assert warp_boxes(boxes[:0], np.eye(3), (WIDTH, HEIGHT)).shape == (0, 4)


def test_a_box_that_reaches_beyond_the_horizon_is_cut_there():
    """w = 1 - y / 100: the lower half of the box would come back from behind, mirrored."""
    homography = np.array([[1, 0, 0], [0, 1, 0], [0, -0.01, 1]])
    (box,) = warp_boxes(np.array([[10, 50, 20, 150]], np.float32), homography, (WIDTH, HEIGHT))
    assert box == pytest.approx([20, 100, 20 * (1 + HEIGHT / 100), HEIGHT])


@given(
    st.tuples(*(st.floats(0, 300) for _ in range(2)), *(st.floats(1, 200) for _ in range(2))),
    st.floats(0.5, 2),
    st.floats(-50, 50),
)
def test_a_box_that_stays_inside_comes_back(box, scale, shift):
    x, y, width, height = box
    there = np.array([[scale, 0, shift + 100], [0, scale, 100 - shift], [0, 0, 1]])
    ours = np.array([[x, y, x + width, y + height]], np.float32)
    far = (2000, 2000)
    assert warp_boxes(warp_boxes(ours, there, far), np.linalg.inv(there), far) == pytest.approx(ours, abs=0.01)


def test_real_sightings_of_a_place_register_and_other_streets_do_not(roads):
    splits = _rows(roads / "splits.csv")
    part = {row["image"]: (row["part"], row["group"]) for row in splits}
    pairs = [
        (row["image_a"], row["image_b"])
        for row in _rows(roads / "same_place_pairs.csv")
        if int(row["inliers"]) >= 30 and part[row["image_a"]][0] in {"train", "val"}
    ]
    chosen = random.Random(5).sample(pairs, 4)
    seen = {name: features(decode((roads / name).read_bytes())) for pair in chosen for name in pair}
    for ours, theirs in itertools.combinations(seen, 2):
        if (ours, theirs) in chosen:
            assert register(seen[ours], seen[theirs]) is not None, (ours, theirs)
        elif part[ours][1] != part[theirs][1]:
            assert register(seen[ours], seen[theirs]) is None, (ours, theirs)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))
