"""How things on the road look in the pictures of vehicles and poles: boxes, by the geometry the services undo."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from roadwarden.detections import Position
from roadwarden.geo.camera import CameraModel, Lens, Measured, Mounting
from roadwarden.geo.network import RoadNetwork
from roadwarden.geo.places import RoadPlace, Side
from roadwarden.geo.pole import PoleCamera, PolePoint
from roadwarden.service.city.damage import TrueDefect
from roadwarden.service.city.streets import MIDDLE

WIDTH_PX, HEIGHT_PX = 1280, 720
EVERY_M, SPEED_MPS = 6.0, 10.0
NEAR_M, FAR_M, REACH_M = 5.0, 17.0, 32.0
"""What lies whole between them is looked at: twice in a drive."""
_EDGE_PX, _FIX_M, _DRIFT_M = 1.5, 0.3, 0.3
_LONGEST_M = 8.0
_POLE_NEAR_M, _POLE_FAR_M = 9.0, 27.0
_MARKS_M = ((9.0, 6.0), (9.0, -6.0), (27.0, 6.0), (27.0, -6.0), (18.0, 5.0))

VEHICLE = CameraModel(
    "vehicle",
    Lens.of_focal(WIDTH_PX, HEIGHT_PX, Measured(560.0, 3.0)),
    Mounting(Measured(1.7, 0.02), Measured(14.0, 0.2), Measured(0.0, 0.2), Measured(0.0, 0.2)),
    reach_m=REACH_M,
)
_ABOVE = CameraModel(
    "pole",
    Lens.of_focal(WIDTH_PX, HEIGHT_PX, Measured(900.0)),
    Mounting(Measured(8.0), Measured(28.0), Measured(0.0), Measured(0.0)),
    reach_m=60.0,
)

Boxes = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: where its camera says it was, and the boxes of what is whole in it."""

    at: datetime
    position: Position | None  # None: a pole, whose place is known
    seen: tuple[tuple[TrueDefect, tuple[float, float, float, float]], ...]


def drive(
    network: RoadNetwork, segment: str, at: datetime, present: Sequence[TrueDefect], chance: np.random.Generator
) -> list[Shot]:
    """The pictures of a drive along a road, every six metres, and a receiver that errs as receivers do."""
    count = int(network.length_m(segment) / EVERY_M)
    where = network.positions([RoadPlace(segment, EVERY_M * number, 0.0, Side.RIGHT) for number in range(count)])
    true = MIDDLE.to_metres([(one.lat, one.lon) for one in where])
    errors = chance.normal(0, _DRIFT_M, 2) + chance.normal(0, _FIX_M, (count, 2))
    told = MIDDLE.to_degrees(true + errors)
    boxes = _boxes(VEHICLE, true, [one.heading_deg or 0.0 for one in where], present, (NEAR_M, FAR_M), chance)
    every = timedelta(seconds=EVERY_M / SPEED_MPS)
    return [
        Shot(
            at + number * every,
            Position(round(float(lat), 8), round(float(lon), 8), where[number].heading_deg, SPEED_MPS),
            boxes[number],
        )
        for number, (lat, lon) in enumerate(told)
    ]


@dataclass(frozen=True, slots=True)
class Pole:
    """A camera above a road, and the file that says where it looks."""

    name: str
    segment: str
    at: Position
    model: PoleCamera

    @classmethod
    def on(cls, name: str, network: RoadNetwork, segment: str, chainage_m: float) -> Pole:
        """Its marks on the road were measured without an error."""
        at = network.position(RoadPlace(segment, chainage_m, 0.0, Side.RIGHT))
        heading = at.heading_deg or 0.0
        pixels = _ABOVE.pixels(np.array(_MARKS_M))
        ground = MIDDLE.to_degrees(np.array([MIDDLE.metres_of(at)]) + np.array(_MARKS_M) @ _axes(heading))
        points = tuple(
            PolePoint(float(u), float(v), float(lat), float(lon))
            for (u, v), (lat, lon) in zip(pixels, ground, strict=True)
        )
        return cls(name, segment, at, PoleCamera(name, WIDTH_PX, HEIGHT_PX, points, heading))

    def look(self, at: datetime, present: Sequence[TrueDefect], chance: np.random.Generator) -> Shot:
        """One picture."""
        here = np.array([MIDDLE.metres_of(self.at)])
        (seen,) = _boxes(_ABOVE, here, [self.at.heading_deg or 0.0], present, (_POLE_NEAR_M, _POLE_FAR_M), chance)
        return Shot(at, None, seen)


def _axes(heading_deg: float) -> Boxes:
    """(2, 2) rows: forward and left as east and north."""
    sine, cosine = math.sin(math.radians(heading_deg)), math.cos(math.radians(heading_deg))
    return np.array([[sine, cosine], [-cosine, sine]])


def _boxes(
    camera: CameraModel,
    cameras_m: Boxes,
    headings_deg: Sequence[float],
    present: Sequence[TrueDefect],
    window_m: tuple[float, float],
    chance: np.random.Generator,
) -> list[tuple[tuple[TrueDefect, tuple[float, float, float, float]], ...]]:
    """Of each camera place the things that lie whole before it and whole in its picture."""
    if not present:
        return [()] * len(cameras_m)
    places = MIDDLE.to_metres([(one.position.lat, one.position.lon) for one in present])
    halves = np.array([[min(one.length_m, _LONGEST_M) / 2, one.width_m / 2] for one in present])
    signs = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    found: list[tuple[tuple[TrueDefect, tuple[float, float, float, float]], ...]] = []
    for here, heading in zip(cameras_m, headings_deg, strict=True):
        ahead = (places - here) @ _axes(heading).T
        begins = ahead[:, 0] - halves[:, 0]
        rows = np.flatnonzero((begins >= window_m[0]) & (begins < window_m[1]))
        if not len(rows):
            found.append(())
            continue
        corners = camera.pixels((ahead[rows, None] + signs * halves[rows, None]).reshape(-1, 2)).reshape(-1, 4, 2)
        edges = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
        edges += chance.normal(0, _EDGE_PX, edges.shape)
        whole = (edges[:, 0] > 2) & (edges[:, 1] > 2) & (edges[:, 2] < WIDTH_PX - 2) & (edges[:, 3] < HEIGHT_PX - 2)
        sound = whole & (edges[:, 2] - edges[:, 0] > 3) & (edges[:, 3] - edges[:, 1] > 3)
        found.append(
            tuple(
                (present[row], (float(x1), float(y1), float(x2), float(y2)))
                for row, (x1, y1, x2, y2), ok in zip(rows.tolist(), edges.round(2).tolist(), sound, strict=True)
                if ok
            )
        )
    return found
