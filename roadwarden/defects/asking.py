"""Which pairs of sightings are worth comparing by their pictures.

Positions and types decide most pairs; pictures cost a registration each. Asked is where positions leave a doubt: two
defects nearer than passes may drift apart (are they one?), and two looks at one defect that lie far from each other
(are they two?). Defects that one frame shows both of are two already.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from scipy.spatial import cKDTree

from roadwarden.detections import Sighting
from roadwarden.geo.plane import LocalPlane

Question: TypeAlias = tuple[Sighting, Sighting]
"""Two looks of different passes; the smaller id first."""

NEAR_M = 4.0
"""As far as merging believes that two passes drift apart (``MergingPolicy.drift_reach_m``)."""
FAR_M = 1.0
"""Looks of two passes at one thing, before they are aligned, lie as far apart by the receiver's drift alone."""
PASSES = 4
"""Of a defect's passes so many of the newest speak for it: a place seen a hundred times is not asked of as often."""


def questions(held: Mapping[str, Sequence[Sighting]], changed: Collection[str]) -> tuple[Question, ...]:
    """One pair for each two defects in doubt, and for each defect in doubt; the most doubtful first.

    ``held``: by defect the sightings that have a picture, of the changed defects and of those around. Only what
    concerns a changed defect is asked. O(n log n + k) for k pairs within reach.
    """
    looks = [(name, one) for name, ones in sorted(held.items()) for one in _speakers(ones)]
    frames = {name: {one.frame for one in ones} for name, ones in held.items()}
    wanted, best = frozenset(changed), dict[tuple[str, str], tuple[float, str, str, Question]]()
    for at, to, apart_m in _near([one for _, one in looks]):
        (ours, one), (theirs, other) = looks[at], looks[to]
        within = ours == theirs
        if one.pass_id == other.pass_id or one.frame == other.frame or wanted.isdisjoint((ours, theirs)):
            continue
        if apart_m < FAR_M if within else not frames[ours].isdisjoint(frames[theirs]):
            continue
        first, second = (one, other) if one.id < other.id else (other, one)
        doubt = NEAR_M - apart_m if within else apart_m
        found = (doubt, first.id, second.id, (first, second))
        best[ours, theirs] = min(found, best.get((ours, theirs), found), key=lambda known: known[:3])
    return tuple(question for *_, question in sorted(best.values(), key=lambda known: known[:3]))


def _speakers(sightings: Sequence[Sighting]) -> list[Sighting]:
    """Of each of the newest passes the look whose place is surest: the nearest to the camera."""
    surest: dict[str, Sighting] = {}
    for one in sorted(sightings, key=lambda one: (one.covariance.east_m2 + one.covariance.north_m2, one.id)):
        surest.setdefault(one.pass_id, one)
    return sorted(surest.values(), key=lambda one: (one.seen_at, one.id))[-PASSES:]


def _near(sightings: Sequence[Sighting]) -> list[tuple[int, int, float]]:
    """Pairs of rows, smaller first, no further apart than ``NEAR_M``, with their distance."""
    if len(sightings) < 2:
        return []
    plane = LocalPlane.around([one.position for one in sightings])
    places = plane.to_metres([(one.position.lat, one.position.lon) for one in sightings])
    pairs = cKDTree(places).query_pairs(NEAR_M, output_type="ndarray")
    apart = np.hypot(*(places[pairs[:, 1]] - places[pairs[:, 0]]).T)
    return [(int(at), int(to), float(metres)) for (at, to), metres in zip(pairs, apart, strict=True)]
