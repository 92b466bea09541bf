"""Which stretches of road were looked at, when, and whether one could see anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from roadwarden.defects.roadways import Ints, Roads, millimetres
from roadwarden.errors import DataError

WHOLE_WIDTH = -1
NEVER = np.iinfo(np.int64).min
"""The time of a look that there was none of."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Quality(StrEnum):
    """What the quality gate said of the frames."""

    USABLE = "usable"
    UNUSABLE = "unusable"  # driven, but dark, blurred, overexposed or obstructed


@dataclass(frozen=True, slots=True)
class Inspected:
    """A stretch of a segment that was looked at, in one lane or, where ``lane`` is None, over its whole width."""

    segment: str  # id
    from_m: float  # chainage
    to_m: float
    seen_at: datetime  # UTC
    quality: Quality
    lane: int | None = None  # 0 at the left edge, along the chainage
    pass_id: str | None = None  # None where the pass is not known

    def __post_init__(self) -> None:
        if not self.from_m < self.to_m:
            raise ValueError(f"inspected {self.segment}: from {self.from_m} m is not before to {self.to_m} m")
        if self.seen_at.tzinfo is None:
            raise ValueError(f"inspected {self.segment}: time without a time zone")


@dataclass(frozen=True, slots=True, eq=False)
class Inspections:
    """n stretches as columns; ``road`` is a row of ``Roads``, ``lane`` -1 for the whole width."""

    road: Ints
    lane: Ints
    from_mm: Ints  # within the road
    to_mm: Ints
    at_us: Ints  # microseconds since 1970, UTC
    usable: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.road)

    def take(self, rows: Ints | npt.NDArray[np.bool_]) -> Inspections:
        """Those rows, in that order."""
        return Inspections(*(getattr(self, field.name)[rows] for field in fields(self)))


def inspections(stretches: Sequence[Inspected], roads: Roads) -> Inspections:
    """Columns of the stretches, cut off at the ends of their roads.

    Raises DataError for a segment or lane that is not there; a stretch wholly beyond its road has no length left.
    """
    road = np.array([roads.row(one.segment) for one in stretches], np.int64)
    lane = np.array([WHOLE_WIDTH if one.lane is None else one.lane for one in stretches], np.int64)
    wrong = (lane < WHOLE_WIDTH) | (lane >= roads.lanes[road])
    if wrong.any():
        one = stretches[int(np.argmax(wrong))]
        raise DataError(f"segment '{one.segment}' has no lane {one.lane}; lanes are counted from 0 at the left edge")
    from_mm, to_mm = (
        np.clip(millimetres(ends), 0, roads.length_mm[road])
        for ends in ([one.from_m for one in stretches], [one.to_m for one in stretches])
    )
    at_us = np.array([microseconds(one.seen_at) for one in stretches], np.int64)
    usable = np.array([one.quality is Quality.USABLE for one in stretches], np.bool_)
    return Inspections(road, lane, from_mm, to_mm, at_us, usable)


def joined(looks: Iterable[Inspected], within: timedelta = timedelta(minutes=1)) -> list[Inspected]:
    """Looks frame by frame as few long stretches: those of one pass that touch, in one lane and quality, within a time.

    A joined stretch has the time of its first look, so it is called overdue up to ``within`` too early, never too late.
    """
    ordered = sorted(looks, key=lambda one: (one.seen_at, one.segment, one.from_m, one.to_m))
    open_: dict[tuple[str, int | None, Quality, str | None], Inspected] = {}
    done: list[Inspected] = []
    for one in ordered:
        key = (one.segment, one.lane, one.quality, one.pass_id)
        last = open_.get(key)
        touches = last is not None and one.from_m <= last.to_m and last.from_m <= one.to_m
        if last is not None and touches and one.seen_at - last.seen_at <= within:
            open_[key] = replace(last, from_m=min(last.from_m, one.from_m), to_m=max(last.to_m, one.to_m))
            continue
        if last is not None:
            done.append(last)
        open_[key] = one
    return sorted((*done, *open_.values()), key=lambda one: (one.seen_at, one.segment, one.from_m))


def microseconds(moment: datetime) -> int:
    """Since 1970, UTC; raises ValueError for a time without a time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment}: time without a time zone")
    return (moment - _EPOCH) // _MICROSECOND


def moment(at_us: int) -> datetime | None:
    """The time back from microseconds; None for NEVER."""
    return None if at_us == NEVER else _EPOCH + timedelta(microseconds=at_us)
