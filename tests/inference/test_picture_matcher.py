"""Sightings are compared by their pictures: the frames are laid onto each other, and then the boxes tell."""

from __future__ import annotations

from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from roadwarden.bootstrap import matcher
from roadwarden.defects.rulings import Answer
from roadwarden.detections import PlaneCovariance, Position, Sighting
from roadwarden.inference.picture_matcher import Look
from roadwarden.taxonomy import DistressType

WIDTH, HEIGHT = 480, 320
BOX = (200.0, 120.0, 260.0, 170.0)


def asphalt(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, (2, HEIGHT, WIDTH))
    grain = cv2.GaussianBlur(noise[0], (0, 0), 1.5) * 60 + cv2.GaussianBlur(noise[1], (0, 0), 5) * 120
    return np.dstack([(120 + grain).clip(0, 255).astype(np.uint8)] * 3)


def png(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


MONDAY = png(asphalt(1))
TUESDAY = png(cv2.warpAffine(asphalt(1), np.array([[1.0, 0, 40], [0, 1, 15]]), (WIDTH, HEIGHT)))
"""The same road, 40 pixels further right and 15 lower."""
ELSEWHERE = png(asphalt(2))


def sighting(name: str, distress: DistressType = DistressType.POTHOLE) -> Sighting:
    return Sighting(
        id=name,
        frame=f"frame of {name}",
        seen_at=datetime(2026, 5, 1, 8, tzinfo=UTC),
        pass_id=f"pass of {name}",
        type=distress,
        score=0.8,
        position=Position(30.0, 120.0, 90.0),
        covariance=PlaneCovariance(1.0, 1.0),
        length_m=0.5,
        width_m=0.5,
        size_sigma_m=0.1,
        model="model",
    )


def compared(
    one: Look | None, other: Look | None, distress: DistressType = DistressType.POTHOLE, frame: str | None = None
) -> Answer:
    looks = {"one": one, "other": other}
    return matcher(lambda asked: looks[asked.id]).compare(sighting("one", distress), sighting("other", distress))


def moved(box: tuple[float, float, float, float], right: float, down: float) -> tuple[float, float, float, float]:
    return box[0] + right, box[1] + down, box[2] + right, box[3] + down


def test_one_hole_seen_on_two_days():
    assert compared(Look(MONDAY, BOX), Look(TUESDAY, moved(BOX, 40, 15))) is Answer.SAME


def test_two_holes_beside_each_other_are_two():
    assert compared(Look(MONDAY, BOX), Look(TUESDAY, moved(BOX, 150, 15))) is Answer.DIFFERENT


def test_two_pieces_of_a_crack_may_be_one():
    answer = compared(Look(MONDAY, BOX), Look(TUESDAY, moved(BOX, 150, 15)), DistressType.LONGITUDINAL_CRACK)
    assert answer is Answer.CANNOT_TELL


def test_what_the_other_frame_shows_in_part_only_is_not_denied():
    at_the_border = (420.0, 120.0, 470.0, 170.0)  # 40 pixels further right it leaves the picture
    assert compared(Look(MONDAY, at_the_border), Look(TUESDAY, BOX)) is Answer.CANNOT_TELL


def test_boxes_that_touch_are_left_open():
    assert compared(Look(MONDAY, BOX), Look(TUESDAY, moved(BOX, 40 + 50, 15 + 40))) is Answer.CANNOT_TELL


def test_without_boxes_the_frames_show_one_place():
    assert compared(Look(MONDAY), Look(TUESDAY)) is Answer.SAME


@pytest.mark.parametrize(
    "other",
    [None, Look(b"", BOX), Look(MONDAY[:200], BOX), Look(ELSEWHERE, BOX), Look(png(np.zeros_like(asphalt(1))), BOX)],
    ids=["no picture", "empty", "cut off", "another street", "black"],
)
def test_what_cannot_be_compared_is_not_told_apart(other):
    assert compared(Look(MONDAY, BOX), other) is Answer.CANNOT_TELL


def test_one_frame_is_not_compared_with_itself():
    twice = matcher(lambda _: Look(MONDAY, BOX))
    assert twice.compare(sighting("one"), sighting("one")) is Answer.CANNOT_TELL
