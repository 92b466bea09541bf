"""Holds what people handed back against the manifest: what fits is taken, what does not is refused with a reason."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from roadwarden.data.review_manifest import PICTURES, Manifest, ReviewFrame
from roadwarden.data.review_pass import Box, Drawn, Export, Pass, Refused
from roadwarden.errors import DataError
from roadwarden.taxonomy import DistressType, Language, names

UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-")
"""Label Studio puts it before the name of a picture that was uploaded by hand."""
LEAST_SIDE_PX = 1.0
CLIP_PX = 0.01
"""A box that reaches less than this over the picture's edge is rounding."""

Check = Callable[[Pass, ReviewFrame], str]


@dataclass(frozen=True, slots=True)
class Looked:
    """A pass that fits: one person, one frame, boxes inside the picture."""

    frame: str
    annotation: str
    annotator: str
    updated_at: datetime | None
    ground_truth: bool
    boxes: tuple[Box, ...]
    types: tuple[DistressType, ...]


@dataclass(slots=True)
class Checked:
    """Everything of an export, sorted: nothing is in none of the lists."""

    looked: list[Looked] = field(default_factory=list)
    cancelled: list[tuple[str, str]] = field(default_factory=list)  # (frame, annotation)
    refused: list[Refused] = field(default_factory=list)
    untouched: tuple[str, ...] = ()
    clipped: int = 0
    turned: int = 0


def check(export: Export, manifest: Manifest, folder: Path, name_of: Callable[[str], str]) -> Checked:
    """Sorts the passes; ``name_of`` is what an annotator is called from here on.

    Raises DataError for labels that the review does not know, all of them with the nearest: that is a wrong labelling
    page, not a wrong box.
    """
    known = known_labels(manifest.labels)
    _refuse_unknown(export, known)
    frames = {one.frame: one for one in manifest.frames}
    pictures = {one.picture: one for one in manifest.frames}
    changed = _Changed(folder)
    done = Checked(refused=list(export.refused), untouched=export.untouched)
    for one in export.passes:
        row = frames.get(one.frame) or pictures.get(UPLOAD_PREFIX.sub("", one.picture)) or pictures.get(one.picture)
        fault = "the task is not in the manifest of this review" if row is None else _fault(one, row, manifest, changed)
        if row is None or fault:
            done.refused.append(Refused(f"{one.task}, annotation {one.annotation}", fault, _boxes_of(one)))
        elif one.cancelled:
            done.cancelled.append((row.frame, one.annotation))
        else:
            _take(one, row, known, name_of, done)
    return done


def known_labels(labels: Sequence[DistressType]) -> dict[str, DistressType]:
    """Ids and names in both languages: which of them comes back depends on the labelling page."""
    texts = {one: (str(one), *(names(one, language) for language in Language)) for one in labels}
    return {text.casefold(): one for one, spellings in texts.items() for text in spellings}


def _refuse_unknown(export: Export, known: Mapping[str, DistressType]) -> None:
    unknown = sorted({box.label for one in export.passes for box in one.drawn if box.label.casefold() not in known})
    if not unknown:
        return
    hints = []
    for label in unknown:
        near = difflib.get_close_matches(label.casefold(), known, n=1, cutoff=0.5)
        hints.append(f"'{label}'" + (f" (did you mean '{known[near[0]]}'?)" if near else ""))
    wanted = ", ".join(dict.fromkeys(map(str, known.values())))
    raise DataError(f"unknown labels {', '.join(hints)}; this review knows {wanted}. Nothing was imported")


@dataclass(slots=True)
class _Changed:
    """Whether a picture is still the one that was labelled; each file is read once."""

    folder: Path
    _known: dict[str, str] = field(default_factory=dict)

    def fault(self, row: ReviewFrame) -> str:
        if row.picture not in self._known:
            place = self.folder / PICTURES / row.picture
            if not place.is_file():
                self._known[row.picture] = f"{PICTURES}/{row.picture} is gone: what was labelled cannot be checked"
            elif hashlib.sha256(place.read_bytes()).hexdigest() != row.picture_sha256:
                self._known[row.picture] = f"{PICTURES}/{row.picture} is no longer the picture that was given out"
            else:
                self._known[row.picture] = ""
        return self._known[row.picture]


def _fault(one: Pass, row: ReviewFrame, manifest: Manifest, changed: _Changed) -> str:
    if one.review and one.review != manifest.review:
        return f"the task belongs to review {one.review}, this is {manifest.review}"
    if one.picture_sha256 and one.picture_sha256 != row.picture_sha256:
        return "the task was made for another version of the picture"
    other = sorted(one.sizes - {(row.width, row.height)})
    if other:
        return f"the picture is {row.width} x {row.height}, the tool saw {other[0][0]} x {other[0][1]}"
    return changed.fault(row)


def _take(
    one: Pass, row: ReviewFrame, known: Mapping[str, DistressType], name_of: Callable[[str], str], done: Checked
) -> None:
    done.refused += one.refused
    boxes, types = [], []
    for drawn in one.drawn:
        box = clip(drawn.box_xyxy, row.width, row.height)
        if min(box[2] - box[0], box[3] - box[1]) < LEAST_SIDE_PX:
            done.refused.append(_too_small(one, drawn))
            continue
        done.clipped += max(abs(a - b) for a, b in zip(box, drawn.box_xyxy, strict=True)) > CLIP_PX
        done.turned += drawn.turned
        boxes.append(box)
        types.append(known[drawn.label.casefold()])
    done.looked.append(
        Looked(
            frame=row.frame,
            annotation=one.annotation,
            annotator=name_of(one.annotator),
            updated_at=one.updated_at,
            ground_truth=one.ground_truth,
            boxes=tuple(boxes),
            types=tuple(types),
        )
    )


def _boxes_of(one: Pass) -> str:
    return json.dumps(
        [[box.label, *(round(edge, 2) for edge in box.box_xyxy)] for box in one.drawn], ensure_ascii=False
    )


def _too_small(one: Pass, drawn: Drawn) -> Refused:
    row = json.dumps([drawn.label, *(round(edge, 2) for edge in drawn.box_xyxy)], ensure_ascii=False)
    why = f"less than {LEAST_SIDE_PX:g} pixel of the box lies in the picture"
    return Refused(f"{one.task}, annotation {one.annotation}", why, row)


def clip(box: Box, width: int, height: int) -> Box:
    """The part of a box that lies in the picture; turned inside out where none does."""
    x1, y1, x2, y2 = box
    return max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2)
