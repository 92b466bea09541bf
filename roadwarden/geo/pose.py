"""Where a camera was and where it looked, at one time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from roadwarden.detections import PlaneCovariance, Position


@dataclass(frozen=True, slots=True)
class Pose:
    """The camera's foot on the ground and the vehicle's heading; the camera's own turn is in its ``CameraModel``."""

    at: datetime  # UTC
    position: Position
    heading_deg: float  # of the vehicle, clockwise from north, 0 <= heading < 360
    covariance: PlaneCovariance  # of the position
    heading_sigma_deg: float

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError(f"pose at {self.at}: time without a time zone")
        if not (0 <= self.heading_deg < 360 and self.heading_sigma_deg >= 0):
            raise ValueError(f"pose at {self.at}: heading {self.heading_deg} +- {self.heading_sigma_deg}")


@dataclass(frozen=True, slots=True)
class LeverArm:
    """From the antenna to the camera, in the vehicle's axes, metres: positive forward and to the left."""

    forward_m: float = 0.0
    left_m: float = 0.0
