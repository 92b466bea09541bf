"""The tables of a finished job, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from roadwarden.errors import DataError
from roadwarden.inference.outcome import FrameResult
from roadwarden.inference.parts import result_of_row
from roadwarden.inference.results import DETECTIONS, FRAMES


def holds_results(folder: Path) -> bool:
    """Whether a folder is the output of 'roadwarden detect' or 'roadwarden merge'."""
    return (folder / FRAMES).is_file() and (folder / DETECTIONS).is_file()


def read_results(folder: Path) -> Iterator[tuple[FrameResult, str]]:
    """Every frame of ``frames.parquet`` in its order, with its detections, and the model that looked at it.

    Raises DataError where the two tables are not of one job.
    """
    boxes = _rows(folder / DETECTIONS)
    for row in _rows(folder / FRAMES):
        found = []
        for _ in range(row["detections"]):
            box = next(boxes, None)
            if box is None or box["frame"] != row["frame"]:
                raise DataError(f"{folder}: {DETECTIONS} and {FRAMES} are not of one job; detect again")
            found.append(box)
        yield result_of_row({**row, "boxes": found}), row["model"]


def _rows(table: Path) -> Iterator[dict[str, Any]]:
    try:
        for group in pq.ParquetFile(table).iter_batches():
            yield from group.to_pylist()
    except (OSError, pa.ArrowException) as exc:
        raise DataError(f"{table}: cannot be read: {exc}") from exc
