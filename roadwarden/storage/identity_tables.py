"""Whom other servers vouch for: an account here for each of their subjects."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Table, Text

from roadwarden.storage.columns import UtcTime
from roadwarden.storage.metadata import metadata

identities = Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),  # the server's own; never an address of mail, which can change hands
    Column("person", ForeignKey("people.name"), nullable=False, index=True),
    Column("managed", Boolean(create_constraint=False), nullable=False),  # its groups say what he is here
    Column("since", UtcTime, nullable=False),
    Column("seen_at", UtcTime),
)
