"""Things to keep, made by hand and by seed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from roadwarden.defects.defect import Defect
from roadwarden.defects.votes import Vote
from roadwarden.detections import PlaneCovariance, Position, Sighting
from roadwarden.geo.plane import LocalPlane
from roadwarden.taxonomy import DistressType

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HANGZHOU = LocalPlane(30.25, 120.16)
MODEL = "yolo26n-2 5f3c"


def sha(text, digits=64):
    return hashlib.sha256(str(text).encode()).hexdigest()[:digits]


def look(
    name, east_m=0.0, north_m=0.0, *, plane=HANGZHOU, seconds=0, drive="monday", type=DistressType.POTHOLE, score=0.8
):
    """A look at a hole so many metres from the middle of the plane."""
    return look_at(name, plane.position_of(east_m, north_m), seconds, drive, type, score)


def look_at(name, position, seconds=0, drive="monday", type=DistressType.POTHOLE, score=0.8):
    return Sighting(
        id=sha(name, 32),
        frame=sha(f"frame {name}"),
        seen_at=NOON + timedelta(seconds=seconds),
        pass_id=drive,
        type=type,
        score=score,
        position=replace(position, heading_deg=90.0),
        covariance=PlaneCovariance(0.5, 0.4, 0.1),
        length_m=0.6,
        width_m=0.4,
        size_sigma_m=0.1,
        model=MODEL,
    )


def survey(holes=60, looks=3, seed=1, drive="monday", spread_m=300.0):
    """Looks at so many holes of a quarter, hole after hole, 10 cm apart."""
    middles = np.random.default_rng(seed).uniform(-spread_m, spread_m, (holes, 1, 2))
    degrees = HANGZHOU.to_degrees((middles + [[0.1 * turn, 0.0] for turn in range(looks)]).reshape(-1, 2))
    return [
        look_at(f"{drive} {seed} {number}", Position(lat, lon), number // looks * 10 + number % looks, drive)
        for number, (lat, lon) in enumerate(degrees.tolist())
    ]


def fold(looks):
    """One defect of these looks; what merging makes of them matters to its own tests."""
    looks = sorted(looks, key=lambda one: (one.seen_at, one.id))
    return Defect(
        id=looks[0].id,
        vote=Vote(looks[0].type, ((looks[0].type, 0.9), (DistressType.PATCH, 0.1)), 0.8),
        position=looks[0].position,
        covariance=looks[0].covariance,
        length_m=0.6,
        width_m=0.4,
        size_sigma_m=0.05,
        first_seen_at=looks[0].seen_at,
        last_seen_at=looks[-1].seen_at,
        passes=tuple(sorted({one.pass_id for one in looks})),
        sightings=tuple(one.id for one in looks),
    )


def ids(things):
    return sorted(thing.id for thing in things)
