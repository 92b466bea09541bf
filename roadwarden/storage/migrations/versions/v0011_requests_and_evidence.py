"""What citizens ask for, what others tell of it, and pictures that are evidence; tips that know their defect."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_TIME = sa.DateTime(timezone=True)
_NOT_TAKEN_IN = sa.text("NOT taken_in")
_BANDS = ("band0", "band1", "band2", "band3")


def upgrade() -> None:
    """Adds a column and four tables."""
    op.add_column("case_tips", sa.Column("defect", sa.Text()))
    _evidence()
    _requests()
    _news()


def _evidence() -> None:
    op.create_table(
        "evidence",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("public_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("received_at", _TIME, nullable=False),
        sa.Column("received_from", sa.Text(), nullable=False),
        sa.Column("captured_at", _TIME),
        sa.Column("lat", sa.Double()),
        sa.Column("lon", sa.Double()),
        sa.Column("heading_deg", sa.Double()),
        sa.Column("device", sa.Text()),
        sa.Column("software", sa.Text()),
        sa.Column("perceptual", sa.BigInteger(), nullable=False),
        *(sa.Column(band, sa.Integer(), nullable=False) for band in _BANDS),
        sa.Column("copy_of", sa.LargeBinary()),
        sa.Column("redactor", sa.Text(), nullable=False),
        sa.Column("withheld_at", _TIME),
        sa.Column("withheld_by", sa.Text()),
        sa.Column("withheld_because", sa.Text()),
        sa.CheckConstraint("length(sha256) = 32 AND length(public_sha256) = 32", name=op.f("ck_evidence_hashes")),
        sa.CheckConstraint("size_bytes > 0 AND width > 0 AND height > 0", name=op.f("ck_evidence_sizes")),
        sa.CheckConstraint(
            "(withheld_at IS NULL) = (withheld_by IS NULL) AND (withheld_at IS NULL) = (withheld_because IS NULL)",
            name=op.f("ck_evidence_withheld"),
        ),
        sa.PrimaryKeyConstraint("sha256", name="pk_evidence"),
    )
    for band in _BANDS:
        op.create_index(f"ix_evidence_{band}", "evidence", [band, "perceptual", "sha256"])
    op.create_index("ix_evidence_public", "evidence", ["public_sha256"])
    op.create_table(
        "evidence_uses",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["evidence.sha256"], name="fk_evidence_uses_sha256"),
        sa.PrimaryKeyConstraint("kind", "subject", "sha256", name="pk_evidence_uses"),
    )
    op.create_index("ix_evidence_uses_sha256", "evidence_uses", ["sha256"])


def _requests() -> None:
    op.create_table(
        "service_requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("requested_at", _TIME, nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("lat", sa.Double()),
        sa.Column("lon", sa.Double()),
        sa.Column("address", sa.Text()),
        sa.Column("area", sa.Text()),
        sa.Column("media_url", sa.Text()),
        sa.Column("secret", sa.LargeBinary()),
        sa.Column("client", sa.Text()),
        sa.Column("client_key", sa.Text()),
        sa.Column("asked", sa.LargeBinary()),
        sa.Column("tip_source", sa.Text()),
        sa.Column("tip_id", sa.Text()),
        sa.Column("own_tip", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("taken_in", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("case_id", sa.Text()),
        sa.Column("defect", sa.Text()),
        sa.CheckConstraint("channel IN ('page', 'open311')", name=op.f("ck_service_requests_channel")),
        sa.CheckConstraint("(lat IS NULL) = (lon IS NULL)", name=op.f("ck_service_requests_place")),
        sa.CheckConstraint(
            "(tip_id IS NULL) = (tip_source IS NULL) AND (tip_id IS NULL) <> (case_id IS NULL)",
            name=op.f("ck_service_requests_hangs_on"),
        ),
        sa.CheckConstraint("(client_key IS NULL) = (asked IS NULL)", name=op.f("ck_service_requests_key")),
        sa.PrimaryKeyConstraint("id", name="pk_service_requests"),
        sa.UniqueConstraint("client", "client_key", name="uq_service_requests_client_client_key"),
    )
    op.create_index("ix_service_requests_requested_at", "service_requests", ["requested_at", "id"])
    op.create_index("ix_service_requests_tip", "service_requests", ["tip_source", "tip_id"])
    op.create_index("ix_service_requests_case_id", "service_requests", ["case_id"])
    op.create_index("ix_service_requests_near", "service_requests", ["lat", "lon"])
    op.create_index(
        "ix_service_requests_not_taken_in",
        "service_requests",
        ["id"],
        sqlite_where=_NOT_TAKEN_IN,
        postgresql_where=_NOT_TAKEN_IN,
    )


def _news() -> None:
    op.create_table(
        "request_news",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("update_id", sa.Text(), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("media_url", sa.Text()),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("received_at", _TIME, nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.CheckConstraint("standing IN ('news', 'same', 'late')", name=op.f("ck_request_news_standing")),
        sa.ForeignKeyConstraint(["request"], ["service_requests.id"], name="fk_request_news_request"),
        sa.PrimaryKeyConstraint("number", name="pk_request_news"),
        sa.UniqueConstraint("client", "update_id", name="uq_request_news_client_update_id"),
    )
    op.create_index("ix_request_news_request", "request_news", ["request", "updated_at", "number"])
