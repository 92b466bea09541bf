"""A camera on a vehicle above a flat road: boxes to metres in front of it, with what that is worth.

Axes of the vehicle: x forward, y left, z up, from the point of the road under the camera. The road is taken as a plane:
a hump or a slope that begins ahead of the vehicle moves far places, which is why the sigma of the pitch must hold the
nodding of the vehicle (half a degree is usual) and why the reach is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from roadwarden.errors import ConfigError
from roadwarden.geo.ground import Column, GroundPatches, Points, at_border, measure, patches, refusals, spread
from roadwarden.geo.pose import LeverArm

EDGE_SIGMA_PX = 3.0
"""Of one edge of a detector's box, where nobody has measured it."""
_ROUNDS = 20  # of removing lens distortion by fixed point


@dataclass(frozen=True, slots=True)
class Measured:
    """A value and its standard deviation."""

    value: float
    sigma: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.value) and np.isfinite(self.sigma) and self.sigma >= 0):
            raise ValueError(f"{self.value} +- {self.sigma} is no measurement: both are finite, sigma not negative")


@dataclass(frozen=True, slots=True)
class Lens:
    """Intrinsics in pixels of a picture of that size; square pixels; distortion k1 k2 p1 p2 k3 as OpenCV has it."""

    width_px: int
    height_px: int
    focal_px: Measured
    centre_x_px: Measured
    centre_y_px: Measured
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if not (self.width_px > 0 and self.height_px > 0 and self.focal_px.value > 0):
            raise ValueError(f"{self}: sizes and focal length are positive")

    @classmethod
    def of_focal(cls, width_px: int, height_px: int, focal_px: Measured) -> Lens:
        """A lens without distortion that looks through the picture's middle.

        That the true middle may be some pixels off is not lost: a pitch and heading measured through this lens have it
        in them, and their sigmas must hold it.
        """
        return cls(width_px, height_px, focal_px, Measured(width_px / 2), Measured(height_px / 2))

    def rays(self, pixels: Points) -> npt.NDArray[np.float64]:
        """(n, 3) directions right, down and forward of the camera, forward 1, of (n, 2) pixels."""
        centre = np.array([self.centre_x_px.value, self.centre_y_px.value])
        flat = _undistorted((pixels - centre) / self.focal_px.value, self.distortion)
        return np.column_stack([flat, np.ones(len(flat))])

    def scaled_to(self, width_px: int, height_px: int) -> Lens:
        """The same lens for pictures made larger or smaller; raises ConfigError where their shape differs."""
        factor = width_px / self.width_px
        if abs(height_px - self.height_px * factor) > 1:
            raise ConfigError(
                f"camera was calibrated at {self.width_px} x {self.height_px}, frames are {width_px} x {height_px}: "
                "another shape means cropped; calibrate on frames as they come"
            )
        focal, x, y = (
            Measured(known.value * factor, known.sigma * factor)
            for known in (self.focal_px, self.centre_x_px, self.centre_y_px)
        )
        return Lens(width_px, height_px, focal, x, y, self.distortion)


@dataclass(frozen=True, slots=True)
class Mounting:
    """How the camera sits: above the road, turned down, clockwise and to the right of the vehicle's heading."""

    height_m: Measured
    pitch_deg: Measured
    roll_deg: Measured = field(default_factory=lambda: Measured(0.0, 0.5))
    heading_deg: Measured = field(default_factory=lambda: Measured(0.0, 0.5))

    def __post_init__(self) -> None:
        if not (self.height_m.value > 0 and -90 < self.pitch_deg.value < 90):
            raise ValueError(f"{self}: the camera is above the road and looks neither straight up nor down")


@dataclass(frozen=True, slots=True)
class CameraModel:
    """Lens and mounting of one camera; ``reach_m`` bounds what is placed."""

    name: str
    lens: Lens
    mounting: Mounting
    lever_arm: LeverArm = field(default_factory=LeverArm)
    reach_m: float = 30.0

    def scaled_to(self, width_px: int, height_px: int) -> CameraModel:
        """The same camera for frames of another size."""
        if (width_px, height_px) == (self.lens.width_px, self.lens.height_px):
            return self
        return replace(self, lens=self.lens.scaled_to(width_px, height_px))

    def ground(self, pixels: Points) -> Points:
        """Metres x, y on the road under (n, 2) pixels; NaN at and above the horizon."""
        return _View.of(self).ground(pixels)

    def pixels(self, metres: Points) -> Points:
        """Pixels of (n, 2) metres x, y on the road; NaN behind the camera."""
        return _View.of(self).pixels(metres)

    def project(self, boxes_xyxy: npt.ArrayLike, edge_sigma_px: float = EDGE_SIGMA_PX) -> GroundPatches:
        """Where (n, 4) boxes, pixels, lie on the road; never fails on a box but refuses it with a reason."""
        boxes = np.asarray(boxes_xyxy, np.float64).reshape(-1, 4)
        view = _View.of(self)
        measured = measure(view, boxes)
        refused = refusals(boxes, measured, self._beyond(view, boxes))
        usable = np.array([reason is None for reason in refused], np.bool_)
        covariance = np.full((len(boxes), 4, 4), np.nan)
        covariance[usable] = self._covariance(boxes[usable], edge_sigma_px)
        return patches(measured, covariance, at_border(boxes, self.lens.width_px, self.lens.height_px), refused)

    def _beyond(self, view: _View, boxes: Column) -> npt.NDArray[np.bool_]:
        corners = [view.ground(boxes[:, [column, 1]]) for column in (0, 2)]
        with np.errstate(invalid="ignore"):
            return np.asarray(~(np.max([np.linalg.norm(corner, axis=1) for corner in corners], axis=0) <= self.reach_m))

    def _covariance(self, boxes: Column, edge_sigma_px: float) -> Column:
        view = _View.of(self)
        sigmas = np.array([known.sigma for known in _measurements(self)] + [edge_sigma_px] * 4)

        def look(values: Column) -> Column:
            return measure(_View(values[:7], view.distortion), boxes + values[7:])

        return spread(look, np.concatenate([view.values, np.zeros(4)]), sigmas)


def _measurements(model: CameraModel) -> tuple[Measured, ...]:
    lens, mounting = model.lens, model.mounting
    return (
        *(lens.focal_px, lens.centre_x_px, lens.centre_y_px),
        *(mounting.height_m, mounting.pitch_deg, mounting.roll_deg, mounting.heading_deg),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """The numbers of a camera as one array, so that each can be varied: focal, centre, height, pitch, roll, heading."""

    values: Column  # (7,)
    distortion: tuple[float, float, float, float, float]
    rotation: npt.NDArray[np.float64] = field(init=False)  # rows: its right, down and forward in the vehicle's axes

    def __post_init__(self) -> None:
        object.__setattr__(self, "rotation", self._turned())

    @classmethod
    def of(cls, model: CameraModel) -> _View:
        return cls(np.array([known.value for known in _measurements(model)]), model.lens.distortion)

    def _turned(self) -> npt.NDArray[np.float64]:
        pitch, roll, heading = np.radians(self.values[4:7])
        forward = np.array(
            [np.cos(pitch) * np.cos(heading), -np.cos(pitch) * np.sin(heading), -np.sin(pitch)], np.float64
        )
        level = np.array([-np.sin(heading), -np.cos(heading), 0.0])
        below = np.array(  # their cross product: numpy's takes ten times as long for one pair
            [-forward[2] * level[1], forward[2] * level[0], forward[0] * level[1] - forward[1] * level[0]]
        )
        right, down = np.cos(roll) * level + np.sin(roll) * below, np.cos(roll) * below - np.sin(roll) * level
        return np.stack([right, down, forward])

    def ground(self, pixels: Points) -> Points:
        focal, height = self.values[0], self.values[3]
        flat = _undistorted((pixels - self.values[1:3]) / focal, self.distortion)
        rays = np.column_stack([flat, np.ones(len(flat))]) @ self.rotation
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(rays[:, 2] < -1e-9, height / -rays[:, 2], np.nan)
        return np.asarray(rays[:, :2] * reach[:, None])

    def pixels(self, metres: Points) -> Points:
        focal, height = self.values[0], self.values[3]
        right, down, ahead = self.rotation @ np.column_stack([metres, np.full(len(metres), -height)]).T
        with np.errstate(divide="ignore", invalid="ignore"):
            flat = np.where((ahead > 1e-9)[:, None], np.stack([right, down], 1) / ahead[:, None], np.nan)
        return np.asarray(_distorted(flat, self.distortion) * focal + self.values[1:3])


def _distorted(flat: Points, distortion: tuple[float, float, float, float, float]) -> Points:
    """Brown and Conrady, in OpenCV's order of coefficients."""
    k1, k2, p1, p2, k3 = distortion
    x, y = flat.T
    square = x * x + y * y
    radial = 1 + square * (k1 + square * (k2 + square * k3))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x),
            y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=1,
    )


def _undistorted(flat: Points, distortion: tuple[float, float, float, float, float]) -> Points:
    if not any(distortion):
        return flat
    guess = flat
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(_ROUNDS):
            guess = guess - (_distorted(guess, distortion) - flat)
    return np.where(np.isclose(_distorted(guess, distortion), flat, atol=1e-6), guess, np.nan)
