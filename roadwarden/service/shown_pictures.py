"""All pictures that were ever evidence: of repair reports by hashes in memory, of citizens by the index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine

from roadwarden.storage import evidence
from roadwarden.storage.assessments import HashIndex, ShownPicture
from roadwarden.storage.case_tables import NO_REPORT
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
        return [*(found[number] for number in numbers), *self._of_citizens(perceptual, bits)]

    def _of_citizens(self, perceptual: int, bits: int) -> list[ShownPicture]:
        """A crew may not report a repair with the picture that a citizen sent of the hole, or of another one."""
        with evidence.reading(self.engine) as unit:
            near = [one.sha256 for one in unit.alike(perceptual, min(bits, evidence.MOST_BITS))]
            kept = [known for sha256 in near if (known := unit.get(sha256)) is not None]
            return [
                ShownPicture(one.sha256, one.perceptual, subject, NO_REPORT)
                for one in kept
                for kind, subject in unit.uses_of(one.sha256)
                if kind is evidence.UseKind.REQUEST
            ]
