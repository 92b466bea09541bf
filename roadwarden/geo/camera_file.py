"""Camera files: strict YAML, one camera each, ``kind`` tells a vehicle's camera from a pole's."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from roadwarden.errors import ConfigError, DataError
from roadwarden.geo.camera import CameraModel, Lens, Measured, Mounting
from roadwarden.geo.pole import PoleCamera, PolePoint
from roadwarden.geo.pose import LeverArm
from roadwarden.settings import read_strict_yaml


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class MeasuredEntry(_Strict):
    """A value with its standard deviation, both in the unit of the key's name."""

    value: float = Field(description="the value")
    sigma: float = Field(ge=0, description="its standard deviation")

    def measured(self) -> Measured:
        """As the camera model has it."""
        return Measured(self.value, self.sigma)

    @classmethod
    def of(cls, known: Measured) -> MeasuredEntry:
        """The inverse, to six digits after the point."""
        return cls(value=round(known.value, 6), sigma=round(known.sigma, 6))


class LensEntry(_Strict):
    """Intrinsics, for pictures of that size."""

    width_px: int = Field(gt=0, description="width of the pictures it was calibrated on")
    height_px: int = Field(gt=0, description="their height")
    focal_px: MeasuredEntry = Field(description="focal length, pixels")
    centre_x_px: MeasuredEntry = Field(description="principal point from the left")
    centre_y_px: MeasuredEntry = Field(description="principal point from the top")
    distortion: tuple[float, float, float, float, float] = Field(
        default=(0.0, 0.0, 0.0, 0.0, 0.0), description="k1 k2 p1 p2 k3 as OpenCV has them"
    )


class MountingEntry(_Strict):
    """How the camera sits on the vehicle."""

    height_m: MeasuredEntry = Field(description="above the road")
    pitch_deg: MeasuredEntry = Field(description="down from the horizontal; its sigma holds the vehicle's nodding")
    roll_deg: MeasuredEntry = Field(
        default=MeasuredEntry(value=0, sigma=0.5), description="clockwise, seen from behind the camera"
    )
    heading_deg: MeasuredEntry = Field(
        default=MeasuredEntry(value=0, sigma=0.5), description="to the right of the vehicle's heading"
    )


class LeverArmEntry(_Strict):
    """From the antenna to the camera."""

    forward_m: float = Field(default=0.0, description="positive forward")
    left_m: float = Field(default=0.0, description="positive to the left")


class CameraFile(_Strict):
    """The camera of a vehicle."""

    kind: Literal["vehicle"] = Field(default="vehicle", description="vehicle")
    name: str = Field(min_length=1, description="what the camera is called in tables")
    lens: LensEntry = Field(description="intrinsics")
    mounting: MountingEntry = Field(description="how it sits")
    lever_arm: LeverArmEntry = Field(default=LeverArmEntry(), description="from the antenna to the camera")
    reach_m: float = Field(default=30.0, gt=0, description="boxes further away are not placed")
    made: str = Field(default="", description="how and from what the file was made")


class PolePointEntry(_Strict):
    """A mark on the road."""

    u: float = Field(description="pixels from the left")
    v: float = Field(description="pixels from the top")
    lat: float = Field(ge=-90, le=90, description="WGS-84 degrees")
    lon: float = Field(ge=-180, le=180, description="WGS-84 degrees")


class PoleFile(_Strict):
    """A camera on a pole."""

    kind: Literal["pole"] = Field(description="pole")
    name: str = Field(min_length=1, description="what the camera is called in tables")
    width_px: int = Field(gt=0, description="width of its pictures")
    height_px: int = Field(gt=0, description="their height")
    heading_deg: float = Field(description="of the road, clockwise from north")
    points: tuple[PolePointEntry, ...] = Field(min_length=4, description="four or more marks on the road")
    pixel_sigma: float = Field(default=2.0, ge=0, description="of a mark in the picture")
    ground_sigma_m: float = Field(default=0.1, ge=0, description="of a mark on the map")


class _AnyKind(BaseModel):
    model_config = ConfigDict(extra="ignore")
    kind: Literal["vehicle", "pole"] = "vehicle"


def read_camera(path: Path) -> CameraModel | PoleCamera:
    """The camera of a file; raises ConfigError that lists every fault."""
    kind = read_strict_yaml(path, _AnyKind).kind
    try:
        if kind == "pole":
            return _pole(read_strict_yaml(path, PoleFile))
        return _vehicle(read_strict_yaml(path, CameraFile))
    except (ValueError, DataError) as exc:
        raise ConfigError(f"{path}: {exc}") from exc


def camera_yaml(model: CameraModel, made: str) -> str:
    """The file of a vehicle's camera; ``made`` says how it was calibrated."""
    lens, mounting, arm = model.lens, model.mounting, model.lever_arm
    measured = {
        part: {key: MeasuredEntry.of(getattr(values, key)) for key in keys}
        for part, values, keys in (
            ("lens", lens, ("focal_px", "centre_x_px", "centre_y_px")),
            ("mounting", mounting, ("height_m", "pitch_deg", "roll_deg", "heading_deg")),
        )
    }
    file = CameraFile(
        name=model.name,
        lens=LensEntry(
            width_px=lens.width_px, height_px=lens.height_px, distortion=lens.distortion, **measured["lens"]
        ),
        mounting=MountingEntry(**measured["mounting"]),
        lever_arm=LeverArmEntry(forward_m=arm.forward_m, left_m=arm.left_m),
        reach_m=model.reach_m,
        made=made,
    )
    return yaml.safe_dump(file.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _vehicle(file: CameraFile) -> CameraModel:
    lens, mounting = file.lens, file.mounting
    return CameraModel(
        name=file.name,
        lens=Lens(
            lens.width_px,
            lens.height_px,
            lens.focal_px.measured(),
            lens.centre_x_px.measured(),
            lens.centre_y_px.measured(),
            lens.distortion,
        ),
        mounting=Mounting(
            mounting.height_m.measured(),
            mounting.pitch_deg.measured(),
            mounting.roll_deg.measured(),
            mounting.heading_deg.measured(),
        ),
        lever_arm=LeverArm(file.lever_arm.forward_m, file.lever_arm.left_m),
        reach_m=file.reach_m,
    )


def _pole(file: PoleFile) -> PoleCamera:
    return PoleCamera(
        name=file.name,
        width_px=file.width_px,
        height_px=file.height_px,
        points=tuple(PolePoint(point.u, point.v, point.lat, point.lon) for point in file.points),
        heading_deg=file.heading_deg,
        pixel_sigma=file.pixel_sigma,
        ground_sigma_m=file.ground_sigma_m,
    )
