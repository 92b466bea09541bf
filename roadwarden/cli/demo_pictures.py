"""What the demonstration shows: a street before and after its repairs, driven along and photographed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from roadwarden.cli.sample import CAMERA, ROADS
from roadwarden.data.synthetic import (
    Camera,
    Drive,
    PlacedDefect,
    Repair,
    Street,
    Visit,
    place_of,
    scene_of,
    street_for,
    write_sample_archive,
)
from roadwarden.data.synthetic.photos import close_up_of, context_of, photograph
from roadwarden.data.synthetic.scene import Scene
from roadwarden.detections import Position
from roadwarden.eval.sample_street import camera_model, road_of
from roadwarden.geo.camera_file import camera_yaml
from roadwarden.repairs.case_pictures import distance_m
from roadwarden.taxonomy import DistressType

PHONE = Camera(lateral_m=0.9)
PATCHED = (DistressType.POTHOLE, DistressType.ALLIGATOR_CRACK)
MATCHED_M = 1.5
"""A case is about the drawn defect whose middle lies so near."""


@dataclass(frozen=True, slots=True, eq=False)
class DemoStreet:
    """The street, as it was and as it is once the chosen places are mended."""

    street: Street
    drive: Drive
    hour: float = 10.0

    def write(self, out: Path, frames: int, seed: int) -> None:
        """The archive of the drive, its camera file and its road."""
        write_sample_archive(out, seed=seed, frames=frames, visit=Visit(self.drive, self.hour))
        text = camera_yaml(camera_model(self.drive.camera), "the renderer's own numbers")
        (out / CAMERA).write_text(text, encoding="utf-8")
        (out / ROADS).write_text(json.dumps(road_of(frames), ensure_ascii=False) + "\n", encoding="utf-8")

    def scene(self, mended: Sequence[PlacedDefect], hour: float) -> Scene:
        """The street at another hour, with those places mended."""
        return scene_of(self.street, Visit(self.drive, hour, dict.fromkeys((one.id for one in mended), Repair.AFTER)))

    def hole_at(self, position: Position) -> PlacedDefect | None:
        """What was drawn there and gets a patch when it is mended; None where nothing is."""
        near = [(distance_m(_middle(one), position), one) for one in self.street.defects if one.type in PATCHED]
        away, found = min(near, key=lambda entry: entry[0], default=(MATCHED_M + 1, None))
        return found if away <= MATCHED_M else None


def demo_street(seed: int, frames: int) -> DemoStreet:
    """The same seed is the same street."""
    return DemoStreet(street_for(seed, frames), Drive(Camera(lateral_m=0.9), seed=seed))


def photos(scene: Scene, defect: PlacedDefect, at: datetime, seed: int) -> tuple[bytes, bytes]:
    """A context picture and a close-up, as a crew takes them."""
    context, close_up = context_of(defect, PHONE), close_up_of(defect, PHONE)
    return photograph(scene, context, at, seed), photograph(scene, close_up, at, seed + 1)


def _middle(defect: PlacedDefect) -> Position:
    x1, y1, x2, y2 = defect.bounds
    return Position(*place_of((x1 + x2) / 2, (y1 + y2) / 2))
