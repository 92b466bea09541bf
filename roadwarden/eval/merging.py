"""How well sightings become defects: a synthetic street whose truth is known, through the parts that a survey uses.

Fixes go through the smoother (``geo.track``), boxes in metres through ``defects.placing``, sightings through
``defects.merging``. Judged are the places of defects, and which sightings are one.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from roadwarden.data.street_passes import Pass, PassFrame, StreetPasses, TrueThing
from roadwarden.defects.defect import Defect
from roadwarden.defects.placing import Seen, place
from roadwarden.detections import Detections, Sighting
from roadwarden.geo.fixes import Fix
from roadwarden.geo.ground import GroundPatches
from roadwarden.geo.plane import LocalPlane
from roadwarden.geo.pose import Pose
from roadwarden.geo.track import TrackSettings, poses_at

PLANE = LocalPlane(30.27, 120.15)
"""Hangzhou; the synthetic street begins there."""
MODEL = "synthetic street"
CHI2_95 = 5.991  # two degrees of freedom


@dataclass(frozen=True, slots=True)
class Survey:
    """Sightings of all passes, and the true thing behind each, by id; a false alarm is a thing of its own."""

    sightings: tuple[Sighting, ...]
    truth: dict[str, str]


@dataclass(frozen=True, slots=True)
class MergingScore:
    """Shares are 0..1, metres of one street. Pairs are pairs of sightings that are or should be one defect."""

    sightings: int
    passes: int
    true_things: int  # seen at least once
    defects: int  # with sightings in at least two passes
    pair_precision: float
    pair_recall: float
    pair_f1: float
    over_merged: float  # true things whose home, where most of their sightings are, is another's home too
    impure: float  # sightings in a defect that is mostly of another thing
    split: float  # true things with less than 80 % of their sightings at home
    position_median_m: float
    position_p95_m: float
    within_ellipse_95: float  # of the same places: share within the 95 % ellipse of their covariance
    long_length_error_m: float | None  # median, of things longer than 6 m; None where there are none
    type_right: float

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def survey(street: StreetPasses, plane: LocalPlane = PLANE) -> Survey:
    """What the passes saw, placed on the map."""
    truth: dict[str, str] = {}
    sightings: list[Sighting] = []
    for drive in street.passes:
        for frame, pose in zip(drive.frames, _poses(drive, street, plane), strict=True):
            if pose is None or not frame.seen:
                continue
            name = hashlib.sha256(f"{drive.id} {frame.at.isoformat()}".encode()).hexdigest()
            placed = place(Seen(name, drive.id, MODEL), _detections(frame), _patches(frame), pose, plane)
            sightings += placed.sightings
            truth |= {sighting.id: seen.truth for sighting, seen in zip(placed.sightings, frame.seen, strict=True)}
    return Survey(tuple(sightings), truth)


def _poses(drive: Pass, street: StreetPasses, plane: LocalPlane) -> Sequence[Pose | None]:
    sigma = float(np.hypot(street.settings.white_m, street.settings.drift_m))
    degrees = plane.to_degrees([(frame.east_m, frame.north_m) for frame in drive.frames])
    times = [frame.at for frame in drive.frames]
    fixes = [
        Fix(frame.at, float(lat), float(lon), frame.heading_deg, street.settings.speed_mps, sigma)
        for frame, (lat, lon) in zip(drive.frames, degrees, strict=True)
    ]
    known = TrackSettings(heading_sigma_deg=street.settings.heading_deg)
    return poses_at(fixes, times, settings=known).poses


def _detections(frame: PassFrame) -> Detections:
    """Boxes stand for themselves: one apart from the other."""
    boxes = np.array([[10 * row, 0, 10 * row + 9, 9] for row in range(len(frame.seen))], np.float32)
    return Detections(
        boxes, tuple(seen.type for seen in frame.seen), np.array([seen.score for seen in frame.seen], np.float32)
    )


def _patches(frame: PassFrame) -> GroundPatches:
    columns = np.array(
        [
            (
                s.forward_m,
                s.left_m,
                s.forward_sigma_m,
                s.left_sigma_m,
                s.length_m,
                s.width_m,
                s.length_sigma_m,
                s.width_sigma_m,
            )
            for s in frame.seen
        ]
    )
    covariance = np.zeros((len(columns), 2, 2))
    covariance[:, 0, 0], covariance[:, 1, 1] = columns[:, 2] ** 2, columns[:, 3] ** 2
    whole = np.zeros(len(columns), np.bool_)
    return GroundPatches(
        columns[:, :2],
        covariance,
        columns[:, 4],
        columns[:, 5],
        columns[:, 6],
        columns[:, 7],
        whole,
        (None,) * len(columns),
    )


def score(street: StreetPasses, seen: Survey, defects: Sequence[Defect], plane: LocalPlane = PLANE) -> MergingScore:
    """Judges the defects made of ``seen``."""
    things = {thing.id: thing for thing in street.things}
    homes = {name: defect.id for defect in defects for name in defect.sightings}
    precision, recall = pairwise(homes, seen.truth)
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for name, defect in homes.items():
        held[seen.truth[name]][defect] += 1
    owners, home = _owners(homes, seen.truth), {thing: _most(held[thing]) for thing in held if thing in things}
    shared = Counter(home.values())
    judged = [(defect, things[owners[defect.id]]) for defect in defects if _judged(defect, owners, home)]
    errors, inside = _placed(judged, street, plane)
    long = [abs(defect.length_m - thing.length_m) for defect, thing in judged if thing.length_m > 6]
    return MergingScore(
        sightings=len(homes),
        passes=len(street.passes),
        true_things=len(home),
        defects=sum(len(defect.passes) > 1 for defect in defects),
        pair_precision=precision,
        pair_recall=recall,
        pair_f1=2 * precision * recall / (precision + recall),
        over_merged=sum(shared[defect] > 1 for defect in home.values()) / len(home),
        impure=sum(owners[homes[name]] != seen.truth[name] for name in homes) / len(homes),
        split=sum(held[thing][home[thing]] < 0.8 * held[thing].total() for thing in home) / len(home),
        position_median_m=float(np.median(errors)),
        position_p95_m=float(np.quantile(errors, 0.95)),
        within_ellipse_95=float(np.mean(inside)),
        long_length_error_m=float(np.median(long)) if long else None,
        type_right=float(np.mean([defect.type is thing.type for defect, thing in judged])),
    )


def pairwise(homes: Mapping[str, str], truth: Mapping[str, str]) -> tuple[float, float]:
    """Precision and recall over all pairs of sightings; 1 where there is no pair."""
    right = _pairs(Counter((homes[name], truth[name]) for name in homes).values())
    said, true = (_pairs(Counter(of[name] for name in homes).values()) for of in (homes, truth))
    return right / said if said else 1.0, right / true if true else 1.0


def _pairs(counts: Iterable[int]) -> int:
    return sum(count * (count - 1) // 2 for count in counts)


def _owners(homes: Mapping[str, str], truth: Mapping[str, str]) -> dict[str, str]:
    members: dict[str, Counter[str]] = defaultdict(Counter)
    for name, defect in homes.items():
        members[defect][truth[name]] += 1
    return {defect: _most(counts) for defect, counts in members.items()}


def _most(counts: Counter[str]) -> str:
    return min(counts, key=lambda name: (-counts[name], name))


def _judged(defect: Defect, owners: Mapping[str, str], home: Mapping[str, str]) -> bool:
    """Each true thing's place is that of its home; fragments and false alarms have none."""
    return home.get(owners[defect.id]) == defect.id


def _placed(
    judged: Sequence[tuple[Defect, TrueThing]], street: StreetPasses, plane: LocalPlane
) -> tuple[Sequence[float], Sequence[bool]]:
    """Metres from the true middle, of a long crack across it only, for its ends are judged by its length."""
    errors, inside = [], []
    for defect, thing in judged:
        true = np.array(street.bend.place(thing.along_m, thing.left_m))
        away = np.array(plane.metres_of(defect.position)) - true
        errors.append(float(np.hypot(*away)))
        inside.append(bool((away**2).sum() / defect.covariance.east_m2 <= CHI2_95))
    return errors, inside
