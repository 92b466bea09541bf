"""All pictures that were ever evidence, searched by their hashes in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine

from roadwarden.storage.assessments import HashIndex, ShownPicture
from roadwarden.storage.case_unit import reading


@dataclass(frozen=True, slots=True)
class ShownPictures:
    """Of one database; follows it with every question."""

    engine: Engine
    _index: HashIndex = field(default_factory=HashIndex)

    def near(self, perceptual: int, bits: int) -> Sequence[ShownPicture]:
        """Those whose hash differs in at most so many bits, the nearest first."""
        with reading(self.engine) as unit:
            self._index.follow(unit.shown)
            numbers = self._index.near(perceptual, bits)
            found = dict(zip(sorted(numbers), unit.shown.get(sorted(numbers)), strict=True))
        return [found[number] for number in numbers]
