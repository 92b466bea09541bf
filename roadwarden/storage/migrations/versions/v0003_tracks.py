"""What merging goes on from (tracks, where to find them, plane and rules), and which pass looked at a stretch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Sightings that are there already belong to no track yet: ``roadwarden defects rebuild`` merges them."""
    op.add_column("sightings", sa.Column("track", sa.BigInteger()))
    op.create_table(
        "merging",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.CheckConstraint("number = 1", name=op.f("ck_merging_one")),
        sa.PrimaryKeyConstraint("number", name="pk_merging"),
    )
    op.create_table(
        "tracks",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pass", sa.Integer(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("island", sa.BigInteger(), nullable=False),
        sa.Column("defect", sa.LargeBinary(), nullable=False),
        sa.Column("east_m", sa.Double(), nullable=False),
        sa.Column("north_m", sa.Double(), nullable=False),
        sa.Column("left_m2", sa.Double(), nullable=False),
        sa.Column("seen", sa.LargeBinary(), nullable=False),
        sa.Column("looks", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["pass"], ["passes.number"], name="fk_tracks_pass"),
        sa.PrimaryKeyConstraint("number", name="pk_tracks"),
    )
    op.create_index("ix_tracks_run", "tracks", ["run"])
    op.create_index("ix_tracks_island", "tracks", ["island"])
    op.create_table(
        "track_cells",
        sa.Column("cell", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("track", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("cell", "track", name="pk_track_cells"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_track_cells_track", "track_cells", ["track"])
    op.execute("ALTER TABLE stretches ADD COLUMN pass INTEGER CONSTRAINT fk_stretches_pass REFERENCES passes (number)")
