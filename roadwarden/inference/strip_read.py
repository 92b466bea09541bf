"""From the tables of a batch job to the runs of an archive with a linear reference."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from roadwarden.data.chainage import NamedPlaces, places_in_names
from roadwarden.defects.strip import Run, Sight, StripFrame, run_of
from roadwarden.defects.strip_defects import FrameDetections
from roadwarden.detections import Detections
from roadwarden.errors import DataError
from roadwarden.inference.outcome import Outcome
from roadwarden.inference.results import DETECTIONS, FRAMES
from roadwarden.taxonomy import parse_type

_FRAME_COLUMNS = ["frame", "outcome", "width", "height"]
_BOX_COLUMNS = ["frame", "x1", "y1", "x2", "y2", "type", "score"]


@dataclass(frozen=True, slots=True, eq=False)
class StripJob:
    """Runs by name, what was seen in their frames, and frames whose names do not say where they were."""

    runs: tuple[Run, ...]
    seen: dict[str, FrameDetections]
    without: tuple[str, ...]


def read_strip_job(done: Path, pattern: str | None = None) -> StripJob:
    """Reads what ``roadwarden detect`` left in a folder; raises DataError where that is not all there."""
    frames = _rows(done / FRAMES, _FRAME_COLUMNS)
    places = places_in_names((row["frame"] for row in frames), pattern)
    sizes = {row["frame"]: (row["width"], row["height"]) for row in frames}
    return StripJob(_runs(frames, places), _seen(_rows(done / DETECTIONS, _BOX_COLUMNS), sizes), places.without)


def _rows(table: Path, columns: list[str]) -> list[dict[str, Any]]:
    if not table.is_file():
        raise DataError(f"{table}: not found; give the --out folder of a finished 'roadwarden detect'")
    try:
        rows: list[dict[str, Any]] = pq.read_table(table, columns=columns).to_pylist()
    except (OSError, pa.ArrowException) as exc:
        raise DataError(f"{table}: not a table of 'roadwarden detect': {exc}") from exc
    return rows


def _runs(frames: list[dict[str, Any]], places: NamedPlaces) -> tuple[Run, ...]:
    runs: dict[str, list[StripFrame]] = defaultdict(list)
    for order, row in enumerate(frames):
        place = places.places.get(row["frame"])
        if place is not None:
            sight = Sight(Outcome.of(row["outcome"]).kind)
            runs[place.run].append(StripFrame(row["frame"], place.chainage_m, order, sight))
    return tuple(run_of(name, members) for name, members in sorted(runs.items()))


def _seen(boxes: list[dict[str, Any]], sizes: dict[str, tuple[int, int]]) -> dict[str, FrameDetections]:
    by_frame: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in boxes:
        by_frame[row["frame"]].append(row)
    return {frame: FrameDetections(*sizes[frame], _detections(rows)) for frame, rows in by_frame.items()}


def _detections(rows: list[dict[str, Any]]) -> Detections:
    return Detections(
        np.array([[row[edge] for edge in ("x1", "y1", "x2", "y2")] for row in rows], np.float32),
        tuple(parse_type(row["type"]) for row in rows),
        np.array([row["score"] for row in rows], np.float32),
    )
