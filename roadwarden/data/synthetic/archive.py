"""Writes a drive as a camera would leave it: JPEGs with EXIF times, a GNSS track, and the truth beside them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL.ExifTags import IFD, Base

from roadwarden.data.synthetic.distress import CRACKS
from roadwarden.data.synthetic.drive import FRAMES_A_SECOND, SPEED_MPS, Drive, Pose, place_of
from roadwarden.data.synthetic.paint import paint
from roadwarden.data.synthetic.scene import Scene
from roadwarden.data.synthetic.street import PlacedDefect, Repair, Street, make_street
from roadwarden.detections import Image
from roadwarden.taxonomy import DistressType

SEEN_WITHIN_M = 14.0
LEAST_INSIDE = 0.4
LEAST_SHARE = 0.02
"""A defect that the frame cuts off is asked for where at least this much of the frame shows it."""
LEAST_SIDE_PX = 10
_JPEG_QUALITY = 88
_LOOK_AHEAD_M = 16


@dataclass(frozen=True, slots=True)
class Visit:
    """One drive along a street: when, with which camera, and how far the repairs had come."""

    drive: Drive = field(default_factory=Drive)
    hour: float = 10.0
    repairs: Mapping[str, Repair] = field(default_factory=dict)

    def repair_of(self, defect: PlacedDefect) -> Repair:
        """How far it has come; BEFORE where nothing is said of the defect."""
        return self.repairs.get(defect.id, Repair.BEFORE)


@dataclass(frozen=True, slots=True, eq=False)
class TrueBox:
    """What is to be seen of a defect in one frame."""

    defect: str
    type: DistressType
    box_xyxy: tuple[float, float, float, float]
    distance_m: float


def write_sample_archive(
    out: Path,
    *,
    seed: int = 7,
    frames: int = 48,
    visit: Visit | None = None,
    on_frame: Callable[[int, int], None] = lambda _done, _total: None,
) -> Path:
    """Writes ``frames/*.jpg``, ``track.csv`` and, last, ``truth.json``; the same arguments give the same pictures."""
    visit = visit or Visit()
    street = street_for(seed, frames)
    scene = scene_of(street, visit)
    (out / "frames").mkdir(parents=True, exist_ok=True)
    truth = []
    for number, pose in enumerate(visit.drive.poses(frames)):
        picture = scene.frame(pose.camera, pose.at_x, seed=_noise_seed(visit.drive.seed, number))
        name = f"frames/{number:06d}.jpg"
        (out / name).write_bytes(_jpeg(picture, pose))
        truth.append(_truth_row(name, pose, true_boxes(street, visit, pose)))
        on_frame(number + 1, frames)
    _write_track(out / "track.csv", visit.drive, frames)
    text = json.dumps(_truth(street, visit, truth), indent=1, ensure_ascii=False)
    (out / "truth.json").write_text(text + "\n", encoding="utf-8")
    return out


def street_for(seed: int, frames: int) -> Street:
    """A street that is long enough for that many frames."""
    return make_street(seed, max(20.0, frames * SPEED_MPS / FRAMES_A_SECOND + _LOOK_AHEAD_M))


def scene_of(street: Street, visit: Visit) -> Scene:
    """The street as it is on that visit."""
    works = [_around(defect) for defect in street.defects if visit.repair_of(defect) is Repair.DURING]
    return Scene(street, paint(street, visit.repairs), visit.hour, works)


def _noise_seed(seed: int, number: int) -> int:
    """Another noise for each frame of each drive."""
    return seed * 1_000_003 + number


def true_boxes(street: Street, visit: Visit, pose: Pose) -> list[TrueBox]:
    """The defects that this exposure shows well enough to be asked for."""
    boxes = []
    for defect in street.defects:
        kind = type_seen(defect, visit.repair_of(defect))
        seen = pose.camera.box_of(defect.outline, pose.at_x) if kind else None
        if kind is None or seen is None:
            continue
        (x1, y1, x2, y2), inside, distance = seen
        width, height = x2 - x1, y2 - y1
        share = width * height / (pose.camera.width_px * pose.camera.height_px)
        whole_enough = inside >= LEAST_INSIDE or share >= LEAST_SHARE
        if distance < SEEN_WITHIN_M and whole_enough and min(width, height) >= LEAST_SIDE_PX:
            boxes.append(TrueBox(defect.id, kind, (float(x1), float(y1), float(x2), float(y2)), distance))
    return boxes


def type_seen(defect: PlacedDefect, repair: Repair) -> DistressType | None:
    """A filled hole is a patch; a sealed crack and a place under work are no distress of ours."""
    if repair is Repair.BEFORE:
        return defect.type
    return DistressType.PATCH if repair is Repair.AFTER and defect.type not in CRACKS else None


def _around(defect: PlacedDefect) -> np.ndarray[Any, np.dtype[np.float64]]:
    x1, y1, x2, y2 = defect.bounds
    return np.array([[x1 - 0.5, y1 - 0.4], [x1 - 0.5, y2 + 0.4], [x2 + 0.5, y1 - 0.4], [x2 + 0.5, y2 + 0.4]])


def _jpeg(picture: Image, pose: Pose) -> bytes:
    exif = Pillow.Exif()
    exif[Base.Make], exif[Base.Model] = "Roadwarden", "synthetic street"
    camera = exif.get_ifd(IFD.Exif)
    camera[Base.DateTimeOriginal] = pose.time.strftime("%Y:%m:%d %H:%M:%S")
    camera[Base.OffsetTimeOriginal] = "+00:00"
    camera[Base.SubsecTimeOriginal] = f"{pose.time.microsecond // 1000:03d}"
    buffer = io.BytesIO()
    rgb = Pillow.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    rgb.save(buffer, "JPEG", quality=_JPEG_QUALITY, exif=exif)
    return buffer.getvalue()


def _write_track(place: Path, drive: Drive, frames: int) -> None:
    with place.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["time", "lat", "lon", "heading", "speed"])
        for fix in drive.fixes(frames):
            writer.writerow(
                [fix.time.isoformat(timespec="milliseconds"), fix.lat, fix.lon, fix.heading_deg, fix.speed_mps]
            )


def _truth_row(name: str, pose: Pose, boxes: list[TrueBox]) -> dict[str, Any]:
    lat, lon = place_of(pose.at_x, pose.camera.lateral_m)
    return {
        "frame": name,
        "time": pose.time.isoformat(timespec="milliseconds"),
        "at_x_m": pose.at_x,
        "lat": lat,
        "lon": lon,
        "camera": asdict(pose.camera),
        "boxes": [
            {
                "defect": box.defect,
                "type": str(box.type),
                "box_xyxy": [round(edge, 2) for edge in box.box_xyxy],
                "distance_m": round(box.distance_m, 3),
            }
            for box in boxes
        ],
    }


def _truth(street: Street, visit: Visit, frames: list[dict[str, Any]]) -> dict[str, Any]:
    defects = []
    for defect in street.defects:
        x1, y1, x2, y2 = defect.bounds
        lat, lon = place_of((x1 + x2) / 2, (y1 + y2) / 2)
        defects.append(
            {
                "id": defect.id,
                "type": str(defect.type),
                "repair": str(visit.repair_of(defect)),
                "lat": lat,
                "lon": lon,
                "outline_m": defect.outline.round(3).tolist(),
            }
        )
    head = {"seed": street.seed, "length_m": street.length, "hour": visit.hour}
    return {"street": head, "defects": defects, "frames": frames}
