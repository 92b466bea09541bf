"""Where the pictures of sightings lie: to compare them when defects are merged, to show them, to assess repairs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Of sightings that are kept already nothing is known; surveying their archive again tells it."""
    op.create_table(
        "archives",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_archives"),
        sa.UniqueConstraint("name", name="uq_archives_name"),
    )
    op.create_table(
        "frame_places",
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.Column("archive", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.CheckConstraint("length(frame) = 32", name=op.f("ck_frame_places_frame")),
        sa.PrimaryKeyConstraint("frame", name="pk_frame_places"),
    )
    op.create_table(
        "sighting_boxes",
        sa.Column("sighting", sa.LargeBinary(), nullable=False),
        *(sa.Column(f"{edge}_px", sa.Double(), nullable=False) for edge in ("x1", "y1", "x2", "y2")),
        sa.CheckConstraint("length(sighting) = 16", name=op.f("ck_sighting_boxes_sighting")),
        sa.PrimaryKeyConstraint("sighting", name="pk_sighting_boxes"),
    )
