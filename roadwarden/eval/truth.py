"""Reads what is there, at the edge: a data set in any of four forms, each frame with its street and place."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from roadwarden.data.archives.base import FRAME_ENDINGS
from roadwarden.data.coco import read_coco
from roadwarden.data.splits import annotated, read_splits, select
from roadwarden.data.voc import AnnotatedFrame, read_voc
from roadwarden.data.yolo_labels import labels_of, read_classes, read_yolo
from roadwarden.errors import DataError


class TruthFormat(StrEnum):
    """The form a data set comes in."""

    ROADS = "roads"  # splits.csv, pictures in images/, PASCAL VOC in annotations/
    VOC = "voc"  # annotations/*.xml beside images/ (or JPEGImages/, or in one folder)
    YOLO = "yolo"  # images/**, labels/**, data.yaml or classes.txt
    COCO = "coco"  # a JSON file, or a folder that holds just one; paths from images/ where it exists


@dataclass(frozen=True, slots=True)
class TrueFrame:
    """A frame with its true boxes; ``place`` is empty where none is known."""

    name: str  # relative to the data set, forward slashes
    group: str
    place: str
    annotated: AnnotatedFrame


@dataclass(frozen=True, slots=True)
class Truth:
    """The frames of a data set, and what a reader of the figures must know of them."""

    frames: tuple[TrueFrame, ...]
    notes: tuple[str, ...] = ()


def read_truth(
    folder: Path,
    form: TruthFormat,
    *,
    source: str = "",
    part: str | Sequence[str] = (),
    groups: Path | None = None,
) -> Truth:
    """Reads a data set; ``source`` and ``part`` (one or several) choose from splits.csv, ``groups`` is a CSV with
    image, group and place.

    Without groups every frame is its own, with a note: sightings of one street then pass for independent ones.
    """
    if form is TruthFormat.ROADS:
        rows = select(read_splits(folder), source, [part] if isinstance(part, str) else part)
        frames = [TrueFrame(row.image, row.group, row.place, annotated(folder, row)) for row in rows]
    else:
        root = folder if folder.is_dir() else folder.parent
        frames = [TrueFrame(_name(one.path, root), "", "", one) for one in READERS[form](folder)]
    if not frames:
        raise DataError(f"{folder}: no annotated frame of format '{form}' in it")
    return _grouped(frames, groups)


def _grouped(frames: Sequence[TrueFrame], groups: Path | None) -> Truth:
    if groups is not None:
        known = read_groups(groups)
        missing = [frame.name for frame in frames if frame.name not in known]
        if missing:
            raise DataError(f"{groups}: no row for {len(missing)} of {len(frames)} frames, such as {missing[0]}")
        return Truth(
            tuple(replace(frame, group=group, place=place) for frame in frames for group, place in [known[frame.name]])
        )
    if any(frame.group for frame in frames):
        return Truth(tuple(frames))
    note = "no groups were given: every frame passes for a street of its own, and the intervals may be too narrow"
    return Truth(tuple(replace(frame, group=frame.name) for frame in frames), (note,))


def read_groups(place: Path) -> dict[str, tuple[str, str]]:
    """Image to (group, place) from a CSV with columns image, group and, if known, place; splits.csv is one."""
    try:
        with place.open(newline="", encoding="utf-8-sig") as handle:
            return {row["image"]: (row["group"], row.get("place") or "") for row in csv.DictReader(handle)}
    except OSError as exc:
        raise DataError(f"{place}: cannot be read: {exc.strerror}") from exc
    except (KeyError, ValueError) as exc:
        raise DataError(f"{place}: not a CSV with the columns image, group and place ({exc})") from exc


def _read_voc_folder(folder: Path) -> list[AnnotatedFrame]:
    return [read_voc(_picture_of(one), one) for one in sorted(folder.rglob("*.xml"))]


def _picture_of(annotation: Path) -> Path:
    beside = annotation.parent.parent
    folders = (beside / "images", beside / "JPEGImages", annotation.parent)
    places = [folder / f"{annotation.stem}{ending}" for folder in folders for ending in sorted(FRAME_ENDINGS)]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise DataError(f"{annotation}: no picture {annotation.stem}.* in images/, JPEGImages/ or beside it")
    return found


def _read_yolo_folder(folder: Path) -> list[AnnotatedFrame]:
    classes = read_classes(folder)
    pictures = sorted(one for one in folder.rglob("*") if one.suffix.lower() in FRAME_ENDINGS)
    if pictures and not any(labels_of(one).is_file() for one in pictures):
        raise DataError(
            f"{folder}: not one of {len(pictures)} pictures has a label file, such as {labels_of(pictures[0])}"
        )
    return [read_yolo(one, labels_of(one), classes) for one in pictures]


def _read_coco_folder(folder: Path) -> list[AnnotatedFrame]:
    files = [folder] if folder.is_file() else sorted([*folder.glob("*.json"), *folder.glob("annotations/*.json")])
    if len(files) != 1:
        raise DataError(f"{folder}: {len(files)} JSON files; name the COCO file itself with --truth")
    root = folder if folder.is_dir() else folder.parent
    return read_coco(files[0], root / "images" if (root / "images").is_dir() else root)


READERS = {
    TruthFormat.VOC: _read_voc_folder,
    TruthFormat.YOLO: _read_yolo_folder,
    TruthFormat.COCO: _read_coco_folder,
}


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
