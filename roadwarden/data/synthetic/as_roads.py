"""Synthetic streets in the layout of a training set: splits.csv, pictures in images/, PASCAL VOC in annotations/."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

from roadwarden.data.synthetic.archive import Visit, write_sample_archive
from roadwarden.data.synthetic.camera import Camera
from roadwarden.data.synthetic.drive import Drive
from roadwarden.taxonomy import DistressType, to_rdd

COLUMNS = ("image", "source", "part", "group", "place")
PLACE_M = 4.0
"""Frames taken within as many metres are one place. A frame shows 14 m: neighbours overlap, as real places do."""
MOTORBIKE = Camera(width_px=512, height_px=512, focal_px=530, height_m=1.4, pitch_deg=32, lateral_m=0.9)
"""Square and steep, much as RDD2022's China_MotorBike looks at the road."""
EDGES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True, slots=True)
class RiddenStreet:
    """One street of its own, driven along once: a group of the data set."""

    source: str
    part: str
    group: str
    seed: int  # the same seed is the same street
    frames: int = 8  # one a metre
    camera: Camera = field(default_factory=lambda: Drive().camera)


def write_synthetic_roads(root: Path, streets: Sequence[RiddenStreet]) -> Path:
    """Writes the streets below ``root``, which is returned; the same streets give the same pictures.

    A frame is ``<source>/images/<group>_<number>.jpg``. Groups must not be named twice.
    """
    named = [street.group for street in streets]
    if len(set(named)) < len(named):
        raise ValueError(f"every street needs a group of its own, not {', '.join(named)}")
    rows = [row for street in streets for row in _write_street(root, street)]
    with (root / "splits.csv").open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([COLUMNS, *rows])
    return root


def _write_street(root: Path, street: RiddenStreet) -> Iterator[tuple[str, ...]]:
    """The rows of splits.csv; pictures and annotations are written on the way."""
    images, annotations = (root / street.source / folder for folder in ("images", "annotations"))
    for folder in (images, annotations):
        folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        visit = Visit(drive=Drive(camera=street.camera))
        archive = write_sample_archive(Path(scratch), seed=street.seed, frames=street.frames, visit=visit)
        for frame in json.loads((archive / "truth.json").read_text(encoding="utf-8"))["frames"]:
            name = f"{street.group}_{Path(frame['frame']).stem}"
            shutil.copyfile(archive / frame["frame"], images / f"{name}.jpg")
            _annotation(frame).write(annotations / f"{name}.xml", encoding="utf-8")
            place = f"{street.group}-p{int(frame['at_x_m'] // PLACE_M)}"
            yield f"{street.source}/images/{name}.jpg", street.source, street.part, street.group, place


def _annotation(frame: dict[str, Any]) -> ElementTree.ElementTree[ElementTree.Element]:
    """One row of ``truth.json`` as PASCAL VOC with RDD2022's labels."""
    root = ElementTree.Element("annotation")
    size = ElementTree.SubElement(root, "size")
    for side in ("width", "height"):
        ElementTree.SubElement(size, side).text = str(frame["camera"][f"{side}_px"])
    for box in frame["boxes"]:
        node = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(node, "name").text = to_rdd(DistressType(box["type"]))
        corners = ElementTree.SubElement(node, "bndbox")
        for edge, value in zip(EDGES, box["box_xyxy"], strict=True):
            ElementTree.SubElement(corners, edge).text = str(value)
    return ElementTree.ElementTree(root)
