"""Which pairs of sightings merging gets wrong: by what the two things are, so that one knows what to mend next."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from roadwarden.data.street_passes import TrueThing

LONG_M = 6.0
FALSE_ALARM, LONG_CRACK = "false alarm", "long crack"

Kinds = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PairErrors:
    """Shares of all true pairs: ``missed`` by the kind of what is in pieces, ``wrong`` by the two that are mixed."""

    missed: Kinds
    wrong: Kinds


def pair_errors(things: Sequence[TrueThing], homes: Mapping[str, str], truth: Mapping[str, str]) -> PairErrors:
    """Of the sightings in ``homes`` (sighting to defect); ``truth`` says the thing behind each."""
    kinds = {thing.id: LONG_CRACK if thing.length_m > LONG_M else thing.type.value for thing in things}
    by_thing, by_defect = (defaultdict[str, Counter[str]](Counter) for _ in range(2))
    for name, defect in homes.items():
        by_thing[truth[name]][defect] += 1
        by_defect[defect][truth[name]] += 1
    true_pairs = sum(count.total() * (count.total() - 1) // 2 for count in by_thing.values())
    missed, wrong = Counter[str](), Counter[str]()
    for thing, parts in by_thing.items():
        missed[kinds.get(thing, FALSE_ALARM)] += _between(parts)
    for parts in by_defect.values():
        for (one, here), (other, there) in combinations(sorted(parts.items()), 2):
            wrong[" + ".join(sorted(kinds.get(name, FALSE_ALARM) for name in (one, other)))] += here * there
    return PairErrors(_shares(missed, true_pairs), _shares(wrong, true_pairs))


def mean_errors(streets: Sequence[PairErrors]) -> PairErrors:
    """Over the streets, each counting once; the largest first."""
    return PairErrors(_mean([street.missed for street in streets]), _mean([street.wrong for street in streets]))


def _between(parts: Counter[str]) -> int:
    return sum(one * other for one, other in combinations(parts.values(), 2))


def _shares(counts: Counter[str], of_all: int) -> Kinds:
    return {kind: count / of_all for kind, count in counts.items() if count} if of_all else {}


def _mean(streets: Sequence[Kinds]) -> Kinds:
    kinds = {kind for street in streets for kind in street}
    means = {kind: sum(street.get(kind, 0.0) for street in streets) / len(streets) for kind in kinds}
    return dict(sorted(means.items(), key=lambda item: (-item[1], item[0])))
