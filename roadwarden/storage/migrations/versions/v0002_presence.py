"""Whether a defect was still seen by the good passes over its place."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Defects that are known already count as seen. One statement that both databases understand."""
    op.execute(
        "ALTER TABLE defects ADD COLUMN presence TEXT DEFAULT 'seen' NOT NULL "
        "CONSTRAINT ck_defects_presence CHECK (presence IN ('seen', 'not_seen'))"
    )
