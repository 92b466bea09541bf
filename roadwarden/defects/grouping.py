"""Things to clusters, whatever the order they came in.

Round after round every cluster looks for the one it agrees with best (``things.cost``), and those that chose each other
become one, until no pair within the gate is left. That is agglomerative clustering by reciprocal nearest neighbours
(Murtagh, "A survey of recent advances in hierarchical clustering algorithms", Computer Journal 26, 1983) under
constraints (Davidson and Ravi, 2005). Clusters are compared by their means with the errors of means, so that a row of
things each within reach of the next does not become one, as it would with single linkage.

*Island*: things joined by pairs that might be one. No cluster reaches across islands, so the clusters of an island are
a function of that island alone: what a later sighting can change is the islands that it touches.

Each round costs O(pairs + things) with a sort; about as many rounds are needed as the logarithm of the largest cluster.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from roadwarden.defects.looks import Indices
from roadwarden.defects.things import Things, apart, cost, fold

NO_PAIRS: Indices = np.zeros((0, 2), np.intp)
_WORD = 64
RECONCILED = 3
"""Times that contested clusters are joined; each may free things that then find their place."""
CONTESTED = 0.2
"""Share of the smaller cluster's things that may speak against a join."""


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """What clusters must hold to; (k, 2) arrays are pairs of things.

    Things of one ``host`` (n,) - a frame, a pass - are never one, unless both ``may_share`` (n,) it.
    """

    host: npt.NDArray[np.int64]
    may_share: npt.NDArray[np.bool_]
    together: Indices = field(default_factory=lambda: NO_PAIRS)
    never: Indices = field(default_factory=lambda: NO_PAIRS)
    beside: Indices = field(default_factory=lambda: NO_PAIRS)  # one host saw the two apart, though they may share it
    favoured: Indices = field(default_factory=lambda: NO_PAIRS)  # they look alike: the gate is twice as wide
    twice_seen: bool = False  # of ``things.fold``


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """(n,) numbers of cluster and island: each that of its first member."""

    cluster: Indices
    island: Indices


def group(things: Things, candidates: Indices, bounds: Bounds, gate: float, floor_m: float) -> Groups:
    """Clusters of ``things``; ``candidates`` (k, 2), i < j, sorted, are the pairs that may be one."""
    linked = _linked(things, candidates, bounds, gate, floor_m)
    island = components(len(things), np.concatenate([linked, bounds.together]))
    work = _Work(things, linked, island, bounds, _HostSets(bounds, island), gate, floor_m)
    cluster = _agglomerated(work, components(len(things), bounds.together))
    for _ in range(RECONCILED if len(linked) else 0):
        joined = _reconciled(work, cluster)
        if joined is cluster:
            break
        cluster = _agglomerated(work, joined)
    return Groups(cluster, island)


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    things: Things
    linked: Indices
    island: Indices
    bounds: Bounds
    hosts: _HostSets
    gate: float
    floor_m: float


def _agglomerated(work: _Work, cluster: Indices) -> Indices:
    """Rounds until no two clusters choose each other; islands that come to rest are left alone."""
    active, linked = np.arange(len(cluster)), work.linked
    while len(linked):
        merged = _round(work, cluster, active, linked)
        if not len(merged):
            break
        cluster = _renamed(cluster, merged)
        moving = np.isin(work.island, work.island[merged[:, 0]])
        active, inside = np.flatnonzero(moving), cluster[linked]
        linked = linked[moving[linked[:, 0]] & (inside[:, 0] != inside[:, 1])]
    return cluster


def _reconciled(work: _Work, cluster: Indices) -> Indices:
    """Joins clusters that only a few of many hosts speak against, and puts out what those hosts saw besides.

    One box drawn twice, or a false alarm beside a hole, must not keep the looks of thirty passes in two heaps.
    """
    names, member = np.unique(cluster, return_inverse=True)
    everything = np.arange(len(cluster))
    pairs = _between(member[work.linked], len(names))
    pairs = pairs[~_among(pairs, work.bounds.never, cluster, names)]
    smaller = np.bincount(member)[pairs].min(axis=1) if len(pairs) else np.zeros(0)
    against = work.hosts.clashes(member, everything, pairs) + _times(pairs, member[work.bounds.beside], len(names))
    pairs = pairs[against <= CONTESTED * smaller]
    if not len(pairs):
        return cluster
    price = cost(fold(work.things, member, twice_seen=work.bounds.twice_seen), pairs, work.floor_m)
    merged = names[_mutual(pairs[price <= work.gate], price[price <= work.gate], len(names))]
    return _without_clashes(work, _renamed(cluster, merged), merged[:, 0]) if len(merged) else cluster


def _without_clashes(work: _Work, cluster: Indices, which: Indices) -> Indices:
    """Of each host that clashes within the clusters, what lies next to the middle stays; the rest is by itself."""
    rows = np.flatnonzero(np.isin(cluster, which))
    member = np.unique(cluster[rows], return_inverse=True)[1]
    mine = work.things.take(rows)
    folded = fold(mine, member, twice_seen=work.bounds.twice_seen)
    away = apart(mine.and_then(folded), np.stack([np.arange(len(rows)), len(rows) + member], axis=1))
    order = rows[np.lexsort((rows, (away**2).sum(axis=1)))]
    ruled, out, seen = set(work.bounds.together.ravel().tolist()), [], dict[tuple[int, int], bool]()
    share, host = work.bounds.may_share, work.bounds.host
    for row in order.tolist():
        key = (int(cluster[row]), int(host[row]))
        if row not in ruled and key in seen and not (share[row] and seen[key]):
            out.append(row)
        else:
            seen[key] = bool(share[row]) and seen.get(key, True)
    out += _further(work.bounds.beside, cluster, order, ruled | set(out))
    cluster = cluster.copy()
    cluster[out] = len(cluster) + np.array(out, np.intp)
    first, which_name = np.unique(cluster, return_index=True, return_inverse=True)[1:]
    return np.asarray(first[which_name], dtype=np.intp)


def _further(beside: Indices, cluster: Indices, order: Indices, settled: set[int]) -> list[int]:
    """Of pairs beside each other in one cluster, the one that lies further from the middle."""
    rank = {row: at for at, row in enumerate(order.tolist())}
    out: list[int] = []
    for one, other in beside.tolist():
        further = max(one, other, key=lambda row: rank.get(row, -1))
        if cluster[one] == cluster[other] and one in rank and not {one, other} & {*settled, *out}:
            out.append(further)
    return out


def components(count: int, pairs: Indices) -> Indices:
    """(count,) number of the first thing that each is joined to by pairs, itself where by none."""
    ones = np.ones(len(pairs), np.int8)
    _, labels = connected_components(
        coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(count, count)), directed=False
    )
    first = np.unique(labels, return_index=True)[1]
    return np.asarray(first[labels], dtype=np.intp)


def _linked(things: Things, candidates: Indices, bounds: Bounds, gate: float, floor_m: float) -> Indices:
    if not len(candidates):
        return bounds.favoured
    close = candidates[cost(things, candidates, floor_m) <= gate]
    return np.unique(np.concatenate([close, bounds.favoured]), axis=0) if len(bounds.favoured) else close


def _round(work: _Work, cluster: Indices, active: Indices, linked: Indices) -> Indices:
    """(k, 2) clusters that chose each other, by number; the first of each pair is the smaller."""
    names, member = np.unique(cluster[active], return_inverse=True)
    pairs = _between(np.searchsorted(names, cluster[linked]), len(names))
    apart_pairs = np.concatenate([work.bounds.never, work.bounds.beside])
    clash = work.hosts.clashes(member, active, pairs) > 0
    pairs = pairs[~clash & ~_among(pairs, apart_pairs, cluster, names)]
    if not len(pairs):
        return NO_PAIRS
    folded = fold(work.things.take(active), member, twice_seen=work.bounds.twice_seen)
    price = cost(folded, pairs, work.floor_m)
    price -= work.gate * _among(pairs, work.bounds.favoured, cluster, names)
    pairs, price = pairs[price <= work.gate], price[price <= work.gate]
    return names[_mutual(pairs, price, len(names))]


def _between(pairs: Indices, count: int) -> Indices:
    """The different pairs, smaller first, in order."""
    ordered = np.sort(pairs, axis=1)
    keys = np.unique(ordered[ordered[:, 0] < ordered[:, 1]] @ np.array([count, 1]))
    return np.stack(np.divmod(keys, count), axis=1)


def _among(pairs: Indices, listed: Indices, cluster: Indices, names: Indices) -> npt.NDArray[np.bool_]:
    """(k,) whether clusters hold the two things of a listed pair."""
    if not len(listed):
        return np.zeros(len(pairs), np.bool_)
    ends = cluster[listed]
    ends = ends[np.isin(ends, names).all(axis=1)]
    keys = _between(np.searchsorted(names, ends), len(names)) @ np.array([len(names), 1])
    return np.isin(pairs @ np.array([len(names), 1]), keys)


def _times(pairs: Indices, listed: Indices, count: int) -> Indices:
    """(k,) how often a pair is listed."""
    ordered = np.sort(listed, axis=1) @ np.array([count, 1])
    keys = pairs @ np.array([count, 1])
    ordered.sort()
    return np.asarray(np.searchsorted(ordered, keys, side="right") - np.searchsorted(ordered, keys), dtype=np.intp)


def _mutual(pairs: Indices, price: npt.NDArray[np.float64], count: int) -> Indices:
    """The pairs that are each other's cheapest; of equals the one with the smaller numbers."""
    rank = np.empty(len(pairs), np.intp)
    rank[np.lexsort((pairs[:, 1], pairs[:, 0], price))] = np.arange(len(pairs))
    best = np.full(count, len(pairs), np.intp)
    np.minimum.at(best, pairs.ravel(), np.repeat(rank, 2))
    return np.asarray(pairs[(best[pairs] == rank[:, None]).all(axis=1)])


def _renamed(cluster: Indices, merged: Indices) -> Indices:
    names = np.arange(len(cluster))
    names[merged[:, 1]] = merged[:, 0]
    return names[cluster]


class _HostSets:
    """The hosts of clusters as bits, numbered anew within each island so that a city needs few words."""

    def __init__(self, bounds: Bounds, island: Indices) -> None:
        keys = np.stack([island, bounds.host], axis=1)
        found, which = np.unique(keys, axis=0, return_inverse=True)
        start = np.unique(found[:, 0], return_index=True)[1] if len(found) else np.zeros(0, np.intp)
        length = np.diff(np.append(start, len(found)))
        number = np.arange(len(found)) - np.repeat(start, length)
        self._number = number[which.ravel()]
        self._words = 1 + int(self._number.max(initial=0)) // _WORD
        self._may_share = bounds.may_share

    def clashes(self, member: Indices, active: Indices, pairs: Indices) -> npt.NDArray[np.int64]:
        """(k,) how many hosts two clusters have in common that not all of their things there may share."""
        number, share = self._number[active], self._may_share[active]
        bit = np.uint64(1) << (number % _WORD).astype(np.uint64)
        closed = np.zeros((int(member.max(initial=-1)) + 1, self._words), np.uint64)
        opened = closed.copy()
        np.bitwise_or.at(closed, (member[~share], number[~share] // _WORD), bit[~share])
        np.bitwise_or.at(opened, (member[share], number[share] // _WORD), bit[share])
        one, other = pairs[:, 0], pairs[:, 1]
        either = (closed[one] & (closed[other] | opened[other])) | (opened[one] & closed[other])
        return np.asarray(np.bitwise_count(either).sum(axis=1), dtype=np.int64)
