"""The tables of the log, as the newest migration leaves them, for 10 million leaves.

``ledger_leaves`` and ``ledger_checkpoints`` are only added to, ``ledger_tiles`` only grow. Salts stand apart, so that
they can be thrown away when personal data has to go.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint, text

from roadwarden.storage.columns import UtcTime, holds
from roadwarden.storage.metadata import metadata

_OF_A_CASE = text("case_id IS NOT NULL")

ledger_leaves = Table(
    "ledger_leaves",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 0, without gaps
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("position", Integer, nullable=False),  # in the source
    Column("part", Integer, nullable=False),  # of what stands at that position
    Column("case_id", Text),
    Column("body", Text, nullable=False),  # canonical JSON
    UniqueConstraint("source", "position", "part"),
    holds("number >= 0 AND position >= 0 AND part >= 0", "numbers"),
    Index("ix_ledger_leaves_case", "case_id", "number", sqlite_where=_OF_A_CASE, postgresql_where=_OF_A_CASE),
)

ledger_salts = Table(
    "ledger_salts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),  # of the leaf
    Column("salt", LargeBinary, nullable=False),
)

ledger_tiles = Table(
    "ledger_tiles",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),  # 1 to 256 of 32 bytes
    holds("length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0", "hashes"),
)

ledger_checkpoints = Table(
    "ledger_checkpoints",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 1, without gaps
    Column("size", Integer, nullable=False),
    Column("note", Text, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    holds("number > 0 AND size >= 0", "numbers"),
)

ledger_keys = Table(
    "ledger_keys",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 1, without gaps
    Column("note", Text, nullable=False),  # in which the older key names its successor
    Column("recorded_at", UtcTime, nullable=False),
)
