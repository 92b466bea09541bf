"""Nobody is to be recognised in a picture that leaves the job."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from roadwarden.detections import Detections
from roadwarden.taxonomy import DistressType
from roadwarden.vision.drawing import draw, hex_colour
from roadwarden.vision.redaction import FaceAndPlateRedactor, FaceFinder, find_plates, pixelate, read_centerface, widen
from tests.conftest import textured


def street_with_plate(
    colour: tuple[int, int, int], letters: tuple[int, int, int]
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    picture = textured(1, 1280, 720)
    left, top, width, height = 600, 400, 120, 36
    picture[top : top + height, left : left + width] = colour
    cv2.putText(picture, "A1C3F57", (left + 4, top + 27), cv2.FONT_HERSHEY_SIMPLEX, 0.8, letters, 2)
    return picture, (left, top, left + width, top + height)


@pytest.fixture(scope="module")
def redactor() -> FaceAndPlateRedactor:
    return FaceAndPlateRedactor()


@pytest.fixture(scope="module")
def two_men() -> np.ndarray:
    """The sample picture that Ultralytics ships: two faces."""
    utils = pytest.importorskip("ultralytics.utils", reason="the picture of faces comes with roadwarden[train]")
    return cv2.imread(str(utils.ASSETS / "zidane.jpg"))


def test_faces_are_blurred(redactor, two_men):
    faces = FaceFinder().find(two_men)
    assert len(faces) == 2
    shown = redactor.redact(two_men)
    for left, top, right, bottom in faces.astype(int):
        assert len(np.unique(shown[top:bottom, left:right].reshape(-1, 3), axis=0)) <= 36
    assert len(FaceFinder().find(shown)) == 0


BLACK, WHITE = (0, 0, 0), (255, 255, 255)


@pytest.mark.parametrize(
    ("colour", "letters"),
    [((160, 70, 20), WHITE), ((140, 210, 110), BLACK), ((20, 170, 210), BLACK)],
    ids=["car", "electric", "lorry"],
)
def test_a_coloured_plate_is_blurred(redactor, colour, letters):
    picture, (left, top, right, bottom) = street_with_plate(colour, letters)
    (box,) = find_plates(picture)
    assert box == pytest.approx([left, top, right, bottom], abs=4)
    shown = redactor.redact(picture)
    assert len(np.unique(shown[top:bottom, left:right].reshape(-1, 3), axis=0)) <= 36


def test_a_road_without_people_stays_as_it_is(redactor):
    picture = textured(2, 640, 384)
    assert np.array_equal(redactor.redact(picture), picture)


def test_a_painted_line_is_no_plate():
    picture = textured(3, 1280, 720)
    picture[400:430, 500:640] = (40, 190, 230)
    assert len(find_plates(picture)) == 0


def test_a_region_at_the_edge_is_clipped():
    picture = textured(4)
    pixelate(picture, np.array([-50, -50, 20, 20], np.float32))
    pixelate(picture, np.array([900, 900, 950, 950], np.float32))
    assert len(np.unique(picture[:20, :20].reshape(-1, 3), axis=0)) <= 36


def test_nothing_found_is_no_box():
    empty = np.zeros((2, 8, 8), np.float32)
    boxes, scores = read_centerface(np.zeros((8, 8), np.float32), empty, empty)
    assert boxes.shape == (0, 4)
    assert len(scores) == 0


def test_widened_boxes_keep_their_middle():
    assert widen(np.array([[10, 10, 20, 30]], np.float32), 0.5).tolist() == [[5, 0, 25, 40]]


def test_drawing_leaves_the_original_alone_and_shows_the_type_by_colour():
    picture = textured(5)
    before = picture.copy()
    box = np.array([[50, 60, 150, 120]], np.float32)
    drawn = draw(picture, Detections(box, (DistressType.POTHOLE,), np.array([0.9], np.float32)))
    assert np.array_equal(picture, before)
    assert hex_colour(DistressType.POTHOLE) == "#d55e00"
    assert tuple(int(value) for value in drawn[119, 100]) == (0x00, 0x5E, 0xD5)
