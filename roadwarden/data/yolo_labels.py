"""YOLO label files: a line a box (class, centre x, centre y, width, height) or polygon, as shares of the frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml
from PIL import Image, UnidentifiedImageError

from roadwarden.data.labels import Box, known_boxes, type_of_label
from roadwarden.data.voc import AnnotatedFrame
from roadwarden.errors import DataError
from roadwarden.taxonomy import DistressType

ORIENTATION, ON_ITS_SIDE = 0x0112, frozenset({5, 6, 7, 8})
DESCRIPTIONS = ("data.yaml", "dataset.yaml", "data.yml", "dataset.yml")


def read_yolo(image: Path, labels: Path, classes: Sequence[DistressType | None]) -> AnnotatedFrame:
    """Reads one label file; a missing one means a frame without distress, as in YOLO itself.

    Raises DataError for a line that is not YOLO, and where the picture's size cannot be read.
    """
    width, height = picture_size(image)
    lines = labels.read_text(encoding="utf-8").splitlines() if labels.is_file() else []
    rows = [_row(line, classes, (width, height), f"{labels}:{n}") for n, line in enumerate(lines, 1) if line.strip()]
    boxes, types = known_boxes(rows)
    return AnnotatedFrame(path=image, width=width, height=height, boxes_xyxy=boxes, types=types)


def read_classes(folder: Path) -> tuple[DistressType | None, ...]:
    """Types by class index from the folder's ``data.yaml`` (``names``) or ``classes.txt``; None for no distress."""
    described = next((folder / name for name in DESCRIPTIONS if (folder / name).is_file()), None)
    listed = folder / "classes.txt"
    if described is not None:
        return _names_of(described)
    if listed.is_file():
        return tuple(type_of_label(line) for line in listed.read_text(encoding="utf-8").splitlines() if line.strip())
    raise DataError(f"{folder}: neither {' nor '.join(DESCRIPTIONS[:2])} nor classes.txt says what the classes are")


def labels_of(image: Path) -> Path:
    """``.../labels/x.txt`` for ``.../images/x.jpg``; beside the picture where no folder is called images."""
    parts = list(image.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return Path(*parts).with_suffix(".txt")


def picture_size(image: Path) -> tuple[int, int]:
    """(width, height) as people see it, EXIF rotation applied; raises DataError."""
    try:
        with Image.open(image) as picture:
            width, height = picture.size
            turned = picture.getexif().get(ORIENTATION) in ON_ITS_SIDE
    except (OSError, UnidentifiedImageError) as exc:
        raise DataError(f"{image}: its size cannot be read: {exc}") from exc
    return (height, width) if turned else (width, height)


def _names_of(place: Path) -> tuple[DistressType | None, ...]:
    try:
        names = yaml.safe_load(place.read_text(encoding="utf-8"))["names"]
        ordered = [names[index] for index in range(len(names))]
    except (yaml.YAMLError, KeyError, TypeError) as exc:
        raise DataError(f"{place}: 'names' must be a list, or a mapping of 0, 1, 2 ... to names") from exc
    return tuple(type_of_label(str(name)) for name in ordered)


def _row(
    line: str, classes: Sequence[DistressType | None], size: tuple[int, int], where: str
) -> tuple[Box, DistressType | None]:
    try:
        index, *shares = line.split()
        return _box([float(share) for share in shares], size), classes[_index(index, len(classes))]
    except ValueError as exc:
        raise DataError(f"{where}: not a YOLO label: {exc}") from exc


def _index(text: str, classes: int) -> int:
    index = int(text)
    if not 0 <= index < classes:
        raise ValueError(f"class {index}, but there are {classes} classes")
    return index


def _box(shares: Sequence[float], size: tuple[int, int]) -> Box:
    width, height = size
    if len(shares) == 4:
        x, y, w, h = shares
        return (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height
    if len(shares) >= 6 and len(shares) % 2 == 0:
        xs, ys = shares[::2], shares[1::2]
        return min(xs) * width, min(ys) * height, max(xs) * width, max(ys) * height
    raise ValueError(f"{len(shares)} numbers after the class; a box has 4, a polygon 6 or more in pairs")
