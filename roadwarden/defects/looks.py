"""Sightings as columns: merging works on whole streets at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from roadwarden.defects.confusion import INDEX
from roadwarden.defects.policy import MergingPolicy
from roadwarden.detections import Sighting
from roadwarden.geo.plane import LocalPlane

Numbers = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECIMALS = 4  # a tenth of a millimetre: the last bits of a projection depend on how many points went through it


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """n sightings. ``frame`` and ``drive`` are codes of frame and pass: equal or not is all they say."""

    ids: npt.NDArray[np.str_]
    at_us: npt.NDArray[np.int64]  # microseconds since 1970, UTC
    frame: npt.NDArray[np.int64]
    drive: npt.NDArray[np.int64]
    place: Numbers  # (n, 2) metres east and north
    common: Numbers  # m², variance of one axis that the pass has in common
    own: Numbers  # m², variance of one axis of this look alone
    heading: Numbers  # radians clockwise from north; 0 where unknown
    length: Numbers  # m, along the heading
    width: Numbers  # m, across it
    size_variance: Numbers  # m²
    type: Indices  # of ``confusion.TYPES``
    score: Numbers

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: npt.NDArray[Any] | slice) -> Looks:
        """Those rows, in that order."""
        return Looks(*[getattr(self, name)[rows] for name in _COLUMNS])

    def ordered(self) -> Looks:
        """By time and id: the one order in which everything is reckoned, whatever came first."""
        return self.take(np.lexsort((self.ids, self.at_us)))

    @classmethod
    def joined(cls, parts: Iterable[Looks]) -> Looks:
        """All rows, part after part."""
        kept = list(parts)
        return cls(*[np.concatenate([getattr(part, name) for part in kept]) for name in _COLUMNS])


_COLUMNS = tuple(field.name for field in fields(Looks))


class Codes:
    """Numbers for names, given out as they come."""

    __slots__ = ("_of",)

    def __init__(self) -> None:
        self._of: dict[str, int] = {}

    def of(self, name: str) -> int:
        """The same number for the same name."""
        return self._of.setdefault(name, len(self._of))

    def names(self, codes: Iterable[int]) -> dict[int, str]:
        """The names of numbers that were given out."""
        wanted = set(codes)
        return {code: name for name, code in self._of.items() if code in wanted}


def looks_of(
    sightings: Iterable[Sighting],
    plane: LocalPlane,
    policy: MergingPolicy,
    frames: Codes | None = None,
    drives: Codes | None = None,
) -> Looks:
    """The sightings as columns, in the order given."""
    rows = list(sightings)
    frames, drives = frames or Codes(), drives or Codes()
    place = plane.to_metres([(row.position.lat, row.position.lon) for row in rows])
    variances = np.array([_variances(row, policy) for row in rows], np.float64).reshape(-1, 2)
    numbers = np.array(
        [(row.position.heading_deg or 0.0, row.length_m, row.width_m, row.size_sigma_m, row.score) for row in rows],
        np.float64,
    ).reshape(-1, 5)
    return Looks(
        ids=np.array([row.id for row in rows], dtype=np.str_),
        at_us=np.array([_microseconds(row.seen_at) for row in rows], np.int64),
        frame=np.array([frames.of(row.frame) for row in rows], np.int64),
        drive=np.array([drives.of(row.pass_id) for row in rows], np.int64),
        place=np.round(place, _DECIMALS),
        common=variances[:, 0],
        own=variances[:, 1],
        heading=np.radians(numbers[:, 0]),
        length=numbers[:, 1],
        width=numbers[:, 2],
        size_variance=numbers[:, 3] ** 2,
        type=np.array([INDEX[row.type] for row in rows], np.intp),
        score=numbers[:, 4],
    )


def _microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def time_of(at_us: np.int64 | int) -> datetime:
    """The time of microseconds since 1970, UTC."""
    return _EPOCH + timedelta(microseconds=int(at_us))


def _variances(row: Sighting, policy: MergingPolicy) -> tuple[float, float]:
    """What the pass has in common and what is the look's own, m²: the covariance says their sum only.

    The receiver errs alike along all axes and for seconds on end, the box along one and in this frame alone. So nearly
    all of the smaller axis is in common, and what the larger has more is the look's own.
    """
    east, north = row.covariance.east_m2, row.covariance.north_m2
    middle, spread = (east + north) / 2, np.hypot((east - north) / 2, row.covariance.east_north_m2)
    common = (1 - policy.own_share) * max(0.0, middle - spread)
    return float(common), float(middle - common)
