"""A pinhole camera on a vehicle above a flat road."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roadwarden.data.synthetic.street import Polygon

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

    def scaled(self, factor: float) -> Camera:
        """The same camera with another number of pixels."""
        return Camera(
            round(self.width_px * factor),
            round(self.height_px * factor),
            self.focal_px * factor,
            self.height_m,
            self.pitch_deg,
            self.lateral_m,
            self.yaw_deg,
        )

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
        """3 x 3 homography from road-plane metres to pixels."""
        rotation = self.rotation()
        origin = -rotation @ np.array([at_x, self.lateral_m, self.height_m])
        intrinsics = np.array(
            [[self.focal_px, 0, self.width_px / 2], [0, self.focal_px, self.height_px / 2], [0, 0, 1]], np.float64
        )
        return np.asarray(intrinsics @ np.column_stack([rotation[:, 0], rotation[:, 1], origin]))

    @property
    def horizon_px(self) -> int:
        """Row of the horizon."""
        return round(self.height_px / 2 - self.focal_px * math.tan(math.radians(self.pitch_deg)))

    def box_of(self, outline: Polygon, at_x: float) -> tuple[npt.NDArray[np.float64], float, float] | None:
        """(x1 y1 x2 y2 clipped to the frame, share of the box that is inside, distance of its near edge).

        None where the outline is behind the camera or out of the frame.
        """
        points = np.column_stack([_densified(outline), np.zeros(len(outline) * EDGE_STEPS)])
        pixels, ahead = self.project(points, at_x)
        seen = ahead > NEAREST_M
        if not seen.any():
            return None
        low, high = pixels[seen].min(axis=0), pixels[seen].max(axis=0)
        whole = np.concatenate([low, high])
        box = np.clip(whole, 0, [self.width_px, self.height_px] * 2)
        area, inside = np.prod(high - low), np.prod(np.maximum(box[2:] - box[:2], 0))
        if inside <= 0:
            return None
        return box, float(inside / area), float(ahead[seen].min())


EDGE_STEPS = 8


def _densified(outline: Polygon) -> Polygon:
    """More points on the edges: an edge that runs behind the camera still has its visible part."""
    steps = np.linspace(0, 1, EDGE_STEPS, endpoint=False)[None, :, None]
    following = np.roll(outline, -1, axis=0)
    return (outline[:, None] * (1 - steps) + following[:, None] * steps).reshape(-1, 2)
