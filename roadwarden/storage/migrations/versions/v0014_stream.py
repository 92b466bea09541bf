"""Frames that the streaming worker has looked at, and defects that it has still to file the cases of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Adds two tables."""
    op.create_table(
        "stream_frames",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("camera", sa.Text(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(key) = 32", name=op.f("ck_stream_frames_key")),
        sa.PrimaryKeyConstraint("key", name="pk_stream_frames"),
    )
    op.create_index("ix_stream_frames_kept_at", "stream_frames", ["kept_at"])
    op.create_table(
        "stream_unfiled",
        sa.Column("defect", sa.LargeBinary(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("defect", name="pk_stream_unfiled"),
    )
