"""The tables, as the newest migration leaves them, for a million defects and 50 million sightings (250 bytes each).

Keys follow the questions. Neighbours of a place, places of a map's box: a B-tree on the Morton key of a tile of 13.5 m
(``geo.tiles``), O(log n + found). Defects along a road: (network, segment, chainage). Stretches: (network, segment,
time); a city's 10 million cells are reckoned from those and the defects, segment by segment, and not kept.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from roadwarden.defects.inspected import WHOLE_WIDTH, Quality
from roadwarden.defects.presence import Presence
from roadwarden.defects.rulings import Answer
from roadwarden.geo.places import RoadClass, RoadGrade, Side
from roadwarden.storage.columns import HexBytes, UtcTime, holds, one_of
from roadwarden.storage.metadata import metadata
from roadwarden.taxonomy import Severity

networks = Table(
    "networks",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("sha256", HexBytes, nullable=False, unique=True),  # of its segments: the same network is not kept twice
    Column("source", Text, nullable=False),
    Column("imported_at", UtcTime, nullable=False),
    holds("length(sha256) = 32", "sha256"),
)

segments = Table(
    "segments",
    metadata,
    Column("network", ForeignKey("networks.number"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Column("road_class", Text),
    Column("one_way", Boolean(create_constraint=False), nullable=False),
    Column("width_m", Double, nullable=False),
    Column("line", Text, nullable=False),  # GeoJSON LineString: longitude, latitude
    Column("owner", Text),
    Column("area", Text),
    one_of("grade", RoadGrade),
    one_of("road_class", RoadClass),
    holds("width_m > 0", "width_m"),
    holds("length(id) > 0", "id"),
)

stretches = Table(
    "stretches",
    metadata,
    Column("network", Integer, primary_key=True),
    Column("segment", Text, primary_key=True),
    Column("seen_at", UtcTime, primary_key=True),
    Column("lane", Integer, primary_key=True, autoincrement=False),  # WHOLE_WIDTH where it was all of them
    Column("from_m", Double, primary_key=True),
    Column("to_m", Double, primary_key=True),
    Column("quality", Text, primary_key=True),
    Column("pass", ForeignKey("passes.number")),
    ForeignKeyConstraint(["network", "segment"], ["segments.network", "segments.id"]),
    holds("from_m < to_m", "length"),
    holds(f"lane >= {WHOLE_WIDTH}", "lane"),
    one_of("quality", Quality),
)

passes = Table(
    "passes",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
)

models = Table(
    "models",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)


def _rules_of_places() -> tuple[CheckConstraint, ...]:
    return (
        holds("length(id) = 16", "id"),
        holds("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", "place"),
        holds("east_m2 >= 0 AND north_m2 >= 0", "covariance"),
        holds("length_m >= 0 AND width_m >= 0 AND size_sigma_m >= 0", "size"),
    )


defects = Table(
    "defects",
    metadata,
    Column("id", HexBytes, primary_key=True),
    Column("tile", BigInteger, nullable=False, index=True),
    Column("type", Text, nullable=False),
    Column("margin", Double, nullable=False),
    Column("shares", Text, nullable=False),  # of the vote: JSON object, type to chance
    Column("lat", Double, nullable=False),
    Column("lon", Double, nullable=False),
    Column("heading_deg", Double),
    Column("east_m2", Double, nullable=False),
    Column("north_m2", Double, nullable=False),
    Column("east_north_m2", Double, nullable=False),
    Column("length_m", Double, nullable=False),
    Column("width_m", Double, nullable=False),
    Column("size_sigma_m", Double, nullable=False),
    Column("passes", Integer, nullable=False),
    Column("sightings", Integer, nullable=False),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
    Column("severity", Text),
    Column("presence", Text, nullable=False, server_default=Presence.SEEN.value),
    Column("network", Integer),
    Column("segment", Text),
    Column("chainage_m", Double),
    Column("offset_m", Double),
    Column("side", Text),
    ForeignKeyConstraint(["network", "segment"], ["segments.network", "segments.id"]),
    Index(None, "network", "segment", "chainage_m"),
    *_rules_of_places(),
    holds("margin BETWEEN 0 AND 1", "margin"),
    holds("passes > 0 AND sightings >= passes AND first_seen_at <= last_seen_at", "seen"),
    one_of("severity", Severity),
    one_of("presence", Presence),
    one_of("side", Side),
    holds("(segment IS NULL) = (network IS NULL) AND (segment IS NULL) = (chainage_m IS NULL)", "road_place"),
    holds("(segment IS NULL) = (offset_m IS NULL) AND (segment IS NULL) = (side IS NULL)", "road_side"),
    holds("chainage_m >= 0 AND offset_m >= 0", "chainage"),
)

sightings = Table(
    "sightings",
    metadata,
    Column("id", HexBytes, primary_key=True),
    Column("tile", BigInteger, nullable=False, index=True),
    Column("defect", ForeignKey("defects.id"), index=True),
    Column("track", BigInteger),  # null: not merged yet
    Column("frame", HexBytes, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("pass", ForeignKey("passes.number"), nullable=False),
    Column("model", ForeignKey("models.number"), nullable=False),
    Column("type", Text, nullable=False),
    Column("score", Double, nullable=False),
    Column("lat", Double, nullable=False),
    Column("lon", Double, nullable=False),
    Column("heading_deg", Double),
    Column("speed_mps", Double),
    Column("east_m2", Double, nullable=False),
    Column("north_m2", Double, nullable=False),
    Column("east_north_m2", Double, nullable=False),
    Column("length_m", Double, nullable=False),
    Column("width_m", Double, nullable=False),
    Column("size_sigma_m", Double, nullable=False),
    *_rules_of_places(),
    holds("score BETWEEN 0 AND 1", "score"),
    holds("length(frame) = 32", "frame"),
)

merging = Table(
    "merging",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),  # one row: a database is merged in one plane
    Column("lat", Double, nullable=False),
    Column("lon", Double, nullable=False),
    Column("rules", Text, nullable=False),  # what the tracks were made by; by other rules they are made anew
    holds("number = 1", "one"),
)

tracks = Table(
    "tracks",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("pass", ForeignKey("passes.number"), nullable=False),
    Column("run", BigInteger, nullable=False, index=True),  # number of one of its tracks
    Column("island", BigInteger, nullable=False, index=True),  # number of one of its tracks
    Column("defect", HexBytes, nullable=False),
    Column("east_m", Double, nullable=False),  # aligned, in the plane of ``merging``
    Column("north_m", Double, nullable=False),
    Column("left_m2", Double, nullable=False),
    Column("seen", LargeBinary, nullable=False),  # the track by itself, and its looks: see ``storage.tracks``
    Column("looks", LargeBinary, nullable=False),
)

track_cells = Table(
    "track_cells",
    metadata,
    Column("cell", BigInteger, primary_key=True, autoincrement=False),
    Column("track", BigInteger, primary_key=True, autoincrement=False, index=True),
    sqlite_with_rowid=False,
)

rulings = Table(
    "rulings",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("decided_at", UtcTime, nullable=False),
    Column("decided_by", Text, nullable=False),
)

ruled_sightings = Table(
    "ruled_sightings",
    metadata,
    Column("ruling", ForeignKey("rulings.number"), primary_key=True),
    Column("sighting", ForeignKey("sightings.id"), primary_key=True, index=True),
    Column("part", Integer, nullable=False),  # the number of its group, and its place in that
    Column("place", Integer, nullable=False),
)

comparisons = Table(
    "comparisons",
    metadata,
    Column("one", ForeignKey("sightings.id"), primary_key=True),
    Column("other", ForeignKey("sightings.id"), primary_key=True, index=True),
    Column("answer", Text, nullable=False),
    one_of("answer", Answer),
    holds("one < other", "order"),
)
