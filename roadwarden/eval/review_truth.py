"""The reviewed frames as a data set: what training and 'roadwarden eval types' read, audit and the rest apart."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import yaml

from roadwarden.data.review_manifest import PICTURES, Manifest, ReviewFrame
from roadwarden.eval.drift_blocks import cell_of
from roadwarden.eval.review_check import Looked
from roadwarden.eval.review_store import chosen
from roadwarden.taxonomy import DistressType, to_rdd

SOURCE, GROUP_M = "review", 100.0
AUDIT, AUDIT_UNJUDGED, TRAIN = "audit", "audit_unjudged", "train"
"""Parts in splits.csv. An audited frame is never in train: what measures must not teach."""


def write_truth(folder: Path, passes: Sequence[Looked], manifest: Manifest, review: Path) -> int:
    """Pictures, PASCAL VOC, YOLO labels and splits.csv of the passes that count; returns the number of frames."""
    frames = {one.frame: one for one in manifest.frames}
    counting = chosen(passes)
    if folder.exists():
        shutil.rmtree(folder)
    for name in ("images", "annotations", "labels"):
        (folder / name).mkdir(parents=True)
    rows = []
    for one in passes:
        if (one.frame, one.annotation) not in counting:
            continue
        frame = frames[one.frame]
        stem = Path(frame.picture).stem
        shutil.copyfile(review / PICTURES / frame.picture, folder / "images" / frame.picture)
        (folder / "annotations" / f"{stem}.xml").write_bytes(voc_of(frame, one))
        lines = "".join(line + "\n" for line in yolo_of(frame, one, manifest.labels))
        (folder / "labels" / f"{stem}.txt").write_text(lines, encoding="utf-8")
        rows.append([f"images/{frame.picture}", SOURCE, part_of(frame), group_of(frame), ""])
    _write_index(folder, rows, manifest.labels)
    return len(rows)


def part_of(frame: ReviewFrame) -> str:
    """Audit or training; audited frames that the detector never saw are apart, or they would pass for misses."""
    if not frame.audit:
        return TRAIN
    return AUDIT if frame.judged else AUDIT_UNJUDGED


def group_of(frame: ReviewFrame) -> str:
    """The 100 m of road it shows: frames of one group must not be split; the frame itself without a position."""
    if frame.lat is None or frame.lon is None:
        return f"frame:{frame.frame}"
    row, column = cell_of(np.array(frame.lat), np.array(frame.lon), GROUP_M)
    return f"cell:{int(row)}:{int(column)}"


def voc_of(frame: ReviewFrame, one: Looked) -> bytes:
    """A PASCAL VOC file with RDD2022 labels, to a hundredth of a pixel; a type RDD lacks keeps its own id."""
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = frame.picture
    size = ElementTree.SubElement(root, "size")
    for name, number in (("width", frame.width), ("height", frame.height), ("depth", 3)):
        ElementTree.SubElement(size, name).text = str(number)
    for box, distress in zip(one.boxes, one.types, strict=True):
        node = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(node, "name").text = to_rdd(distress) or str(distress)
        edges = ElementTree.SubElement(node, "bndbox")
        for name, edge in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True):
            ElementTree.SubElement(edges, name).text = f"{edge:.2f}"
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8")) + b"\n"


def yolo_of(frame: ReviewFrame, one: Looked, labels: Sequence[DistressType]) -> list[str]:
    """A line a box: class, centre and sides as shares of the picture."""
    lines = []
    for (x1, y1, x2, y2), distress in zip(one.boxes, one.types, strict=True):
        shares = ((x1 + x2) / 2 / frame.width, (y1 + y2) / 2 / frame.height, (x2 - x1) / frame.width,
                  (y2 - y1) / frame.height)  # fmt: skip
        lines.append(" ".join([str(labels.index(distress)), *(f"{share:.6f}" for share in shares)]))
    return lines


def _write_index(folder: Path, rows: Sequence[Sequence[str]], labels: Sequence[DistressType]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["image", "source", "part", "group", "place"])
    table.writerows(rows)
    (folder / "splits.csv").write_text(text.getvalue(), encoding="utf-8")
    described = {"path": ".", "train": "images", "val": "images", "names": [str(one) for one in labels]}
    (folder / "data.yaml").write_text(yaml.safe_dump(described, sort_keys=False), encoding="utf-8")
