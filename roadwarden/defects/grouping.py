"""Things to clusters, whatever the order they came in.

Round after round every cluster looks for the one it agrees with best (``things.cost``), and those that chose each other
become one, until no pair within the gate is left. That is agglomerative clustering by reciprocal nearest neighbours
(Murtagh, "A survey of recent advances in hierarchical clustering algorithms", Computer Journal 26, 1983) under
constraints (Davidson and Ravi, 2005). Clusters are compared by their means with the errors of means, so that a row of
things each within reach of the next does not become one, as it would with single linkage.

Then things move between clusters (``relocation``) and what has come to fit is joined, until nothing changes.

*Island*: things joined by pairs that might be one. No cluster reaches across islands, so the clusters of an island are
a function of that island alone: what a later sighting can change is the islands that it touches.

Each round costs O(pairs + things) with a sort; about as many rounds are needed as the logarithm of the largest cluster.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from roadwarden.defects.looks import Indices
from roadwarden.defects.relocation import relocated
from roadwarden.defects.scene import NO_PAIRS, Bounds, Prices, Scene
from roadwarden.defects.things import Things, cost, fold

_WORD = 64


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """(n,) numbers of cluster and island: each that of its first member."""

    cluster: Indices
    island: Indices


def group(things: Things, candidates: Indices, bounds: Bounds, prices: Prices) -> Groups:
    """Clusters of ``things``; ``candidates`` (k, 2), i < j, sorted, are the pairs that may be one."""
    linked = _linked(things, candidates, bounds, prices)
    island = components(len(things), np.concatenate([linked, bounds.together]))
    scene, hosts = Scene(things, linked, island, bounds, prices), _HostSets(bounds, island)
    cluster = _agglomerated(scene, hosts, components(len(things), bounds.together))
    for _ in range(prices.moves if len(linked) else 0):
        moved = _agglomerated(scene, hosts, relocated(scene, cluster))
        if np.array_equal(moved, cluster):
            break
        cluster = moved
    return Groups(cluster, island)


def _agglomerated(scene: Scene, hosts: _HostSets, cluster: Indices) -> Indices:
    """Rounds until no two clusters choose each other; islands that come to rest are left alone."""
    active, linked = np.arange(len(cluster)), scene.linked
    while len(linked):
        merged = _round(scene, hosts, cluster, active, linked)
        if not len(merged):
            break
        cluster = _renamed(cluster, merged)
        moving = np.isin(scene.island, scene.island[merged[:, 0]])
        active, inside = np.flatnonzero(moving), cluster[linked]
        linked = linked[moving[linked[:, 0]] & (inside[:, 0] != inside[:, 1])]
    return cluster


def components(count: int, pairs: Indices) -> Indices:
    """(count,) number of the first thing that each is joined to by pairs, itself where by none."""
    ones = np.ones(len(pairs), np.int8)
    _, labels = connected_components(
        coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(count, count)), directed=False
    )
    first = np.unique(labels, return_index=True)[1]
    return np.asarray(first[labels], dtype=np.intp)


def _linked(things: Things, candidates: Indices, bounds: Bounds, prices: Prices) -> Indices:
    if not len(candidates):
        return bounds.favoured
    close = candidates[cost(things, candidates, prices.floor_m) <= prices.gate]
    return np.unique(np.concatenate([close, bounds.favoured]), axis=0) if len(bounds.favoured) else close


def _round(scene: Scene, hosts: _HostSets, cluster: Indices, active: Indices, linked: Indices) -> Indices:
    """(k, 2) clusters that chose each other, by number; the first of each pair is the smaller."""
    names, member = np.unique(cluster[active], return_inverse=True)
    pairs = _between(np.searchsorted(names, cluster[linked]), len(names))
    apart_pairs = np.concatenate([scene.bounds.never, scene.bounds.beside])
    clash = hosts.clashes(member, active, pairs) > 0
    pairs = pairs[~clash & ~_among(pairs, apart_pairs, cluster, names)]
    if not len(pairs):
        return NO_PAIRS
    folded = fold(scene.things.take(active), member, twice_seen=scene.bounds.twice_seen)
    price = cost(folded, pairs, scene.prices.floor_m)
    price -= scene.prices.gate * _among(pairs, scene.bounds.favoured, cluster, names)
    pairs, price = pairs[price <= scene.prices.gate], price[price <= scene.prices.gate]
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
