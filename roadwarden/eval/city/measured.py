"""What the detector and the assessor were measured to do, as tables to draw from: nobody renders 90 days of frames.

The numbers are those of committed reports; a test compares them with the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from roadwarden.cases.events import Verdict
from roadwarden.taxonomy import DistressType

DETECTOR_REPORT: Final = "eval/reports/roadwarden-yolo26n-4/test/types.json"
"""Protocol ``coverage``: real frames of streets that the model was not trained on."""
REPAIRS_REPORTS: Final = ("eval/reports/repairs/val-2.json", "eval/reports/repairs/val-4.json")
"""Real roads, two seeds, counted together."""

TYPES: Final = (
    DistressType.LONGITUDINAL_CRACK,
    DistressType.TRANSVERSE_CRACK,
    DistressType.ALLIGATOR_CRACK,
    DistressType.POTHOLE,
    DistressType.PATCH,
)
SAID: Final = {  # of each true type: how often it was said to be which of TYPES; last: missed
    DistressType.LONGITUDINAL_CRACK: (133, 23, 0, 0, 3, 129),
    DistressType.TRANSVERSE_CRACK: (5, 91, 0, 0, 0, 25),
    DistressType.ALLIGATOR_CRACK: (6, 0, 40, 0, 1, 22),
    DistressType.POTHOLE: (17, 0, 0, 30, 0, 7),
    DistressType.PATCH: (9, 4, 0, 1, 4, 9),
}
ON_CLEAN_ROAD: Final = (41, 27, 7, 75, 30)
"""Boxes where nothing was, by type said."""
PRECISION: Final = 382 / 562

MENDED: Final = ("mended", "mended_brighter")
NOT_MENDED: Final = ("nothing_done", "half_mended", "brightness", "shadow", "wet", "paint", "old_photo")
"""Kinds of triples in the report: what a crew that did not work, or not well, may send."""
OF_MENDED: Final = {
    Verdict.REPAIRED: 89,
    Verdict.INSUFFICIENT_EVIDENCE: 26,
    Verdict.REPAIRED_WITH_DEFECT: 8,
    Verdict.PARTIAL: 2,
    Verdict.NOT_REPAIRED: 2,
}
OF_NOT_MENDED: Final = {
    Verdict.NOT_REPAIRED: 191,
    Verdict.INSUFFICIENT_EVIDENCE: 30,
    Verdict.PARTIAL: 25,
    Verdict.REPAIRED: 2,
}


@dataclass(frozen=True, slots=True)
class Detector:
    """Draws what is said of one look at one thing."""

    def said(self, true: DistressType, chance: np.random.Generator) -> DistressType | None:
        """None: not seen this time."""
        counts = np.array(SAID[true], np.float64)
        row = int(chance.choice(len(counts), p=counts / counts.sum()))
        return TYPES[row] if row < len(TYPES) else None

    def looks_like(self, true: DistressType, chance: np.random.Generator) -> DistressType | None:
        """Of what only looks like that type: as often seen, and always for the same."""
        return true if self.said(true, chance) is not None else None

    def alike(self, damage: int) -> int:
        """How many things that only look like damage stand in a city with so much damage, by the precision."""
        return round(damage * (1 - PRECISION) / PRECISION)

    def alike_type(self, chance: np.random.Generator) -> DistressType:
        """What such a thing is taken for."""
        counts = np.array(ON_CLEAN_ROAD, np.float64)
        return TYPES[int(chance.choice(len(counts), p=counts / counts.sum()))]


def verdict_of(*, mended: bool, chance: np.random.Generator) -> Verdict:
    """What the assessor says of a report."""
    table = OF_MENDED if mended else OF_NOT_MENDED
    counts = np.array(list(table.values()), np.float64)
    return list(table)[int(chance.choice(len(counts), p=counts / counts.sum()))]
