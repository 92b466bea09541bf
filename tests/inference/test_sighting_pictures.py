"""What people see of a sighting: the redacted frame, its box, and the road around it."""

from __future__ import annotations

from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from roadwarden.detections import PlaneCovariance, Position, Sighting
from roadwarden.errors import NotFound
from roadwarden.inference.evidence_pictures import PictureReader
from roadwarden.inference.picture_matcher import Look
from roadwarden.inference.sighting_pictures import COLOUR, LEAST_PX, Part, SightingPictures
from roadwarden.taxonomy import DistressType
from roadwarden.vision.decode import decode
from tests.conftest import jpeg, textured

WIDE, HIGH = 1600, 900
BOX = (700.0, 400.0, 800.0, 460.0)


class Blackens:
    """The upper quarter of every frame, where people are."""

    def __init__(self):
        self.asked = 0

    def redact(self, image):
        self.asked += 1
        done = image.copy()
        done[: image.shape[0] // 4] = 0
        return done


@pytest.fixture
def redactor():
    return Blackens()


@pytest.fixture
def frame():
    return jpeg(cv2.resize(textured(3), (WIDE, HIGH)))


def sighting(name="a" * 32):
    where = Position(30.25, 120.16)
    return Sighting(
        id=name, frame="f" * 64, seen_at=datetime(2026, 11, 28, tzinfo=UTC), pass_id="car", type=DistressType.POTHOLE,
        score=0.8, position=where, covariance=PlaneCovariance(0.1, 0.1), length_m=0.5, width_m=0.5, size_sigma_m=0.05,
        model="test",
    )  # fmt: skip


def pictures(redactor, look):
    return SightingPictures(lambda _: look, PictureReader(make_redactor=lambda: redactor))


def is_marked(image, x, y):
    return np.abs(image[y - 2 : y + 3, x - 2 : x + 3].astype(int) - COLOUR).sum(axis=2).min() < 60


def test_the_whole_frame_is_redacted_and_the_box_is_drawn(frame, redactor):
    image = decode(pictures(redactor, Look(frame, BOX)).show(sighting(), Part.WHOLE))
    assert image.shape == (HIGH, WIDE, 3)
    assert image[: HIGH // 4 - 8].max() < 30
    assert is_marked(image, 700, 430)
    assert is_marked(image, 750, 460)
    assert not is_marked(image, 600, 430)


def test_around_the_box_is_road_enough_to_know_the_place(frame, redactor):
    image = decode(pictures(redactor, Look(frame, BOX)).show(sighting(), Part.AROUND))
    assert image.shape == (LEAST_PX * 3 // 4, LEAST_PX, 3)
    assert is_marked(image, LEAST_PX // 2 - 50, LEAST_PX * 3 // 8)


@pytest.mark.parametrize("box", [(0.0, 0.0, 40.0, 30.0), (1500.0, 850.0, 1600.0, 900.0), (0.0, 100.0, 1600.0, 899.0)])
def test_a_box_at_the_edge_is_shown_within_the_frame(frame, redactor, box):
    high, wide, _ = decode(pictures(redactor, Look(frame, box)).show(sighting(), Part.AROUND)).shape
    assert LEAST_PX <= wide <= WIDE
    assert high == min(HIGH, wide * 3 // 4)


def test_a_large_frame_is_shown_small_with_the_box_where_it_was(redactor):
    large = jpeg(cv2.resize(textured(3), (4096, 2304)))
    image = decode(pictures(redactor, Look(large, (2000.0, 1200.0, 2200.0, 1300.0))).show(sighting(), Part.WHOLE))
    assert image.shape[1] == 2048
    assert is_marked(image, 1000, 625)


def test_a_frame_is_redacted_once_however_often_it_is_shown(frame, redactor):
    shown = pictures(redactor, Look(frame, BOX))
    for name in ("a" * 32, "b" * 32):
        for part in Part:
            shown.show(sighting(name), part)
    assert redactor.asked == 1


def test_a_picture_that_is_gone_or_damaged_is_not_there(redactor):
    for look in (None, Look(b"x", None), Look(b"not a picture", BOX)):
        with pytest.raises(NotFound):
            pictures(redactor, look).show(sighting(), Part.AROUND)
