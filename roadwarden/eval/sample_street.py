"""The camera and the road of the synthetic street, as the project's own files describe them."""

from __future__ import annotations

from typing import Any

from roadwarden.data.synthetic import Camera, place_of
from roadwarden.data.synthetic.street import HALF_ROAD_M
from roadwarden.geo.camera import CameraModel, Lens, Measured, Mounting

REACH_M, BEYOND_M = 20.0, 30.0


def camera_model(camera: Camera) -> CameraModel:
    """The camera as it is drawn with; the vehicle's nodding is in the sigma of the pitch."""
    lens = Lens.of_focal(camera.width_px, camera.height_px, Measured(camera.focal_px))
    mounting = Mounting(Measured(camera.height_m), Measured(camera.pitch_deg, 0.2), Measured(0.0), Measured(0.0))
    return CameraModel("street", lens, mounting, reach_m=REACH_M)


def road_of(frames: int) -> dict[str, Any]:
    """One segment, from before the first frame to behind the last, as wide as the street."""
    ends = [place_of(x, 0.0) for x in (-BEYOND_M, frames + BEYOND_M)]
    line = {"type": "LineString", "coordinates": [[round(lon, 8), round(lat, 8)] for lat, lon in ends]}
    properties = {"id": "synthetic-street", "name": "样板街", "grade": "II", "width_m": 2 * HALF_ROAD_M, "lanes": 2}
    return {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": line, "properties": properties}]}
