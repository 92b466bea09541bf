"""How often before and after can be laid on each other, on pairs that no matcher chose.

Pairs that matchers had found register by construction. These are drawn by where the camera stood, or blindly and then
judged by eye; what the two pictures share is known from elsewhere than from matching them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from roadwarden.defects.same_place import SamePlaceTable
from roadwarden.detections import Image
from roadwarden.eval.repairs import Rate
from roadwarden.repairs.alignment import align
from roadwarden.repairs.place import Place, judge
from roadwarden.repairs.table import RepairTable
from roadwarden.vision.registration import Homography, features
from roadwarden.vision.surface import Box, aligned, likeness

WANTED_SHARE = 0.40
"""Of the view, from which the target of issue 9 holds; the lesser of the two pictures' shares."""
MOST_ERROR = 0.01
"""Median distance from where a point truly lies, in diagonals of the frame, up to which a registration is right."""


class Source(StrEnum):
    """Where pairs come from, and so how it is known what they share."""

    STREET = "street"  # drawn; exactly, from the cameras
    RIDE = "ride"  # neighbours of one ride; from the metres in their names
    EYE = "eye"  # drawn blindly within one street; judged by eye


class Shared(StrEnum):
    """The share that two pictures have in common, as a band."""

    MOST = "50 % and more"
    ABOUT = "40 to 50 %"
    ABOUT_BY_EYE = "about 30 to 50 %"
    NEARLY = "30 to 40 %"
    LESS = "less than 30 %"
    NONE = "none"
    CANNOT_TELL = "cannot tell"


COUNTED = frozenset({Shared.MOST, Shared.ABOUT})
"""Bands that certainly hold 40 % and more."""


@dataclass(frozen=True, slots=True, eq=False)
class ViewPair:
    """Two pictures, what they share, and the spot that the matching leaves out."""

    name: str
    source: Source
    group: str
    shared: Shared
    before: Image
    after: Image
    box: Box | None = None  # of a defect in the before picture; None: nothing is left out
    truth: Homography | None = None  # of the road plane, before to after, where it is known


@dataclass(frozen=True, slots=True)
class Laid:
    """What became of a pair."""

    name: str
    source: Source
    group: str
    shared: Shared
    registered: bool  # some homography was trusted
    usable: bool  # and it is good enough to look at one spot through it
    inliers: int
    error: float | None  # median, in diagonals of the frame; None where the truth is not known or nothing fits
    looked_through: bool | None = None  # usable, and the road around the spot is found again; None without a spot


def lay(pair: ViewPair, table: RepairTable, same: SamePlaceTable) -> Laid:
    """Lays before on after as an assessment does; whether the spot itself is cut off does not count here."""
    alignment = align(features(pair.before), features(pair.after), pair.box)
    homography = alignment.homography
    usable = judge(alignment.facts, table.place, same) in (Place.SAME, Place.CUT_OFF)
    inliers = alignment.facts.masked.inliers if homography is not None else 0
    error = None if homography is None or pair.truth is None else _error(pair, homography)
    return Laid(
        pair.name,
        pair.source,
        pair.group,
        pair.shared,
        registered=homography is not None,
        usable=usable,
        inliers=inliers,
        error=error,
        looked_through=None if pair.box is None else usable and _found_again(pair, homography, pair.box, table),
    )


def _found_again(pair: ViewPair, homography: Homography | None, box: Box, table: RepairTable) -> bool:
    """Whether the road around the spot is where the homography says, which a verdict asks before REPAIRED."""
    if homography is None:
        return False
    height, width = pair.before.shape[:2]
    after, reached = aligned(pair.after, homography, (width, height))
    return likeness(pair.before, after, reached, box).around_median >= table.look.least_around


def _error(pair: ViewPair, homography: Homography) -> float:
    """Over points of the before picture that the after picture truly shows; half a frame where it shows none."""
    height, width = pair.before.shape[:2]
    x, y = np.meshgrid(np.linspace(0, width, 33), np.linspace(0, height, 33))
    points = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], axis=1)
    if pair.truth is None:
        raise ValueError("the truth of this pair is not known")
    truly, inside = _ends(points, pair.truth, pair.after)
    laid, _ = _ends(points, homography, pair.after)
    if not inside.any():
        return 0.5
    return float(np.median(np.linalg.norm(truly[inside] - laid[inside], axis=1)) / np.hypot(width, height))


def _ends(points: np.ndarray, homography: Homography, after: Image) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the after picture, and which of them lie in it; a point beyond the horizon lies nowhere."""
    ends = points @ homography.T
    ahead = ends[:, 2] > 1e-9
    pixels = ends[:, :2] / np.where(ahead, ends[:, 2], 1.0)[:, None]
    size = np.array([after.shape[1], after.shape[0]])
    return pixels, ahead & (pixels >= 0).all(axis=1) & (pixels <= size).all(axis=1)


@dataclass(frozen=True, slots=True)
class BandScore:
    """One band of one source."""

    registered: Rate
    usable: Rate
    wrong: Rate  # of the registered ones whose truth is known: laid elsewhere than it lies
    misled: Rate  # of those with a spot: wrong, and the spot is looked at through it all the same


@dataclass(frozen=True, slots=True)
class AlignmentScore:
    """All figures; ``counted`` is the target's, by source."""

    bands: dict[tuple[Source, Shared], BandScore]
    counted: dict[Source, BandScore]


def score(laid: Sequence[Laid]) -> AlignmentScore:
    """By source and band, and of the bands that certainly hold 40 % and more."""
    bands: dict[tuple[Source, Shared], list[Laid]] = defaultdict(list)
    counted: dict[Source, list[Laid]] = defaultdict(list)
    for one in laid:
        bands[one.source, one.shared].append(one)
        if one.shared in COUNTED:
            counted[one.source].append(one)
    return AlignmentScore(
        {key: _band(bands[key]) for source in Source for shared in Shared if (key := (source, shared)) in bands},
        {source: _band(counted[source]) for source in Source if source in counted},
    )


def _band(laid: Sequence[Laid]) -> BandScore:
    known = [one.error for one in laid if one.error is not None]
    spots = [
        (one.error, one.looked_through) for one in laid if one.error is not None and one.looked_through is not None
    ]
    return BandScore(
        Rate(sum(one.registered for one in laid), len(laid)),
        Rate(sum(one.usable for one in laid), len(laid)),
        Rate(sum(error > MOST_ERROR for error in known), len(known)),
        Rate(sum(through and error > MOST_ERROR for error, through in spots), len(spots)),
    )


def laid_json(one: Laid) -> dict[str, Any]:
    """For the report, pair by pair."""
    return {
        "name": one.name,
        "source": str(one.source),
        "group": one.group,
        "shared": str(one.shared),
        "registered": one.registered,
        "usable": one.usable,
        "inliers": one.inliers,
        "error": None if one.error is None else round(one.error, 5),
        "looked_through": one.looked_through,
    }
