"""What people and pictures say about sightings: these are one, these are not.

A ruling is an event that names sightings, not defects: defects are reckoned anew with every sighting, sightings stay.
Where two rulings contradict each other the later one holds, whatever the order in which they became known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import combinations, product
from typing import Protocol

from roadwarden.detections import Sighting


@dataclass(frozen=True, slots=True)
class Ruling:
    """A person's decision: sightings of one group are one defect, those of different groups are not.

    One group is a merge, several are a split. Sightings that it does not name go where they fit best.
    """

    id: str
    decided_at: datetime  # UTC
    groups: tuple[tuple[str, ...], ...]  # ids of sightings
    by: str = ""

    def __post_init__(self) -> None:
        named = [name for group in self.groups for name in group]
        if not named or not all(self.groups) or len(set(named)) < len(named):
            raise ValueError(f"ruling {self.id}: name each sighting once, and at least one in each group")
        if self.decided_at.tzinfo is None:
            raise ValueError(f"ruling {self.id}: time without a time zone")


class Answer(StrEnum):
    """What comparing the pictures of two sightings says."""

    SAME = "same"
    DIFFERENT = "different"
    CANNOT_TELL = "cannot_tell"


class Matcher(Protocol):
    """Compares pictures; merging only knows what it answered."""

    def compare(self, one: Sighting, other: Sighting) -> Answer:
        """Whether the two show the same place of the road; CANNOT_TELL where a picture is missing."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Compared:
    """An answer of a ``Matcher``, kept with the sightings: asked once, the same for ever."""

    one: str
    other: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Agreed:
    """Rulings without their contradictions: ``kin`` gives each named sighting the first of those it is one with."""

    kin: dict[str, str]
    apart: frozenset[tuple[str, str]]  # of kin, the smaller first
    overruled: tuple[str, ...]  # ids of rulings that a later one contradicts in part or in whole


NOTHING_RULED = Agreed({}, frozenset(), ())


def agree(rulings: Iterable[Ruling]) -> Agreed:
    """What holds when the latest word counts; of rulings at one time that with the larger id."""
    kin: dict[str, str] = {}
    apart: set[tuple[str, str]] = set()
    overruled = []
    for ruling in sorted(rulings, key=lambda ruling: (ruling.decided_at, ruling.id), reverse=True):
        kin |= {name: name for group in ruling.groups for name in group if name not in kin}
        joins = [_join(kin, apart, group[0], name) for group in ruling.groups for name in group[1:]]
        parts = [_part(kin, apart, one[0], other[0]) for one, other in combinations(ruling.groups, 2)]
        if not all(joins + parts):
            overruled.append(ruling.id)
    return Agreed(kin, frozenset(apart), tuple(sorted(overruled)))


def _join(kin: dict[str, str], apart: set[tuple[str, str]], one: str, other: str) -> bool:
    first, second = sorted((kin[one], kin[other]))
    if (first, second) in apart:
        return False
    if first != second:
        kin |= {name: first for name, head in kin.items() if head == second}
        moved = {pair for pair in apart if second in pair}
        apart -= moved
        apart |= {_pair(*(first if name == second else name for name in pair)) for pair in moved}
    return True


def _part(kin: dict[str, str], apart: set[tuple[str, str]], one: str, other: str) -> bool:
    if kin[one] == kin[other]:
        return False
    apart.add(_pair(kin[one], kin[other]))
    return True


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def joined(agreed: Agreed, ids: Iterable[str]) -> list[tuple[int, int]]:
    """Pairs of places in ``ids`` that are one: each to the first of its kin there."""
    first: dict[str, int] = {}
    pairs = [(first.setdefault(agreed.kin[name], at), at) for at, name in enumerate(ids) if name in agreed.kin]
    return [(one, other) for one, other in pairs if one != other]


def parted(agreed: Agreed, ids: Iterable[str]) -> list[tuple[int, int]]:
    """Pairs of places in ``ids``, smaller first, that are not one."""
    members: dict[str, list[int]] = {}
    for at, name in enumerate(ids):
        if name in agreed.kin:
            members.setdefault(agreed.kin[name], []).append(at)
    known = ((members.get(one, ()), members.get(other, ())) for one, other in sorted(agreed.apart))
    return sorted((min(pair), max(pair)) for ones, others in known for pair in product(ones, others))
