"""Drives along a straight street with holes whose places are known, as a detector without faults would see them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np

from roadwarden.detections import Detections, Frame
from roadwarden.geo.camera import CameraModel, Lens, Measured, Mounting
from roadwarden.geo.fixes import Fix
from roadwarden.geo.places import RoadGrade, Segment
from roadwarden.geo.plane import LocalPlane
from roadwarden.service.survey_frames import FrameState, SurveyFrame, SurveySettings
from roadwarden.taxonomy import DistressType

HANGZHOU = LocalPlane(30.25, 120.16)
MORNING = datetime(2026, 3, 2, 1, tzinfo=UTC)
HOLES = ((60.0, -2.0), (120.0, -1.0), (180.0, -3.0), (240.0, -2.0))  # metres east and north
CAMERA = CameraModel(
    "front",
    Lens.of_focal(1280, 720, Measured(980.0, 4.0)),
    Mounting(Measured(1.5, 0.02), Measured(17.0, 0.2)),
    reach_m=25.0,
)
SETTINGS = SurveySettings(vehicle="car 7")
SPEED_MPS, EVERY_S, LANE_M = 10.0, 0.2, -2.0


def street(length_m=300.0, width_m=8.0, name="street"):
    """The street as two segments of a network, drawn from west to east."""
    middle = HANGZHOU.to_degrees([(0.0, 0.0), (length_m / 2, 0.0), (length_m, 0.0)])
    west, centre, east = ((float(lat), float(lon)) for lat, lon in middle)
    return (
        Segment(f"{name} 1", "文三路", RoadGrade.I, (west, centre), width_m),
        Segment(f"{name} 2", "文三路", RoadGrade.II, (centre, east), width_m),
    )


def boxes_of(at_m, holes):
    """Pixels of holes of 0.6 x 0.6 m, from a camera so many metres along the street."""
    found = []
    for east, north in holes:
        ahead, left = east - at_m, north - LANE_M
        if 3.5 <= ahead <= 12.0:
            corners = [(ahead + x, left + y) for x in (-0.3, 0.3) for y in (-0.3, 0.3)]
            pixels = CAMERA.pixels(np.array(corners))
            found.append([*pixels.min(axis=0), *pixels.max(axis=0)])
    return found


def drive(*, start=MORNING, holes=HOLES, length_m=300.0, state=FrameState.USABLE, name="monday"):
    """Frames every 2 m, with times and without positions of their own."""
    frames = []
    for number in range(int(length_m / SPEED_MPS / EVERY_S)):
        boxes = boxes_of(number * EVERY_S * SPEED_MPS, holes) if state is FrameState.USABLE else []
        digest = hashlib.sha256(f"{name} {start} {number}".encode()).hexdigest()
        frames.append(
            SurveyFrame(
                Frame(f"{name}/{number:05d}.jpg", 1000, digest, start + timedelta(seconds=number * EVERY_S)),
                state,
                Detections(
                    np.array(boxes, np.float32).reshape(-1, 4),
                    (DistressType.POTHOLE,) * len(boxes),
                    np.full(len(boxes), 0.8, np.float32),
                ),
                "yolo26n-2@5f3c",
                1280,
                720,
            )
        )
    return frames


def fixes(*, start=MORNING, length_m=300.0, every_s=0.5, east_m=0.0, seed=None):
    """The receiver's rows, from a second before to a second after the drive."""
    chance = np.random.default_rng(seed)
    rows = []
    for number in range(int((length_m / SPEED_MPS + 2) / every_s) + 1):
        second = number * every_s - 1
        noise = chance.normal(0, 0.3, 2) if seed is not None else np.zeros(2)
        lat, lon = HANGZHOU.to_degrees([(second * SPEED_MPS + east_m + noise[0], LANE_M + noise[1])])[0]
        rows.append(Fix(start + timedelta(seconds=second), float(lat), float(lon), 90.0, SPEED_MPS, 0.5))
    return rows
