"""The tables of the streaming worker: which frames were looked at, and whose cases are still to be filed."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from roadwarden.storage.columns import HexBytes, UtcTime, holds
from roadwarden.storage.metadata import metadata

stream_frames = Table(
    "stream_frames",
    metadata,
    Column("key", HexBytes, primary_key=True),  # of source, capture time, frame hash and model: decides what is double
    Column("camera", Text, nullable=False),
    Column("captured_at", UtcTime, nullable=False),
    Column("kept_at", UtcTime, nullable=False),
    holds("length(key) = 32", "key"),
    Index(None, "kept_at"),
)

stream_unfiled = Table(
    "stream_unfiled",
    metadata,
    Column("defect", HexBytes, primary_key=True),  # no foreign key: defects are joined to others meanwhile
    Column("noted_at", UtcTime, nullable=False),
)
