"""A pinhole camera on a vehicle above a flat road."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roadwarden.data.synthetic.street import Polygon
from roadwarden.vision.polygons import clip_polygon

Matrix = npt.NDArray[np.float64]
NEAREST_M = 0.3


@dataclass(frozen=True, slots=True)
class Camera:
    """Intrinsics and mounting: height above the road, pitch down from the horizontal, offset to the right."""

    width_px: int = 1280
    height_px: int = 720
    focal_px: float = 980.0
    height_m: float = 1.5
    pitch_deg: float = 17.0
    lateral_m: float = 0.0
    yaw_deg: float = 0.0  # to the right

    def rotation(self) -> Matrix:
        """Rows: the camera's right, down and forward in the axes x along, y right, z up."""
        pitch, yaw = math.radians(self.pitch_deg), math.radians(self.yaw_deg)
        forward = [math.cos(pitch) * math.cos(yaw), math.cos(pitch) * math.sin(yaw), -math.sin(pitch)]
        right = [-math.sin(yaw), math.cos(yaw), 0.0]
        return np.array([right, np.cross(right, forward), forward])

    def project(self, points: Matrix, at_x: float) -> tuple[Matrix, npt.NDArray[np.float64]]:
        """Pixels and distances ahead, metres, of (n, 3) points x, y, z, seen from ``at_x`` along the street."""
        relative = points - np.array([at_x, self.lateral_m, self.height_m])
        right, down, ahead = self.rotation() @ relative.T
        safe = np.maximum(ahead, 1e-6)
        pixels = [self.width_px / 2 + self.focal_px * right / safe, self.height_px / 2 + self.focal_px * down / safe]
        return np.stack(pixels, axis=1), ahead

    def plane_to_image(self, at_x: float) -> Matrix:
        """3 x 3 homography from metres of the road plane, x and y, to pixels."""
        return self._to_image(at_x, 0.0, axes=(0, 1))

    def wall_to_image(self, at_x: float, wall_y: float) -> Matrix:
        """3 x 3 homography from metres of the upright plane at ``wall_y``, x and z, to pixels."""
        return self._to_image(at_x, wall_y, axes=(0, 2))

    def _to_image(self, at_x: float, y: float, axes: tuple[int, int]) -> Matrix:
        rotation = self.rotation()
        origin = rotation @ np.array([-at_x, y - self.lateral_m, -self.height_m])
        intrinsics = np.array(
            [[self.focal_px, 0, self.width_px / 2], [0, self.focal_px, self.height_px / 2], [0, 0, 1]], np.float64
        )
        return np.asarray(intrinsics @ np.column_stack([*(rotation[:, axis] for axis in axes), origin]))

    @property
    def horizon_px(self) -> int:
        """Row of the horizon."""
        return round(self.height_px / 2 - self.focal_px * math.tan(math.radians(self.pitch_deg)))

    def box_of(self, outline: Polygon, at_x: float) -> tuple[npt.NDArray[np.float64], float, float] | None:
        """(x1 y1 x2 y2 of what the frame shows, its share of the whole box, distance of the near edge).

        None where the outline is behind the camera or out of the frame.
        """
        ground = np.column_stack([outline, np.zeros(len(outline))])
        ground = clip_polygon(ground, self.project(ground, at_x)[1] - NEAREST_M)
        if not len(ground):
            return None
        pixels, ahead = self.project(ground, at_x)
        whole = np.prod(np.ptp(pixels, axis=0))
        for axis, limit in ((0, self.width_px), (1, self.height_px)):
            pixels = clip_polygon(pixels, pixels[:, axis])
            pixels = clip_polygon(pixels, limit - pixels[:, axis])
        if not len(pixels):
            return None
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        return np.concatenate([low, high]), float(np.prod(high - low) / whole), float(ahead.min())
