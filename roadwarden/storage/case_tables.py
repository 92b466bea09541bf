"""The tables of cases, as the newest migration leaves them, for 200,000 cases and 2 million events.

What happened is in ``case_events`` and only ever added to. ``cases`` says how each case stands after its last event and
can be built again from the events; ``case_watch`` says when a case has to be looked at for warnings, and is the
scheduler's own. What goes outside leaves by ``outbox``, once to every destination (``deliveries``).
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from roadwarden.storage.columns import HexBytes, UtcTime, holds, one_of
from roadwarden.storage.metadata import metadata
from roadwarden.taxonomy import Severity


class DeliveryState(StrEnum):
    """Of one message to one destination."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


class WarningState(StrEnum):
    """What became of a warning that was due."""

    SENT = "sent"
    SKIPPED = "skipped"  # a more severe one was due at the same time


case_events = Table(
    "case_events",
    metadata,
    Column("position", Integer, primary_key=True),  # the order in which they were kept, over all cases
    Column("case_id", Text, nullable=False),
    Column("version", Integer, nullable=False),  # 1, 2, 3 … in the order in which they were kept: the optimistic lock
    Column("seq", BigInteger, nullable=False),  # as the event says; imported histories may have gaps and come late
    Column("type", Text, nullable=False),
    Column("occurred_at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON object
    Column("event_schema", Integer, nullable=False),
    UniqueConstraint("case_id", "version"),
    UniqueConstraint("case_id", "seq"),
    holds("version > 0 AND seq >= 0 AND event_schema > 0", "numbers"),
    holds("length(case_id) > 0", "case_id"),
)

case_commands = Table(
    "case_commands",
    metadata,
    Column("key", Text, primary_key=True),  # the caller's idempotency key
    Column("sha256", HexBytes, nullable=False),  # of what was asked: a key is good for one wish
    Column("case_id", Text, nullable=False),
    Column("version", Integer, nullable=False),  # of the case afterwards
    Column("recorded_at", UtcTime, nullable=False, index=True),
    holds("length(sha256) = 32", "sha256"),
)

case_series = Table(
    "case_series",
    metadata,
    Column("series", Text, primary_key=True),  # e.g. 2026
    Column("last", Integer, nullable=False),
)

_OPEN = text("is_open")

cases = Table(
    "cases",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("as_of", UtcTime, nullable=False),  # when the newest event was received: the state is that of this time
    Column("state", Text, nullable=False),
    Column("is_open", Boolean(create_constraint=False), nullable=False),
    Column("severity", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("filed_at", UtcTime, nullable=False),
    Column("first_seen_at", UtcTime),
    Column("closed_at", UtcTime),
    Column("clock", Text),  # the one that counts now: repair, or assess once a repair is reported; none: all is done
    Column("clock_started_at", UtcTime),
    Column("due_at", UtcTime),  # of that clock, if nothing more happens: a park that lasts is counted to its end
    Column("original_due_at", UtcTime),
    Column("paused_s", Double, nullable=False),  # of that clock, at ``due_at``
    Column("parked_until", UtcTime),
    Column("state_after_park", Text),
    Column("repair_due_at", UtcTime),
    Column("repair_stopped_at", UtcTime),  # final or provisional
    Column("repair_final", Boolean(create_constraint=False), nullable=False),
    Column("reports", Integer, nullable=False),
    Column("bounces", Integer, nullable=False),
    Column("transfers", Integer, nullable=False),
    Column("distress", Text, nullable=False),
    Column("domain", Text),
    Column("area", Text),
    Column("department", Text),
    Column("crew", Text),
    Column("road_grade", Text),
    Column("owner", Text),
    Column("segment", Text),
    Column("lat", Double),
    Column("lon", Double),
    Column("defect", Text, index=True),
    Column("source", Text),
    one_of("severity", Severity),
    holds("version > 0 AND cycle > 0", "numbers"),
    Index("ix_cases_board", "due_at", "case_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_cases_board_area", "area", "due_at", "case_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_cases_board_department", "department", "due_at", "case_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_cases_board_crew", "crew", "due_at", "case_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_cases_filed", "filed_at", "case_id"),
    Index("ix_cases_state_filed", "state", "filed_at", "case_id"),
    Index("ix_cases_area_filed", "area", "filed_at", "case_id"),
    Index("ix_cases_segment_filed", "segment", "filed_at", "case_id"),
    Index("ix_cases_department_filed", "department", "filed_at", "case_id"),
)

case_watch = Table(
    "case_watch",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("look_at", UtcTime, nullable=False, index=True),
)

case_warnings = Table(
    "case_warnings",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("clock", Text, primary_key=True),
    Column("cycle", Integer, primary_key=True, autoincrement=False),
    Column("report_seq", BigInteger, primary_key=True, autoincrement=False),  # NO_REPORT for clocks that have none
    Column("threshold", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("due_since", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False, index=True),
    one_of("state", WarningState),
)

NO_REPORT = -1

outbox = Table(
    "outbox",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # the receiver's idempotency key
    Column("topic", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("payload", Text, nullable=False),  # JSON object
    Column("created_at", UtcTime, nullable=False, index=True),
)

destinations = Table(
    "destinations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("up_to", Integer, nullable=False),  # number of the newest message that was handed to it, or passed over
    Column("since", UtcTime, nullable=False),
)

_WAITING = text("state = 'waiting'")

deliveries = Table(
    "deliveries",
    metadata,
    Column("destination", ForeignKey("destinations.name"), primary_key=True),
    Column("message", ForeignKey("outbox.number"), primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("try_at", UtcTime, nullable=False),
    Column("leased_until", UtcTime),
    Column("leased_by", Text),
    Column("first_tried_at", UtcTime),
    Column("done_at", UtcTime),
    Column("error", Text),
    one_of("state", DeliveryState),
    holds("attempts >= 0", "attempts"),
    Index(
        "ix_deliveries_waiting", "destination", "try_at", "message", sqlite_where=_WAITING, postgresql_where=_WAITING
    ),
    Index("ix_deliveries_order", "destination", "case_id", "message", sqlite_where=_WAITING, postgresql_where=_WAITING),
    Index("ix_deliveries_state", "state", "message"),
    Index("ix_deliveries_message", "message"),
)
