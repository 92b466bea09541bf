"""Tables of access: people and what they are, how they prove it, what they have read, wishes that wait for approval."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from roadwarden.cases.event_types import Role
from roadwarden.storage.columns import HexBytes, UtcTime, holds, one_of
from roadwarden.storage.metadata import metadata


class WishState(StrEnum):
    """What became of a wish."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


people = Table(
    "people",
    metadata,
    Column("name", Text, primary_key=True),  # the actor of events, so a row is disabled and never deleted
    Column("display_name", Text, nullable=False),
    Column("department", Text),
    Column("crew", Text),
    Column("password_hash", Text),  # argon2id; none: lets himself in otherwise, or not at all
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
)

people_roles = Table(
    "people_roles",
    metadata,
    Column("person", ForeignKey("people.name"), primary_key=True),
    Column("role", Text, primary_key=True),
    one_of("role", Role),
)

people_areas = Table(
    "people_areas",
    metadata,
    Column("person", ForeignKey("people.name"), primary_key=True),
    Column("area", Text, primary_key=True),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", ForeignKey("people.name"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("sha256", HexBytes, nullable=False),  # of the secret
    Column("scopes", Text, nullable=False),  # words between spaces
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("sha256", HexBytes, primary_key=True),  # of the cookie
    Column("person", ForeignKey("people.name"), nullable=False, index=True),
    Column("created_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
)

failed_logins = Table(
    "failed_logins",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("at", UtcTime, nullable=False, index=True),
    Index(None, "name", "at"),
    Index(None, "address", "at"),
)

access_events = Table(
    "access_events",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),  # who did it; on the command line the system's user
    Column("person", Text, nullable=False),  # to whom
    Column("what", Text, nullable=False),
    Column("details", Text, nullable=False),  # JSON object, no secrets
)

personal_reads = Table(
    "personal_reads",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("credential", Text, nullable=False),
    Column("case_id", Text, nullable=False, index=True),
    Column("what", Text, nullable=False),
)

case_wishes = Table(
    "case_wishes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("version", BigInteger, nullable=False),  # of the case as whoever wishes saw it
    Column("type", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON object without an approver
    Column("actor", ForeignKey("people.name"), nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", UtcTime),
    Column("reason", Text),  # why it was refused
    one_of("state", WishState),
    holds("(state = 'waiting') = (decided_by IS NULL) AND (state = 'waiting') = (decided_at IS NULL)", "decided"),
    Index(None, "state", "created_at"),
    Index(None, "case_id"),
)
