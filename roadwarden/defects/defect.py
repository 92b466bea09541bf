"""A defect: one physical thing on the road, the fold of its sightings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from roadwarden.defects.votes import Vote
from roadwarden.detections import PlaneCovariance, Position
from roadwarden.taxonomy import DistressType


@dataclass(frozen=True, slots=True)
class Defect:
    """``id`` is that of its first sighting; every id ever given is a sighting's and leads to the defect that holds it.

    The covariance is that of the middle: of a crack seen in pieces, that of the middle of what was seen.
    """

    id: str
    vote: Vote
    position: Position  # of the middle; heading of the cameras that saw most of it
    covariance: PlaneCovariance
    length_m: float  # along the heading
    width_m: float  # across it
    size_sigma_m: float  # of either
    first_seen_at: datetime  # UTC
    last_seen_at: datetime  # UTC
    passes: tuple[str, ...]  # that saw it, sorted
    sightings: tuple[str, ...]  # ids, by time

    @property
    def type(self) -> DistressType:
        """What most of the evidence says."""
        return self.vote.type
