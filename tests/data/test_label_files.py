"""Labels of other people: YOLO and COCO files give the very boxes and types that were drawn."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from roadwarden.data.coco import read_coco, write_coco
from roadwarden.data.voc import AnnotatedFrame
from roadwarden.data.yolo_labels import labels_of, read_classes, read_yolo
from roadwarden.errors import DataError
from roadwarden.taxonomy import DistressType

CRACK, HOLE, PATCH = DistressType.TRANSVERSE_CRACK, DistressType.POTHOLE, DistressType.PATCH


@pytest.fixture
def picture(tmp_path):
    place = tmp_path / "images" / "val" / "a.png"
    place.parent.mkdir(parents=True)
    cv2.imwrite(str(place), np.full((100, 200, 3), 90, np.uint8))
    return place


def labelled(picture, text):
    place = labels_of(picture)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return read_yolo(picture, place, (CRACK, None, HOLE))


def test_yolo_shares_become_pixels(picture):
    frame = labelled(picture, "0 0.5 0.5 0.5 0.2\n2 0.1 0.1 0.1 0.2\n\n1 0.5 0.5 0.1 0.1\n")
    assert (frame.width, frame.height) == (200, 100)
    assert frame.types == (CRACK, HOLE)  # class 1 is no distress
    assert frame.boxes_xyxy.tolist() == [[50, 40, 150, 60], pytest.approx([10, 0, 30, 20], abs=1e-4)]


def test_a_yolo_polygon_counts_by_the_box_around_it(picture):
    frame = labelled(picture, "2 0.1 0.2 0.3 0.1 0.2 0.6\n")
    assert frame.boxes_xyxy.tolist() == [pytest.approx([20, 10, 60, 60])]


def test_a_frame_without_a_label_file_is_clean(picture):
    assert read_yolo(picture, labels_of(picture), (CRACK,)).types == ()


@pytest.mark.parametrize("line", ["0 0.5 0.5 0.5", "7 0.5 0.5 0.1 0.1", "-1 0.5 0.5 0.1 0.1", "crack 1 1 1 1", "0"])
def test_a_line_that_is_no_label_is_named(picture, line):
    with pytest.raises(DataError, match=r"a\.txt:2: not a YOLO label"):
        labelled(picture, f"0 0.5 0.5 0.5 0.2\n{line}\n")


def test_a_picture_that_lies_on_its_side_has_the_size_people_see(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (200, 100)).save(tmp_path / "phone.jpg", exif=exif)
    assert read_yolo(tmp_path / "phone.jpg", tmp_path / "none.txt", ()).width == 100


@pytest.mark.parametrize("text", ["names: [D10, D44, D40]", "names: {0: transverse_crack, 1: D44, 2: pothole}"])
def test_classes_are_ids_or_rdd_labels(tmp_path, text):
    (tmp_path / "data.yaml").write_text(text)
    assert read_classes(tmp_path) == (CRACK, None, HOLE)  # D44 is a blurred white line


def test_an_unknown_class_is_an_error_not_a_smaller_truth(tmp_path):
    (tmp_path / "classes.txt").write_text("pothole\npot hole\n")
    with pytest.raises(DataError, match="did you mean 'pothole'"):
        read_classes(tmp_path)
    with pytest.raises(DataError, match="what the classes are"):
        read_classes(tmp_path / "elsewhere")


def test_coco_brings_back_what_was_written(tmp_path):
    boxes = np.array([[1, 2, 31.5, 42.25], [0, 0, 10, 5]], np.float32)
    frames = [
        AnnotatedFrame(tmp_path / "b" / "2.png", 64, 48, boxes, (PATCH, CRACK)),
        AnnotatedFrame(tmp_path / "1.png", 64, 48, np.zeros((0, 4), np.float32), ()),
    ]
    write_coco(tmp_path / "truth.json", frames, tmp_path)
    back = read_coco(tmp_path / "truth.json", tmp_path)
    assert [(one.path, one.width, one.height, one.types) for one in back] == [
        (one.path, one.width, one.height, one.types) for one in frames
    ]
    assert back[0].boxes_xyxy.tolist() == boxes.tolist()
    assert back[1].boxes_xyxy.shape == (0, 4)


def test_coco_crowds_and_labels_that_are_no_distress_are_left_out(tmp_path):
    annotations = [
        {"id": 1, "image_id": 5, "category_id": 9, "bbox": [0, 0, 4, 4]},
        {"id": 2, "image_id": 5, "category_id": 3, "bbox": [0, 0, 4, 4]},
        {"id": 3, "image_id": 5, "category_id": 9, "bbox": [0, 0, 9, 9], "iscrowd": 1},
        {"id": 4, "image_id": 5, "category_id": 9, "bbox": [3, 3, 0, 9]},
    ]
    content = {
        "images": [{"id": 5, "file_name": "a.jpg", "width": 10, "height": 10}],
        "categories": [{"id": 9, "name": "D40"}, {"id": 3, "name": "D44"}],
        "annotations": annotations,
    }
    (tmp_path / "t.json").write_text(json.dumps(content))
    (frame,) = read_coco(tmp_path / "t.json", tmp_path)
    assert (frame.types, frame.boxes_xyxy.tolist()) == ((HOLE,), [[0, 0, 4, 4]])


@pytest.mark.parametrize("text", ["{", "[]", '{"images": [], "categories": []}', "null"])
def test_what_is_not_coco_is_said_to_be_not(tmp_path, text):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(DataError, match="not a COCO annotation file"):
        read_coco(tmp_path / "t.json", tmp_path)
