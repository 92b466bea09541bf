"""What is wrong with the streets, since when, and how a vehicle that passes sees it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from roadwarden.detections import PlaneCovariance, Position, Sighting
from roadwarden.geo.network import RoadNetwork
from roadwarden.geo.places import RoadPlace, Side
from roadwarden.taxonomy import DistressType

MODEL = "synthetic city"
_SEEN, _MISTAKEN, _ERROR_M, _SIZE_ERROR_M = 0.85, 0.04, 0.3, 0.05
_APART_M = 7.0
_HOT_SHARE, _HOT_ROADS, _OLD_DAYS = 0.35, 0.12, 25.0
_TYPES = {
    DistressType.LONGITUDINAL_CRACK: 0.30,
    DistressType.TRANSVERSE_CRACK: 0.24,
    DistressType.PATCH: 0.14,
    DistressType.ALLIGATOR_CRACK: 0.16,
    DistressType.POTHOLE: 0.16,
}
_SIZES_M = {  # length along the road and width across it: middle, spread (log-normal)
    DistressType.LONGITUDINAL_CRACK: ((3.5, 0.6), (0.25, 0.3)),
    DistressType.TRANSVERSE_CRACK: ((0.25, 0.3), (2.4, 0.4)),
    DistressType.PATCH: ((1.6, 0.5), (1.2, 0.4)),
    DistressType.ALLIGATOR_CRACK: ((1.5, 0.5), (1.0, 0.4)),
    DistressType.POTHOLE: ((0.55, 0.4), (0.5, 0.35)),
}


@dataclass(frozen=True, slots=True)
class TrueDefect:
    """One physical thing on the road."""

    number: int
    type: DistressType
    place: RoadPlace
    position: Position  # with the heading of the road
    length_m: float
    width_m: float
    since: datetime
    is_damage: bool = True  # False: a joint or a cover that a detector takes for this type


def damage(network: RoadNetwork, count: int, since: datetime, days: int, rng: np.random.Generator) -> list[TrueDefect]:
    """So many defects: a third of them on an eighth of the roads, one in five older than the first day."""
    lengths = network.lengths_m / network.lengths_m.sum()
    hot = np.zeros(len(network))
    hot[rng.choice(len(network), max(1, round(_HOT_ROADS * len(network))), replace=False)] = 1.0
    chances = (1 - _HOT_SHARE) * lengths + _HOT_SHARE * hot * lengths / (hot * lengths).sum()
    kinds = list(_TYPES)
    found: list[TrueDefect] = []
    taken: dict[int, list[float]] = {}
    for _ in range(20 * count):
        if len(found) == count:
            break
        row, kind = (
            int(rng.choice(len(network), p=chances)),
            kinds[int(rng.choice(len(kinds), p=list(_TYPES.values())))],
        )
        along = float(rng.uniform(4, network.lengths_m[row] - 4))
        if any(abs(along - other) < _APART_M for other in taken.get(row, ())) and rng.random() < 0.95:
            continue
        taken.setdefault(row, []).append(along)
        born = since + timedelta(days=float(rng.uniform(-_OLD_DAYS, days)))
        found.append(_defect(len(found), network, row, along, kind, born, rng))
    return found


def _defect(
    number: int,
    network: RoadNetwork,
    row: int,
    along: float,
    kind: DistressType,
    since: datetime,
    rng: np.random.Generator,
) -> TrueDefect:
    segment = network.segments[row]
    length, width = (float(np.clip(middle * rng.lognormal(0, spread), 0.15, 12)) for middle, spread in _SIZES_M[kind])
    half = max(segment.width_m / 2 - width / 2 - 0.2, 0.1)
    beside = float(rng.uniform(-half, half))
    place = RoadPlace(segment.id, along, abs(beside), Side.RIGHT if beside >= 0 else Side.LEFT)
    return TrueDefect(number, kind, place, network.position(place), length, width, since)


def alike(
    network: RoadNetwork, types: Sequence[DistressType], first: int, since: datetime, rng: np.random.Generator
) -> list[TrueDefect]:
    """Things that have always been there and only look like these types, numbered from ``first``."""
    rows = rng.choice(len(network), len(types), p=network.lengths_m / network.lengths_m.sum())
    found = [
        _defect(first + number, network, int(row), float(rng.uniform(4, network.lengths_m[row] - 4)), kind, since, rng)
        for number, (row, kind) in enumerate(zip(rows, types, strict=True))
    ]
    return [replace(one, is_damage=False) for one in found]


def looks(drive: str, at: datetime, present: Sequence[TrueDefect], rng: np.random.Generator) -> Iterator[Sighting]:
    """What a drive sees of what is there, in order of time: most of it, a little beside its place."""
    for nth, one in enumerate(present):
        if rng.random() < _SEEN:
            yield _look(drive, at + timedelta(seconds=nth), one, rng)


def _look(drive: str, at: datetime, one: TrueDefect, rng: np.random.Generator) -> Sighting:
    kind = DistressType(rng.choice(list(_TYPES))) if rng.random() < _MISTAKEN else one.type
    east, north, long, wide = rng.normal(0, 1, 4)
    name = f"{drive} {one.number}"
    metre = 1 / 111_320
    return Sighting(
        id=hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(),
        frame=hashlib.sha256(name.encode()).hexdigest(),
        seen_at=at,
        pass_id=drive,
        type=kind,
        score=float(np.clip(rng.normal(0.75, 0.1), 0.3, 0.99)),
        position=Position(
            one.position.lat + north * _ERROR_M * metre,
            one.position.lon + east * _ERROR_M * metre / math.cos(math.radians(one.position.lat)),
            one.position.heading_deg,
        ),
        covariance=PlaneCovariance(_ERROR_M**2, _ERROR_M**2),
        length_m=max(0.05, one.length_m + long * _SIZE_ERROR_M),
        width_m=max(0.05, one.width_m + wide * _SIZE_ERROR_M),
        size_sigma_m=_SIZE_ERROR_M,
        model=MODEL,
    )
