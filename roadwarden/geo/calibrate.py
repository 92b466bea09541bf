"""How a camera sits, from one picture of a straight road: vanishing point and lane width.

Lines along the road meet in the vanishing point of its direction, which tells pitch and heading; how far apart two of
them, whose distance is known, run in the picture tells the height. Roll is not told by one vanishing point and comes in
as known, with its sigma.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadwarden.errors import DataError
from roadwarden.geo.camera import CameraModel, Lens, Measured, Mounting
from roadwarden.geo.ground import Column, spread
from roadwarden.vision.chessboard import Intrinsics

LOWEST_M, HIGHEST_M = 0.3, 15.0
_NO_ROLL = Measured(0.0, 0.5)


@dataclass(frozen=True, slots=True)
class ImageLine:
    """A straight line along the road, by two of its points, pixels."""

    u1: float
    v1: float
    u2: float
    v2: float

    def __post_init__(self) -> None:
        if np.hypot(self.u2 - self.u1, self.v2 - self.v1) < 20:
            raise DataError(f"{self}: points nearer than 20 px tell no direction; take the ends of the visible line")


@dataclass(frozen=True, slots=True)
class LaneView:
    """What is seen in one picture of a straight, flat road; the first two lines are ``lane_width_m`` apart."""

    lines: tuple[ImageLine, ...]
    lane_width_m: Measured
    roll_deg: Measured = _NO_ROLL
    click_sigma_px: float = 1.5  # of a line's point
    parallel_sigma_deg: float = 0.5  # between the vehicle and the lane
    nodding_deg: float = 0.3  # of the vehicle, later, when it drives

    def __post_init__(self) -> None:
        if len(self.lines) < 2:
            raise DataError(f"{len(self.lines)} lines along the road: two are needed, the edges of one lane")


def lens_of(measured: Intrinsics) -> Lens:
    """The lens that was measured on a chessboard."""
    return Lens(
        measured.width_px,
        measured.height_px,
        Measured(*measured.focal),
        Measured(*measured.centre_x),
        Measured(*measured.centre_y),
        measured.distortion,
    )


def mounting_of(lens: Lens, view: LaneView) -> Mounting:
    """Height, pitch and heading with their sigmas; raises DataError where the lines cannot be those of a lane."""
    points = np.array([(line.u1, line.v1, line.u2, line.v2) for line in view.lines]).ravel()
    known = (view.lane_width_m, view.roll_deg, lens.focal_px, lens.centre_x_px, lens.centre_y_px)
    values = np.concatenate([[each.value for each in known], points])
    sigmas = np.concatenate([[each.sigma for each in known], np.full(len(points), view.click_sigma_px)])

    def look(changed: Column) -> Column:
        return _solve(lens, changed)[None]

    height, pitch, heading = _solve(lens, values)
    _check(height, pitch)
    covariance = spread(look, values, sigmas)[0]
    height_sigma, pitch_sigma, heading_sigma = np.sqrt(np.diag(covariance))
    return Mounting(
        height_m=Measured(float(height), float(height_sigma)),
        pitch_deg=Measured(float(pitch), float(np.hypot(pitch_sigma, view.nodding_deg))),
        roll_deg=view.roll_deg,
        heading_deg=Measured(float(heading), float(np.hypot(heading_sigma, view.parallel_sigma_deg))),
    )


def _solve(lens: Lens, values: Column) -> Column:
    """Height, pitch, heading of lane width, roll, focal length, centre and the lines' points."""
    width, roll, focal, centre_x, centre_y = (float(value) for value in values[:5])
    pixels = values[5:].reshape(-1, 2)
    seen = Lens(lens.width_px, lens.height_px, Measured(focal), Measured(centre_x), Measured(centre_y), lens.distortion)
    rays = seen.rays(pixels).reshape(-1, 2, 3)
    normals = np.cross(rays[:, 0], rays[:, 1])
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    along = np.linalg.svd(normals)[2][-1]
    along = along * np.sign(along[2] or 1.0)
    turn = np.radians(roll)
    level = along[0] * np.cos(turn) - along[1] * np.sin(turn)
    below = along[0] * np.sin(turn) + along[1] * np.cos(turn)
    pitch = float(np.degrees(np.arctan2(-below, along[2])))
    heading = float(np.degrees(np.arctan2(-level, np.hypot(below, along[2]))))
    one_metre = Mounting(Measured(1.0), Measured(pitch), Measured(roll), Measured(heading))
    sides = CameraModel("", seen, one_metre).ground(pixels[:4])[:, 1].reshape(2, 2).mean(axis=1)
    return np.array([width / max(abs(sides[0] - sides[1]), 1e-9), pitch, heading])


def _check(height: float, pitch: float) -> None:
    if np.isnan(height):
        raise DataError("a line of the lane reaches above the horizon; click points on the road only")
    if not LOWEST_M <= height <= HIGHEST_M:
        raise DataError(
            f"these lines would put the camera {height:.2f} m above the road: are the first two one lane width apart?"
        )
    if not -45 <= pitch <= 60:
        raise DataError(f"these lines would pitch the camera by {pitch:.0f} degrees: do they run along the road?")


def parse_lines(texts: Sequence[str]) -> tuple[ImageLine, ...]:
    """Lines as typed: ``u1,v1,u2,v2`` each."""
    return tuple(_parse(text) for text in texts)


def _parse(text: str) -> ImageLine:
    try:
        u1, v1, u2, v2 = (float(part) for part in text.split(","))
    except ValueError as exc:
        raise DataError(f"line '{text}': wanted u1,v1,u2,v2 in pixels, e.g. 410,700,610,420") from exc
    return ImageLine(u1, v1, u2, v2)
