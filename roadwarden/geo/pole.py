"""A camera on a pole: four or more points of the road, known in the picture and on the map, tell where everything is.

The homography of the road plane by the direct linear transformation (Hartley and Zisserman, Multiple View Geometry,
algorithm 4.2). No lens and no height is needed, but the road must be flat between the points and lens distortion small.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

import numpy as np
import numpy.typing as npt

from roadwarden.detections import PlaneCovariance
from roadwarden.errors import DataError
from roadwarden.geo.camera import EDGE_SIGMA_PX
from roadwarden.geo.ground import Column, GroundPatches, Points, at_border, measure, patches, refusals, spread
from roadwarden.geo.plane import LocalPlane
from roadwarden.geo.pose import Pose

Matrix = npt.NDArray[np.float64]
REACH = 2.0
"""Boxes are placed up to this many times as far from the points' middle as the furthest point is."""
_THIN = 1e-3  # a triangle of points with less than this share of their extent squared is a line


@dataclass(frozen=True, slots=True)
class PolePoint:
    """A mark on the road: pixels in the picture, WGS-84 degrees on the map."""

    u: float
    v: float
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class PoleCamera:
    """A camera that does not move; raises DataError where its points cannot tell where things are."""

    name: str
    width_px: int
    height_px: int
    points: tuple[PolePoint, ...]
    heading_deg: float  # of the road, clockwise from north: forward in its patches
    pixel_sigma: float = 2.0  # of a point in the picture
    ground_sigma_m: float = 0.1  # of a point on the map

    def __post_init__(self) -> None:
        if len(self.points) < 4:
            raise DataError(f"pole camera {self.name}: {len(self.points)} points; at least four are needed")
        pixels, metres = self._pixels(), self._metres()
        if not _spans_a_plane(pixels) or not _spans_a_plane(metres):
            raise DataError(f"pole camera {self.name}: points lie on a line; choose four corners of a wide quadrangle")
        _check_order(self.name, _homography(pixels, metres), pixels)

    @property
    def plane(self) -> LocalPlane:
        """The plane whose origin is the middle of the points."""
        middle = np.mean([(point.lat, point.lon) for point in self.points], axis=0)
        return LocalPlane(float(middle[0]), float(middle[1]))

    def pose(self, at: datetime) -> Pose:
        """Where its patches are counted from, at any time; what is unsure is in the patches."""
        plane, heading = self.plane, self.heading_deg % 360
        return Pose(at, plane.position_of(0.0, 0.0, heading), heading, PlaneCovariance(0.0, 0.0), 0.0)

    @property
    def misfit_m(self) -> float:
        """Root mean square of what the points miss their places by; 0 with four, which always fit."""
        pixels, metres = self._pixels(), self._metres()
        missed = _Mapping(_homography(pixels, metres), pixels).ground(pixels) - metres
        return float(np.sqrt((missed**2).sum(axis=1).mean()))

    def project(self, boxes_xyxy: npt.ArrayLike, edge_sigma_px: float = EDGE_SIGMA_PX) -> GroundPatches:
        """Where (n, 4) boxes, pixels, lie, in metres from ``pose``; refuses boxes with a reason."""
        boxes = np.asarray(boxes_xyxy, np.float64).reshape(-1, 4)
        pixels, metres = self._pixels(), self._metres()
        measured = measure(_Mapping(_homography(pixels, metres), pixels), boxes)
        with np.errstate(invalid="ignore"):
            far = np.linalg.norm(measured[:, :2], axis=1) > REACH * np.linalg.norm(metres, axis=1).max()
        refused = refusals(boxes, measured, far)
        usable = np.array([reason is None for reason in refused], np.bool_)
        covariance = np.full((len(boxes), 4, 4), np.nan)
        covariance[usable] = self._covariance(boxes[usable], edge_sigma_px)
        return patches(measured, covariance, at_border(boxes, self.width_px, self.height_px), refused)

    def _covariance(self, boxes: Column, edge_sigma_px: float) -> Column:
        count = 2 * len(self.points)

        def look(values: Column) -> Column:
            pixels, metres = values[:count].reshape(-1, 2), values[count : 2 * count].reshape(-1, 2)
            return measure(_Mapping(_homography(pixels, metres), pixels), boxes + values[2 * count :])

        values = np.concatenate([self._pixels().ravel(), self._metres().ravel(), np.zeros(4)])
        sigmas = np.repeat([self.pixel_sigma, self.ground_sigma_m, edge_sigma_px], [count, count, 4])
        return spread(look, values, sigmas)

    def _pixels(self) -> Points:
        return np.array([(point.u, point.v) for point in self.points], np.float64)

    def _metres(self) -> Points:
        east, north = self.plane.to_metres([(point.lat, point.lon) for point in self.points]).T
        angle = np.radians(self.heading_deg)
        forward, right = east * np.sin(angle) + north * np.cos(angle), east * np.cos(angle) - north * np.sin(angle)
        return np.stack([forward, -right], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Mapping:
    """A homography from pixels to metres; the side of the horizon that the points lie on is the road."""

    matrix: Matrix
    points: Points

    def ground(self, pixels: Points) -> Points:
        flat, depth = _through(self.matrix, pixels)
        _, here = _through(self.matrix, self.points)
        return np.where((depth * here[0] > 1e-9 * here[0] ** 2)[:, None], flat, np.nan)

    def pixels(self, metres: Points) -> Points:
        return _through(np.asarray(np.linalg.inv(self.matrix), np.float64), metres)[0]


def _through(matrix: Matrix, points: Points) -> tuple[Points, Column]:
    ahead = np.asarray(np.column_stack([points, np.ones(len(points))]) @ matrix.T, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(ahead[:, :2] / ahead[:, 2:]), np.asarray(ahead[:, 2])


def _homography(pixels: Points, metres: Points) -> Matrix:
    """The 3 x 3 matrix from pixels to metres that fits the points best."""
    from_pixels, from_metres = _normalising(pixels), _normalising(metres)
    (u, v), (x, y) = _through(from_pixels, pixels)[0].T, _through(from_metres, metres)[0].T
    one, zero = np.ones_like(u), np.zeros_like(u)
    rows = np.concatenate(
        [
            np.stack([u, v, one, zero, zero, zero, -x * u, -x * v, -x], axis=1),
            np.stack([zero, zero, zero, u, v, one, -y * u, -y * v, -y], axis=1),
        ]
    )
    solved = np.linalg.svd(rows)[2][-1].reshape(3, 3)
    return np.asarray(np.linalg.inv(from_metres) @ solved @ from_pixels)


def _normalising(points: Points) -> Matrix:
    """Moves the middle to zero and makes the mean distance from it the root of two."""
    middle = points.mean(axis=0)
    scale = np.sqrt(2) / max(float(np.linalg.norm(points - middle, axis=1).mean()), 1e-12)
    return np.array([[scale, 0, -scale * middle[0]], [0, scale, -scale * middle[1]], [0, 0, 1]])


def _spans_a_plane(points: Points) -> bool:
    """Whether some four of the points have no three on a line."""
    size = float(np.ptp(points, axis=0).max())
    for four in combinations(points, 4):
        areas = [abs(float(np.linalg.det(np.stack([b - a, c - a])))) / 2 for a, b, c in combinations(four, 3)]
        if min(areas) > _THIN * size**2:
            return True
    return False


def _check_order(name: str, matrix: Matrix, pixels: Points) -> None:
    """Raises DataError where the horizon runs between the points or the picture would be a mirror image."""
    depth = _through(matrix, pixels)[1]
    turns = np.linalg.det(matrix) / depth**3
    if not ((depth > 0).all() or (depth < 0).all()) or (turns > 0).any():
        raise DataError(
            f"pole camera {name}: no camera sees these points so; two may be exchanged, or latitude and longitude"
        )
