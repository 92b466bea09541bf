"""Frames to poses and passes, and their detections to sightings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from roadwarden.defects.drives import passes_of
from roadwarden.defects.placing import Placed, Seen, place
from roadwarden.geo.camera import CameraModel
from roadwarden.geo.fixes import Fault, Fix, seconds_of
from roadwarden.geo.ground import GroundPatches
from roadwarden.geo.plane import LocalPlane
from roadwarden.geo.pole import PoleCamera
from roadwarden.geo.pose import Pose
from roadwarden.geo.track import Poses, poses_at
from roadwarden.service.survey_frames import NotPlaced, SurveyFrame, SurveySettings

_WHY = {Fault.OFF_TRACK: NotPlaced.NO_POSITION, Fault.NO_HEADING: NotPlaced.NO_HEADING}


@dataclass(frozen=True, slots=True)
class Located:
    """Where each frame was taken, by its row; one of pose and reason is there."""

    poses: tuple[Pose | None, ...]
    reasons: tuple[NotPlaced | None, ...]
    pass_ids: tuple[str, ...]  # empty where there is no pose
    findings: tuple[str, ...]


NamePasses = Callable[[Sequence[Pose | None]], tuple[str, ...]]
"""The pass of each pose, by its row; empty where there is none."""


def located(
    frames: Sequence[SurveyFrame],
    fixes: Sequence[Fix],
    camera: CameraModel | PoleCamera,
    settings: SurveySettings,
    name_passes: NamePasses | None = None,
) -> Located:
    """The pose of every frame that has a time and, for a camera on a vehicle, fixes around it.

    ``name_passes``: of drives that go on beyond these frames; without it these are all there is.
    """
    timed = [at for at, one in enumerate(frames) if one.frame.captured_at is not None]
    times = [moment for one in frames if (moment := one.frame.captured_at) is not None]
    poses: list[Pose | None] = [None] * len(frames)
    reasons: list[NotPlaced | None] = [NotPlaced.NO_TIME] * len(frames)
    if isinstance(camera, PoleCamera):
        answer = Poses(tuple(camera.pose(time) for time in times), ())
    else:
        answer = poses_at(fixes, times, camera.lever_arm, settings.track)
    why = {at: _WHY[one.fault] for one in answer.findings if one.fault in _WHY for at in one.indices}
    for number, at in enumerate(timed):
        poses[at], reasons[at] = answer.poses[number], why.get(number)
    findings = tuple(map(str, answer.findings))
    named = name_passes(poses) if name_passes is not None else _pass_ids(poses, camera, settings.vehicle)
    return Located(tuple(poses), tuple(reasons), named, findings)


def placed(
    one: SurveyFrame,
    where: Located,
    at: int,
    camera: CameraModel | PoleCamera,
    settings: SurveySettings,
    patches: GroundPatches | None = None,
) -> Placed:
    """The sightings of one frame that has a pose; detections that have no place are refused with a reason.

    ``patches``: of its boxes, where they were projected before.
    """
    pose = where.poses[at]
    if pose is None:
        raise ValueError(f"{one.frame.path}: no pose")
    patches = projected([one], camera)[0] if patches is None else patches
    moving = isinstance(camera, CameraModel)
    seen = Seen(one.frame.sha256, where.pass_ids[at], one.model, settings.drift_sigma_m if moving else 0.0)
    plane = LocalPlane(pose.position.lat, pose.position.lon)
    return place(seen, one.detections, patches, pose, plane)


def projected(frames: Sequence[SurveyFrame], camera: CameraModel | PoleCamera) -> list[GroundPatches]:
    """Where the boxes of each frame lie before the camera; frames of one size are reckoned at once, which is faster."""
    found: dict[int, GroundPatches] = {}
    sizes = [(one.width_px, one.height_px) if isinstance(camera, CameraModel) else (0, 0) for one in frames]
    for size in dict.fromkeys(sizes):
        rows = [row for row, its in enumerate(sizes) if its == size]
        scaled = camera.scaled_to(*size) if isinstance(camera, CameraModel) else camera
        patches = scaled.project(np.concatenate([frames[row].detections.boxes_xyxy for row in rows]))
        end = 0
        for row in rows:
            begin, end = end, end + len(frames[row].detections)
            found[row] = patches.part(slice(begin, end))
    return [found[row] for row in range(len(frames))]


def _pass_ids(poses: Sequence[Pose | None], camera: CameraModel | PoleCamera, vehicle: str) -> tuple[str, ...]:
    """``VEHICLE TIME`` of the first frame of each pass; of a pole a pass is an hour."""
    known = sorted((pose.at, at) for at, pose in enumerate(poses) if pose is not None)
    names = [""] * len(poses)
    if not known:
        return tuple(names)
    if isinstance(camera, PoleCamera):
        for moment, at in known:
            names[at] = name_of_pass(vehicle, moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0))
        return tuple(names)
    positions = [pose.position for _, at in known if (pose := poses[at]) is not None]
    metres = LocalPlane.around(positions).to_metres([(one.lat, one.lon) for one in positions])
    numbers = passes_of(seconds_of([moment for moment, _ in known]), metres)
    first = np.unique(numbers, return_index=True)[1]
    for (_, at), number in zip(known, numbers.tolist(), strict=True):
        names[at] = name_of_pass(vehicle, known[int(first[number])][0])
    return tuple(names)


def name_of_pass(vehicle: str, moment: datetime) -> str:
    """Vehicle and time of the pass's first frame."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return f"{vehicle} {text.replace('+00:00', 'Z')}"
