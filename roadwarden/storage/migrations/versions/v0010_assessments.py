"""Records of assessments, hashes of evidence, the queue of reports to judge, and what later passes say of repairs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0006"

APPEND_ONLY = ("assessments", "assessment_evidence", "rechecks")
_VERDICTS = (
    "'REPAIRED', 'REPAIRED_WITH_DEFECT', 'PARTIAL', 'NOT_REPAIRED', 'WRONG_OBJECT', 'LOCATION_UNCERTAIN', "
    "'INSUFFICIENT_EVIDENCE'"
)
_WAITS = "'uncertain', 'with_defect', 'audit', 'no_model', 'no_pictures', 'failed', 'kills'"


def upgrade() -> None:
    """Makes the tables. The function ``only_added_to`` in PostgreSQL is that of 0001."""
    _records()
    _jobs()
    _rechecks()
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in APPEND_ONLY:
        (_guard_postgresql if postgresql else _guard_sqlite)(table)


def _records() -> None:
    op.create_table(
        "assessments",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("report_seq", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("audited", sa.Boolean(), nullable=False),
        sa.Column("overlay", sa.LargeBinary()),
        sa.Column("of", sa.LargeBinary()),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('machine', 'review')", name=op.f("ck_assessments_kind")),
        sa.CheckConstraint(f"verdict IN ({_VERDICTS})", name=op.f("ck_assessments_verdict")),
        sa.CheckConstraint("length(id) = 32", name=op.f("ck_assessments_id")),
        sa.ForeignKeyConstraint(["of"], ["assessments.id"], name="fk_assessments_of"),
        sa.PrimaryKeyConstraint("number", name="pk_assessments"),
        sa.UniqueConstraint("id", name="uq_assessments_id"),
    )
    op.create_index("ix_assessments_case", "assessments", ["case_id", "number"])
    op.create_index("ix_assessments_recorded_at", "assessments", ["recorded_at"])
    by_machine = sa.text("kind = 'machine'")
    op.create_index(
        "uq_assessments_machine",
        "assessments",
        ["case_id", "report_seq"],
        unique=True,
        sqlite_where=by_machine,
        postgresql_where=by_machine,
    )
    op.create_table(
        "assessment_evidence",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("perceptual", sa.LargeBinary(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("report_seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "length(sha256) = 32 AND length(perceptual) = 8", name=op.f("ck_assessment_evidence_hashes")
        ),
        sa.PrimaryKeyConstraint("number", name="pk_assessment_evidence"),
        sa.UniqueConstraint("case_id", "report_seq", "sha256", name="uq_assessment_evidence_case_id_report_seq_sha256"),
    )
    op.create_index("ix_assessment_evidence_sha256", "assessment_evidence", ["sha256"])


def _jobs() -> None:
    op.create_table(
        "assessment_jobs",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("report_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_by", sa.Text()),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state IN ('waiting', 'person', 'quarantined', 'done')", name=op.f("ck_assessment_jobs_state")
        ),
        sa.CheckConstraint(f"why IN ({_WAITS})", name=op.f("ck_assessment_jobs_why")),
        sa.CheckConstraint(
            "tries >= 0 AND (leased_by IS NULL) = (leased_until IS NULL)", name=op.f("ck_assessment_jobs_tries")
        ),
        sa.PrimaryKeyConstraint("case_id", "report_seq", name="pk_assessment_jobs"),
    )
    op.create_index("ix_assessment_jobs_position", "assessment_jobs", ["position"])
    unsettled = sa.text("state <> 'done'")
    op.create_index(
        "ix_assessment_jobs_due",
        "assessment_jobs",
        ["state", "due_at"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )


def _rechecks() -> None:
    op.create_table(
        "rechecks",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("repaired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.Column("pass", sa.Text()),
        sa.Column("department", sa.Text()),
        sa.Column("crew", sa.Text()),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("outcome IN ('held', 'broken', 'not_looked')", name=op.f("ck_rechecks_outcome")),
        sa.CheckConstraint("cycle > 0 AND day > 0", name=op.f("ck_rechecks_numbers")),
        sa.PrimaryKeyConstraint("case_id", "cycle", "day", name="pk_rechecks"),
    )
    op.create_index("ix_rechecks_crew_day", "rechecks", ["crew", "day"])


def _guard_sqlite(table: str) -> None:
    for what in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} are only added to'); END"
        )


def _guard_postgresql(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION only_added_to()"
    )
