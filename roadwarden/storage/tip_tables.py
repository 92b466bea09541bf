"""The table of tips that wait, or waited, for a person; a tip is no event of a case before it becomes one."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Table, Text

from roadwarden.cases.tips import TipState
from roadwarden.storage.columns import UtcTime, holds, one_of
from roadwarden.storage.metadata import metadata

case_tips = Table(
    "case_tips",
    metadata,
    Column("source", Text, primary_key=True),
    Column("id", Text, primary_key=True),  # the reporter's own
    Column("state", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("lat", Double),
    Column("lon", Double),
    Column("area", Text),
    Column("owner", Text),
    Column("road_grade", Text),
    Column("segment", Text),
    Column("note", Text),
    Column("settled_at", UtcTime),
    Column("settled_by", Text),
    Column("case_id", Text),
    Column("reason", Text),  # why it was dropped
    Column("defect", Text),  # of the map, that it is about
    one_of("state", TipState),
    holds("(state = 'waiting') = (settled_at IS NULL) AND (state = 'waiting') = (settled_by IS NULL)", "settled"),
    holds("(state = 'filed') = (case_id IS NOT NULL) AND (state = 'dropped') = (reason IS NOT NULL)", "outcome"),
    Index(None, "state", "received_at"),
)
