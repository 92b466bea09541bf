"""Where the pictures of sightings lie: the archive of a frame, and the box of a sighting in it."""

from __future__ import annotations

from sqlalchemy import Column, Double, Integer, Table, Text

from roadwarden.storage.columns import HexBytes, holds
from roadwarden.storage.metadata import metadata

archives = Table(
    "archives",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),  # as 'roadwarden detect' takes it
)

frame_places = Table(
    "frame_places",
    metadata,
    Column("frame", HexBytes, primary_key=True),  # sha256
    Column("archive", Integer, nullable=False),
    Column("path", Text, nullable=False),  # in the archive
    holds("length(frame) = 32", "frame"),
)

sighting_boxes = Table(
    "sighting_boxes",
    metadata,
    Column("sighting", HexBytes, primary_key=True),
    Column("x1_px", Double, nullable=False),
    Column("y1_px", Double, nullable=False),
    Column("x2_px", Double, nullable=False),
    Column("y2_px", Double, nullable=False),
    holds("length(sighting) = 16", "sighting"),
)
