"""The columns of what a batch job writes; docs/tables.md is made from them."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, Arrow type and meaning."""

    name: str
    type: pa.DataType
    meaning: str


FRAME = Column("frame", pa.string(), "path of the frame relative to the archive, with forward slashes")
MODEL = Column("model", pa.string(), "name of the model and the first 12 hex digits of its file's sha256")
PLACE_AND_TIME = (
    Column("captured_at", UTC_MICROSECONDS, "capture time, UTC; null where it is not known"),
    Column("lat", pa.float64(), "latitude of the camera (not of the distress), WGS-84 degrees"),
    Column("lon", pa.float64(), "longitude of the camera, WGS-84 degrees"),
    Column("heading_deg", pa.float64(), "heading of the camera's vehicle, degrees clockwise from north"),
    Column("speed_mps", pa.float64(), "speed of the vehicle, metres a second"),
)
BOX = (
    Column("x1", pa.float32(), "left edge, pixels of the original frame, EXIF rotation applied"),
    Column("y1", pa.float32(), "top edge, pixels"),
    Column("x2", pa.float32(), "right edge, pixels"),
    Column("y2", pa.float32(), "bottom edge, pixels"),
    Column("type", pa.string(), "taxonomy id of the distress, see docs/taxonomy.md"),
    Column("score", pa.float32(), "confidence of the detector, 0 to 1; at least the model's threshold of the type"),
)
DETECTION_COLUMNS = (FRAME, *BOX, MODEL, *PLACE_AND_TIME)
FRAME_COLUMNS = (
    FRAME,
    Column("outcome", pa.string(), "detected, clean, poor_quality:<why> or unreadable:<why>"),
    Column("detections", pa.int32(), "number of rows in detections.parquet"),
    Column("size_bytes", pa.int64(), "size of the file in the archive"),
    Column("sha256", pa.string(), "hex digest of the file's bytes; empty where it could not be read"),
    Column("width", pa.int32(), "width of the decoded frame, pixels; null where it could not be decoded"),
    Column("height", pa.int32(), "height of the decoded frame, pixels"),
    *PLACE_AND_TIME,
    MODEL,
)
PART_COLUMNS = (
    *FRAME_COLUMNS,
    Column("boxes", pa.list_(pa.struct([(column.name, column.type) for column in BOX])), "the frame's detections"),
)


def schema_of(columns: tuple[Column, ...]) -> pa.Schema:
    """The Arrow schema of a table."""
    return pa.schema([(column.name, column.type) for column in columns])


def columns_markdown() -> str:
    """The tables as docs/tables.md shows them."""
    blocks = []
    for title, columns in (("detections.parquet", DETECTION_COLUMNS), ("frames.parquet", FRAME_COLUMNS)):
        rows = [f"| `{column.name}` | {column.type} | {column.meaning} |" for column in columns]
        blocks.append("\n".join([f"## {title}", "", "| column | type | meaning |", "| --- | --- | --- |", *rows]))
    return "\n\n".join(blocks) + "\n"
