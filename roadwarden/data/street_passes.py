"""Passes of vehicles along a synthetic street with known truth: what was seen, where the receiver said it was.

Everything that makes merging hard is in it: fixes that err by white noise and by a slow drift, things missed in a frame
or by a whole pass, false alarms in one frame or standing for a pass, types mistaken in one
frame or by a whole pass, neighbours of the same type 1 to 3 m away, boxes drawn twice, and cracks tens of metres long
of which a frame shows a part. Coordinates are metres east and north of the street's beginning.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import numpy.typing as npt

from roadwarden.taxonomy import TRAINED_TYPES, DistressType

FIRST_DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
_HALF_ROAD_M = 3.5
_NEAREST_M, _FURTHEST_M = 3.0, 16.0
_HALF_VIEW = 0.55  # lateral metres a metre ahead
_EDGE_PX, _FOCAL_PX, _HEIGHT_M = 2.0, 980.0, 1.5
_STEP_M, _RUN_UP_M, _LONGEST_M = 0.5, 100.0, 20_100.0
_TYPES = {
    DistressType.POTHOLE: 0.3,
    DistressType.TRANSVERSE_CRACK: 0.2,
    DistressType.LONGITUDINAL_CRACK: 0.2,
    DistressType.ALLIGATOR_CRACK: 0.2,
    DistressType.PATCH: 0.1,
}


@dataclass(frozen=True, slots=True)
class StreetSettings:
    """How the street and its passes are drawn; shares and rates are 0..1, sigmas of one axis."""

    length_m: float = 600.0
    passes: int = 30
    things_per_100_m: float = 12.0
    neighbour_share: float = 0.35  # things that stand 1 to 3 m beside another
    same_type_share: float = 0.6  # of those
    long_crack_share: float = 0.2  # of longitudinal cracks: 10 to 40 m
    white_m: float = 0.5
    drift_m: float = 0.866
    drift_s: float = 60.0
    heading_deg: float = 0.5
    frame_every_m: float = 4.0
    speed_mps: float = 8.0
    found_in_frame: float = 0.7
    missed_by_pass: float = 0.12
    mistaken_in_frame: float = 0.06
    mistaken_by_pass: float = 0.08
    false_in_frame: float = 0.04
    false_standing_per_100_m: float = 0.5
    drawn_twice: float = 0.03
    broken_piece: float = 0.25  # looks at a long crack that show part of what the frame holds
    backward_share: float = 0.3  # of passes


@dataclass(frozen=True, slots=True)
class TrueThing:
    """A rectangle on the road: ``along_m`` and ``left_m`` of its middle in the street's own axes."""

    id: str
    type: DistressType
    along_m: float
    left_m: float
    length_m: float
    width_m: float


@dataclass(frozen=True, slots=True)
class SeenThing:
    """One detection as the camera's geometry gives it: forward and left of the vehicle, with one sigma."""

    truth: str  # id of the thing; of a false alarm its own
    type: DistressType
    score: float
    forward_m: float
    left_m: float
    forward_sigma_m: float
    left_sigma_m: float
    length_m: float
    width_m: float
    length_sigma_m: float
    width_sigma_m: float


@dataclass(frozen=True, slots=True)
class PassFrame:
    """One frame: when, where the receiver says it was, and what was seen."""

    at: datetime
    east_m: float
    north_m: float
    heading_deg: float
    seen: tuple[SeenThing, ...]


@dataclass(frozen=True, slots=True)
class Pass:
    """One drive along the street."""

    id: str
    frames: tuple[PassFrame, ...]


@dataclass(frozen=True, slots=True)
class Bend:
    """The street's middle line: it starts at the origin to the north-east and winds gently."""

    first_heading_deg: float = 40.0
    swing_deg: float = 8.0
    every_m: float = 400.0

    def heading_deg(self, along_m: float) -> float:
        """Of the street there, clockwise from north."""
        return self.first_heading_deg + self.swing_deg * math.sin(2 * math.pi * along_m / self.every_m)

    def place(self, along_m: float, left_m: float) -> tuple[float, float]:
        """Metres east and north; the middle line is drawn in steps of half a metre, straight between them."""
        at, east, north = _line(self)
        here = math.radians(self.heading_deg(along_m))
        middle = float(np.interp(along_m, at, east)), float(np.interp(along_m, at, north))
        return middle[0] - left_m * math.cos(here), middle[1] + left_m * math.sin(here)


@cache
def _line(bend: Bend) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Along, east and north of the middle line from ``_RUN_UP_M`` before its beginning, ``_LONGEST_M`` on."""
    middles = np.arange(-_RUN_UP_M, _LONGEST_M, _STEP_M) + _STEP_M / 2
    turn = np.radians(bend.first_heading_deg + bend.swing_deg * np.sin(2 * np.pi * middles / bend.every_m))
    east, north = (np.concatenate([[0.0], np.cumsum(part) * _STEP_M]) for part in (np.sin(turn), np.cos(turn)))
    begin = round(_RUN_UP_M / _STEP_M)
    along = np.asarray(np.arange(len(east)) * _STEP_M - _RUN_UP_M, np.float64)
    return along, np.asarray(east - east[begin], np.float64), np.asarray(north - north[begin], np.float64)


@dataclass(frozen=True, slots=True)
class StreetPasses:
    """The truth and what the passes saw of it."""

    settings: StreetSettings
    bend: Bend
    things: tuple[TrueThing, ...]
    passes: tuple[Pass, ...]


def make_street_passes(seed: int, settings: StreetSettings | None = None) -> StreetPasses:
    """The same seed and settings give the same street."""
    chosen, bend = settings or StreetSettings(), Bend()
    rng = np.random.default_rng(seed)
    things = _things(rng, chosen)
    passes = tuple(
        _drive(number, np.random.default_rng([seed, number]), chosen, bend, things) for number in range(chosen.passes)
    )
    return StreetPasses(chosen, bend, things, passes)


def _things(rng: np.random.Generator, settings: StreetSettings) -> tuple[TrueThing, ...]:
    """Drawn one after another; one that would lie over or against another is drawn again."""
    wanted = round(settings.length_m * settings.things_per_100_m / 100)
    things: list[TrueThing] = []
    for _ in range(60 * wanted):
        if len(things) == wanted:
            break
        new = _thing(rng, settings, things)
        if all(_clear(new, old) for old in things):
            things.append(new)
    return tuple(things)


def _thing(rng: np.random.Generator, settings: StreetSettings, others: list[TrueThing]) -> TrueThing:
    kind = list(_TYPES)[rng.choice(len(_TYPES), p=list(_TYPES.values()))]
    along, left = rng.uniform(0, settings.length_m), rng.uniform(-_HALF_ROAD_M + 0.4, _HALF_ROAD_M - 0.4)
    if others and rng.random() < settings.neighbour_share:
        beside = others[rng.integers(len(others))]
        kind = beside.type if rng.random() < settings.same_type_share else kind
        angle, away = rng.uniform(0, 2 * math.pi), rng.uniform(1.0, 3.0)
        along, left = beside.along_m + away * math.cos(angle), beside.left_m + away * math.sin(angle)
    length, width = _size(rng, kind, settings)
    left = float(np.clip(left, -_HALF_ROAD_M + width / 2, _HALF_ROAD_M - width / 2))
    return TrueThing(f"thing-{len(others):04d}", kind, float(along), left, length, width)


def _size(rng: np.random.Generator, kind: DistressType, settings: StreetSettings) -> tuple[float, float]:
    """Length along the street and width across it."""
    match kind:
        case DistressType.LONGITUDINAL_CRACK:
            long = rng.random() < settings.long_crack_share
            return float(rng.uniform(10, 40) if long else rng.uniform(1, 6)), float(rng.uniform(0.1, 0.4))
        case DistressType.TRANSVERSE_CRACK:
            return float(rng.uniform(0.1, 0.4)), float(rng.uniform(1.0, 5.0))
        case DistressType.POTHOLE:
            across = rng.uniform(0.3, 0.9)
            return float(across * rng.uniform(0.8, 1.4)), float(across)
        case _:
            return float(rng.uniform(0.6, 2.5)), float(rng.uniform(0.5, 1.8))


def _clear(one: TrueThing, other: TrueThing) -> bool:
    """At least 0.3 m of road between the two, and 1 m between their middles."""
    along, left = abs(one.along_m - other.along_m), abs(one.left_m - other.left_m)
    gap = max(along - (one.length_m + other.length_m) / 2, left - (one.width_m + other.width_m) / 2)
    return gap >= 0.3 and math.hypot(along, left) >= 1.0


@dataclass(frozen=True, slots=True)
class _Habits:
    """What one pass does with each thing from its first frame to its last."""

    missed: frozenset[str]
    mistaken: dict[str, DistressType]
    standing: tuple[TrueThing, ...]


def _drive(
    number: int, rng: np.random.Generator, settings: StreetSettings, bend: Bend, things: tuple[TrueThing, ...]
) -> Pass:
    name, backward = f"pass-{number:03d}", rng.random() < settings.backward_share
    start = FIRST_DAY + timedelta(days=number, seconds=float(rng.uniform(0, 3600)))
    lane = float(rng.choice([-1.75, 1.75]) + rng.normal(0, 0.3))
    habits = _habits(name, rng, settings, things)
    drift = rng.normal(0, settings.drift_m, 2)
    frames = []
    for step in range(int((settings.length_m + 2 * _FURTHEST_M) / settings.frame_every_m)):
        driven = step * settings.frame_every_m - _FURTHEST_M
        along = settings.length_m - driven if backward else driven
        seconds = settings.frame_every_m / settings.speed_mps
        keep = math.exp(-seconds / settings.drift_s)
        drift = keep * drift + rng.normal(0, settings.drift_m * math.sqrt(1 - keep**2), 2)
        east, north = np.array(bend.place(along, lane)) + drift + rng.normal(0, settings.white_m, 2)
        heading = bend.heading_deg(along) + 180 * backward + rng.normal(0, settings.heading_deg)
        seen = tuple(_seen(f"{name}/{step}", rng, settings, habits, things, (along, lane), backward))
        at = start + timedelta(seconds=step * seconds)
        frames.append(PassFrame(at, float(east), float(north), float(heading % 360), seen))
    return Pass(name, tuple(frames))


def _habits(name: str, rng: np.random.Generator, settings: StreetSettings, things: tuple[TrueThing, ...]) -> _Habits:
    missed = frozenset(thing.id for thing in things if rng.random() < settings.missed_by_pass)
    mistaken = {thing.id: _other(rng, thing.type) for thing in things if rng.random() < settings.mistaken_by_pass}
    count = rng.poisson(settings.false_standing_per_100_m * settings.length_m / 100)
    standing = tuple(
        TrueThing(
            f"{name}/shadow-{shadow}",
            TRAINED_TYPES[rng.integers(len(TRAINED_TYPES))],
            float(rng.uniform(0, settings.length_m)),
            float(rng.uniform(-_HALF_ROAD_M, _HALF_ROAD_M)),
            float(rng.uniform(0.4, 2.0)),
            float(rng.uniform(0.4, 2.0)),
        )
        for shadow in range(count)
    )
    return _Habits(missed, mistaken, standing)


def _seen(
    frame: str,
    rng: np.random.Generator,
    settings: StreetSettings,
    habits: _Habits,
    things: tuple[TrueThing, ...],
    vehicle: tuple[float, float],
    backward: bool,
) -> Iterator[SeenThing]:
    for thing in (*things, *habits.standing):
        part = _visible(thing, vehicle, backward)
        if part is None or thing.id in habits.missed or rng.random() > settings.found_in_frame:
            continue
        if thing.length_m > 6 and rng.random() < settings.broken_piece:
            part = _broken(rng, part)
        kind = habits.mistaken.get(thing.id, thing.type)
        kind = _other(rng, kind) if rng.random() < settings.mistaken_in_frame else kind
        yield _look(rng, thing.id, kind, part, right=kind is thing.type)
        if rng.random() < settings.drawn_twice:
            yield _look(rng, thing.id, _other(rng, kind), part, right=False)
    if rng.random() < settings.false_in_frame:
        spot = (rng.uniform(4, 14), rng.uniform(-3, 3), rng.uniform(0.3, 2), rng.uniform(0.3, 2))
        yield _look(rng, f"{frame}/false", TRAINED_TYPES[rng.integers(len(TRAINED_TYPES))], spot, right=False)


_Part = tuple[float, float, float, float]
"""Forward and left of the middle, length and width."""


def _visible(thing: TrueThing, vehicle: tuple[float, float], backward: bool) -> _Part | None:
    """The part of the rectangle before the vehicle that the frame holds; None where that is too little of it."""
    sign = -1.0 if backward else 1.0
    forward, left = sign * (thing.along_m - vehicle[0]), sign * (thing.left_m - vehicle[1])
    near, far = max(_NEAREST_M, forward - thing.length_m / 2), min(_FURTHEST_M, forward + thing.length_m / 2)
    if far - near < min(0.6 * thing.length_m, 2.0):
        return None
    edge = _HALF_VIEW * (near + far) / 2
    low, high = max(-edge, left - thing.width_m / 2), min(edge, left + thing.width_m / 2)
    if high - low < 0.6 * thing.width_m:
        return None
    return (near + far) / 2, (low + high) / 2, far - near, high - low


def _broken(rng: np.random.Generator, part: _Part) -> _Part:
    share = rng.uniform(0.4, 0.8)
    shift = rng.uniform(-0.5, 0.5) * (1 - share) * part[2]
    return part[0] + float(shift), part[1], part[2] * float(share), part[3]


def _look(rng: np.random.Generator, truth: str, kind: DistressType, part: _Part, *, right: bool) -> SeenThing:
    """Two pixels of error at each edge of the box, as metres on a flat road under a camera at 1.5 m."""
    forward, left, length, width = part
    near, far = max(1.0, forward - length / 2), forward + length / 2
    edge_near, edge_far = (_EDGE_PX * edge**2 / (_FOCAL_PX * _HEIGHT_M) for edge in (near, far))
    edge_side = _EDGE_PX * forward / _FOCAL_PX
    errors = rng.normal(0, [edge_near, edge_far, edge_side, edge_side])
    along, aside = math.hypot(edge_near, edge_far), math.hypot(edge_side, edge_side)
    score = float(np.clip(rng.beta(8, 2) if right else rng.beta(4, 4), 0.05, 0.99))
    return SeenThing(
        truth,
        kind,
        score,
        forward + float(errors[:2].mean()),
        left + float(errors[2:].mean()),
        along / 2,
        aside / 2,
        max(0.05, length + float(errors[1] - errors[0])),
        max(0.05, width + float(errors[3] - errors[2])),
        along,
        aside,
    )


def _other(rng: np.random.Generator, kind: DistressType) -> DistressType:
    """A wrong type."""
    wrong = [distress for distress in TRAINED_TYPES if distress is not kind]
    return wrong[rng.integers(len(wrong))]
