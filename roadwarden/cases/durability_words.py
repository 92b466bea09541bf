"""What later passes say of a repair."""

from __future__ import annotations

from enum import StrEnum


class Durability(StrEnum):
    """Of one repair, a number of days after it."""

    HELD = "held"  # a usable pass had the place in view, and nothing was seen
    BROKEN = "broken"  # the distress was seen again
    NOT_LOOKED = "not_looked"  # nobody passed in time: no evidence, neither way
