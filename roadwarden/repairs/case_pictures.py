"""The pictures of a case: where they come from, what is known of them, and the defect's box in one taken before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Protocol

import numpy as np

from roadwarden.data.exif import read_exif
from roadwarden.defects.placing import sighting_id
from roadwarden.detections import Detections, Position, Sighting
from roadwarden.geo.plane import LocalPlane
from roadwarden.repairs.evidence import Condition, PictureFacts, Shot
from roadwarden.storage.assessments import ShownPicture
from roadwarden.vision.surface import Box

SCORE_APART = 0.03
"""Other hardware, or a batch of another size, moves a score by less."""


class Pictures(Protocol):
    """Where pictures are kept, by sha256."""

    def get(self, sha256: str) -> bytes | None:
        """None where it is not there; raises StorageAway where nobody answers."""

    def put(self, data: bytes) -> str:
        """Keeps a picture and returns its sha256."""


class Look(Protocol):
    """A frame as it lies in its archive, and the sighting's box in it."""

    @property
    def data(self) -> bytes:
        """Of the file."""

    @property
    def box_xyxy(self) -> Box | None:
        """Pixels of the frame; None where only the frame is known."""


Looks = Callable[[Sighting], Look | None]
"""Finds the picture of a sighting in the archive that it was surveyed from; None where that is gone."""


def no_looks(_sighting: Sighting) -> Look | None:
    """Nobody kept an archive: pictures before are those in the blob store."""
    return None


class Shown(Protocol):
    """All pictures that were ever evidence."""

    def near(self, perceptual: int, bits: int) -> Sequence[ShownPicture]:
        """Those whose hash differs in at most so many bits, the nearest first."""


@dataclass(frozen=True, slots=True)
class CaseHints:
    """What is known of a report's pictures beside their bytes."""

    conditions: frozenset[Condition] = frozenset()  # of the road, as the weather or a person says
    shots: dict[str, Shot] = field(default_factory=dict)  # by sha256, where the sender said


NO_HINTS = CaseHints()


def facts_of(
    data: bytes,
    sha256: str,
    place: Position | None,
    heading_deg: float | None,
    sigma_m: float,
    zone: tzinfo,
    hints: CaseHints = NO_HINTS,
) -> PictureFacts:
    """``place`` is the defect's, ``heading_deg`` that of the camera before; what EXIF does not say is not known."""
    exif = read_exif(data, zone)
    taken = exif.position
    return PictureFacts(
        conditions=hints.conditions,
        software=exif.software,
        captured_at=exif.captured_at,
        distance_m=None if taken is None or place is None else distance_m(taken, place),
        distance_sigma_m=sigma_m,
        turned_deg=None if taken is None else turned_deg(taken.heading_deg, heading_deg),
        shot=hints.shots.get(sha256),
    )


def distance_m(one: Position, other: Position) -> float:
    """Metres on the ground."""
    plane = LocalPlane(one.lat, one.lon)
    return float(np.hypot(*plane.to_metres([(other.lat, other.lon)])[0]))


def turned_deg(one: float | None, other: float | None) -> float | None:
    """The angle between two headings, 0..180; None where one is not known."""
    if one is None or other is None:
        return None
    return abs((one - other + 180) % 360 - 180)


def box_of(sighting: Sighting, seen: Detections) -> Box | None:
    """The detection that the sighting is, in its frame looked at again; None where none fits.

    The very box where model and arithmetic are the same, else the detection of its type with nearly its score.
    """
    for box in seen.boxes_xyxy:
        if sighting_id(sighting.frame, sighting.model, box) == sighting.id:
            return _as_box(box)
    same = [row for row, kind in enumerate(seen.types) if kind is sighting.type]
    best = min(same, key=lambda row: abs(float(seen.scores[row]) - sighting.score), default=None)
    if best is None or abs(float(seen.scores[best]) - sighting.score) > SCORE_APART:
        return None
    return _as_box(seen.boxes_xyxy[best])


def _as_box(edges: np.ndarray) -> Box:
    x1, y1, x2, y2 = (float(edge) for edge in edges)
    return x1, y1, x2, y2
