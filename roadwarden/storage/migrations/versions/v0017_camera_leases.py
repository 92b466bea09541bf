"""Which worker reads which camera, which workers live, and how far each camera's pass has got."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Adds three tables."""
    op.create_table(
        "stream_workers",
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("fleet", sa.Text(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("worker", name="pk_stream_workers"),
    )
    op.create_table(
        "camera_leases",
        sa.Column("camera", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text()),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("token > 0", name=op.f("ck_camera_leases_token")),
        sa.PrimaryKeyConstraint("camera", name="pk_camera_leases"),
    )
    op.create_table(
        "stream_passes",
        sa.Column("camera", sa.Text(), nullable=False),
        sa.Column("pass", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("camera", name="pk_stream_passes"),
    )
