"""The quality gate lets roads pass and stops what nobody could judge."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

from roadwarden.vision.decode import decode
from roadwarden.vision.quality import QualityProblem, judge


@pytest.fixture(scope="module")
def road() -> np.ndarray:
    noise = np.random.default_rng(4).normal(120, 40, (540, 960)).clip(0, 255).astype(np.uint8)
    return np.dstack([cv2.GaussianBlur(noise, (0, 0), 1.2)] * 3)


def covered(image: np.ndarray) -> np.ndarray:
    hand = image.copy()
    hand[100:, 150:] = 90
    return hand


def test_a_sharp_road_passes(road):
    assert judge(road).usable


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda image: cv2.GaussianBlur(image, (0, 0), 12), QualityProblem.BLURRED),
        (lambda image: (image * 0.12).astype(np.uint8), QualityProblem.DARK),
        (lambda image: np.clip(image.astype(int) + 150, 0, 255).astype(np.uint8), QualityProblem.OVEREXPOSED),
        (covered, QualityProblem.OBSTRUCTED),
    ],
    ids=["blurred", "dark", "overexposed", "covered"],
)
def test_a_spoilt_frame_says_what_spoilt_it(road, spoil, problem):
    assert problem in judge(spoil(road)).problems


def test_the_resolution_of_the_camera_does_not_matter(road):
    small, large = (cv2.resize(road, None, fx=f, fy=f, interpolation=cv2.INTER_AREA) for f in (0.6, 1.0))
    assert judge(small).usable
    assert judge(large).usable


@pytest.mark.parametrize("source", ["china_motorbike", "brazil", "china_drone"])
def test_real_roads_pass(roads, source):
    with (roads / "splits.csv").open(newline="") as handle:
        names = [row["image"] for row in csv.DictReader(handle) if row["source"] == source][::10]
    flagged = [name for name in names if not judge(decode((roads / name).read_bytes())).usable]
    assert len(flagged) <= 0.02 * len(names), flagged


def test_most_real_roads_fail_once_they_are_blurred(roads):
    frames = [decode(path.read_bytes()) for path in sorted((roads / "china_motorbike/images").iterdir())[:40]]
    assert all(QualityProblem.BLURRED in judge(cv2.GaussianBlur(frame, (0, 0), 6)).problems for frame in frames)
