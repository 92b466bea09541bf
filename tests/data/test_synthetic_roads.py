"""Synthetic streets as a training set: what the evaluator and the trainer read is what was put there."""

from __future__ import annotations

import pytest

from roadwarden.data.splits import SplitRow, annotated, read_splits
from roadwarden.data.synthetic import Visit, street_for, true_boxes
from roadwarden.data.synthetic.as_roads import MOTORBIKE, RiddenStreet, write_synthetic_roads
from roadwarden.vision.decode import decode

STREETS = (
    RiddenStreet("street", "train", "M005", seed=3, frames=6),
    RiddenStreet("street", "val", "M016", 4, 2, MOTORBIKE),
)


@pytest.fixture(scope="module")
def roads(tmp_path_factory):
    return write_synthetic_roads(tmp_path_factory.mktemp("roads"), STREETS)


def test_every_frame_stands_in_the_splits_with_its_street_and_place(roads):
    rows = read_splits(roads)
    assert rows[0] == SplitRow("street/images/M005_000000.jpg", "street", "train", "M005", "M005-p0")
    assert [row.place for row in rows] == ["M005-p0"] * 4 + ["M005-p1"] * 2 + ["M016-p0"] * 2
    assert {row.part for row in rows if row.group == "M016"} == {"val"}


def test_the_annotations_say_what_the_street_has(roads):
    street, visit = street_for(3, 6), Visit()
    rows = [row for row in read_splits(roads) if row.group == "M005"]
    frames = [annotated(roads, row) for row in rows]
    for frame, pose in zip(frames, visit.drive.poses(6), strict=True):
        wanted = true_boxes(street, visit, pose)
        assert frame.types == tuple(box.type for box in wanted)
        assert frame.boxes_xyxy.ravel().tolist() == pytest.approx(
            [edge for box in wanted for edge in box.box_xyxy], abs=0.01
        )
    assert len({one for frame in frames for one in frame.types}) >= 3


def test_the_pictures_have_the_size_of_their_camera(roads):
    rows = read_splits(roads)
    frames = [annotated(roads, row) for row in (rows[0], rows[-1])]
    assert [(frame.width, frame.height) for frame in frames] == [(1280, 720), (512, 512)]
    for frame in frames:
        assert decode(frame.path.read_bytes()).shape == (frame.height, frame.width, 3)


def test_two_streets_cannot_share_a_group(tmp_path):
    with pytest.raises(ValueError, match="a group of its own, not M005, M005"):
        write_synthetic_roads(tmp_path, [STREETS[0], RiddenStreet("street", "val", "M005", seed=9)])
