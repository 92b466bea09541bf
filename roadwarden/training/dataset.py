"""Turns annotated sources into the folder layout that Ultralytics trains from."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from roadwarden.data.voc import AnnotatedFrame, read_voc
from roadwarden.errors import DataError
from roadwarden.taxonomy import DistressType
from roadwarden.training.recipe import Recipe, SourceChoice

logger = logging.getLogger(__name__)


def choose_frames(roads: Path, choice: SourceChoice) -> list[AnnotatedFrame]:
    """The frames of one source and part in the order of ``splits.csv``, thinned as the recipe says."""
    splits = roads / "splits.csv"
    if not splits.is_file():
        raise DataError(f"{splits}: not found; --roads names the folder that holds splits.csv")
    with splits.open(newline="", encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if (row["source"], row["part"]) == (choice.source, choice.part)]
    if not rows:
        raise DataError(f"{splits}: no frame of source '{choice.source}', part '{choice.part}'")
    frames = [read_voc(roads / row["image"], _annotation_of(roads / row["image"])) for row in rows]
    if choice.only_with:
        frames = [frame for frame in frames if set(choice.only_with) & set(frame.types)]
    return frames[:: choice.every]


def _annotation_of(image: Path) -> Path:
    return image.parent.parent / "annotations" / f"{image.stem}.xml"


def yolo_lines(frame: AnnotatedFrame, classes: Sequence[DistressType]) -> list[str]:
    """One line a box: class index, centre x, centre y, width, height, all as shares of the frame."""
    lines = []
    for distress, (x1, y1, x2, y2) in zip(frame.types, frame.boxes_xyxy.tolist(), strict=True):
        if distress not in classes:
            continue
        shares = (
            (x1 + x2) / 2 / frame.width,
            (y1 + y2) / 2 / frame.height,
            (x2 - x1) / frame.width,
            (y2 - y1) / frame.height,
        )
        lines.append(" ".join([str(classes.index(distress)), *(f"{share:.6f}" for share in shares)]))
    return lines


def write_dataset(recipe: Recipe, roads: Path, out: Path) -> Path:
    """Links the pictures and writes the labels below ``out``; returns the dataset file for Ultralytics."""
    parts = {"train": recipe.sources, "val": recipe.validation}
    for part, choices in parts.items():
        frames = [frame for choice in choices for frame in choose_frames(roads, choice)]
        _write_part(frames, recipe.classes, out, part)
        logger.info("%s: %d frames", part, len(frames))
    description = {
        "path": str(out.resolve()),
        "train": "images/train",
        "val": "images/val",
        "names": {index: str(distress) for index, distress in enumerate(recipe.classes)},
    }
    dataset = out / "dataset.yaml"
    dataset.write_text(yaml.safe_dump(description, sort_keys=False), encoding="utf-8")
    return dataset


def _write_part(frames: Iterable[AnnotatedFrame], classes: Sequence[DistressType], out: Path, part: str) -> None:
    images, labels = out / "images" / part, out / "labels" / part
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    for stale in [*images.iterdir(), *labels.iterdir()]:
        stale.unlink()
    for frame in frames:
        (images / frame.path.name).symlink_to(frame.path.resolve())
        (labels / f"{frame.path.stem}.txt").write_text("\n".join(yolo_lines(frame, classes)), encoding="utf-8")
