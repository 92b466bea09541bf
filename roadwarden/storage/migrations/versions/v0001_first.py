"""The first schema: roads, sightings, defects, rulings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

APPEND_ONLY = ("rulings", "ruled_sightings")
"""A ruling is an event: who has decided wrongly decides again."""


def upgrade() -> None:
    """Makes every table."""
    _roads()
    _lookups()
    _defects()
    _sightings()
    _rulings()
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _guard_sqlite() -> None:
    for table in APPEND_ONLY:
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} are only added to'); END"
            )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION only_added_to() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% are only added to', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION only_added_to()"
        )


def _roads() -> None:
    op.create_table(
        "networks",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(sha256) = 32", name=op.f("ck_networks_sha256")),
        sa.PrimaryKeyConstraint("number", name="pk_networks"),
        sa.UniqueConstraint("sha256", name="uq_networks_sha256"),
    )
    op.create_table(
        "segments",
        sa.Column("network", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("road_class", sa.Text()),
        sa.Column("one_way", sa.Boolean(), nullable=False),
        sa.Column("width_m", sa.Double(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.CheckConstraint("grade IN ('I', 'II', 'III')", name=op.f("ck_segments_grade")),
        sa.CheckConstraint(
            "road_class IN ('expressway', 'arterial', 'collector', 'local')", name=op.f("ck_segments_road_class")
        ),
        sa.CheckConstraint("length(id) > 0", name=op.f("ck_segments_id")),
        sa.CheckConstraint("width_m > 0", name=op.f("ck_segments_width_m")),
        sa.ForeignKeyConstraint(["network"], ["networks.number"], name="fk_segments_network"),
        sa.PrimaryKeyConstraint("network", "id", name="pk_segments"),
    )
    op.create_table(
        "stretches",
        sa.Column("network", sa.Integer(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lane", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("from_m", sa.Double(), nullable=False),
        sa.Column("to_m", sa.Double(), nullable=False),
        sa.Column("quality", sa.Text(), nullable=False),
        sa.CheckConstraint("quality IN ('usable', 'unusable')", name=op.f("ck_stretches_quality")),
        sa.CheckConstraint("from_m < to_m", name=op.f("ck_stretches_length")),
        sa.CheckConstraint("lane >= -1", name=op.f("ck_stretches_lane")),
        sa.ForeignKeyConstraint(
            ["network", "segment"], ["segments.network", "segments.id"], name="fk_stretches_network_segment"
        ),
        sa.PrimaryKeyConstraint(
            "network", "segment", "seen_at", "lane", "from_m", "to_m", "quality", name="pk_stretches"
        ),
    )


def _lookups() -> None:
    op.create_table(
        "passes",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_passes"),
        sa.UniqueConstraint("id", name="uq_passes_id"),
    )
    op.create_table(
        "models",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_models"),
        sa.UniqueConstraint("name", name="uq_models_name"),
    )


def _defects() -> None:
    op.create_table(
        "defects",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("tile", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("margin", sa.Double(), nullable=False),
        sa.Column("shares", sa.Text(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("heading_deg", sa.Double()),
        sa.Column("east_m2", sa.Double(), nullable=False),
        sa.Column("north_m2", sa.Double(), nullable=False),
        sa.Column("east_north_m2", sa.Double(), nullable=False),
        sa.Column("length_m", sa.Double(), nullable=False),
        sa.Column("width_m", sa.Double(), nullable=False),
        sa.Column("size_sigma_m", sa.Double(), nullable=False),
        sa.Column("passes", sa.Integer(), nullable=False),
        sa.Column("sightings", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("severity", sa.Text()),
        sa.Column("network", sa.Integer()),
        sa.Column("segment", sa.Text()),
        sa.Column("chainage_m", sa.Double()),
        sa.Column("offset_m", sa.Double()),
        sa.Column("side", sa.Text()),
        sa.CheckConstraint("severity IN ('normal', 'severe')", name=op.f("ck_defects_severity")),
        sa.CheckConstraint("side IN ('left', 'right')", name=op.f("ck_defects_side")),
        sa.CheckConstraint(
            "(segment IS NULL) = (network IS NULL) AND (segment IS NULL) = (chainage_m IS NULL)",
            name=op.f("ck_defects_road_place"),
        ),
        sa.CheckConstraint(
            "(segment IS NULL) = (offset_m IS NULL) AND (segment IS NULL) = (side IS NULL)",
            name=op.f("ck_defects_road_side"),
        ),
        sa.CheckConstraint("chainage_m >= 0 AND offset_m >= 0", name=op.f("ck_defects_chainage")),
        sa.CheckConstraint("east_m2 >= 0 AND north_m2 >= 0", name=op.f("ck_defects_covariance")),
        sa.CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name=op.f("ck_defects_place")),
        sa.CheckConstraint("length(id) = 16", name=op.f("ck_defects_id")),
        sa.CheckConstraint("length_m >= 0 AND width_m >= 0 AND size_sigma_m >= 0", name=op.f("ck_defects_size")),
        sa.CheckConstraint("margin BETWEEN 0 AND 1", name=op.f("ck_defects_margin")),
        sa.CheckConstraint(
            "passes > 0 AND sightings >= passes AND first_seen_at <= last_seen_at", name=op.f("ck_defects_seen")
        ),
        sa.ForeignKeyConstraint(
            ["network", "segment"], ["segments.network", "segments.id"], name="fk_defects_network_segment"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_defects"),
    )
    op.create_index("ix_defects_network_segment_chainage_m", "defects", ["network", "segment", "chainage_m"])
    op.create_index("ix_defects_tile", "defects", ["tile"])


def _sightings() -> None:
    op.create_table(
        "sightings",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("tile", sa.BigInteger(), nullable=False),
        sa.Column("defect", sa.LargeBinary()),
        sa.Column("frame", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pass", sa.Integer(), nullable=False),
        sa.Column("model", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("heading_deg", sa.Double()),
        sa.Column("speed_mps", sa.Double()),
        sa.Column("east_m2", sa.Double(), nullable=False),
        sa.Column("north_m2", sa.Double(), nullable=False),
        sa.Column("east_north_m2", sa.Double(), nullable=False),
        sa.Column("length_m", sa.Double(), nullable=False),
        sa.Column("width_m", sa.Double(), nullable=False),
        sa.Column("size_sigma_m", sa.Double(), nullable=False),
        sa.CheckConstraint("east_m2 >= 0 AND north_m2 >= 0", name=op.f("ck_sightings_covariance")),
        sa.CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name=op.f("ck_sightings_place")),
        sa.CheckConstraint("length(frame) = 32", name=op.f("ck_sightings_frame")),
        sa.CheckConstraint("length(id) = 16", name=op.f("ck_sightings_id")),
        sa.CheckConstraint("length_m >= 0 AND width_m >= 0 AND size_sigma_m >= 0", name=op.f("ck_sightings_size")),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name=op.f("ck_sightings_score")),
        sa.ForeignKeyConstraint(["defect"], ["defects.id"], name="fk_sightings_defect"),
        sa.ForeignKeyConstraint(["model"], ["models.number"], name="fk_sightings_model"),
        sa.ForeignKeyConstraint(["pass"], ["passes.number"], name="fk_sightings_pass"),
        sa.PrimaryKeyConstraint("id", name="pk_sightings"),
    )
    op.create_index("ix_sightings_defect", "sightings", ["defect"])
    op.create_index("ix_sightings_tile", "sightings", ["tile"])


def _rulings() -> None:
    op.create_table(
        "rulings",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_rulings"),
        sa.UniqueConstraint("id", name="uq_rulings_id"),
    )
    op.create_table(
        "ruled_sightings",
        sa.Column("ruling", sa.Integer(), nullable=False),
        sa.Column("sighting", sa.LargeBinary(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["ruling"], ["rulings.number"], name="fk_ruled_sightings_ruling"),
        sa.ForeignKeyConstraint(["sighting"], ["sightings.id"], name="fk_ruled_sightings_sighting"),
        sa.PrimaryKeyConstraint("ruling", "sighting", name="pk_ruled_sightings"),
    )
    op.create_index("ix_ruled_sightings_sighting", "ruled_sightings", ["sighting"])
    op.create_table(
        "comparisons",
        sa.Column("one", sa.LargeBinary(), nullable=False),
        sa.Column("other", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.CheckConstraint("answer IN ('same', 'different', 'cannot_tell')", name=op.f("ck_comparisons_answer")),
        sa.CheckConstraint("one < other", name=op.f("ck_comparisons_order")),
        sa.ForeignKeyConstraint(["one"], ["sightings.id"], name="fk_comparisons_one"),
        sa.ForeignKeyConstraint(["other"], ["sightings.id"], name="fk_comparisons_other"),
        sa.PrimaryKeyConstraint("one", "other", name="pk_comparisons"),
    )
    op.create_index("ix_comparisons_other", "comparisons", ["other"])
