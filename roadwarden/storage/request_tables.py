"""The tables of what citizens ask for, by page or by Open311, and of what other systems tell of it."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, text

from roadwarden.cases.requests import Channel, NewsStanding
from roadwarden.storage.columns import HexBytes, UtcTime, holds, one_of
from roadwarden.storage.metadata import metadata

_NOT_TAKEN_IN = text("NOT taken_in")

service_requests = Table(
    "service_requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("requested_at", UtcTime, nullable=False),  # by the server's clock
    Column("service", Text, nullable=False),  # a distress type, or a problem of another domain
    Column("description", Text),
    Column("answers", Text, nullable=False),  # JSON object: attributes of the service
    Column("lat", Double),
    Column("lon", Double),
    Column("address", Text),
    Column("area", Text),
    Column("media_url", Text),  # a picture somewhere else, never fetched
    Column("secret", HexBytes),  # sha256 of what a citizen follows it with
    Column("client", Text),  # whose token it came with
    Column("client_key", Text),  # idempotency key of that client
    Column("asked", HexBytes),  # sha256 of what was asked under that key
    Column("tip_source", Text),  # the tip that it hangs on: its own, or one that waits near by
    Column("tip_id", Text),
    Column("own_tip", Boolean(create_constraint=False), nullable=False),
    Column("taken_in", Boolean(create_constraint=False), nullable=False),  # whether the own tip is on its way
    Column("case_id", Text),  # the case that it joined
    Column("defect", Text),  # the defect near by that no case is about
    one_of("channel", Channel),
    holds("(lat IS NULL) = (lon IS NULL)", "place"),
    holds("(tip_id IS NULL) = (tip_source IS NULL) AND (tip_id IS NULL) <> (case_id IS NULL)", "hangs_on"),
    holds("(client_key IS NULL) = (asked IS NULL)", "key"),
    UniqueConstraint("client", "client_key"),
    Index("ix_service_requests_requested_at", "requested_at", "id"),
    Index("ix_service_requests_tip", "tip_source", "tip_id"),
    Index("ix_service_requests_case_id", "case_id"),
    Index("ix_service_requests_near", "lat", "lon"),
    Index("ix_service_requests_not_taken_in", "id", sqlite_where=_NOT_TAKEN_IN, postgresql_where=_NOT_TAKEN_IN),
)

request_news = Table(
    "request_news",
    metadata,
    Column("number", Integer, primary_key=True),  # in the order in which they came
    Column("client", Text, nullable=False),
    Column("update_id", Text, nullable=False),  # the client's own
    Column("asked", HexBytes, nullable=False),  # sha256 of what was said under it
    Column("request", ForeignKey("service_requests.id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("description", Text),
    Column("media_url", Text),
    Column("updated_at", UtcTime, nullable=False),  # by the client's clock
    Column("received_at", UtcTime, nullable=False),
    Column("standing", Text, nullable=False),
    one_of("standing", NewsStanding),
    UniqueConstraint("client", "update_id"),
    Index("ix_request_news_request", "request", "updated_at", "number"),
)
