"""The frozen values that every stage speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from roadwarden.taxonomy import DistressType

Image = npt.NDArray[np.uint8]
"""A decoded picture: (height, width, 3), BGR, as OpenCV has it."""

Boxes = npt.NDArray[np.float32]
"""(n, 4) boxes x1, y1, x2, y2 in pixels of the original frame."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a camera was: WGS-84 degrees; heading clockwise from north; speed in metres a second."""

    lat: float
    lon: float
    heading_deg: float | None = None
    speed_mps: float | None = None

    def __post_init__(self) -> None:
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise ValueError(f"position {self.lat}, {self.lon} is not on Earth")


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of an archive before it is decoded: a row of the manifest."""

    path: str  # relative to the archive, with forward slashes
    size_bytes: int
    sha256: str
    captured_at: datetime | None = None
    position: Position | None = None

    def __post_init__(self) -> None:
        if self.captured_at is not None and self.captured_at.tzinfo is None:
            raise ValueError(f"{self.path}: capture time has no time zone")


@dataclass(frozen=True, slots=True)
class Detections:
    """What a detector saw in one frame, best score first. ``Detections.none()`` where it saw nothing."""

    boxes_xyxy: Boxes
    types: tuple[DistressType, ...]
    scores: npt.NDArray[np.float32]  # (n,), 0..1

    def __post_init__(self) -> None:
        if self.boxes_xyxy.shape != (len(self.types), 4) or self.scores.shape != (len(self.types),):
            raise ValueError(
                f"{self.boxes_xyxy.shape} boxes, {len(self.types)} types, {self.scores.shape} scores do not agree"
            )

    def __len__(self) -> int:
        return len(self.types)

    @classmethod
    def none(cls) -> Detections:
        """Nothing seen."""
        return cls(np.zeros((0, 4), np.float32), (), np.zeros(0, np.float32))

    def take(self, indices: Sequence[int] | npt.NDArray[np.intp]) -> Detections:
        """Those rows, in that order."""
        chosen = np.asarray(indices, dtype=np.intp)
        return Detections(self.boxes_xyxy[chosen], tuple(self.types[index] for index in chosen), self.scores[chosen])


@dataclass(frozen=True, slots=True)
class PlaneCovariance:
    """How sure a place is: variances and covariance of its east and north, square metres."""

    east_m2: float
    north_m2: float
    east_north_m2: float = 0.0

    def __post_init__(self) -> None:
        if self.east_m2 < 0 or self.north_m2 < 0 or self.east_north_m2**2 > self.east_m2 * self.north_m2 * (1 + 1e-9):
            raise ValueError(f"{self} is no covariance: variances are not negative and bound what they share")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A detection placed on the road: one look at a defect. The same frame, model and box give the same ``id``."""

    id: str  # 32 hex digits
    frame: str  # sha256 of the frame
    seen_at: datetime  # UTC
    pass_id: str  # one drive of one camera past a place
    type: DistressType
    score: float  # 0..1, calibrated
    position: Position  # of the middle of the distress; heading of the camera
    covariance: PlaneCovariance
    length_m: float  # along the heading
    width_m: float  # across it
    size_sigma_m: float  # of either
    model: str  # name and hash of the model that saw it

    def __post_init__(self) -> None:
        if self.seen_at.tzinfo is None:
            raise ValueError(f"sighting {self.id}: time without a time zone")
        if not (0 <= self.score <= 1 and self.length_m >= 0 and self.width_m >= 0 and self.size_sigma_m >= 0):
            raise ValueError(f"sighting {self.id}: score {self.score}, {self.length_m} x {self.width_m} m")
