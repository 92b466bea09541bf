"""A review that comes back as COCO, for tools that do not speak Label Studio's JSON."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from roadwarden.data.review_pass import Drawn, Export, Pass, Refused, read_json
from roadwarden.errors import DataError


def read_coco_passes(place: Path, *, annotator: str, empty_is_reviewed: bool) -> Export:
    """Every image as one pass of ``annotator``; labels stay text, so that the importer can name the nearest.

    COCO cannot say whether anyone looked at an image without boxes: unless ``empty_is_reviewed`` it is untouched.
    Raises DataError for what is no COCO file.
    """
    content = read_json(place)
    try:
        names = {one["id"]: str(one["name"]) for one in content["categories"]}
        rows: dict[Any, list[dict[str, Any]]] = {image["id"]: [] for image in content["images"]}
        lost = []
        for one in content["annotations"]:
            if one["image_id"] in rows:
                rows[one["image_id"]].append(one)
            else:
                lost.append(Refused(f"annotation {one.get('id')}", "belongs to no image of the file"))
        passes, untouched = [], []
        for image in content["images"]:
            if rows[image["id"]] or empty_is_reviewed:
                passes.append(_pass(image, rows[image["id"]], names, annotator))
            else:
                untouched.append(str(image["file_name"]))
    except (KeyError, TypeError, ValueError) as exc:
        raise DataError(f"{place}: not a COCO annotation file: {type(exc).__name__} {exc}") from exc
    return Export(tuple(passes), tuple(untouched), tuple(lost))


def _pass(image: dict[str, Any], rows: list[dict[str, Any]], names: dict[Any, str], annotator: str) -> Pass:
    drawn = []
    for one in rows:
        x, y, width, height = map(float, one["bbox"])
        drawn.append(Drawn((x, y, x + width, y + height), names[one["category_id"]]))
    name = str(image["file_name"])
    return Pass(
        task=f"image {name}",
        review="",
        frame="",
        picture=PurePosixPath(name).name,
        picture_sha256="",
        sizes=frozenset({(int(image["width"]), int(image["height"]))}),
        annotation=f"coco:{annotator}",
        annotator=annotator,
        updated_at=None,
        cancelled=False,
        ground_truth=False,
        drawn=tuple(drawn),
    )
