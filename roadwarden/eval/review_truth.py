"""The reviewed frames as a data set: what training and 'roadwarden eval types' read, audit and the rest apart."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from roadwarden.data.review_manifest import PICTURES, Manifest, ReviewFrame
from roadwarden.eval.drift_blocks import cell_of
from roadwarden.eval.review_check import Looked
from roadwarden.eval.review_store import chosen
from roadwarden.inference.results import DETECTIONS, FRAMES
from roadwarden.inference.tables import DETECTION_COLUMNS, FRAME_COLUMNS, Column, schema_of
from roadwarden.taxonomy import DistressType, to_rdd

SOURCE, GROUP_M = "review", 100.0
SEEN = "seen"
"""Folder of the tables with what the job had seen in these frames, under their names here."""
AUDIT, AUDIT_UNJUDGED, TRAIN = "audit", "audit_unjudged", "train"
"""Parts in splits.csv. An audited frame is never in train: what measures must not teach."""


def write_truth(folder: Path, passes: Sequence[Looked], manifest: Manifest, review: Path) -> int:
    """Pictures, VOC, YOLO, splits.csv and what the job saw, of the passes that count; returns how many there are."""
    frames = {one.frame: one for one in manifest.frames}
    counting = chosen(passes)
    if folder.exists():
        shutil.rmtree(folder)
    for name in ("images", "annotations", "labels", SEEN):
        (folder / name).mkdir(parents=True)
    rows, shown = [], []
    for one in passes:
        if (one.frame, one.annotation) not in counting:
            continue
        frame = frames[one.frame]
        stem = Path(frame.picture).stem
        shutil.copyfile(review / PICTURES / frame.picture, folder / "images" / frame.picture)
        (folder / "annotations" / f"{stem}.xml").write_bytes(voc_of(frame, one))
        lines = "".join(line + "\n" for line in yolo_of(frame, one, manifest.labels))
        (folder / "labels" / f"{stem}.txt").write_text(lines, encoding="utf-8")
        shown.append(frame)
        rows.append([f"images/{frame.picture}", SOURCE, part_of(frame), group_of(frame), ""])
    _write_index(folder, rows, manifest.labels)
    _write_seen(folder / SEEN, shown)
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


def _write_seen(folder: Path, frames: Sequence[ReviewFrame]) -> None:
    """The very detections of the survey, so that 'roadwarden eval types' judges them and not a second run."""
    boxes: list[dict[str, object]] = [
        dict(zip(("x1", "y1", "x2", "y2"), box.box_xyxy, strict=True))
        | {"frame": f"images/{one.picture}", "type": str(box.type), "score": box.score, "model": one.model}
        for one in frames
        for box in one.predicted
    ]
    outcomes: list[dict[str, object]] = [
        {
            "frame": f"images/{one.picture}",
            "outcome": ("detected" if one.predicted else "clean") if one.judged else "poor_quality:not_judged",
            "detections": len(one.predicted),
            "sha256": one.picture_sha256,
            "width": one.width,
            "height": one.height,
            "captured_at": one.captured_at,
            "lat": one.lat,
            "lon": one.lon,
            "model": one.model,
        }
        for one in frames
    ]
    for name, columns, rows in ((DETECTIONS, DETECTION_COLUMNS, boxes), (FRAMES, FRAME_COLUMNS, outcomes)):
        pq.write_table(_table(rows, columns), folder / name)


def _table(rows: Sequence[dict[str, object]], columns: Sequence[Column]) -> pa.Table:
    empty = dict.fromkeys((column.name for column in columns), None)
    return pa.Table.from_pylist([{**empty, **row} for row in rows], schema=schema_of(tuple(columns)))
