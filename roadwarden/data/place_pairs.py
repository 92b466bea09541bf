"""Pairs of frames that show one place, and pairs that do not: ``same_place_pairs.csv`` beside ``splits.csv``."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from roadwarden.data.splits import SplitRow
from roadwarden.errors import DataError

FILE = "same_place_pairs.csv"


@dataclass(frozen=True, slots=True, order=True)
class FramePair:
    """Two frames by name, the smaller first."""

    a: str
    b: str

    def __post_init__(self) -> None:
        if not self.a < self.b:
            raise ValueError(f"pair of '{self.a}' and '{self.b}': two frames, the smaller name first")

    @classmethod
    def of(cls, one: str, other: str) -> FramePair:
        """In either order."""
        return cls(min(one, other), max(one, other))


def read_place_pairs(roads: Path) -> dict[FramePair, int]:
    """Pair to the inliers that it was verified with, in the order of the file; raises DataError."""
    place = roads / FILE
    try:
        with place.open(newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
        return {FramePair.of(row["image_a"], row["image_b"]): int(row["inliers"]) for row in rows}
    except OSError as exc:
        raise DataError(f"{place}: cannot be read: {exc.strerror}") from exc
    except (KeyError, ValueError) as exc:
        raise DataError(f"{place}: wanted columns image_a, image_b and inliers (a number): {exc}") from exc


def among(pairs: Iterable[FramePair], rows: Iterable[SplitRow]) -> list[FramePair]:
    """The pairs whose frames both stand in ``rows``, in order."""
    known = {row.image for row in rows}
    return [pair for pair in pairs if pair.a in known and pair.b in known]


def pairs_of_groups(rows: Sequence[SplitRow], number: int, seed: int) -> list[FramePair]:
    """``number`` pairs of frames of different groups, drawn without replacement; all of them where there are fewer.

    Sorted; the same rows in any order, number and seed give the same pairs.
    """
    ordered = sorted(rows, key=lambda row: row.image)
    frames = [(row.image, row.group) for row in ordered]
    wanted = min(number, _count(ordered))
    drawn: set[FramePair] = set()
    if 2 * wanted > _count(ordered):  # drawing would hit the same pairs again and again
        every = [
            FramePair(a, b) for at, (a, ours) in enumerate(frames) for b, theirs in frames[at + 1 :] if ours != theirs
        ]
        return sorted(random.Random(seed).sample(every, wanted))
    dice = random.Random(seed)
    while len(drawn) < wanted:
        (one, ours), (other, theirs) = dice.choice(frames), dice.choice(frames)
        if ours != theirs:
            drawn.add(FramePair.of(one, other))
    return sorted(drawn)


def _count(rows: Sequence[SplitRow]) -> int:
    sizes: dict[str, int] = defaultdict(int)
    for row in rows:
        sizes[row.group] += 1
    return (len(rows) ** 2 - sum(size**2 for size in sizes.values())) // 2
