"""Whether two sightings are one thing on the road, by their pictures: the ``Matcher`` of the defects.

The frames are laid onto each other by their surroundings. Where that succeeds, the boxes decide: one on the other is
the same thing, clearly beside it is another. Where it fails nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from roadwarden.defects.rulings import Answer
from roadwarden.defects.same_place import PlaceEvidence, SamePlaceTable, judge_place, shipped_same_place_table
from roadwarden.detections import Boxes, Sighting
from roadwarden.taxonomy import Unit, describe
from roadwarden.vision.boxes import areas, intersections
from roadwarden.vision.decode import UndecodableFrame, decode
from roadwarden.vision.registration import Attempt, Features, Homography, attempt, features, warp_boxes

JOINED_IOU, JOINED_SHARE_OF_SMALLER = 0.3, 0.5
"""The overlap of one thing in two frames, as in ``eval/physical.py``."""
BORDER_PX = 2.0
"""What comes this near to the border may go on beyond it; its absence means something where it is shown whole."""
KEPT_FEATURES = 256
"""Frames whose keypoints are held; 0.3 MB each."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """The picture of a sighting."""

    data: bytes  # of the frame, as it lies in the archive
    box_xyxy: tuple[float, float, float, float] | None = None  # pixels; None where only the frame is known


Looks = Callable[[Sighting], Look | None]
"""Finds the picture of a sighting; None where it is gone."""


def evidence_of(tried: Attempt) -> PlaceEvidence:
    """What a comparison of two pictures brought, as the rules of the defects want it."""
    return PlaceEvidence(tried.keypoints, tried.matches, tried.inliers, fits=tried.registration is not None)


class PictureMatcher:
    """Answers by registration; each frame's keypoints are found once while it is held."""

    def __init__(self, looks: Looks, table: SamePlaceTable | None = None) -> None:
        """``table`` is the one that comes with us unless told."""
        self._looks = looks
        self._table = table or shipped_same_place_table()
        self._seen = lru_cache(maxsize=KEPT_FEATURES)(_features_of)

    def compare(self, one: Sighting, other: Sighting) -> Answer:
        """SAME or DIFFERENT where the frames lie on each other and tell, CANNOT_TELL otherwise.

        Without boxes SAME means that both frames show one piece of road. DIFFERENT is never said of a crack that may go
        on beyond its box, and never because nothing was found.
        """
        first, second = self._looks(one), self._looks(other)
        if first is None or second is None or one.frame == other.frame:
            return Answer.CANNOT_TELL
        ours, theirs = self._seen(first.data), self._seen(second.data)
        if ours is None or theirs is None:
            return Answer.CANNOT_TELL
        tried = attempt(ours, theirs)
        if tried.registration is None or judge_place(evidence_of(tried), self._table) is not Answer.SAME:
            return Answer.CANNOT_TELL
        if first.box_xyxy is None or second.box_xyxy is None:
            return Answer.SAME
        here, there = np.array([first.box_xyxy], np.float32), np.array([second.box_xyxy], np.float32)
        may_go_on = _is_long(one) or _is_long(other)
        return _by_boxes(here, there, tried.registration.homography, theirs, may_go_on=may_go_on)


def _features_of(data: bytes) -> Features | None:
    try:
        return features(decode(data))
    except UndecodableFrame:
        return None


def _by_boxes(ours: Boxes, theirs: Boxes, homography: Homography, seen: Features, *, may_go_on: bool) -> Answer:
    warped = warp_boxes(ours, homography, (seen.width, seen.height))
    shared = float(intersections(warped, theirs)[0, 0])
    here, there = float(areas(warped)[0]), float(areas(theirs)[0])
    smaller, union = min(here, there), here + there - shared
    if shared > 0 and (shared >= JOINED_IOU * union or shared >= JOINED_SHARE_OF_SMALLER * smaller):
        return Answer.SAME
    left, top, right, bottom = (float(edge) for edge in warped[0])
    whole = min(left, top, seen.width - right, seen.height - bottom) > BORDER_PX
    return Answer.DIFFERENT if shared == 0 and whole and not may_go_on else Answer.CANNOT_TELL


def _is_long(sighting: Sighting) -> bool:
    return describe(sighting.type).unit is Unit.METRE
