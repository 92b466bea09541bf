"""Looks of one pass to tracks: one thing on the road, seen in frame after frame.

Places are in metres on the road, so the camera's motion is already taken off and a thing stands still: what a tracker
of pixels predicts with a Kalman filter is here the weighted mean of the looks. Frames may come late and in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from roadwarden.defects.confusion import TYPES
from roadwarden.defects.grouping import Groups, group
from roadwarden.defects.looks import Indices, Looks, Numbers
from roadwarden.defects.policy import MergingPolicy
from roadwarden.defects.rulings import NOTHING_RULED, Agreed, joined, parted
from roadwarden.defects.scene import Bounds, Prices
from roadwarden.defects.things import Things, fold, near, turned, type_cost
from roadwarden.defects.votes import chances, evidence, in_one_pass
from roadwarden.taxonomy import Unit, describe

DUPLICATE_OVERLAP = 0.3
"""Two boxes of one frame whose places on the road share this much of their union may be one thing seen twice."""
LEAST_EXTENT_M = 0.1
LINEAR = np.array([describe(distress).unit is Unit.METRE for distress in TYPES])


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """m tracks; ``founder`` is the row of the first look of each, and they are in the order of their founders."""

    things: Things  # place as the pass saw it; variance without what the pass errs in common
    common: Numbers  # (m,) m²
    drive: npt.NDArray[np.int64]
    founder: Indices
    looks: Numbers  # (m,) how many
    linear: npt.NDArray[np.bool_]  # whether it is a crack, or too long to be seen whole
    run: Indices  # (m,) island of the pass, by the row of its first look

    def __len__(self) -> int:
        return len(self.drive)

    def take(self, rows: npt.NDArray[np.intp]) -> Tracks:
        """Those rows, in that order."""
        return Tracks(self.things.take(rows), *(getattr(self, field.name)[rows] for field in fields(self)[1:]))


def track(looks: Looks, policy: MergingPolicy, agreed: Agreed = NOTHING_RULED) -> tuple[Tracks, Indices]:
    """Tracks of ``looks`` (``Looks.ordered``), of any number of passes, and (n,) which of them each look belongs to."""
    things = things_of(looks, policy)
    candidates = near(things, policy.reach_m, looks.drive)
    named = looks.ids.tolist() if agreed.kin else []
    bounds = _bounds(looks, things, candidates, policy, joined(agreed, named), parted(agreed, named))
    groups = group(things, candidates, bounds, Prices(policy.gate, policy.pass_floor_m))
    founder, member = np.unique(groups.cluster, return_inverse=True)
    return _tracks(looks, things, groups, founder, member, policy), member


def things_of(looks: Looks, policy: MergingPolicy) -> Things:
    """Each look as a thing; its error is what it does not share with its pass."""
    size = np.stack([looks.length, looks.width], axis=1)
    slack = np.maximum(0.0, size - policy.whole_m) / 2
    extent = np.log(np.clip(np.hypot(looks.length, looks.width), LEAST_EXTENT_M, policy.whole_m))
    return Things(looks.place, looks.own, looks.heading, slack, extent, evidence(looks.type, looks.score))


def _bounds(
    looks: Looks,
    things: Things,
    candidates: Indices,
    policy: MergingPolicy,
    together: list[tuple[int, int]],
    never: list[tuple[int, int]],
) -> Bounds:
    ruled, banned = (np.array(pairs, np.intp).reshape(-1, 2) for pairs in (together, never))
    ruled, banned = (pairs[looks.drive[pairs[:, 0]] == looks.drive[pairs[:, 1]]] for pairs in (ruled, banned))
    twice = candidates[looks.frame[candidates[:, 0]] == looks.frame[candidates[:, 1]]]
    twice = twice[
        (_overlap(looks, twice, policy.twice_m) >= DUPLICATE_OVERLAP) & (type_cost(things, twice) <= policy.gate)
    ]
    if len(banned) and len(twice):
        twice = twice[~(twice[:, None, :] == banned[None, :, :]).all(axis=2).any(axis=1)]
    none_may = np.zeros(len(looks), np.bool_)
    return Bounds(looks.frame, none_may, np.concatenate([ruled, twice]), banned)


def _overlap(looks: Looks, pairs: Indices, least_m: float) -> Numbers:
    """(k,) intersection over union of the rectangles on the road; both were seen along one heading.

    No side counts as shorter than ``least_m``: of a cross crack, drawn twice, two boxes may miss each other.
    """
    one, other = pairs[:, 0], pairs[:, 1]
    gap = np.abs(turned(looks.place[other] - looks.place[one], looks.heading[one]))
    size = np.maximum(np.stack([looks.length, looks.width], axis=1), least_m)
    low, high = np.minimum(size[one], size[other]), (size[one] + size[other]) / 2
    shared = np.clip(high - gap, 0.0, low).prod(axis=1)
    union = size[one].prod(axis=1) + size[other].prod(axis=1) - shared
    return np.asarray(np.divide(shared, union, out=np.zeros(len(pairs)), where=union > 0))


def _tracks(
    looks: Looks, things: Things, groups: Groups, founder: Indices, member: Indices, policy: MergingPolicy
) -> Tracks:
    folded = fold(things, member)
    count = np.bincount(member, minlength=len(founder)).astype(np.float64)
    evident = in_one_pass(folded.evidence, count)
    whole = Things(
        folded.place, folded.variance + policy.pass_floor_m**2, folded.heading, folded.slack, folded.extent, evident
    )
    common = np.bincount(member, weights=looks.common, minlength=len(founder)) / np.maximum(count, 1)
    linear = (folded.slack.max(axis=1, initial=0.0) > 0) | LINEAR[np.argmax(chances(evident), axis=1)]
    return Tracks(whole, common, looks.drive[founder], founder, count, linear, groups.island[founder])
