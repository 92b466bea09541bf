"""From finished parts to the tables people open: the same bytes whatever happened on the way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from roadwarden.inference.outcome import Outcome, OutcomeKind
from roadwarden.inference.tables import BOX, DETECTION_COLUMNS, FRAME_COLUMNS, Column, schema_of

GROUP_ROWS = 65_536
DETECTIONS, FRAMES, GEOJSON = "detections.parquet", "frames.parquet", "detections.geojson"


@dataclass(slots=True)
class Tally:
    """Counts over a job."""

    outcomes: Counter[str] = field(default_factory=Counter)
    detections: Counter[str] = field(default_factory=Counter)  # by type
    frames_with: Counter[str] = field(default_factory=Counter)  # by type
    located: int = 0  # frames with a position

    @property
    def frames(self) -> int:
        """Frames of all outcomes."""
        return self.outcomes.total()

    def kind(self, kind: OutcomeKind) -> int:
        """Frames that left with that kind of outcome."""
        return sum(count for text, count in self.outcomes.items() if Outcome.of(text).kind is kind)

    def add(self, row: dict[str, Any]) -> None:
        """Counts one frame, a row of a part."""
        self.outcomes[row["outcome"]] += 1
        self.located += row["lat"] is not None
        types = [box["type"] for box in row["boxes"]]
        self.detections.update(types)
        self.frames_with.update(set(types))

    def as_json(self) -> dict[str, Any]:
        """The counts of summary.json."""
        return {
            "frames": self.frames,
            "frames_with_position": self.located,
            "outcomes": dict(sorted(self.outcomes.items())),
            "detections": self.detections.total(),
            "detections_by_type": dict(sorted(self.detections.items())),
            "frames_by_type": dict(sorted(self.frames_with.items())),
        }


class RowSink:
    """A Parquet file that takes rows one by one and writes them in groups of a fixed number."""

    def __init__(self, place: Path, columns: tuple[Column, ...]) -> None:
        """Opens a draft beside ``place``."""
        self._place, self._schema = place, schema_of(columns)
        self._draft = place.with_suffix(".tmp")
        self._writer = pq.ParquetWriter(self._draft, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any]) -> None:
        """Takes one row; keys that are no column are left out."""
        self._rows.append(row)
        if len(self._rows) >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Writes the rest and moves the file to its place."""
        self._flush()
        self._writer.close()
        self._draft.replace(self._place)

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


def write_tables(parts: Iterable[pa.Table], out: Path, *, geojson: bool) -> Tally:
    """Writes the tables from the parts, in their order; returns the counts."""
    tally = Tally()
    detections, frames = RowSink(out / DETECTIONS, DETECTION_COLUMNS), RowSink(out / FRAMES, FRAME_COLUMNS)
    for part in parts:
        for row in part.to_pylist():
            tally.add(row)
            frames.add(row)
            for detection in detection_rows(row):
                detections.add(detection)
    detections.close()
    frames.close()
    if geojson:
        write_geojson(out / DETECTIONS, out / GEOJSON)
    return tally


def detection_rows(frame: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A frame's boxes as rows of the detection table."""
    for box in frame["boxes"]:
        yield {**{key: value for key, value in frame.items() if key != "boxes"}, **box}


def write_geojson(detections: Path, place: Path) -> None:
    """One point a detection that has a position (of the camera): RFC 7946, a feature a line."""
    draft = place.with_suffix(".tmp")
    with draft.open("w", encoding="utf-8") as handle:
        handle.write('{"type":"FeatureCollection","features":[')
        separator = "\n"
        for group in pq.ParquetFile(detections).iter_batches(GROUP_ROWS):
            for row in group.to_pylist():
                if row["lat"] is not None:
                    handle.write(separator + json.dumps(_feature(row), ensure_ascii=False))
                    separator = ",\n"
        handle.write("\n]}\n")
    draft.replace(place)


def _feature(row: dict[str, Any]) -> dict[str, Any]:
    shown = ("frame", "type", "score", "model", "heading_deg", *(column.name for column in BOX[:4]))
    properties = {name: _short(row[name]) for name in shown}
    properties["captured_at"] = row["captured_at"].isoformat() if row["captured_at"] else None
    place = {"type": "Point", "coordinates": [round(row["lon"], 7), round(row["lat"], 7)]}
    return {"type": "Feature", "geometry": place, "properties": properties}


def _short(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
