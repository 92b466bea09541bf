"""Fixes of a receiver and what can be wrong with them: every fault becomes a finding, no fix goes without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from roadwarden.detections import Position
from roadwarden.geo.plane import FURTHEST_LATITUDE, LocalPlane, Metres

Column = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]


class Fault(StrEnum):
    """What is wrong with a fix, or with a wanted time."""

    NO_POSITION = "no_position"
    NOT_ON_EARTH = "not_on_earth"
    SWAPPED = "swapped"  # latitude and longitude exchanged
    BACKWARDS = "backwards"  # earlier than a fix before it
    DUPLICATE = "duplicate"  # the same time and place again
    JUMP = "jump"  # cannot be reached from the rest of the track
    STANDING = "standing"  # no fault: the vehicle did not move
    DEVIATING = "deviating"  # further from the smooth track than its sigma allows
    OFF_TRACK = "off_track"  # a wanted time with no fix near it
    NO_HEADING = "no_heading"  # neither the receiver nor any motion tells it


ADVICE = {
    Fault.NO_POSITION: "without a position (none, not a number, or 0, 0 as receivers write before their first fix)",
    Fault.NOT_ON_EARTH: "with a latitude or longitude out of range; metres of a plane system must be converted first",
    Fault.SWAPPED: "with latitude and longitude exchanged; exchange the columns of the file",
    Fault.BACKWARDS: "earlier than one before; put in order, check the receiver's clock",
    Fault.DUPLICATE: "the same time and place again",
    Fault.JUMP: "that no vehicle can have reached from the rest of the track",
    Fault.STANDING: "while the vehicle stood",
    Fault.DEVIATING: "further from the smooth track than their sigma allows; weighed down",
    Fault.OFF_TRACK: "times with no fix near them; no pose",
    Fault.NO_HEADING: "times whose heading nothing tells: the receiver gave none and the vehicle never moved; no pose",
}


@dataclass(frozen=True, slots=True)
class Fix:
    """One row of a receiver, as it came: also rows that are wrong."""

    at: datetime
    lat: float | None
    lon: float | None
    heading_deg: float | None = None
    speed_mps: float | None = None
    sigma_m: float | None = None  # of east and of north

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError(f"fix at {self.at}: time without a time zone")

    @classmethod
    def of(cls, at: datetime, position: Position | None, sigma_m: float | None = None) -> Fix:
        """A fix of a position that was checked already, or of none."""
        if position is None:
            return cls(at, None, None)
        return cls(at, position.lat, position.lon, position.heading_deg, position.speed_mps, sigma_m)


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of fault and where it is."""

    fault: Fault
    indices: tuple[int, ...]  # of the fixes, or of the wanted times, as they were handed in
    left_out: bool

    def __str__(self) -> str:
        what = "" if self.fault in {Fault.OFF_TRACK, Fault.NO_HEADING} else "fixes "
        kept = "left out" if self.left_out else "kept"
        return f"{len(self.indices)} {what}{ADVICE[self.fault]} ({kept}; first: {self.indices[0]})"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a vehicle and its receiver can do."""

    fastest_mps: float = 70.0
    slack_m: float = 30.0  # two fixes of one instant may differ by this
    standing_s: float = 10.0
    standing_m: float = 3.0  # moved less than this in that time


@dataclass(frozen=True, slots=True)
class Checked:
    """``kept``: indices in order of time; every other index is in a finding that is left out."""

    kept: tuple[int, ...]
    findings: tuple[Finding, ...]


ANY_VEHICLE = Limits()


def check(fixes: Sequence[Fix], limits: Limits = ANY_VEHICLE) -> Checked:
    """Sorts, names what is wrong, and leaves out what cannot be used. O(n log n)."""
    seconds = seconds_of([fix.at for fix in fixes])
    lat, lon = (_column([getattr(fix, name) for fix in fixes]) for name in ("lat", "lon"))
    found: dict[Fault, Mask] = {}
    found[Fault.NO_POSITION] = np.isnan(lat) | np.isnan(lon) | ((lat == 0) & (lon == 0))
    usable = ~found[Fault.NO_POSITION]
    found[Fault.SWAPPED] = usable & _swapped(lat, lon, usable)
    usable &= ~found[Fault.SWAPPED]
    found[Fault.NOT_ON_EARTH] = usable & ~((np.abs(lat) <= FURTHEST_LATITUDE) & (np.abs(lon) <= 180))
    usable &= ~found[Fault.NOT_ON_EARTH]
    found[Fault.BACKWARDS] = usable & _behind(seconds, usable)
    order = np.flatnonzero(usable)[np.argsort(seconds[usable], kind="stable")]
    again = _again(seconds[order], lat[order], lon[order])
    found[Fault.DUPLICATE] = _mask(len(fixes), order[again])
    order = order[~again]
    metres = _metres(lat[order], lon[order])
    chained = _chain(seconds[order], metres, limits)
    found[Fault.JUMP] = _mask(len(fixes), order[~chained])
    order, metres = order[chained], metres[chained]
    found[Fault.STANDING] = _mask(len(fixes), order[_standing(seconds[order], metres, limits)])
    return Checked(tuple(order.tolist()), _findings(found))


def seconds_of(times: Sequence[datetime]) -> Column:
    """Seconds since 1970, UTC."""
    return np.array([time.astimezone(UTC).timestamp() for time in times], np.float64)


_KEPT = frozenset({Fault.BACKWARDS, Fault.STANDING, Fault.DEVIATING})


def _findings(found: dict[Fault, Mask]) -> tuple[Finding, ...]:
    return tuple(
        Finding(fault, tuple(np.flatnonzero(mask).tolist()), fault not in _KEPT)
        for fault, mask in found.items()
        if mask.any()
    )


def _column(values: Sequence[float | None]) -> Column:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _mask(size: int, indices: npt.NDArray[np.intp]) -> Mask:
    mask = np.zeros(size, np.bool_)
    mask[indices] = True
    return mask


def _swapped(lat: Column, lon: Column, usable: Mask) -> Mask:
    """Out of range but sound when exchanged; or in range, far from the others, and near them when exchanged."""
    outside = (np.abs(lat) > 90) & (np.abs(lat) <= 180) & (np.abs(lon) <= 90)
    sound = usable & ~outside & (np.abs(lat) <= 90)
    if not sound.any():
        return np.asarray(outside)
    middle = np.median(lat[sound]), np.median(lon[sound])
    with np.errstate(invalid="ignore"):
        away = np.hypot(lat - middle[0], lon - middle[1]) > 5
        near = np.hypot(lon - middle[0], lat - middle[1]) < 1
    return np.asarray(outside | (away & near))


def _behind(seconds: Column, usable: Mask) -> Mask:
    latest = np.maximum.accumulate(np.where(usable, seconds, -np.inf)) if len(seconds) else seconds
    return np.asarray(seconds < latest)


def _again(seconds: Column, lat: Column, lon: Column) -> Mask:
    """Which of the sorted fixes equal an earlier one of the same instant."""
    rows = np.stack([seconds, lat, lon], axis=1)
    _, first = np.unique(rows, axis=0, return_index=True)
    return ~_mask(len(rows), first) if len(rows) else np.zeros(0, np.bool_)


def _metres(lat: Column, lon: Column) -> Metres:
    if not len(lat):
        return np.zeros((0, 2))
    return LocalPlane(float(np.median(lat)), float(np.median(lon))).to_metres(np.stack([lat, lon], axis=1))


_LOOK_BACK, _TRIM = 64, 64
"""Runs, and fixes at the beginning of one: a track of jumps only would cost n^2 without a bound."""


def _chain(seconds: Column, metres: Metres, limits: Limits) -> Mask:
    """The longest chain of fixes in which each can be reached from the one before.

    Cut into runs at every impossible step, then the heaviest chain of runs: a jump there and back leaves the run
    between out, a wrong first fix loses to the many after it. A run may be entered some fixes late: then a step that is
    a little too far costs those and not the run.
    """
    if not len(seconds):
        return np.zeros(0, np.bool_)
    allowed = limits.slack_m + limits.fastest_mps * np.diff(seconds)
    cuts = np.flatnonzero(np.linalg.norm(np.diff(metres, axis=0), axis=1) > allowed) + 1
    starts, ends = np.concatenate([[0], cuts]), np.concatenate([cuts, [len(seconds)]])
    weights, before, entered = ends - starts, np.full(len(starts), -1), starts.copy()
    for run in range(1, len(starts)):
        past = np.arange(max(0, run - _LOOK_BACK), run)
        doors = slice(starts[run], min(ends[run], starts[run] + _TRIM))
        gone = np.linalg.norm(metres[None, doors] - metres[ends[past] - 1][:, None], axis=2)
        linked = gone <= limits.slack_m + limits.fastest_mps * (seconds[None, doors] - seconds[ends[past] - 1][:, None])
        late = linked.argmax(axis=1)
        gain = np.where(linked.any(axis=1), weights[past] - late, 0)
        if gain.max() > 0:
            best = int(gain.argmax())
            weights[run] += gain[best]
            before[run], entered[run] = past[best], starts[run] + late[best]
    return _kept_runs(weights, before, entered, ends, len(seconds))


def _kept_runs(weights: Indices, before: Indices, entered: Indices, ends: Indices, size: int) -> Mask:
    """The fixes of the heaviest chain."""
    kept = np.zeros(size, np.bool_)
    run = int(np.argmax(weights))
    while run >= 0:
        kept[entered[run] : ends[run]] = True
        run = int(before[run])
    return kept


def _standing(seconds: Column, metres: Metres, limits: Limits) -> Mask:
    """Which fixes lie in a stretch of ``standing_s`` whose ends are less than ``standing_m`` apart."""
    then = np.searchsorted(seconds, seconds + limits.standing_s)
    begin = np.flatnonzero(then < len(seconds))
    end = then[begin]
    still = np.linalg.norm(metres[end] - metres[begin], axis=1) < limits.standing_m
    change = np.zeros(len(seconds) + 1, np.int64)
    np.add.at(change, begin[still], 1)
    np.add.at(change, end[still] + 1, -1)
    return np.asarray(np.cumsum(change)[:-1] > 0)
