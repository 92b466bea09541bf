"""What other systems tell us, and under which number they know our cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    """Adds two tables."""
    op.create_table(
        "inbox",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("case_id", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.CheckConstraint("state IN ('waiting', 'applied', 'rejected', 'ignored')", name=op.f("ck_inbox_state")),
        sa.CheckConstraint("length(sha256) = 32", name=op.f("ck_inbox_sha256")),
        sa.CheckConstraint("(state = 'waiting') = (settled_at IS NULL)", name=op.f("ck_inbox_settled")),
        sa.CheckConstraint("state <> 'rejected' OR reason IS NOT NULL", name=op.f("ck_inbox_reason")),
        sa.PrimaryKeyConstraint("number", name="pk_inbox"),
        sa.UniqueConstraint("partner", "message_id", name="uq_inbox_partner_message_id"),
    )
    op.create_index("ix_inbox_state", "inbox", ["state", "number"])
    order = ["partner", "subject", "happened_at", "number"]
    op.create_index("ix_inbox_order", "inbox", order, sqlite_where=_WAITING, postgresql_where=_WAITING)
    op.create_table(
        "partner_cases",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("theirs", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("partner", "theirs", name="pk_partner_cases"),
        sa.UniqueConstraint("partner", "case_id", name="uq_partner_cases_partner_case_id"),
    )
