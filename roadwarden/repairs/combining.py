"""One verdict on a report of several pictures. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from roadwarden.cases.event_types import Verdict
from roadwarden.repairs.place import Place

_WORST_FIRST: Final = (
    Verdict.NOT_REPAIRED,
    Verdict.PARTIAL,
    Verdict.INSUFFICIENT_EVIDENCE,
    Verdict.REPAIRED_WITH_DEFECT,
    Verdict.REPAIRED,
)


def deciding(outcomes: Sequence[tuple[Verdict, Place | None]]) -> int:
    """The row whose verdict counts; ValueError for none.

    Of the pictures that show the place the worst: one that shows an open hole is not outvoted, and where one cannot
    tell a person looks. A close-up that registers with nothing says nothing. Only where no picture shows the place it
    is told whether they show another.
    """
    if not outcomes:
        raise ValueError("no picture was judged")
    there = [row for row, (_, place) in enumerate(outcomes) if place is Place.SAME]
    if there:
        return min(there, key=lambda row: _WORST_FIRST.index(outcomes[row][0]))
    unsure = [row for row, (verdict, _) in enumerate(outcomes) if verdict is not Verdict.WRONG_OBJECT]
    return unsure[0] if unsure else 0
