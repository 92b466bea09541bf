"""COCO annotations: boxes of a whole data set in one JSON file."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from roadwarden.data.labels import known_boxes, type_of_label
from roadwarden.data.voc import AnnotatedFrame
from roadwarden.errors import DataError
from roadwarden.taxonomy import TAXONOMY_VERSION, DistressType

CATEGORY_IDS = {one: index for index, one in enumerate(DistressType, 1)}
"""What we write; a file may number them otherwise."""


def read_coco(annotations: Path, images: Path) -> list[AnnotatedFrame]:
    """The frames in order of their COCO ids, paths below ``images``; annotations of crowds are left out.

    Raises DataError where it is not COCO, or a category is neither a type of ours nor an RDD2022 label.
    """
    try:
        content = json.loads(annotations.read_text(encoding="utf-8"))
        boxes = _boxes_by_image(content)
        return [_frame(image, boxes[image["id"]], images) for image in sorted(content["images"], key=lambda i: i["id"])]
    except OSError as exc:
        raise DataError(f"{annotations}: cannot be read: {exc.strerror}") from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise DataError(f"{annotations}: not a COCO annotation file: {type(exc).__name__} {exc}") from exc


def write_coco(place: Path, frames: Sequence[AnnotatedFrame], images: Path) -> None:
    """Writes boxes with ids from 1 in the order given; file names are relative to ``images``, with forward slashes."""
    content = {
        "info": {"description": "Roadwarden", "version": TAXONOMY_VERSION},
        "images": [
            {"id": n, "file_name": one.path.relative_to(images).as_posix(), "width": one.width, "height": one.height}
            for n, one in enumerate(frames, 1)
        ],
        "categories": [{"id": number, "name": str(one)} for one, number in CATEGORY_IDS.items()],
        "annotations": [{"id": n} | row for n, row in enumerate(_annotations(frames), 1)],
    }
    place.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _boxes_by_image(content: Any) -> dict[int, list[Any]]:
    types = {one["id"]: type_of_label(one["name"]) for one in content["categories"]}
    boxes = defaultdict(list)
    for one in content["annotations"]:
        if not one.get("iscrowd"):
            x, y, width, height = map(float, one["bbox"])
            boxes[one["image_id"]].append(((x, y, x + width, y + height), types[one["category_id"]]))
    return boxes


def _frame(image: Any, rows: Sequence[Any], images: Path) -> AnnotatedFrame:
    boxes, types = known_boxes(rows)
    place = images / image["file_name"]
    return AnnotatedFrame(place, int(image["width"]), int(image["height"]), boxes_xyxy=boxes, types=types)


def _annotations(frames: Iterable[AnnotatedFrame]) -> Iterable[dict[str, Any]]:
    for number, frame in enumerate(frames, 1):
        for (x1, y1, x2, y2), distress in zip(frame.boxes_xyxy.tolist(), frame.types, strict=True):
            box, category = [x1, y1, x2 - x1, y2 - y1], CATEGORY_IDS[distress]
            yield {"image_id": number, "category_id": category, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
