"""Merged sightings as defects: place, size and type of each cluster, with what is known of their errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from roadwarden.defects.defect import Defect
from roadwarden.defects.looks import Indices, Looks, Numbers, time_of
from roadwarden.defects.merging import Merged
from roadwarden.defects.policy import MergingPolicy
from roadwarden.defects.things import Things, fold, seen_along
from roadwarden.defects.votes import chances, vote_of
from roadwarden.detections import PlaneCovariance, Position, Sighting
from roadwarden.geo.plane import LocalPlane

_ENDS = 0.1
"""An end of a long thing is where this share of the passes saw it still: one pass too far does not stretch it."""


def defects_of(
    merged: Merged, sightings: Iterable[Sighting], plane: LocalPlane, policy: MergingPolicy | None = None
) -> tuple[Defect, ...]:
    """The defects of ``merged``, in the order of their first sightings; ``sightings`` are those that were merged."""
    known = {sighting.id: sighting.pass_id for sighting in sightings}
    codes = zip(merged.looks.drive.tolist(), merged.looks.ids.tolist(), strict=True)
    return folded(merged, {code: known[name] for code, name in codes}, plane, policy)


def folded(
    merged: Merged, passes: Mapping[int, str], plane: LocalPlane, policy: MergingPolicy | None = None
) -> tuple[Defect, ...]:
    """The same; ``passes`` are the names of passes by their codes in ``merged.looks``."""
    rules = policy or MergingPolicy()
    clusters, member = np.unique(merged.groups.cluster, return_inverse=True)
    things = fold(replace(merged.tracks.things, place=merged.aligned.place), member, twice_seen=True)
    left = np.bincount(member, weights=merged.aligned.left) / np.bincount(member)
    variance = things.variance + left + rules.map_floor_m**2
    place, size, sigma = _sizes(merged, things, member, rules)
    degrees, shares = plane.to_degrees(place), chances(things.evidence)
    rows = _rows(member[merged.track_of], len(clusters))
    return tuple(
        _defect(
            merged.looks,
            rows[at],
            passes,
            shares[at],
            degrees[at],
            variance[at],
            things.heading[at],
            size[at],
            sigma[at],
        )
        for at in range(len(clusters))
    )


def _rows(member: Indices, count: int) -> list[Indices]:
    order = np.argsort(member, kind="stable")
    return np.split(order, np.searchsorted(member[order], np.arange(1, count)))


def _defect(
    looks: Looks,
    rows: Indices,
    passes: Mapping[int, str],
    shares: Numbers,
    degrees: Numbers,
    variance: float,
    heading: float,
    size: Numbers,
    sigma: float,
) -> Defect:
    ids = looks.ids[rows].tolist()
    return Defect(
        id=ids[0],
        vote=vote_of(shares),
        position=Position(float(degrees[0]), float(degrees[1]), float(np.degrees(heading) % 360)),
        covariance=PlaneCovariance(float(variance), float(variance)),
        length_m=float(size[0]),
        width_m=float(size[1]),
        size_sigma_m=float(sigma),
        first_seen_at=time_of(looks.at_us[rows[0]]),
        last_seen_at=time_of(looks.at_us[rows[-1]]),
        passes=tuple(sorted({passes[code] for code in looks.drive[rows].tolist()})),
        sightings=tuple(ids),
    )


def _sizes(merged: Merged, things: Things, member: Indices, policy: MergingPolicy) -> tuple[Numbers, Numbers, Numbers]:
    """Middles (m, 2), sizes along and across (m, 2), their sigma (m,).

    Of what is seen whole the size is the mean of the looks, weighted by their errors; those of one pass err alike, so
    the error of the mean shrinks with the number of passes only. A long thing reaches from end to end of the passes.
    """
    looks, home = merged.looks, member[merged.track_of]
    turn = np.stack([looks.length, looks.width], axis=1)
    weight = 1 / np.maximum(looks.size_variance, 1e-4)
    total = np.bincount(home, weights=weight)
    own = seen_along(turn, looks.heading - things.heading[home])
    size = np.stack([np.bincount(home, weights=weight * own[:, axis]) for axis in (0, 1)], axis=1) / total[:, None]
    tracks = np.bincount(member).astype(np.float64)
    sigma = np.sqrt(np.bincount(home).astype(np.float64) / total / tracks)
    place = things.place.copy()
    for at in np.flatnonzero(things.slack.max(axis=1) > 0):
        place[at], size[at] = _ends(merged, things, np.flatnonzero(member == at), int(at), size[at], policy)
    return place, size, sigma


def _ends(
    merged: Merged, things: Things, tracks: Indices, at: int, size: Numbers, policy: MergingPolicy
) -> tuple[Numbers, Numbers]:
    """Middle and size of a long thing: along each axis that has slack, from the lower to the upper end."""
    sine, cosine = np.sin(things.heading[at]), np.cos(things.heading[at])
    frame = np.array([[sine, cosine], [cosine, -sine]])
    along = (merged.aligned.place[tracks] - things.place[at]) @ frame.T
    slack = seen_along(merged.tracks.things.slack[tracks], merged.tracks.things.heading[tracks] - things.heading[at])
    place, sides = things.place[at], size.copy()
    for axis in np.flatnonzero(things.slack[at] > 0):
        long = slack[:, axis] > 0
        half = slack[long, axis] + policy.whole_m / 2
        low, high = np.quantile(along[long, axis] - half, _ENDS), np.quantile(along[long, axis] + half, 1 - _ENDS)
        place, sides[axis] = place + frame[axis] * (low + high) / 2, max(high - low, policy.whole_m)
    return place, sides
