"""The tables of assessments, as the newest migration leaves them, for 500,000 records.

``assessments``, ``assessment_evidence`` and ``rechecks`` are only added to. ``assessment_jobs`` is the workers' own: it
can be made anew from the events, but for the tries.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text, UniqueConstraint
from sqlalchemy import text as sql_text

from roadwarden.cases.assessments import AssessmentKind, JobState, Wait
from roadwarden.cases.durability_words import Durability
from roadwarden.cases.event_types import Verdict
from roadwarden.storage.columns import HexBytes, UtcTime, holds, one_of
from roadwarden.storage.metadata import metadata

_BY_MACHINE = sql_text("kind = 'machine'")
_UNSETTLED = sql_text("state <> 'done'")

assessments = Table(
    "assessments",
    metadata,
    Column("number", Integer, primary_key=True),  # the order in which they were kept
    Column("id", HexBytes, nullable=False, unique=True),  # sha256 of the content
    Column("kind", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("report_seq", BigInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("score", Double, nullable=False),
    Column("audited", Boolean(create_constraint=False), nullable=False),  # drawn: a person looks before it closes
    Column("overlay", HexBytes),  # sha256 of the drawn picture
    Column("of", HexBytes, ForeignKey("assessments.id")),  # a review's: the record that it looked at
    Column("recorded_at", UtcTime, nullable=False, index=True),
    Column("content", Text, nullable=False),  # canonical JSON
    one_of("kind", AssessmentKind),
    one_of("verdict", Verdict),
    holds("length(id) = 32", "id"),
    Index("ix_assessments_case", "case_id", "number"),
    Index(
        "uq_assessments_machine",
        "case_id",
        "report_seq",
        unique=True,
        sqlite_where=_BY_MACHINE,
        postgresql_where=_BY_MACHINE,
    ),
)

assessment_evidence = Table(
    "assessment_evidence",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("sha256", HexBytes, nullable=False, index=True),
    Column("perceptual", HexBytes, nullable=False),  # 64 bits
    Column("case_id", Text, nullable=False),
    Column("report_seq", BigInteger, nullable=False),
    UniqueConstraint("case_id", "report_seq", "sha256"),
    holds("length(sha256) = 32 AND length(perceptual) = 8", "hashes"),
)

assessment_jobs = Table(
    "assessment_jobs",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("report_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, nullable=False, index=True),  # of the report among all events
    Column("version", Integer, nullable=False),  # of the case when the job was last compared with it; 0: never
    Column("state", Text, nullable=False),
    Column("why", Text),
    Column("error", Text),
    Column("due_at", UtcTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("try_at", UtcTime, nullable=False),
    Column("leased_by", Text),
    Column("leased_until", UtcTime),
    Column("settled_at", UtcTime),
    one_of("state", JobState),
    one_of("why", Wait),
    holds("tries >= 0 AND (leased_by IS NULL) = (leased_until IS NULL)", "tries"),
    Index("ix_assessment_jobs_due", "state", "due_at", sqlite_where=_UNSETTLED, postgresql_where=_UNSETTLED),
)

rechecks = Table(
    "rechecks",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("cycle", Integer, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),  # after the repair: 7, 30, 90
    Column("outcome", Text, nullable=False),
    Column("repaired_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime),  # by the pass that decided; null where none looked
    Column("pass", Text),
    Column("department", Text),
    Column("crew", Text),
    Column("recorded_at", UtcTime, nullable=False),
    one_of("outcome", Durability),
    holds("cycle > 0 AND day > 0", "numbers"),
    Index(None, "crew", "day"),
)
