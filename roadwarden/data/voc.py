"""PASCAL VOC annotations, the form RDD2022 comes in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from roadwarden.errors import DataError
from roadwarden.taxonomy import DistressType, from_rdd


@dataclass(frozen=True, slots=True)
class AnnotatedFrame:
    """One picture with its true boxes; labels that the taxonomy does not map are left out."""

    path: Path
    width: int
    height: int
    boxes_xyxy: npt.NDArray[np.float32]  # (n, 4), pixels
    types: tuple[DistressType, ...]


def of_types(frame: AnnotatedFrame, types: Collection[DistressType]) -> AnnotatedFrame:
    """The frame with only its boxes of those types."""
    rows = [row for row, distress in enumerate(frame.types) if distress in types]
    return replace(frame, boxes_xyxy=frame.boxes_xyxy[rows], types=tuple(frame.types[row] for row in rows))


def read_voc(image: Path, annotation: Path) -> AnnotatedFrame:
    """Reads one VOC file; raises DataError where it is missing or not VOC."""
    try:
        root = ElementTree.parse(annotation).getroot()
        width, height = (int(root.findtext(f"size/{side}", "")) for side in ("width", "height"))
        boxes = [_read_object(node) for node in root.iter("object")]
    except (OSError, ElementTree.ParseError, ValueError) as exc:
        raise DataError(f"{annotation}: not a PASCAL VOC annotation: {exc}") from exc
    known = [(box, distress) for box, distress in boxes if distress is not None and box[2] > box[0] and box[3] > box[1]]
    return AnnotatedFrame(
        path=image,
        width=width,
        height=height,
        boxes_xyxy=np.array([box for box, _ in known], dtype=np.float32).reshape(-1, 4),
        types=tuple(distress for _, distress in known),
    )


def _read_object(node: ElementTree.Element) -> tuple[tuple[float, ...], DistressType | None]:
    box = tuple(float(node.findtext(f"bndbox/{edge}", "")) for edge in ("xmin", "ymin", "xmax", "ymax"))
    return box, from_rdd(node.findtext("name", "").strip())
