"""Things move to the cluster that they fit best, once clusters are there to choose from.

Agglomeration never takes back what it joined: three passes that mistook a crack for a patch agree with each other
sooner than with the twenty that did not, and remain a second defect. Here every thing is compared with the clusters
that it has a link to, each as it is without that thing, and goes where it is likeliest, or by itself. These are the
moves of single vertices by which local search improves a correlation clustering (Keuper et al., "Efficient
decomposition of image and mesh graphs by lifted multicuts", ICCV 2015), with the odds of a Chinese restaurant process
(Aldous, 1985): a cluster of n draws n times as much, for a look at what n passes saw is likelier than a thing that
nobody else saw.

All move at once, but no two things of one host into one cluster unless ``Bounds`` lets them: the cheapest goes first,
as a tracker assigns nearest neighbours. A round costs O(links log links).
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from roadwarden.defects.looks import Indices, Numbers
from roadwarden.defects.scene import Scene
from roadwarden.defects.things import Things, axes, cost, fold, turned


@dataclass(frozen=True, slots=True, eq=False)
class _Options:
    """k things and clusters that they might be in, by number; ``own``: it is in there now."""

    thing: Indices
    cluster: Indices
    own: npt.NDArray[np.bool_]

    def take(self, rows: npt.NDArray[np.intp]) -> _Options:
        return _Options(self.thing[rows], self.cluster[rows], self.own[rows])


def relocated(scene: Scene, cluster: Indices) -> Indices:
    """(n,) the clusters after one round of moves, each named after its first thing."""
    member = np.unique(cluster, return_inverse=True)[1]
    options = _options(scene, member)
    price = _prices(scene, member, options)
    ruled = np.zeros(len(cluster), np.bool_)
    ruled[scene.bounds.together.ravel()] = True  # what people joined moves only with what they joined it to
    price = np.where(ruled[options.thing], np.where(options.own, -np.inf, np.inf), price)
    kept = np.flatnonzero(price <= scene.prices.gate)
    home = _assigned(scene, options.take(kept), price[kept], ruled)
    first, which = np.unique(home, return_index=True, return_inverse=True)[1:]
    return np.asarray(first[which], dtype=np.intp)


def _options(scene: Scene, member: Indices) -> _Options:
    one, other = scene.linked[:, 0], scene.linked[:, 1]
    count, everything = int(member.max(initial=-1)) + 1, np.arange(len(member))
    keys = (one * count + member[other], other * count + member[one], everything * count + member)
    thing, cluster = np.divmod(np.unique(np.concatenate(keys)), count)
    return _Options(thing, cluster, member[thing] == cluster)


def _prices(scene: Scene, member: Indices, options: _Options) -> Numbers:
    """(k,) what being in that cluster costs: twice the log of odds, against being one of a perfect pair."""
    rest, left = _without_it(scene, member, options)
    mine, row = scene.things.take(options.thing), np.arange(len(left))
    fit = cost(mine.and_then(rest), np.stack([row, len(row) + row], axis=1), scene.prices.floor_m)
    spread = 2 * np.log1p(rest.variance / (mine.variance + 2 * scene.prices.floor_m**2))
    crowd = np.minimum(2 * np.log(np.maximum(1, left)), scene.prices.gate)
    price = fit + spread - crowd - scene.prices.gate * _favoured(scene, member, options)
    return np.asarray(np.where(options.own & (left == 0), scene.prices.gate, price))


def _without_it(scene: Scene, member: Indices, options: _Options) -> tuple[Things, Indices]:
    """Each option's cluster less its thing, and how many things that leaves; of one alone the cluster is as it is.

    Along a long thing the ends stay, for they were seen twice.
    """
    things, weight = scene.things, 1 / scene.things.variance
    clusters = fold(things, member, twice_seen=scene.bounds.twice_seen)
    total = np.bincount(member, weights=weight)
    sums = np.stack([np.bincount(member, weights=weight * column) for column in things.place.T], axis=1)
    rest, left = clusters.take(options.cluster), np.bincount(member)[options.cluster] - options.own
    rows = np.flatnonzero(options.own & (left > 0))
    thing, cluster = options.thing[rows], options.cluster[rows]
    mine = weight[thing]
    others = total[cluster] - mine
    mean = (sums[cluster] - mine[:, None] * things.place[thing]) / others[:, None]
    shift = turned(mean - sums[cluster] / total[cluster][:, None], rest.heading[rows])
    shift = np.where(rest.slack[rows] > 0, 0.0, shift)
    along, aside = axes(rest.heading[rows])
    place, variance, extent, evidence = (column.copy() for column in _moving(rest))
    place[rows] += along * shift[:, :1] + aside * shift[:, 1:]
    variance[rows] = 1 / others
    extent[rows] = (total[cluster] * clusters.extent[cluster] - mine * things.extent[thing]) / others
    evidence[rows] -= things.evidence[thing]
    return replace(rest, place=place, variance=variance, extent=extent, evidence=evidence), left


def _moving(things: Things) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    return things.place, things.variance, things.extent, things.evidence


def _favoured(scene: Scene, member: Indices, options: _Options) -> npt.NDArray[np.bool_]:
    """(k,) whether the cluster holds another thing that looks like it."""
    pairs = scene.bounds.favoured
    if not len(pairs):
        return np.zeros(len(options.thing), np.bool_)
    count = int(member.max(initial=-1)) + 1
    keys = [pairs[:, 0] * count + member[pairs[:, 1]], pairs[:, 1] * count + member[pairs[:, 0]]]
    return np.isin(options.thing * count + options.cluster, np.concatenate(keys))


def _assigned(scene: Scene, options: _Options, price: Numbers, ruled: npt.NDArray[np.bool_]) -> Indices:
    """(n,) number of the cluster that each thing goes to, or one of its own. ``options`` are those within the gate."""
    bounds, count = scene.bounds, len(ruled)
    home = count + np.arange(count)
    order = np.lexsort((options.cluster, options.thing, price))
    thing, first = np.unique(options.thing[order], return_index=True)
    best = order[first]
    wants = np.unique(np.stack([bounds.host[options.thing], options.cluster], axis=1), axis=0, return_inverse=True)[
        1
    ].ravel()
    free = (np.bincount(wants)[wants[best]] == 1) & ~np.isin(thing, bounds.never)
    home[thing[free]] = options.cluster[best[free]]
    rows = np.flatnonzero(np.isin(options.thing, thing[~free]))
    for one, cluster in _in_turn(scene, options.take(rows), price[rows], ruled):
        home[one] = cluster
    return home


def _in_turn(
    scene: Scene, options: _Options, price: Numbers, ruled: npt.NDArray[np.bool_]
) -> Iterable[tuple[int, int]]:
    """Things and their clusters: the cheapest first, those that a host holds against each other one by one."""
    never, beside, both_seen = (
        _partners(pairs) for pairs in (scene.bounds.never, scene.bounds.beside, scene.bounds.both_seen)
    )
    share, gate, again = scene.bounds.may_share, scene.prices.gate, scene.prices.again
    waiting = sorted(
        zip(price.tolist(), options.thing.tolist(), options.cluster.tolist(), [False] * len(price), strict=True)
    )
    home: dict[int, int] = {}
    inside: dict[tuple[int, int], list[int]] = defaultdict(list)
    while waiting:
        cost_now, one, cluster, dearer = heapq.heappop(waiting)
        if one in home or any(home.get(other) == cluster for other in never.get(one, ())):
            continue
        held = inside[int(scene.bounds.host[one]), cluster]
        against = [other for other in held if not (share[one] and share[other]) or other in beside.get(one, ())]
        if against and not ruled[one] and not dearer:
            if not both_seen.get(one, set()) & set(against) and cost_now + again <= gate:
                heapq.heappush(waiting, (cost_now + again, one, cluster, True))
            continue
        home[one] = cluster
        held.append(one)
    return home.items()


def _partners(pairs: Indices) -> Mapping[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for one, other in pairs.tolist():
        found[one].add(other)
        found[other].add(one)
    return found
