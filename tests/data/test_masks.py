"""Masks become boxes: strokes of one crack are one box, a speck is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from roadwarden.data.masks import read_masks
from roadwarden.errors import DataError
from roadwarden.taxonomy import DistressType


@pytest.fixture
def frame(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    cv2.imwrite(str(tmp_path / "images/km_10.jpg"), np.full((240, 400, 3), 120, np.uint8))
    return tmp_path / "images/km_10.jpg"


def mark(frame, kind, *boxes):
    mask = np.zeros((240, 400), np.uint8)
    for x1, y1, x2, y2 in boxes:
        mask[y1:y2, x1:x2] = 255
    cv2.imwrite(str(frame.parent.parent / "masks" / f"{frame.stem}_{kind}.png"), mask)


def test_strokes_of_one_crack_are_one_box_and_a_speck_is_none(frame):
    mark(frame, "CRACK", (20, 20, 24, 60), (22, 75, 26, 140), (300, 50, 304, 120), (200, 200, 203, 203))
    read = read_masks(frame)
    assert read.types == (DistressType.LINEAR_CRACK,) * 2
    assert sorted(map(tuple, read.boxes_xyxy.tolist())) == [(20, 20, 26, 140), (300, 50, 304, 120)]
    assert (read.width, read.height) == (400, 240)


def test_a_hole_in_a_crack_keeps_its_type(frame):
    mark(frame, "CRACK", (20, 20, 24, 140))
    mark(frame, "POTHOLE", (10, 60, 50, 90))
    assert set(read_masks(frame).types) == {DistressType.LINEAR_CRACK, DistressType.POTHOLE}


def test_no_mask_an_empty_file_and_a_black_mask_all_mean_none(frame):
    assert read_masks(frame).types == ()
    (frame.parent.parent / "masks" / f"{frame.stem}_CRACK.png").write_bytes(b"")
    mark(frame, "POTHOLE")
    assert read_masks(frame).types == ()


def test_a_damaged_mask_is_named(frame):
    (frame.parent.parent / "masks" / f"{frame.stem}_CRACK.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"km_10_CRACK\.png: not a picture"):
        read_masks(frame)
