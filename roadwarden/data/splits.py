"""``splits.csv``: which frame belongs to which part, group of streets and place; and the folds over the groups."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from roadwarden.data.masks import read_masks
from roadwarden.data.voc import AnnotatedFrame, read_voc
from roadwarden.errors import DataError

FOLDS = 5
FOLDED_SOURCE, FOLDED_PARTS = "china_motorbike", ("train", "val")
"""What the folds divide; rare distress is pasted into its streets."""


@dataclass(frozen=True, slots=True)
class SplitRow:
    """One frame; ``group`` is never shared between parts, ``place`` is empty where none is known."""

    image: str  # relative to the folder of splits.csv, forward slashes
    source: str
    part: str
    group: str
    place: str


def read_splits(roads: Path) -> list[SplitRow]:
    """The rows of ``roads/splits.csv`` in its order; raises DataError where it is missing or lacks a column."""
    place = roads / "splits.csv"
    if not place.is_file():
        raise DataError(f"{place}: not found; --roads names the folder that holds splits.csv")
    with place.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    try:
        return [SplitRow(**{name: row[name] for name in SplitRow.__slots__}) for row in rows]
    except KeyError as exc:
        raise DataError(f"{place}: has no column {exc}; it needs {', '.join(SplitRow.__slots__)}") from exc


def select(rows: Iterable[SplitRow], source: str, parts: Iterable[str]) -> list[SplitRow]:
    """The rows of one source and some parts; raises DataError where there is none."""
    wanted = tuple(parts)
    chosen = [row for row in rows if row.source == source and row.part in wanted]
    if not chosen:
        raise DataError(f"splits.csv: no frame of source '{source}', part '{' or '.join(wanted)}'")
    return chosen


def annotated(roads: Path, row: SplitRow) -> AnnotatedFrame:
    """The frame with its boxes: from VOC in ``annotations/`` beside ``images/``, or from pixel masks in ``masks/``."""
    image = roads / row.image
    if (image.parent.parent / "masks").is_dir():
        return read_masks(image)
    return read_voc(image, image.parent.parent / "annotations" / f"{image.stem}.xml")


def read_folds() -> dict[str, int]:
    """Group to fold, from the manifest that comes with us (``roadwarden/tables/folds.csv``).

    Five folds over the groups of train + val of china_motorbike. Fold 0 holds out exactly the groups of val, and the
    three groups with potholes lie in three folds, as do the three with patches. The groups of china_drone are dealt out
    in turn, so that every drone frame too is seen once by a model that was not shown it.
    """
    text = (resources.files("roadwarden") / "tables" / "folds.csv").read_text(encoding="utf-8")
    return {row["group"]: int(row["fold"]) for row in csv.DictReader(text.splitlines())}
