"""Photographs that somebody on the street takes of one place: context and close-up, with time and position."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import cv2
from PIL import Image as Pillow
from PIL.ExifTags import GPS, IFD, Base

from roadwarden.data.synthetic.camera import Camera
from roadwarden.data.synthetic.drive import HEADING_DEG, place_of
from roadwarden.data.synthetic.scene import Scene
from roadwarden.data.synthetic.street import PlacedDefect
from roadwarden.detections import Image

_QUALITY = 92


@dataclass(frozen=True, slots=True)
class Photograph:
    """Where somebody stood."""

    camera: Camera
    at_x: float


def context_of(defect: PlacedDefect, camera: Camera, back_m: float = 3.4, aside_m: float = 0.25) -> Photograph:
    """From some way before the place, looking along the street as the vehicle does."""
    held = replace(camera, lateral_m=camera.lateral_m + aside_m, yaw_deg=1.5, pitch_deg=camera.pitch_deg + 0.6)
    return Photograph(held, max(0.0, defect.bounds[0] - back_m))


def close_up_of(defect: PlacedDefect, camera: Camera, back_m: float = 1.3) -> Photograph:
    """From beside the place, looking down on it."""
    _, y1, _, y2 = defect.bounds
    held = replace(camera, lateral_m=(y1 + y2) / 2, pitch_deg=47.0, height_m=1.45)
    return Photograph(held, max(0.0, defect.bounds[0] - back_m))


def photograph(scene: Scene, photo: Photograph, taken_at: datetime, seed: int) -> bytes:
    """The JPEG as a telephone leaves it; the same arguments give the same bytes."""
    return _jpeg(scene.frame(photo.camera, photo.at_x, seed=seed), photo, taken_at.astimezone(UTC))


def _jpeg(picture: Image, photo: Photograph, at: datetime) -> bytes:
    exif = Pillow.Exif()
    exif[Base.Make], exif[Base.Model] = "Roadwarden", "synthetic telephone"
    camera = exif.get_ifd(IFD.Exif)
    camera[Base.DateTimeOriginal] = at.strftime("%Y:%m:%d %H:%M:%S")
    camera[Base.OffsetTimeOriginal] = "+00:00"
    lat, lon = place_of(photo.at_x, photo.camera.lateral_m)
    gps = exif.get_ifd(IFD.GPSInfo)
    gps[GPS.GPSLatitudeRef], gps[GPS.GPSLatitude] = ("N" if lat >= 0 else "S"), _sexagesimal(lat)
    gps[GPS.GPSLongitudeRef], gps[GPS.GPSLongitude] = ("E" if lon >= 0 else "W"), _sexagesimal(lon)
    gps[GPS.GPSImgDirectionRef], gps[GPS.GPSImgDirection] = "T", HEADING_DEG + photo.camera.yaw_deg
    buffer = io.BytesIO()
    rgb = Pillow.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    rgb.save(buffer, "JPEG", quality=_QUALITY, exif=exif)
    return buffer.getvalue()


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    whole = abs(degrees)
    minutes = (whole % 1) * 60
    return float(int(whole)), float(int(minutes)), round((minutes % 1) * 60, 6)
