"""The synthetic street: the same seed is the same picture, and the truth lies where the picture shows it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.data.sidecars import read_track
from roadwarden.data.synthetic import (
    Camera,
    Drive,
    Repair,
    Visit,
    make_street,
    place_of,
    scene_of,
    street_for,
    true_boxes,
    write_sample_archive,
)
from roadwarden.data.synthetic.scene import Light
from roadwarden.data.synthetic.shapes import crack_line
from roadwarden.taxonomy import TRAINED_TYPES, DistressType

TOLERANCE_PX = 4.0  # a sharp corner may hold no pixel centre for that long
CRACKS = {DistressType.LONGITUDINAL_CRACK, DistressType.TRANSVERSE_CRACK}


def visit_with(state: Repair, **changes) -> Visit:
    street = street_for(7, 12)
    return Visit(repairs={defect.id: state for defect in street.defects}, **changes)


def test_the_same_seed_is_the_same_archive(street, tmp_path):
    again = write_sample_archive(tmp_path, frames=24)
    for path in sorted(street.rglob("*.*")):
        assert (again / path.relative_to(street)).read_bytes() == path.read_bytes(), path.name


def test_another_seed_is_another_street():
    assert not np.array_equal(make_street(1, 60).defects[0].outline, make_street(2, 60).defects[0].outline)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_every_type_is_there_and_no_two_defects_are_one(seed):
    street = make_street(seed, 80)
    assert {defect.type for defect in street.defects} == set(TRAINED_TYPES)
    assert len({defect.id for defect in street.defects}) == len(street.defects)
    for defect in street.defects:
        if defect.type in CRACKS:
            line, (x1, y1, x2, y2) = crack_line(defect), defect.bounds
            assert line.min(axis=0) == pytest.approx([x1, y1])
            assert line.max(axis=0) == pytest.approx([x2, y2])


def test_one_defect_is_seen_in_many_frames(street):
    truth = json.loads((street / "truth.json").read_text())
    sightings = [box["defect"] for frame in truth["frames"] for box in frame["boxes"]]
    assert max(sightings.count(defect["id"]) for defect in truth["defects"]) >= 5


def test_the_truth_is_where_the_picture_changes():
    """Repairing one pothole changes pixels inside its true box, and hardly any outside."""
    street = street_for(7, 12)
    hole = next(defect for defect in street.defects if defect.type is DistressType.POTHOLE)
    before, after = Visit(), Visit(repairs={hole.id: Repair.AFTER})
    pose = next(pose for pose in before.drive.poses(12) if hole.bounds[0] - pose.at_x < 4.5)
    (box,) = [box.box_xyxy for box in true_boxes(street, before, pose) if box.defect == hole.id]
    frames = [scene_of(street, visit).frame(pose.camera, pose.at_x, seed=1) for visit in (before, after)]
    changed = cv2.absdiff(*frames).max(axis=2) > 12
    rows, columns = np.nonzero(changed)
    x1, y1, x2, y2 = box
    margin = 0.5 * max(x2 - x1, y2 - y1)  # the lip and gravel of the hole, the seal of the patch
    inside = (columns > x1 - margin) & (columns < x2 + margin) & (rows > y1 - margin) & (rows < y2 + margin)
    assert inside.mean() > 0.99
    assert changed[int(y1) : int(y2), int(x1) : int(x2)].mean() > 0.3


def test_a_defect_projects_to_the_same_place_by_points_and_by_homography():
    camera, at_x = Camera(lateral_m=0.9, yaw_deg=3), 5.0
    corners = np.array([[9.0, -1.0, 0.0], [12.0, 1.5, 0.0]])
    pixels, _ = camera.project(corners, at_x)
    mapped = cv2.perspectiveTransform(corners[None, :, :2], camera.plane_to_image(at_x))[0]
    assert pixels == pytest.approx(mapped)


def test_nearer_is_lower_and_right_is_right():
    pixels, _ = Camera().project(np.array([[5.0, 0.0, 0.0], [15.0, 0.0, 0.0], [5.0, 1.0, 0.0], [5.0, 0.0, 1.0]]), 0.0)
    near, far, right, raised = pixels
    assert near[1] > far[1] > Camera().horizon_px
    assert right[0] > near[0]
    assert raised[1] < near[1]


@given(st.floats(-3, 8), st.floats(-3, 3), st.floats(0.2, 4), st.floats(0.2, 3))
def test_a_true_box_holds_the_pixels_of_the_outline_and_no_more(x, y, length, width):
    """The box of what the frame shows, beside the pixels of a finely drawn plane."""
    camera = Camera(320, 180, 245)
    outline = np.array([[x, y], [x + length, y], [x + length, y + width], [x, y + width]])
    columns, rows = np.meshgrid(np.arange(320) + 0.5, np.arange(180) + 0.5)
    back = np.linalg.inv(camera.plane_to_image(0.0))
    ground = back @ np.stack([columns.ravel(), rows.ravel(), np.ones(columns.size)])
    along, right = ground[:2] / ground[2]
    ahead = camera.project(np.column_stack([along, right, np.zeros(along.size)]), 0.0)[1]
    shown = (ahead > 0.3) & (along > x) & (along < x + length) & (right > y) & (right < y + width)
    seen = camera.box_of(outline, 0.0)
    if seen is None:
        assert not shown.any()
    elif shown.any():
        pixels = np.stack([columns.ravel()[shown], rows.ravel()[shown]], axis=1)
        box = np.concatenate([pixels.min(axis=0) - 0.5, pixels.max(axis=0) + 0.5])
        assert box[:2] == pytest.approx(seen[0][:2], abs=TOLERANCE_PX)
        assert box[2:] == pytest.approx(seen[0][2:], abs=TOLERANCE_PX)


@pytest.mark.parametrize(("state", "seen"), [(Repair.DURING, set()), (Repair.AFTER, {DistressType.PATCH})])
def test_repair_changes_what_is_to_be_seen(state, seen):
    street, visit = street_for(7, 12), visit_with(state)
    boxes = [box for pose in visit.drive.poses(12) for box in true_boxes(street, visit, pose)]
    assert {box.type for box in boxes} == seen


def test_the_same_place_again_at_another_hour_with_another_camera():
    street = street_for(7, 12)
    morning, evening = Visit(hour=8), Visit(hour=17, drive=Drive(camera=Camera(lateral_m=0.3), seed=8))
    pictures = [scene_of(street, visit).frame(visit.drive.camera, 4.0, seed=1) for visit in (morning, evening)]
    assert cv2.absdiff(*pictures).mean() > 5
    pose = next(morning.drive.poses(1))
    moved = replace(pose, camera=evening.drive.camera)
    ours, theirs = ({box.defect for box in true_boxes(street, morning, at)} for at in (pose, moved))
    assert ours == theirs != set()


def test_there_is_no_night():
    with pytest.raises(ValueError, match="lit from 7 to 18"):
        Light.at(22)


def test_a_street_has_a_least_length():
    with pytest.raises(ValueError, match="too short"):
        make_street(7, 5)


def test_frames_know_their_time_and_the_track_their_place(street):
    truth = json.loads((street / "truth.json").read_text())
    track = read_track(street / "track.csv")
    for row in truth["frames"]:
        place = track.at(datetime.fromisoformat(row["time"]))
        assert place is not None
        metres = np.hypot((place.lat - row["lat"]) * 111_320, (place.lon - row["lon"]) * 96_200)
        assert metres < 1.0  # the receiver's noise is 0.15 m
        assert place.heading_deg == pytest.approx(62.0)


def test_places_are_metres_apart():
    (lat1, lon1), (lat2, lon2) = place_of(0, 0), place_of(30, 40)
    assert np.hypot((lat2 - lat1) * 111_320, (lon2 - lon1) * 111_320 * np.cos(np.radians(lat1))) == pytest.approx(50)
