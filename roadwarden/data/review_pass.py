"""One person's pass over one frame, whatever tool it was made with; and what could not be taken."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from roadwarden.errors import DataError

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A box as it came: pixels of the picture, may lie outside of it; the label is the tool's text."""

    box_xyxy: Box
    label: str
    turned: bool = False  # drawn rotated: the box is the upright hull


@dataclass(frozen=True, slots=True)
class Refused:
    """Something of the export that was not taken, with why; all of them are written to refused.jsonl."""

    what: str  # the task, annotation or box
    why: str
    row: str = ""  # the JSON of it, without anything about a person


@dataclass(frozen=True, slots=True)
class Pass:
    """A task that someone finished, before it is held against the manifest. Empty ``drawn`` says: no distress here."""

    task: str  # for messages
    review: str  # id in the task; empty where the tool does not keep it
    frame: str  # likewise
    picture: str  # file name, in which some tools put a prefix
    picture_sha256: str  # empty where the tool does not keep it
    sizes: frozenset[tuple[int, int]]  # of the picture as the tool saw it; empty where it does not say
    annotation: str  # id, unique in its tool
    annotator: str  # as the tool gives it; empty where it does not
    updated_at: datetime | None
    cancelled: bool
    ground_truth: bool
    drawn: tuple[Drawn, ...]
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Export:
    """What a tool handed back."""

    passes: tuple[Pass, ...]
    untouched: tuple[str, ...]  # tasks that nobody has finished
    refused: tuple[Refused, ...] = ()


def read_json(place: Path) -> Any:
    """The content of a JSON file; raises DataError."""
    try:
        return json.loads(place.read_text(encoding="utf-8-sig"))
    except OSError as exc:
        raise DataError(f"{place}: cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise DataError(f"{place}: not JSON: {exc}") from exc


def time_of(text: object) -> datetime | None:
    """An ISO time, UTC where it has no zone; None where it is none."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def write_refused(place: Path, refused: Iterable[Refused]) -> None:
    """One JSON object a line."""
    rows: Iterable[Mapping[str, str]] = ({"what": one.what, "why": one.why, "row": one.row} for one in refused)
    place.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
