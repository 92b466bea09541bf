"""Turns annotated sources into the folder layout that Ultralytics trains from."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import yaml

from roadwarden.data.splits import FOLDED_PARTS, FOLDED_SOURCE, annotated, read_folds, read_splits, select
from roadwarden.data.voc import AnnotatedFrame
from roadwarden.detections import Detections, Image
from roadwarden.errors import ConfigError, DataError
from roadwarden.taxonomy import DistressType
from roadwarden.training.paste import Donor, cut_donors, paste_rare
from roadwarden.training.recipe import Recipe, SourceChoice
from roadwarden.vision.decode import decode
from roadwarden.vision.drawing import draw

logger = logging.getLogger(__name__)

SHEET_COLUMNS, SHEET_ROWS, SHEET_TILE_PX = 6, 3, 320
RARE = frozenset({DistressType.POTHOLE, DistressType.PATCH})
PASTED_QUALITY = 92
"""JPEG quality of pasted frames, near that of the data set's own."""


def choose_frames(roads: Path, choice: SourceChoice, held_out: frozenset[str] | None = None) -> list[AnnotatedFrame]:
    """The frames of one source and part in the order of ``splits.csv``, thinned as the recipe says.

    In a fold no source gives a group that is held out, and the folded source gives the rest of train and val.
    """
    folded = held_out is not None and choice.source == FOLDED_SOURCE
    rows = select(read_splits(roads), choice.source, FOLDED_PARTS if folded else (choice.part,))
    frames = [annotated(roads, row) for row in rows if row.group not in (held_out or ())]
    if choice.only_with:
        frames = [frame for frame in frames if set(choice.only_with) & set(frame.types)]
    return frames[:: choice.every]


def with_clean_cracks(frame: AnnotatedFrame, aspect: float) -> AnnotatedFrame:
    """The frame for training: wide longitudinal cracks become transverse ones; 0 changes nothing.

    Of the training boxes over 150 px wide and 2 to 8 times wider than high, 80 of 333 are labelled longitudinal, 76 of
    them in one group of streets (M014): the other groups call the same sight transverse.
    """
    if not aspect:
        return frame
    sides = frame.boxes_xyxy[:, 2:] - frame.boxes_xyxy[:, :2]
    wide = sides[:, 0] >= aspect * sides[:, 1]
    types = [
        DistressType.TRANSVERSE_CRACK if is_wide and one is DistressType.LONGITUDINAL_CRACK else one
        for is_wide, one in zip(wide.tolist(), frame.types, strict=True)
    ]
    return replace(frame, types=tuple(types))


def groups_of_fold(fold: int) -> frozenset[str]:
    """The groups that a fold holds out; raises ConfigError where there is no such fold."""
    groups = frozenset(group for group, number in read_folds().items() if number == fold)
    if not groups:
        raise ConfigError(f"there is no fold {fold}; the folds are {sorted(set(read_folds().values()))}")
    return groups


def held_out_frames(roads: Path, held_out: frozenset[str]) -> list[AnnotatedFrame]:
    """The frames of the groups that a fold does not train on."""
    return [annotated(roads, row) for row in read_splits(roads) if row.part in FOLDED_PARTS and row.group in held_out]


def yolo_lines(
    types: Sequence[DistressType],
    boxes: Iterable[Sequence[float]],
    size: tuple[int, int],
    classes: Sequence[DistressType],
) -> list[str]:
    """One line a box: class index, centre x, centre y, width, height, as shares of the frame's (width, height)."""
    width, height = size
    lines = []
    for distress, (x1, y1, x2, y2) in zip(types, boxes, strict=True):
        if distress not in classes:
            continue
        shares = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
        lines.append(" ".join([str(classes.index(distress)), *(f"{share:.6f}" for share in shares)]))
    return lines


def write_dataset(recipe: Recipe, roads: Path, out: Path, held_out: frozenset[str] | None = None) -> Path:
    """Links the pictures and writes the labels below ``out``; returns the dataset file for Ultralytics.

    With ``held_out`` those groups are what is validated on, and no others are kept from training.
    """
    train = [
        with_clean_cracks(frame, recipe.transverse_from_aspect)
        for choice in recipe.sources
        for frame in choose_frames(roads, choice, held_out)
        for _ in range(choice.repeat)
    ]
    if held_out is None:
        validation = [frame for choice in recipe.validation for frame in choose_frames(roads, choice)]
    else:
        validation = held_out_frames(roads, held_out)
    _write_part(train, recipe.classes, out, "train")
    _write_part(validation, recipe.classes, out, "val")
    if recipe.pasted_frames:
        _write_pasted(recipe, train, out)
    logger.info("train: %d frames and %d pasted, val: %d", len(train), recipe.pasted_frames, len(validation))
    description = {
        "path": str(out.resolve()),
        "train": "images/train",
        "val": "images/val",
        "names": {index: str(distress) for index, distress in enumerate(recipe.classes)},
    }
    dataset = out / "dataset.yaml"
    dataset.write_text(yaml.safe_dump(description, sort_keys=False), encoding="utf-8")
    return dataset


def manifest_sha256(dataset: Path) -> str:
    """Hex digest over every training picture and label, by name: what a run was made from, in one line."""
    digest = hashlib.sha256()
    for place in sorted((dataset / "images/train").iterdir()):
        label = dataset / "labels/train" / f"{place.stem}.txt"
        digest.update(place.name.encode() + hashlib.sha256(place.read_bytes()).digest() + label.read_bytes())
    return digest.hexdigest()


def draw_sheet(dataset: Path, classes: Sequence[DistressType]) -> Path:
    """A picture of training frames with their boxes, evenly spaced over the set; beside the set, as sheet.jpg."""
    places = sorted((dataset / "images/train").iterdir())
    chosen = [places[round(step)] for step in np.linspace(0, len(places) - 1, SHEET_COLUMNS * SHEET_ROWS)]
    tiles = [_tile(place, dataset / "labels/train" / f"{place.stem}.txt", classes) for place in chosen]
    rows = [np.hstack(tiles[start : start + SHEET_COLUMNS]) for start in range(0, len(tiles), SHEET_COLUMNS)]
    sheet = dataset.parent / "sheet.jpg"
    cv2.imwrite(str(sheet), np.vstack(rows))
    return sheet


def _tile(picture: Path, label: Path, classes: Sequence[DistressType]) -> Image:
    tile = cv2.resize(decode(picture.read_bytes()), (SHEET_TILE_PX, SHEET_TILE_PX))
    rows = np.array([line.split() for line in label.read_text(encoding="utf-8").splitlines()], np.float32).reshape(
        -1, 5
    )
    centres, sides = rows[:, 1:3] * SHEET_TILE_PX, rows[:, 3:5] * SHEET_TILE_PX
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
    return draw(tile, Detections(boxes, tuple(classes[int(one)] for one in rows[:, 0]), np.ones(len(rows), np.float32)))


def _folders(out: Path, part: str) -> tuple[Path, Path]:
    images, labels = out / "images" / part, out / "labels" / part
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    return images, labels


def _write_part(frames: Iterable[AnnotatedFrame], classes: Sequence[DistressType], out: Path, part: str) -> None:
    images, labels = _folders(out, part)
    for stale in [*images.iterdir(), *labels.iterdir()]:
        stale.unlink()
    seen: dict[str, int] = {}
    for frame in frames:
        copy = seen[frame.path.name] = seen.get(frame.path.name, 0) + 1
        stem = frame.path.stem if copy == 1 else f"{frame.path.stem}__{copy}"
        (images / f"{stem}{frame.path.suffix}").symlink_to(frame.path.resolve())
        lines = yolo_lines(frame.types, frame.boxes_xyxy.tolist(), (frame.width, frame.height), classes)
        (labels / f"{stem}.txt").write_text("\n".join(lines), encoding="utf-8")


def _write_pasted(recipe: Recipe, frames: Sequence[AnnotatedFrame], out: Path) -> None:
    """Frames of the folded source that show nothing rare, with rare distress pasted in."""
    rng = np.random.default_rng(recipe.seed)
    streets = [frame for frame in frames if frame.path.parent.parent.name == FOLDED_SOURCE]
    bare = [frame for frame in streets if not RARE & set(frame.types)]
    if not bare:
        raise DataError(f"no frame of {FOLDED_SOURCE} without {' and '.join(sorted(RARE))} to paste into")
    donors = _donors(frame for frame in frames if frame.path.parent.parent.name != FOLDED_SOURCE)
    images, labels = _folders(out, "train")
    for number in range(recipe.pasted_frames):
        frame = bare[int(rng.integers(len(bare)))]
        texture = decode(bare[int(rng.integers(len(bare)))].path.read_bytes())
        picture, added = paste_rare(decode(frame.path.read_bytes()), frame.boxes_xyxy, donors, texture, rng)
        types = [*frame.types, *(distress for distress, _ in added)]
        boxes = [*frame.boxes_xyxy.tolist(), *(box for _, box in added)]
        lines = yolo_lines(types, boxes, (frame.width, frame.height), recipe.classes)
        stem = f"pasted_{number:05d}"
        cv2.imwrite(str(images / f"{stem}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, PASTED_QUALITY])
        (labels / f"{stem}.txt").write_text("\n".join(lines), encoding="utf-8")


def _donors(frames: Iterable[AnnotatedFrame]) -> list[Donor]:
    """Potholes of the other sources; each picture once, however often an epoch repeats it."""
    donors = []
    for frame in {frame.path: frame for frame in frames}.values():
        holes = [row for row, distress in enumerate(frame.types) if distress is DistressType.POTHOLE]
        if holes:
            donors.extend(cut_donors(decode(frame.path.read_bytes()), frame.boxes_xyxy[holes]))
    return donors
