"""Label Studio: tasks with the model's boxes, the labelling page in both languages, and its JSON export back.

Boxes are in percent of the picture, rotated clockwise around their upper left corner. Checked against Label Studio
1.23 (docs/review.md); tests/data/label_studio_export.json was exported by it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import quoteattr

from roadwarden.data.review_manifest import Manifest, ReviewFrame
from roadwarden.data.review_pass import Box, Drawn, Export, Pass, Refused, read_json, time_of
from roadwarden.errors import DataError
from roadwarden.taxonomy import DistressType, Language, names
from roadwarden.vision.drawing import hex_colour

CONTROL, PICTURE, KIND = "distress", "picture", "rectanglelabels"
LOCAL_FILES = "/data/local-files/?d="
HEADERS = {
    Language.ENGLISH: "Draw a box round every distress. Nothing there? Submit without a box.",
    Language.CHINESE: "请框出每一处病害; 没有病害时直接提交。",
}


def label_config(labels: Sequence[DistressType], language: Language) -> str:
    """The labelling page. The alias is what is exported, so both languages give the same results."""
    rows = [
        f"    <Label value={quoteattr(names(one, language))} alias={quoteattr(str(one))} "
        f"background={quoteattr(hex_colour(one))} hotkey={quoteattr(str(number))}/>"
        for number, one in enumerate(labels, 1)
    ]
    return "\n".join(
        [
            "<View>",
            f"  <Header value={quoteattr(HEADERS[language])}/>",
            f'  <Image name="{PICTURE}" value="$image" zoom="true" zoomControl="true"/>',
            f'  <RectangleLabels name="{CONTROL}" toName="{PICTURE}" canRotate="false">',
            *rows,
            "  </RectangleLabels>",
            "</View>",
            "",
        ]
    )


def tasks(manifest: Manifest, prefix: str) -> list[dict[str, Any]]:
    """The content of tasks.json; ``prefix`` is put before the picture's name to make its address."""
    return [_task(frame, manifest, prefix) for frame in manifest.frames]


def _task(frame: ReviewFrame, manifest: Manifest, prefix: str) -> dict[str, Any]:
    data = {
        "image": prefix + frame.picture,
        "review": manifest.review,
        "frame": frame.frame,
        "picture_sha256": frame.picture_sha256,
        "why": str(frame.why),
        "reasons": "; ".join(frame.reasons),
    }
    task: dict[str, Any] = {"data": data}
    if frame.predicted and not (frame.audit and manifest.settings.audit_blind):
        results = [_result(frame, number) for number in range(len(frame.predicted))]
        best = max(one.score for one in frame.predicted)
        task["predictions"] = [{"model_version": frame.model, "score": best, "result": results}]
    return task


def _result(frame: ReviewFrame, number: int) -> dict[str, Any]:
    one = frame.predicted[number]
    value = to_percent(one.box_xyxy, frame.width, frame.height)
    return {
        "id": f"{PurePosixPath(frame.picture).stem[:10]}-{number}",
        "type": KIND,
        "from_name": CONTROL,
        "to_name": PICTURE,
        "original_width": frame.width,
        "original_height": frame.height,
        "image_rotation": 0,
        "score": one.score,
        "value": {**value, "rotation": 0, KIND: [str(one.type)]},
    }


def to_percent(box: Box, width: int, height: int) -> dict[str, float]:
    """A box in pixels as Label Studio has it."""
    x1, y1, x2, y2 = box
    return {
        "x": 100 * x1 / width,
        "y": 100 * y1 / height,
        "width": 100 * (x2 - x1) / width,
        "height": 100 * (y2 - y1) / height,
    }


def to_pixels(value: Mapping[str, Any], width: int, height: int) -> Box:
    """The upright hull in pixels; a box that was drawn towards the upper left has negative sides.

    Raises ValueError, TypeError or KeyError where a number is missing or is none.
    """
    x, y = float(value["x"]) * width / 100, float(value["y"]) * height / 100
    across, down = float(value["width"]) * width / 100, float(value["height"]) * height / 100
    if not all(map(math.isfinite, (x, y, across, down))):
        raise ValueError("a coordinate is not a finite number")
    angle = math.radians(float(value.get("rotation") or 0))
    cosine, sine = math.cos(angle), math.sin(angle)
    corners = [(x + u * cosine - v * sine, y + u * sine + v * cosine) for u in (0, across) for v in (0, down)]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def read_export(place: Path) -> Export:
    """A JSON export. Raises DataError for what is none: JSON-MIN, COCO, YOLO exports lack who, when and which task."""
    content = read_json(place)
    if not isinstance(content, list) or not all(isinstance(task, dict) and "data" in task for task in content):
        raise DataError(
            f"{place}: not a JSON export of Label Studio (a list of tasks with 'data' and 'annotations'); "
            "choose 'JSON' and not 'JSON-MIN' in Label Studio's export dialogue"
        )
    passes: list[Pass] = []
    untouched: list[str] = []
    for number, task in enumerate(content):
        name = f"task {task.get('id', number)}"
        annotations = [one for one in task.get("annotations") or [] if isinstance(one, dict)]
        passes += [_pass(name, task["data"], one) for one in annotations]
        if not annotations:
            untouched.append(str(task["data"].get("frame") or name))
    return Export(tuple(passes), tuple(untouched))


def _pass(task: str, data: Mapping[str, Any], annotation: Mapping[str, Any]) -> Pass:
    number = str(annotation.get("id") or annotation.get("unique_id") or "")
    drawn: list[Drawn] = []
    refused: list[Refused] = []
    sizes: set[tuple[int, int]] = set()
    for result in annotation.get("result") or []:
        try:
            drawn.append(_drawn(result))
            sizes.add((int(result["original_width"]), int(result["original_height"])))
        except (KeyError, TypeError, ValueError) as exc:
            why = f"no number for {exc}" if isinstance(exc, KeyError) else str(exc)
            row = json.dumps(result, ensure_ascii=False, sort_keys=True)
            refused.append(Refused(f"{task}, annotation {number}", why, row))
    return Pass(
        task=task,
        review=str(data.get("review") or ""),
        frame=str(data.get("frame") or ""),
        picture=PurePosixPath(unquote(str(data.get("image") or ""))).name,
        picture_sha256=str(data.get("picture_sha256") or ""),
        sizes=frozenset(sizes),
        annotation=number,
        annotator=_annotator(annotation.get("completed_by")),
        updated_at=time_of(annotation.get("updated_at")) or time_of(annotation.get("created_at")),
        cancelled=bool(annotation.get("was_cancelled")),
        ground_truth=bool(annotation.get("ground_truth")),
        drawn=tuple(drawn),
        refused=tuple(refused),
    )


def _drawn(result: Mapping[str, Any]) -> Drawn:
    """Raises ValueError for what is no labelled rectangle, and what ``to_pixels`` raises."""
    if result.get("type") != KIND:
        raise ValueError(f"a result of type '{result.get('type')}' is no labelled box")
    if result.get("image_rotation"):
        raise ValueError("the picture was turned while it was labelled; turn it back and draw the box again")
    value = result["value"]
    labels = value.get(KIND) or []
    if len(labels) != 1:
        raise ValueError(f"a box needs one label, this one has {len(labels)}")
    box = to_pixels(value, int(result["original_width"]), int(result["original_height"]))
    return Drawn(box, str(labels[0]), turned=bool(value.get("rotation")))


def _annotator(who: object) -> str:
    """An id and never a name or an address: exports carry either a number or a whole person."""
    if isinstance(who, Mapping):
        who = who.get("id")
    return "" if who is None else str(who)
