"""How long ago each metre of a road was last seen whole in usable quality, in steps that a map can colour."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from roadwarden.defects.inspected import NEVER as NEVER_SEEN
from roadwarden.defects.inspected import microseconds

Ages: TypeAlias = npt.NDArray[np.uint8]
LIMITS_DAYS = (1, 2, 3, 7)
"""At most so many days ago; patrols of the three grades are due within 1, 2 and 3 (tables/patrol.yaml)."""
_DAY_US = 86_400_000_000


class Age(IntEnum):
    """The higher, the longer ago."""

    DAY = 0
    TWO_DAYS = 1
    THREE_DAYS = 2
    WEEK = 3
    OLDER = 4
    NEVER = 5


def ages(seen_at_us: npt.NDArray[np.int64], now: datetime) -> Ages:
    """Of metres by cells across, the age of each metre: that of its oldest cell."""
    oldest = seen_at_us.min(axis=1)
    days = (microseconds(now) - oldest) / _DAY_US
    found = np.searchsorted(LIMITS_DAYS, days, side="left")
    return np.where(oldest == NEVER_SEEN, np.uint8(Age.NEVER), found).astype(np.uint8)
