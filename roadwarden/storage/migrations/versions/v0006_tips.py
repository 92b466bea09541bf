"""Who owns a road and in which area it lies, for dispatch; tips that wait for a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds two columns and a table."""
    op.add_column("segments", sa.Column("owner", sa.Text()))
    op.add_column("segments", sa.Column("area", sa.Text()))
    op.create_table(
        "case_tips",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lat", sa.Double()),
        sa.Column("lon", sa.Double()),
        sa.Column("area", sa.Text()),
        sa.Column("owner", sa.Text()),
        sa.Column("road_grade", sa.Text()),
        sa.Column("segment", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("settled_by", sa.Text()),
        sa.Column("case_id", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.CheckConstraint("state IN ('waiting', 'filed', 'dropped')", name=op.f("ck_case_tips_state")),
        sa.CheckConstraint(
            "(state = 'waiting') = (settled_at IS NULL) AND (state = 'waiting') = (settled_by IS NULL)",
            name=op.f("ck_case_tips_settled"),
        ),
        sa.CheckConstraint(
            "(state = 'filed') = (case_id IS NOT NULL) AND (state = 'dropped') = (reason IS NOT NULL)",
            name=op.f("ck_case_tips_outcome"),
        ),
        sa.PrimaryKeyConstraint("source", "id", name="pk_case_tips"),
    )
    op.create_index("ix_case_tips_state_received_at", "case_tips", ["state", "received_at"])
