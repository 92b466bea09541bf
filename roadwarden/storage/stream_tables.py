"""The tables of streaming workers: frames looked at, cases still to be filed, and who reads which camera."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

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

stream_workers = Table(
    "stream_workers",
    metadata,
    Column("worker", Text, primary_key=True),  # one process's; another life of it has another name
    Column("fleet", Text, nullable=False),  # which cameras it shares: peers share the same ones
    Column("beat", BigInteger, nullable=False),  # rises while it lives; others watch it by their own clocks
    Column("seen_at", UtcTime, nullable=False),  # by its clock, for people only: nothing is decided by it
)

camera_leases = Table(
    "camera_leases",
    metadata,
    Column("camera", Text, primary_key=True),
    Column("worker", Text),  # no foreign key: rows of the dead are swept; NULL: nobody has it
    Column("token", BigInteger, nullable=False),  # rises with each new holder and is never forgotten: the fence
    Column("since", UtcTime, nullable=False),  # by the holder's clock, for people only
    holds("token > 0", "token"),
)

stream_passes = Table(
    "stream_passes",
    metadata,
    Column("camera", Text, primary_key=True),
    Column("pass", Text, nullable=False),
    Column("at", UtcTime, nullable=False),  # of its newest frame
    Column("way", Text, nullable=False),  # JSON: where it was, to know when it comes back to a place
)
