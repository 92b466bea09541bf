"""What may be the same: looks, tracks or clusters of them as places with extents, and how far two of them disagree.

A thing up to ``whole_m`` long is a point with an error. Of a longer one (a crack, a wide net) a look may show another
part, so its middle says little along it: half of its length beyond ``whole_m`` is *slack*. Two things disagree along an
axis by the distance of their middles less the slack of both. So two pieces of a crack must overlap by ``whole_m`` or be
within an error of doing so, and two holes are compared by their middles alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from roadwarden.defects.looks import Indices, Numbers
from roadwarden.defects.votes import chances, doubt

SKEW = 0.01
"""Radians that the chord of two pieces of a crack errs by: pieces further apart lie beside each other less surely."""
ONE_ROAD = math.radians(30)
"""Headings that differ by less are of one road, which bends."""
ONE_WAY = 0.5
"""Headings up to 30 degrees apart are taken as one for slack: roads bend, and cars change lanes."""
WELL_SEEN = 5
LONG_SHARE = 0.25
"""Of the members of a long thing are long themselves, at least."""
_LEAST_SLACK_M = 1e-3
SIZE_SIGMA = 0.5
"""Of the log of a diagonal."""


@dataclass(frozen=True, slots=True, eq=False)
class Things:
    """n places: ``slack`` and ``size`` are along and across ``heading``; ``evidence`` is that of ``votes``."""

    place: Numbers  # (n, 2) metres east and north
    variance: Numbers  # (n,) m², of one axis
    heading: Numbers  # (n,) radians
    slack: Numbers  # (n, 2) m
    extent: Numbers  # (n,) log of the diagonal in metres, of what is too long to be seen whole that of ``whole_m``
    evidence: Numbers  # (n, T)

    def __len__(self) -> int:
        return len(self.place)

    def take(self, rows: Any) -> Things:
        """Those rows, in that order."""
        return Things(*(getattr(self, field.name)[rows] for field in fields(self)))

    def and_then(self, others: Things) -> Things:
        """These, and behind them the others."""
        return Things(
            *(np.concatenate([getattr(part, field.name) for part in (self, others)]) for field in fields(self))
        )


def axes(heading: Numbers) -> tuple[Numbers, Numbers]:
    """Unit vectors (n, 2) east and north: along the heading, and to the right of it."""
    sine, cosine = np.sin(heading), np.cos(heading)
    return np.stack([sine, cosine], axis=-1), np.stack([cosine, -sine], axis=-1)


def seen_along(slack: Numbers, turn: Numbers) -> Numbers:
    """(n, 2) slack along and across axes that are turned by ``turn`` radians."""
    sine, cosine = np.abs(np.sin(turn)), np.abs(np.cos(turn))
    sine, cosine = np.where(sine < ONE_WAY, 0.0, sine), np.where(cosine < ONE_WAY, 0.0, cosine)
    return np.stack([cosine * slack[:, 0] + sine * slack[:, 1], sine * slack[:, 0] + cosine * slack[:, 1]], axis=1)


def apart(things: Things, pairs: Indices) -> Numbers:
    """(k, 2) metres by which pairs disagree along and across their chord, slack taken off; not negative."""
    moved, slack = _moved(things, pairs)
    return np.asarray(np.maximum(0.0, moved - slack))


def _moved(things: Things, pairs: Indices) -> tuple[Numbers, Numbers]:
    """(k, 2) metres between the middles of pairs along and across their chord, and the slack of both."""
    one, other = things.take(pairs[:, 0]), things.take(pairs[:, 1])
    heading = chord(one, other)
    slack = seen_along(one.slack, one.heading - heading) + seen_along(other.slack, other.heading - heading)
    return np.abs(turned(other.place - one.place, heading)), slack


def chord(one: Things, other: Things) -> Numbers:
    """(k,) radians: the mean of both headings, for that is the chord of two tangents to one arc: roads bend.

    Of two that cross, the heading of the longer.
    """
    longer = one.slack.max(axis=1) >= other.slack.max(axis=1)
    heading, second = np.where(longer, one.heading, other.heading), np.where(longer, other.heading, one.heading)
    turn = _turn_of_lines(second - heading)
    return np.asarray(heading + np.where(np.abs(turn) < ONE_ROAD, turn / 2, 0.0))


def _turn_of_lines(turn: Numbers) -> Numbers:
    """Differences of headings, there and back being one line: from -90 to 90 degrees, in radians."""
    return np.asarray((turn + np.pi / 2) % np.pi - np.pi / 2)


def turned(gap: Numbers, heading: Numbers) -> Numbers:
    """(k, 2) gaps east and north as gaps along and across headings."""
    along, aside = axes(heading)
    return np.stack([(gap * along).sum(axis=1), (gap * aside).sum(axis=1)], axis=1)


def cost(things: Things, pairs: Indices, floor_m: float) -> Numbers:
    """(k,) how unlikely it is that pairs are one: squared sigmas apart, plus doubt about size and type."""
    moved, slack = _moved(things, pairs)
    skew = SKEW * np.minimum(moved, slack).max(axis=1, initial=0.0)
    variance = things.variance[pairs].sum(axis=1) + skew**2 + 2 * floor_m**2
    distance = (np.maximum(0.0, moved - slack) ** 2).sum(axis=1) / variance
    return np.asarray(distance + size_cost(things, pairs) + type_cost(things, pairs))


def size_cost(things: Things, pairs: Indices) -> Numbers:
    """(k,) for sizes that no two looks at one thing have: nothing up to a factor of two, then squared sigmas."""
    ratio = np.abs(things.extent[pairs[:, 0]] - things.extent[pairs[:, 1]])
    return np.asarray((np.maximum(0.0, ratio - math.log(2)) / SIZE_SIGMA) ** 2)


def type_cost(things: Things, pairs: Indices) -> Numbers:
    """(k,) the doubt that pairs are of one type."""
    shares = chances(things.evidence)
    return doubt(shares[pairs[:, 0]], shares[pairs[:, 1]])


def fold(things: Things, member: Indices, *, twice_seen: bool = False) -> Things:
    """The clusters that ``member`` (n,) numbers 0..m-1, none empty: means weighted by 1 / variance, hulls of slack.

    With ``twice_seen`` a cluster is long only if ``LONG_SHARE`` of its members are, and the end of a long one of
    ``WELL_SEEN`` members is where two of them saw it: one stray piece makes no crack of a hole, nor stretches one.
    """
    order = np.argsort(member, kind="stable")
    sorted_things, owner = things.take(order), member[order]
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    weight = 1 / sorted_things.variance
    total = np.add.reduceat(weight, starts)
    middle = np.add.reduceat(sorted_things.place * weight[:, None], starts) / total[:, None]
    heading = _heading(sorted_things, owner, starts)
    shift, slack = _hull(sorted_things, owner, starts, (middle, heading), twice_seen=twice_seen)
    along, aside = axes(heading)
    place = middle + along * shift[:, :1] + aside * shift[:, 1:]
    extent = np.add.reduceat(sorted_things.extent * weight, starts) / total
    return Things(place, 1 / total, heading, slack, extent, np.add.reduceat(sorted_things.evidence, starts))


def _heading(things: Things, owner: Indices, starts: Indices) -> Numbers:
    """The mean of what goes the way of the longest; longer things count more."""
    long = things.slack.max(axis=1)
    longest = things.heading[np.lexsort((-long, owner))[starts]]
    turn = _turn_of_lines(things.heading - longest[owner])
    weight = np.where(np.abs(turn) < ONE_ROAD, (_LEAST_SLACK_M + long) / things.variance, 0.0)
    return np.asarray(longest + np.add.reduceat(weight * turn, starts) / np.add.reduceat(weight, starts))


def _hull(
    things: Things, owner: Indices, starts: Indices, frame: tuple[Numbers, Numbers], *, twice_seen: bool
) -> tuple[Numbers, Numbers]:
    """Where the slack of each cluster lies beside its middle, and how long it is; zero where no member has any.

    ``frame``: middles and headings of the clusters.
    """
    middle, heading = frame
    many = WELL_SEEN if twice_seen else len(owner) + 1
    slack = seen_along(things.slack, things.heading - heading[owner])
    place = turned(things.place - middle[owner], heading[owner])
    low = _end(np.where(slack > 0, place - slack, np.inf), owner, starts, many)
    high = -_end(np.where(slack > 0, -place - slack, np.inf), owner, starts, many)
    with np.errstate(invalid="ignore"):
        shift, half = (low + high) / 2, (high - low) / 2
    found = high > low
    if twice_seen:
        long = np.add.reduceat((slack > 0).astype(np.intp), starts)
        found &= long >= LONG_SHARE * np.diff(np.append(starts, len(owner)))[:, None]
    return np.where(found, shift, 0.0), np.where(found, half, 0.0)


def _end(values: Numbers, owner: Indices, starts: Indices, many: int) -> Numbers:
    """(m, 2) the least of each cluster's values, or the second where there are many."""
    ends = []
    for column in values.T:
        seen = np.add.reduceat(np.isfinite(column).astype(np.intp), starts)
        ends.append(column[np.lexsort((column, owner))][starts + (seen >= many)])
    return np.stack(ends, axis=1)


def near(things: Things, reach_m: float, layer: npt.NDArray[np.int64] | None = None) -> Indices:
    """(k, 2) pairs i < j, sorted, whose points or slack lie within ``reach_m`` of each other (some a little beyond).

    With ``layer`` (n,), only pairs of one layer.
    """
    if len(things) < 2:
        return np.zeros((0, 2), np.intp)
    points, owner = outlines(things, reach_m)
    if layer is not None:
        floor = np.unique(layer, return_inverse=True)[1]
        points = np.column_stack([points, 4.0 * reach_m * floor[owner]])
    found = owner[cKDTree(points).query_pairs(1.12 * reach_m, output_type="ndarray")].reshape(-1, 2)
    found.sort(axis=1)
    keys = np.unique(found[found[:, 0] < found[:, 1]] @ np.array([len(things), 1]))
    return np.stack(np.divmod(keys, len(things)), axis=1).astype(np.intp)


def outlines(things: Things, step_m: float) -> tuple[Numbers, Indices]:
    """Points along the slack of each, at most ``step_m`` apart: half a step beside any point is within reach."""
    along, aside = axes(things.heading)
    vectors = np.where(
        (things.slack[:, 0] >= things.slack[:, 1])[:, None], along * things.slack[:, :1], aside * things.slack[:, 1:]
    )
    steps = np.ceil(2 * things.slack.max(axis=1, initial=0.0) / step_m).astype(np.intp)
    owner = np.repeat(np.arange(len(things)), steps + 1)
    first = np.cumsum(steps + 1) - (steps + 1)
    place = np.arange(len(owner)) - first[owner]
    share = np.where(steps[owner] > 0, 2 * place / np.maximum(1, steps[owner]) - 1, 0.0)
    return things.place[owner] + vectors[owner] * share[:, None], owner
