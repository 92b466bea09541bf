"""The tables of pictures that are evidence. The pictures themselves lie in the blob store, under these hashes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, Table, Text

from roadwarden.storage.columns import HexBytes, UtcTime, holds
from roadwarden.storage.metadata import metadata

BANDS = tuple(f"band{number}" for number in range(4))
"""Quarters of the perceptual hash: two hashes that differ in 11 bits or fewer agree in one of them but for two bits."""

evidence = Table(
    "evidence",
    metadata,
    Column("sha256", HexBytes, primary_key=True),  # of the original, as it came
    Column("public_sha256", HexBytes, nullable=False),  # of the redacted JPEG that others than intake see
    Column("format", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("received_from", Text, nullable=False),
    Column("captured_at", UtcTime),  # what EXIF says, and never leaves the server
    Column("lat", Double),
    Column("lon", Double),
    Column("heading_deg", Double),
    Column("device", Text),
    Column("software", Text),
    Column("perceptual", BigInteger, nullable=False),  # 64 bits, signed
    *(Column(band, Integer, nullable=False) for band in BANDS),
    Column("copy_of", HexBytes),  # earlier evidence that it shows again
    Column("redactor", Text, nullable=False),
    Column("withheld_at", UtcTime),
    Column("withheld_by", Text),
    Column("withheld_because", Text),
    holds("length(sha256) = 32 AND length(public_sha256) = 32", "hashes"),
    holds("size_bytes > 0 AND width > 0 AND height > 0", "sizes"),
    holds(
        "(withheld_at IS NULL) = (withheld_by IS NULL) AND (withheld_at IS NULL) = (withheld_because IS NULL)",
        "withheld",
    ),
    *(Index(f"ix_evidence_{band}", band, "perceptual", "sha256") for band in BANDS),
    Index("ix_evidence_public", "public_sha256"),
)

evidence_uses = Table(
    "evidence_uses",
    metadata,
    Column("kind", Text, primary_key=True),  # request, or case
    Column("subject", Text, primary_key=True),  # its id
    Column("sha256", ForeignKey("evidence.sha256"), primary_key=True),
    Column("number", Integer, nullable=False),  # in the order in which they came
    Index("ix_evidence_uses_sha256", "sha256"),
)
