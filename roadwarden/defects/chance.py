"""More than chance, or not: problems near a place against the same problems dealt out by where people looked.

**The test.** Null hypothesis: each problem of a road grade lies on a metre of lane of that grade, independently of the
others, with a chance proportional to how likely it would have been found there (``Exposure``). The problems of each
grade are dealt out anew ``draws`` times; a zone's p is the share of draws, the observed deal counted among them, that
put at least as many problems there. p is adjusted for the zones of the place together by the smallest p of each draw
(Westfall and Young 1993, single step). A draw is a multinomial over the pieces that the zones cut the network into, so
its cost does not depend on the number of problems.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from roadwarden.defects.exposure import Column, Exposure
from roadwarden.defects.roadways import Ints
from roadwarden.defects.zones import MetreGrid, Zone, ZoneKind
from roadwarden.geo.places import RoadGrade

LEVEL = 0.05
"""Chance that any zone of a case whose neighbours are chance is called more than chance."""
DRAWS = 9999
MIDDLE = (0.025, 0.975)


class Finding(StrEnum):
    """What is said of a zone."""

    MORE = "more_than_chance"
    NOT_MORE = "not_more_than_chance"
    UNKNOWN = "unknown"  # nobody looked there in the window


@dataclass(frozen=True, slots=True)
class Spread:
    """One zone beside what chance would put there."""

    kind: ZoneKind
    problems: Ints  # rows of the problems that lie in it
    looked_at_m: float  # metres of lane that were seen at least once
    expected: float  # problems by chance
    chance_low: int  # the middle 95 % of draws
    chance_high: int
    p: float  # of this zone alone
    beyond: float  # share of the draws that put more there: p lies between this and itself where counts tie
    adjusted: float  # among all zones of the place
    needed: int  # the fewest problems that would have been called more than chance

    @property
    def count(self) -> int:
        """How many problems lie in it."""
        return len(self.problems)

    @property
    def finding(self) -> Finding:
        """By the adjusted p."""
        if not self.looked_at_m:
            return Finding.UNKNOWN
        return Finding.MORE if self.adjusted <= LEVEL else Finding.NOT_MORE

    @property
    def ratio(self) -> float | None:
        """Times as many as by chance; None where chance puts none there."""
        return self.count / self.expected if self.expected else None


@dataclass(frozen=True, slots=True, eq=False)
class Problems:
    """n problems by their metre of lane; those where nobody looked are evidence of nothing and were left out."""

    metres: Ints  # (n,) see ``MetreGrid``
    grades: Ints  # (n,) row of the grade in ``RoadGrade``


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What the draws are made of: problems and weighed metres of each grade."""

    problems: Ints  # (grades,)
    exposure: Column  # (grades,)


def grades_of(grid: MetreGrid, metres: Ints) -> Ints:
    """Row of the grade of the road of each metre."""
    grades = list(RoadGrade)
    of_road = np.array([grades.index(one.grade) for one in grid.roads.roadways], np.int64)
    return of_road[grid.road_of(metres)]


def baseline(grid: MetreGrid, seen: Exposure, problems: Problems) -> Baseline:
    """Sums of the whole network; linear in roads and problems."""
    count = len(RoadGrade)
    grades = list(RoadGrade)
    of_road = np.array([grades.index(one.grade) for one in grid.roads.roadways], np.int64)
    return Baseline(
        np.bincount(problems.grades, minlength=count).astype(np.int64),
        np.asarray(np.bincount(of_road, seen.by_road(), count), np.float64),
    )


def spread(
    grid: MetreGrid,
    seen: Exposure,
    problems: Problems,
    places: Sequence[Zone],
    seed: int = 0,
    draws: int = DRAWS,
) -> tuple[Spread, ...]:
    """Each zone, in the order given; the case that they lie around must not be among the problems."""
    if not places:
        return ()
    metres = np.unique(np.concatenate([zone.metres for zone in places]))
    holds = np.array([np.isin(metres, zone.metres, assume_unique=True) for zone in places])  # (zones, metres)
    weights, grades, base = (
        seen.metres(*grid.bounds_mm(metres)),
        grades_of(grid, metres),
        baseline(grid, seen, problems),
    )
    drawn = _draws(holds, weights, grades, base, seed, draws)
    found = [np.flatnonzero(np.isin(problems.metres, zone.metres)) for zone in places]
    smallest = np.sort(np.min([_share_reaching(one, one) for one in drawn], axis=0))
    return tuple(
        _spread(zone, rows, one, smallest, weights * mine, _expected(weights * mine, grades, base))
        for zone, rows, one, mine in zip(places, found, drawn, holds, strict=True)
    )


def _draws(holds: npt.NDArray[np.bool_], weights: Column, grades: Ints, base: Baseline, seed: int, draws: int) -> Ints:
    """(zones, draws) problems that chance puts into each zone."""
    code = (holds * (1 << np.arange(len(holds)))[:, None]).sum(axis=0)
    pieces, piece_of = np.unique(code, return_inverse=True)
    random = np.random.default_rng(seed)
    counts = np.zeros((draws, len(pieces)), np.int64)
    for grade, (problems, exposed) in enumerate(zip(base.problems.tolist(), base.exposure.tolist(), strict=True)):
        here = grades == grade
        inside = np.bincount(piece_of[here], weights[here], len(pieces))
        if problems and exposed:
            chances = np.append(inside, max(0.0, exposed - inside.sum()))
            counts += random.multinomial(problems, chances / chances.sum(), draws)[:, :-1]
    within = (pieces[:, None] >> np.arange(len(holds))) & 1  # (pieces, zones)
    return np.asarray((counts @ within).T)


def _expected(weights: Column, grades: Ints, base: Baseline) -> float:
    inside = np.bincount(grades, weights, len(base.exposure))
    shares = np.divide(inside, base.exposure, out=np.zeros_like(inside), where=base.exposure > 0)
    return float(shares @ base.problems)


def _share_reaching(counts: Ints, drawn: Ints) -> Column:
    """Of each count its p: of the draws and the count itself, the share that reaches it."""
    ordered = np.sort(drawn)
    return np.asarray((1 + len(ordered) - np.searchsorted(ordered, counts, side="left")) / (1 + len(ordered)))


def _spread(zone: Zone, rows: Ints, drawn: Ints, smallest: Column, weights: Column, expected: float) -> Spread:
    def adjusted(counts: Ints) -> Column:
        reached = np.searchsorted(smallest, _share_reaching(counts, drawn), side="right")
        return np.asarray((1 + reached) / (1 + len(smallest)))

    ladder = np.arange(int(drawn.max(initial=0)) + 2)
    enough = np.flatnonzero(adjusted(ladder) <= LEVEL)
    mine = np.array([len(rows)], np.int64)
    low, high = np.quantile(drawn, MIDDLE, method="inverted_cdf").tolist()
    return Spread(
        kind=zone.kind,
        problems=rows,
        looked_at_m=float(np.count_nonzero(weights)),
        expected=expected,
        chance_low=int(low),
        chance_high=int(high),
        p=float(_share_reaching(mine, drawn)[0]),
        beyond=float(np.count_nonzero(drawn > len(rows)) / (1 + len(drawn))),
        adjusted=float(adjusted(mine)[0]),
        needed=int(enough[0]) if len(enough) else int(ladder[-1]),
    )
