"""What other systems have told us, as it came, and under which number they know our cases."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint, text

from roadwarden.storage.columns import HexBytes, UtcTime, holds, one_of
from roadwarden.storage.metadata import metadata


class InboxState(StrEnum):
    """Of one message."""

    WAITING = "waiting"  # not applied yet
    APPLIED = "applied"
    REJECTED = "rejected"  # kept with the reason; may be applied again
    IGNORED = "ignored"  # the partner's file says that it means nothing to us


inbox = Table(
    "inbox",
    metadata,
    Column("number", Integer, primary_key=True),  # the order in which they came
    Column("partner", Text, nullable=False),
    Column("message_id", Text, nullable=False),  # the partner's own; the same one twice is one message
    Column("sha256", HexBytes, nullable=False),  # of the body as it came
    Column("body", Text, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("subject", Text, nullable=False),  # the case, by whichever name they tell; what is of one keeps its order
    Column("happened_at", UtcTime, nullable=False),  # by their clock; when we received it where they do not say
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("settled_at", UtcTime),
    Column("case_id", Text),
    Column("reason", Text),
    UniqueConstraint("partner", "message_id"),
    one_of("state", InboxState),
    holds("length(sha256) = 32", "sha256"),
    holds("(state = 'waiting') = (settled_at IS NULL)", "settled"),
    holds("state <> 'rejected' OR reason IS NOT NULL", "reason"),
    Index("ix_inbox_state", "state", "number"),
    Index(
        "ix_inbox_order",
        "partner",
        "subject",
        "happened_at",
        "number",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
)

partner_cases = Table(
    "partner_cases",
    metadata,
    Column("partner", Text, primary_key=True),
    Column("theirs", Text, primary_key=True),  # their number of the case
    Column("case_id", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    UniqueConstraint("partner", "case_id"),
)
