"""Cases: their events, how they stand, warnings, and messages to the outside."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

APPEND_ONLY = "case_events"
"""What happened stays; who was wrong says so by another event."""

_ONLY_OPEN: dict[str, Any] = {"sqlite_where": sa.text("is_open"), "postgresql_where": sa.text("is_open")}
_ONLY_WAITING: dict[str, Any] = {
    "sqlite_where": sa.text("state = 'waiting'"),
    "postgresql_where": sa.text("state = 'waiting'"),
}


def upgrade() -> None:
    """Makes the tables of cases. The function ``only_added_to`` in PostgreSQL is that of 0001."""
    _events()
    _rows()
    _warnings()
    _outbox()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {APPEND_ONLY}_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON {APPEND_ONLY} "
            "FOR EACH STATEMENT EXECUTE FUNCTION only_added_to()"
        )
        return
    for what in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {APPEND_ONLY}_no_{what.lower()} BEFORE {what} ON {APPEND_ONLY} "
            f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY} are only added to'); END"
        )


def _events() -> None:
    op.create_table(
        "case_events",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("event_schema", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(case_id) > 0", name=op.f("ck_case_events_case_id")),
        sa.CheckConstraint("version > 0 AND seq >= 0 AND event_schema > 0", name=op.f("ck_case_events_numbers")),
        sa.PrimaryKeyConstraint("position", name="pk_case_events"),
        sa.UniqueConstraint("case_id", "seq", name="uq_case_events_case_id_seq"),
        sa.UniqueConstraint("case_id", "version", name="uq_case_events_case_id_version"),
    )
    op.create_table(
        "case_commands",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(sha256) = 32", name=op.f("ck_case_commands_sha256")),
        sa.PrimaryKeyConstraint("key", name="pk_case_commands"),
    )
    op.create_index("ix_case_commands_recorded_at", "case_commands", ["recorded_at"])
    op.create_table(
        "case_series",
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("series", name="pk_case_series"),
    )


def _rows() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True)),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("clock", sa.Text()),
        sa.Column("clock_started_at", sa.DateTime(timezone=True)),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("original_due_at", sa.DateTime(timezone=True)),
        sa.Column("paused_s", sa.Double(), nullable=False),
        sa.Column("parked_until", sa.DateTime(timezone=True)),
        sa.Column("state_after_park", sa.Text()),
        sa.Column("repair_due_at", sa.DateTime(timezone=True)),
        sa.Column("repair_stopped_at", sa.DateTime(timezone=True)),
        sa.Column("repair_final", sa.Boolean(), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("bounces", sa.Integer(), nullable=False),
        sa.Column("transfers", sa.Integer(), nullable=False),
        sa.Column("distress", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text()),
        sa.Column("area", sa.Text()),
        sa.Column("department", sa.Text()),
        sa.Column("crew", sa.Text()),
        sa.Column("road_grade", sa.Text()),
        sa.Column("owner", sa.Text()),
        sa.Column("segment", sa.Text()),
        sa.Column("lat", sa.Double()),
        sa.Column("lon", sa.Double()),
        sa.Column("defect", sa.Text()),
        sa.Column("source", sa.Text()),
        sa.CheckConstraint("severity IN ('normal', 'severe')", name=op.f("ck_cases_severity")),
        sa.CheckConstraint("version > 0 AND cycle > 0", name=op.f("ck_cases_numbers")),
        sa.PrimaryKeyConstraint("case_id", name="pk_cases"),
    )
    op.create_index("ix_cases_area_filed", "cases", ["area", "filed_at", "case_id"])
    op.create_index("ix_cases_board", "cases", ["due_at", "case_id"], **_ONLY_OPEN)
    op.create_index("ix_cases_board_area", "cases", ["area", "due_at", "case_id"], **_ONLY_OPEN)
    op.create_index("ix_cases_board_crew", "cases", ["crew", "due_at", "case_id"], **_ONLY_OPEN)
    op.create_index("ix_cases_board_department", "cases", ["department", "due_at", "case_id"], **_ONLY_OPEN)
    op.create_index("ix_cases_defect", "cases", ["defect"])
    op.create_index("ix_cases_department_filed", "cases", ["department", "filed_at", "case_id"])
    op.create_index("ix_cases_filed", "cases", ["filed_at", "case_id"])
    op.create_index("ix_cases_segment_filed", "cases", ["segment", "filed_at", "case_id"])
    op.create_index("ix_cases_state_filed", "cases", ["state", "filed_at", "case_id"])


def _warnings() -> None:
    op.create_table(
        "case_watch",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_case_watch"),
    )
    op.create_index("ix_case_watch_look_at", "case_watch", ["look_at"])
    op.create_table(
        "case_warnings",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("report_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("threshold", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('sent', 'skipped')", name=op.f("ck_case_warnings_state")),
        sa.PrimaryKeyConstraint("case_id", "clock", "cycle", "report_seq", "threshold", name="pk_case_warnings"),
    )
    op.create_index("ix_case_warnings_recorded_at", "case_warnings", ["recorded_at"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_outbox"),
        sa.UniqueConstraint("key", name="uq_outbox_key"),
    )
    op.create_index("ix_outbox_created_at", "outbox", ["created_at"])
    op.create_table(
        "destinations",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("up_to", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_destinations"),
    )
    op.create_table(
        "deliveries",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("message", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("leased_by", sa.Text()),
        sa.Column("first_tried_at", sa.DateTime(timezone=True)),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text()),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'dead')", name=op.f("ck_deliveries_state")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_deliveries_attempts")),
        sa.ForeignKeyConstraint(["destination"], ["destinations.name"], name="fk_deliveries_destination"),
        sa.ForeignKeyConstraint(["message"], ["outbox.number"], name="fk_deliveries_message"),
        sa.PrimaryKeyConstraint("destination", "message", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_message", "deliveries", ["message"])
    op.create_index("ix_deliveries_order", "deliveries", ["destination", "case_id", "message"], **_ONLY_WAITING)
    op.create_index("ix_deliveries_state", "deliveries", ["state", "message"])
    op.create_index("ix_deliveries_waiting", "deliveries", ["destination", "try_at", "message"], **_ONLY_WAITING)
