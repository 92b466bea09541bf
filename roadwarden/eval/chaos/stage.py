"""The street that is played: a few rendered frames, driven past again and again at other times."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from roadwarden.data.synthetic import Drive, Visit, write_sample_archive
from roadwarden.detections import Detections, Image
from roadwarden.eval.chaos.plan import Shot, Spoil
from roadwarden.eval.sample_street import camera_model, road_of
from roadwarden.geo.camera_file import camera_yaml
from roadwarden.taxonomy import DistressType

PASS_EVERY = timedelta(minutes=10)
"""Between two passes of any camera, so that each moment has one place, and nobody takes two passes for one."""
ELSEWHERE_DEG = 0.02
"""Boxes drive along a copy of the street, two kilometres to the north: what they see is known without a detector."""
UNSET = datetime(1980, 1, 6, tzinfo=UTC)
BOX_MODEL = "boxnet@c0ffee12"
BOX_SCORE = 0.8


@dataclass(frozen=True, slots=True)
class Stage:
    """Files and truth; ``cameras`` in a fixed order decides who passes when."""

    folder: Path
    cameras: tuple[str, ...]
    boxes: frozenset[str]
    start: datetime
    pictures: tuple[bytes, ...] = field(repr=False)
    seen: tuple[Detections, ...] = field(repr=False)  # the truth, for boxes

    @property
    def camera_file(self) -> Path:
        """Of every camera."""
        return self.folder / "camera.yaml"

    @property
    def track(self) -> Path:
        """All passes of all cameras."""
        return self.folder / "track.csv"

    @property
    def roads(self) -> Path:
        """The street, and the one that boxes drive along."""
        return self.folder / "roads.geojson"

    def place(self, shot: Shot) -> int:
        """Which of the pictures it is."""
        return shot.number % len(self.pictures)

    def captured_at(self, shot: Shot) -> datetime:
        """When it was taken, by its own clock."""
        turn = shot.number // len(self.pictures) * len(self.cameras) + self.cameras.index(shot.camera)
        moment = self.start + turn * PASS_EVERY + timedelta(seconds=self.place(shot) / 10)
        if shot.spoil is not Spoil.WRONG_CLOCK:
            return moment
        return UNSET + timedelta(seconds=turn * 100 + self.place(shot) // 10, microseconds=moment.microsecond)

    def picture(self, shot: Shot) -> bytes:
        """The file; a corrupt one ends in the middle."""
        data = self.pictures[self.place(shot)]
        was = (self.start + timedelta(seconds=self.place(shot) / 10)).strftime("%Y:%m:%d %H:%M:%S").encode()
        now = self.captured_at(shot).strftime("%Y:%m:%d %H:%M:%S").encode()
        assert was in data  # noqa: S101 - the stage was built wrongly otherwise
        data = data.replace(was, now, 1)
        return data[: len(data) // 3] if shot.spoil is Spoil.CORRUPT else data

    def message(self, shot: Shot) -> bytes:
        """What a box says of it."""
        if shot.spoil is Spoil.CORRUPT:
            return json.dumps({"captured_at": self.captured_at(shot).isoformat(), "shot": shot.number}).encode()
        found = self.seen[self.place(shot)]
        rows = [
            {"type": str(kind), "score": BOX_SCORE, "box_xyxy": [float(edge) for edge in box]}
            for box, kind in zip(found.boxes_xyxy, found.types, strict=True)
        ]
        about = {
            "captured_at": self.captured_at(shot).isoformat(),
            "frame_sha256": self.box_sha256(shot),
            "width_px": 1280,
            "height_px": 720,
            "model": BOX_MODEL,
            "detections": rows,
        }
        return json.dumps(about).encode()

    def box_sha256(self, shot: Shot) -> str:
        """Of the frame that stays on the box."""
        return hashlib.sha256(f"{shot.camera} {shot.number} {shot.spoil}".encode()).hexdigest()

    def sha256(self, shot: Shot) -> str:
        """Of the frame, as the worker knows it."""
        return self.box_sha256(shot) if shot.camera in self.boxes else hashlib.sha256(self.picture(shot)).hexdigest()

    def image(self, place: int) -> Image:
        """Decoded."""
        return np.asarray(cv2.imdecode(np.frombuffer(self.pictures[place], np.uint8), cv2.IMREAD_COLOR), np.uint8)


def build_stage(
    folder: Path, cameras: tuple[str, ...], boxes: frozenset[str], passes: int, now: datetime, *, frames: int, seed: int
) -> Stage:
    """Renders ``frames`` pictures and writes camera, track and roads."""
    start = (now - PASS_EVERY * passes * len(cameras) - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    visit = Visit(Drive(start=start))
    write_sample_archive(folder, seed=seed, frames=frames, visit=visit)
    (folder / "camera.yaml").write_text(
        camera_yaml(camera_model(visit.drive.camera), "the renderer's own numbers"), encoding="utf-8"
    )
    (folder / "roads.geojson").write_text(json.dumps(_both_roads(frames), ensure_ascii=False), encoding="utf-8")
    _write_track(folder / "track.csv", visit.drive, frames, cameras, boxes, passes)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    pictures = tuple((folder / row["frame"]).read_bytes() for row in truth["frames"])
    return Stage(folder, cameras, boxes, start, pictures, tuple(_detections(row["boxes"]) for row in truth["frames"]))


def _both_roads(frames: int) -> dict[str, Any]:
    here, there = road_of(frames), road_of(frames)
    feature = there["features"][0]
    feature["properties"] = {**feature["properties"], "id": "synthetic-street-north"}
    line = feature["geometry"]["coordinates"]
    feature["geometry"] = {"type": "LineString", "coordinates": [[lon, lat + ELSEWHERE_DEG] for lon, lat in line]}
    return {**here, "features": [*here["features"], feature]}


def _write_track(
    place: Path, drive: Drive, frames: int, cameras: tuple[str, ...], boxes: frozenset[str], passes: int
) -> None:
    fixes = drive.fixes(frames)
    with place.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["time", "lat", "lon", "heading", "speed"])
        for turn in range(passes * len(cameras)):
            north = ELSEWHERE_DEG if cameras[turn % len(cameras)] in boxes else 0.0
            for fix in fixes:
                when = (fix.time + turn * PASS_EVERY).isoformat(timespec="milliseconds")
                writer.writerow([when, fix.lat + north, fix.lon, fix.heading_deg, fix.speed_mps])


def _detections(boxes: list[dict[str, Any]]) -> Detections:
    inside = [[max(0.0, box["box_xyxy"][0]), max(0.0, box["box_xyxy"][1]), min(1280.0, box["box_xyxy"][2]),
               min(720.0, box["box_xyxy"][3])] for box in boxes]  # fmt: skip
    return Detections(
        np.array(inside, np.float32).reshape(-1, 4),
        tuple(DistressType(box["type"]) for box in boxes),
        np.full(len(boxes), BOX_SCORE, np.float32),
    )
