"""What a survey is given, and what it says of detections that have no place."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from roadwarden.defects.placing import DRIFT_SIGMA_M
from roadwarden.detections import Detections, Frame
from roadwarden.geo.track import TrackSettings
from roadwarden.taxonomy import DistressType


class FrameState(StrEnum):
    """What the quality gate left of a frame."""

    USABLE = "usable"
    POOR = "poor"  # nothing could be seen
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class SurveyFrame:
    """One frame and what was seen in it."""

    frame: Frame
    state: FrameState
    detections: Detections
    model: str  # name and hash of what looked
    width_px: int = 0  # of the decoded frame; 0 where it could not be read
    height_px: int = 0


@dataclass(frozen=True, slots=True)
class SurveySettings:
    """What is known of vehicle and receiver."""

    vehicle: str
    track: TrackSettings = field(default_factory=TrackSettings)
    drift_sigma_m: float = DRIFT_SIGMA_M
    keep_anyway: bool = False  # also where positions look like those of another coordinate system
    archive: str | None = None  # where the frames lie, as ``data.archives.open_archive`` takes it; None: not known


class NotPlaced(StrEnum):
    """Why a detection is no sighting."""

    NO_TIME = "no_time"  # the frame does not say when it was taken
    NO_POSITION = "no_position"  # no fix near that time
    NO_HEADING = "no_heading"  # nothing tells where the vehicle looked
    ABOVE_HORIZON = "above_horizon"
    TOO_FAR = "too_far"
    DEGENERATE = "degenerate"


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A detection that has no place on the road."""

    frame: str  # path in the archive
    row: int  # among the frame's detections
    type: DistressType
    score: float
    why: NotPlaced
