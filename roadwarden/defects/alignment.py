"""How far each pass lies beside the others: what it sees near one place is shifted alike, for GNSS drifts slowly.

For each tile and pass one offset is found such that looks of different passes fall onto each other. Which looks belong
together is not known yet, so every pair within reach pulls, weighted by how well it agrees (Welsch's function), while
the tolerance is narrowed round after round: graduated non-convexity (Yang, Antonante, Tzoumas and Carlone, IEEE RA-L 5,
2020; Black and Rangarajan, IJCV 19, 1996). The variance that a pass errs in common is the prior of its offset, so
surer passes stay and others come to them. All offsets of a tile are one linear system a round; a tile's offsets depend
on nothing beyond half a tile around it.

With P passes a defect there costs O(P log P) pairs: each pass is compared with some before it and, further back, with
every power of two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roadwarden.defects.looks import Indices, Numbers
from roadwarden.defects.passes import Tracks
from roadwarden.defects.policy import MergingPolicy
from roadwarden.defects.things import axes, near, seen_along, turned, type_cost

Tiles = npt.NDArray[np.int64]
"""(n, 2) columns and rows of tiles."""
_LEAST_VARIANCE_M2 = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """(m, 2) places with the offset of their pass taken off, and (m,) m², what is left of its error, of one axis."""

    place: Numbers
    left: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class _Pulls:
    """k pairs of tracks that draw their passes together, along two axes each."""

    pairs: Indices
    gap: Numbers  # (k, 2) metres along and across ``frame``
    variance: Numbers  # (k, 2) m² along and across
    frame: Numbers  # (k, 2, 2) rows: the axes, in metres east and north

    def take(self, rows: Indices) -> _Pulls:
        return _Pulls(self.pairs[rows], self.gap[rows], self.variance[rows], self.frame[rows])


def tiles_of(place: Numbers, policy: MergingPolicy) -> Tiles:
    """(n, 2) the tile of each place."""
    return np.floor(place / policy.tile_m).astype(np.int64)


def windows_of(place: Numbers, policy: MergingPolicy) -> Tiles:
    """(n, 4, 2) the tiles whose offsets each place has a say in: its own and those within half a tile."""
    corner = np.floor(place / policy.tile_m - 0.5).astype(np.int64)
    return np.asarray(corner[:, None, :] + np.array([(0, 0), (0, 1), (1, 0), (1, 1)]))


def align(tracks: Tracks, policy: MergingPolicy, wanted: Tiles | None = None) -> Aligned:
    """Offsets for the tracks in ``wanted`` tiles, or in all; those elsewhere stay as they are.

    For every wanted tile ``tracks`` (in the order of founders) must hold all that have a say in it.
    """
    own = keys_of(tiles_of(tracks.things.place, policy))
    targets = np.unique(own if wanted is None else np.intersect1d(own, keys_of(wanted)))
    windows = keys_of(windows_of(tracks.things.place, policy))
    pulls = _pulls(tracks, policy)
    seats, sits = _by_window(windows, targets)
    both = windows[pulls.pairs[:, 0]][:, :, None] == windows[pulls.pairs[:, 1]][:, None, :]
    shared = np.where(both.any(axis=2), windows[pulls.pairs[:, 0]], np.iinfo(np.int64).min)
    drawn, draws = _by_window(shared, targets)
    place, left = tracks.things.place.copy(), np.maximum(tracks.common, _LEAST_VARIANCE_M2)
    for number, tile in enumerate(targets):
        members = seats[sits[number] : sits[number + 1]]
        rows = drawn[draws[number] : draws[number + 1]]
        drive, mine = _ranked(tracks.drive[members]), own[members] == tile
        offset, variance = _offsets(pulls.take(rows), members, drive, left_of(tracks, members, drive), policy)
        place[members[mine]] -= offset[drive[mine]]
        left[members[mine]] = variance[drive[mine]]
    return Aligned(np.round(place, 6), left)


def keys_of(tiles: Tiles) -> npt.NDArray[np.int64]:
    """One number for each tile, over the last axis; tiles up to 2 ** 30 from the origin."""
    return np.asarray((tiles[..., 0] << 31) + tiles[..., 1])


def left_of(tracks: Tracks, members: Indices, drive: Indices) -> Numbers:
    """(P,) m², the variance that each pass errs in common."""
    sums = np.bincount(drive, weights=tracks.common[members])
    return np.asarray(np.maximum(sums / np.bincount(drive), _LEAST_VARIANCE_M2))


def _by_window(windows: npt.NDArray[np.int64], targets: npt.NDArray[np.int64]) -> tuple[Indices, Indices]:
    """Rows of each target, in order, end to end; and where those of target i begin, with the end of the last."""
    row, place = np.nonzero(np.isin(windows, targets))
    number = np.searchsorted(targets, windows[row, place])
    order = np.lexsort((row, number))
    return row[order], np.searchsorted(number[order], np.arange(len(targets) + 1))


def _ranked(drive: npt.NDArray[np.int64]) -> Indices:
    """(n,) 0, 1, 2, ... for each pass as it first occurs."""
    _, first, which = np.unique(drive, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[which]


def _pulls(tracks: Tracks, policy: MergingPolicy) -> _Pulls:
    things = tracks.things
    pairs = near(things, policy.drift_reach_m)
    pairs = pairs[tracks.drive[pairs[:, 0]] != tracks.drive[pairs[:, 1]]]
    pairs = pairs[type_cost(things, pairs) <= policy.gate]
    one, other = pairs[:, 0], pairs[:, 1]
    longer = things.slack[one].max(axis=1) >= things.slack[other].max(axis=1)
    heading = np.where(longer, things.heading[one], things.heading[other])
    slack = sum(seen_along(things.slack[end], things.heading[end] - heading) for end in (one, other))
    variance = (things.variance[one] + things.variance[other])[:, None] + slack**2
    gap = turned(things.place[other] - things.place[one], heading)
    return _Pulls(pairs, gap, variance, np.stack(axes(heading), axis=1))


def _offsets(
    pulls: _Pulls, members: Indices, drive: Indices, prior: Numbers, policy: MergingPolicy
) -> tuple[Numbers, Numbers]:
    """(P, 2) metres that each pass lies beside the others, and (P,) m², how sure that is."""
    seat = np.searchsorted(members, pulls.pairs)
    ends = drive[seat]
    back = np.abs(ends[:, 0] - ends[:, 1])
    kept = np.flatnonzero((back <= policy.passes_compared) | (back & (back - 1) == 0))
    pulls, seat, ends = pulls.take(kept), seat[kept], ends[kept]
    offset: Numbers = np.zeros((len(prior), 2))
    system: Numbers = np.diag(np.tile(1 / prior, 2))
    for tolerance in policy.sharpen_m if len(kept) else ():
        weight = _agreement(pulls, seat, ends, offset, tolerance, len(members))
        system, pull = _system(pulls, ends, weight, prior)
        offset = np.asarray(np.linalg.solve(system, pull).reshape(2, -1).T, np.float64)
    spread = np.diag(np.linalg.inv(system)).reshape(2, -1)
    return offset, np.asarray(spread.mean(axis=0))


def _agreement(pulls: _Pulls, seat: Indices, ends: Indices, offset: Numbers, tolerance: float, count: int) -> Numbers:
    """(k,) how much each pair counts: by how well it agrees, and so that a defect seen by P passes counts P - 1."""
    moved = np.einsum("kij,kj->ki", pulls.frame, offset[ends[:, 1]] - offset[ends[:, 0]])
    squared = ((pulls.gap - moved) ** 2 / (pulls.variance + tolerance**2)).sum(axis=1)
    weight = np.exp(-squared / 2)
    degree = np.bincount(seat.ravel(), weights=np.repeat(weight, 2), minlength=count)
    return np.asarray(weight * 2 / (1 + degree[seat].mean(axis=1)))


def _system(pulls: _Pulls, ends: Indices, weight: Numbers, prior: Numbers) -> tuple[Numbers, Numbers]:
    """(2P, 2P) and (2P,): the normal equations of all offsets, easts before norths."""
    count = len(prior)
    strength = weight[:, None] / pulls.variance
    full = np.einsum("ka,kai,kaj->kij", strength, pulls.frame, pulls.frame)
    force = np.einsum("ka,ka,kai->ki", strength, pulls.gap, pulls.frame)
    cell = ends[:, 0] * count + ends[:, 1]
    blocks = [[_laplacian(cell, full[:, i, j], count) for j in (0, 1)] for i in (0, 1)]
    system = np.block(blocks) + np.diag(np.tile(1 / prior, 2))
    pull = [np.bincount(ends[:, 1], force[:, i], count) - np.bincount(ends[:, 0], force[:, i], count) for i in (0, 1)]
    return system, np.concatenate(pull)


def _laplacian(cell: Indices, weight: Numbers, count: int) -> Numbers:
    one_way = np.bincount(cell, weight, count * count).reshape(count, count)
    both = one_way + one_way.T
    return np.asarray(np.diag(both.sum(axis=1)) - both)
