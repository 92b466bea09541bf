"""The finished batches of a job, one file each: what makes a job safe to kill.

A part is written beside its place and moved there in one step, so it is whole or absent. Its content depends on
nothing but the job's settings and its batch, so a part written twice is the same part.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from roadwarden.detections import Detections, Frame, Position
from roadwarden.inference.outcome import FrameResult, Outcome
from roadwarden.inference.tables import PART_COLUMNS, schema_of
from roadwarden.taxonomy import DistressType

SCHEMA = schema_of(PART_COLUMNS)
SCORE_DIGITS, BOX_DIGITS = 4, 2
SUFFIX = ".arrow"


def part_path(parts: Path, batch: int) -> Path:
    """Where the part of a batch lies."""
    return parts / f"{batch:08d}{SUFFIX}"


def finished_batches(parts: Path) -> set[int]:
    """Numbers of the batches whose part is there."""
    return {int(path.stem) for path in parts.glob(f"*{SUFFIX}")}


def write_part(parts: Path, batch: int, results: Sequence[FrameResult], model: str) -> None:
    """Writes the part of one batch; durable when it returns. OSError is left to the caller, who knows the disk."""
    table = pa.Table.from_pylist([part_row(result, model) for result in results], schema=SCHEMA)
    place = part_path(parts, batch)
    draft = place.with_name(f"{place.stem}.{os.getpid()}.tmp")
    with draft.open("wb") as handle:
        with pa.ipc.new_file(handle, SCHEMA) as writer:
            writer.write_table(table)
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(place)


def read_parts(parts: Path, batches: Sequence[int]) -> Iterator[pa.Table]:
    """The parts of those batches, in that order, one in memory at a time."""
    for batch in batches:
        with pa.OSFile(str(part_path(parts, batch)), "rb") as handle, pa.ipc.open_file(handle) as reader:
            yield reader.read_all()


def part_row(result: FrameResult, model: str) -> dict[str, Any]:
    """One frame as a row; scores and boxes rounded so that a file does not claim digits that mean nothing."""
    frame, position = result.frame, result.frame.position
    return {
        "frame": frame.path,
        "outcome": str(result.outcome),
        "detections": len(result.detections),
        "size_bytes": frame.size_bytes,
        "sha256": frame.sha256,
        "width": result.width_px,
        "height": result.height_px,
        "captured_at": frame.captured_at,
        "lat": position.lat if position else None,
        "lon": position.lon if position else None,
        "heading_deg": position.heading_deg if position else None,
        "speed_mps": position.speed_mps if position else None,
        "model": model,
        "boxes": _box_rows(result),
    }


def _box_rows(result: FrameResult) -> list[dict[str, Any]]:
    found = result.detections
    return [
        dict(zip(("x1", "y1", "x2", "y2"), (round(float(edge), BOX_DIGITS) for edge in box), strict=True))
        | {"type": str(distress), "score": round(float(score), SCORE_DIGITS)}
        for box, distress, score in zip(found.boxes_xyxy, found.types, found.scores, strict=True)
    ]


def result_of_row(row: dict[str, Any]) -> FrameResult:
    """A row of a part, or of frames.parquet with its boxes, as the result it was written from."""
    boxes = row["boxes"]
    position = None
    if row["lat"] is not None:
        position = Position(row["lat"], row["lon"], row["heading_deg"], row["speed_mps"])
    return FrameResult(
        frame=Frame(row["frame"], row["size_bytes"], row["sha256"], row["captured_at"], position),
        outcome=Outcome.of(row["outcome"]),
        detections=Detections(
            np.array([[box[edge] for edge in ("x1", "y1", "x2", "y2")] for box in boxes], np.float32).reshape(-1, 4),
            tuple(DistressType(box["type"]) for box in boxes),
            np.array([box["score"] for box in boxes], np.float32),
        ),
        width_px=row["width"],
        height_px=row["height"],
    )
