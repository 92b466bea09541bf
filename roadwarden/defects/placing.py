"""Detections to sightings: boxes on the road before the vehicle, laid onto the map where the vehicle was."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roadwarden.detections import Boxes, Detections, PlaneCovariance, Sighting
from roadwarden.geo.ground import GroundPatches, Refusal
from roadwarden.geo.plane import LocalPlane
from roadwarden.geo.pose import Pose

Matrix = npt.NDArray[np.float64]


DRIFT_SIGMA_M = 0.9
"""What a receiver of a metre or two errs slowly, for a minute and more alike: smoothing a track cannot see it, so the
covariance of a pose does not hold it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Which frame of which pass, and by which model it was looked at."""

    frame: str  # sha256
    pass_id: str
    model: str  # name and hash
    drift_sigma_m: float = DRIFT_SIGMA_M  # of the receiver, one axis; 0 for one with corrections (RTK)


@dataclass(frozen=True, slots=True)
class Placed:
    """Every detection is in one of the two: placed on the road, or refused by row and reason."""

    sightings: tuple[Sighting, ...]
    refused: tuple[tuple[int, Refusal], ...]


def place(seen: Seen, detections: Detections, patches: GroundPatches, pose: Pose, plane: LocalPlane) -> Placed:
    """Sightings of one frame, in the order of its detections; raises ValueError if boxes and patches do not agree."""
    if len(detections) != len(patches):
        raise ValueError(f"frame {seen.frame}: {len(detections)} detections, {len(patches)} patches")
    rows = np.flatnonzero(patches.placed)
    turn = _to_east_north(pose.heading_deg)
    ahead = patches.centre_m[rows] @ turn.T
    degrees = plane.to_degrees(np.array([plane.metres_of(pose.position)]) + ahead)
    spread = turn @ patches.covariance_m2[rows] @ turn.T + _of_pose(pose, ahead) + np.eye(2) * seen.drift_sigma_m**2
    sightings = tuple(
        _sighting(seen, detections, patches, pose, int(row), degrees[at], spread[at]) for at, row in enumerate(rows)
    )
    refused = tuple((row, reason) for row, reason in enumerate(patches.refused) if reason is not None)
    return Placed(sightings, refused)


def sighting_id(frame: str, model: str, box_xyxy: Boxes | Sequence[float]) -> str:
    """32 hex digits: the same for the same frame, model and box, the box to a hundredth of a pixel."""
    box = " ".join(f"{edge:.2f}" for edge in np.asarray(box_xyxy, np.float64))
    return hashlib.sha256(f"{frame}\n{model}\n{box}".encode()).hexdigest()[:32]


def _sighting(
    seen: Seen, detections: Detections, patches: GroundPatches, pose: Pose, row: int, degrees: Matrix, spread: Matrix
) -> Sighting:
    return Sighting(
        id=sighting_id(seen.frame, seen.model, detections.boxes_xyxy[row]),
        frame=seen.frame,
        seen_at=pose.at,
        pass_id=seen.pass_id,
        type=detections.types[row],
        score=float(detections.scores[row]),
        position=type(pose.position)(float(degrees[0]), float(degrees[1]), pose.heading_deg, pose.position.speed_mps),
        covariance=PlaneCovariance(float(spread[0, 0]), float(spread[1, 1]), float(spread[0, 1])),
        length_m=float(patches.length_m[row]),
        width_m=float(patches.width_m[row]),
        size_sigma_m=math.hypot(float(patches.length_sigma_m[row]), float(patches.width_sigma_m[row])) / math.sqrt(2),
        model=seen.model,
    )


def _to_east_north(heading_deg: float) -> Matrix:
    """(2, 2): forward and left as east and north."""
    sine, cosine = math.sin(math.radians(heading_deg)), math.cos(math.radians(heading_deg))
    return np.array([[sine, -cosine], [cosine, sine]])


def _of_pose(pose: Pose, ahead: Matrix) -> Matrix:
    """(n, 2, 2) m²: the pose's own covariance, and what its heading does to places so far away."""
    own = pose.covariance
    base = np.array([[own.east_m2, own.east_north_m2], [own.east_north_m2, own.north_m2]])
    lever = np.stack([ahead[:, 1], -ahead[:, 0]], axis=1) * math.radians(pose.heading_sigma_deg)
    return np.asarray(base + lever[:, :, None] * lever[:, None, :])
