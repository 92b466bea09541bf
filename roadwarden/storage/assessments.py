"""Records of assessments and the hashes of the evidence they saw: only ever added to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, func, insert, select

from roadwarden.cases.assessments import AssessmentKind
from roadwarden.cases.event_types import EventType, Verdict
from roadwarden.storage.assessment_tables import assessment_evidence, assessments
from roadwarden.storage.case_tables import case_events
from roadwarden.storage.rows import insert_of, rows_where

MOST_ROWS = 1000


@dataclass(frozen=True, slots=True)
class AssessmentRow:
    """One record; ``content`` is canonical JSON, and ``id`` its sha256."""

    id: str
    kind: AssessmentKind
    case: str
    report_seq: int
    verdict: Verdict
    score: float
    audited: bool
    overlay: str | None
    of: str | None
    recorded_at: datetime
    content: str
    number: int = 0  # given by the store


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture that was evidence once."""

    sha256: str
    perceptual: int  # 64 bits
    case: str
    report_seq: int


@dataclass(frozen=True, slots=True)
class AssessmentFilter:
    """Which records; what is None does not matter."""

    case: str | None = None
    verdict: Verdict | None = None
    kind: AssessmentKind | None = None
    before: int | None = None  # numbers below it, for pages


@dataclass(frozen=True, slots=True)
class NamedRecord:
    """What an event says of a record."""

    id: str
    verdict: str
    report_seq: object


class AssessmentStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, row: AssessmentRow) -> None:
        """Keeps a record. The database refuses a machine's second one of a report."""
        values = {
            "id": row.id,
            "kind": row.kind.value,
            "case_id": row.case,
            "report_seq": row.report_seq,
            "verdict": row.verdict.value,
            "score": row.score,
            "audited": row.audited,
            "overlay": row.overlay,
            "of": row.of,
            "recorded_at": row.recorded_at,
            "content": row.content,
        }
        self._connection.execute(insert(assessments), values)

    def get(self, id: str) -> AssessmentRow | None:
        """By the whole id."""
        if len(id) != 64 or set(id) - set("0123456789abcdef"):
            return None
        row = self._connection.execute(select(assessments).where(assessments.c.id == id)).first()
        return None if row is None else _row(row)

    def by_machine(self, case: str, report_seq: int) -> AssessmentRow | None:
        """The machine's record of a report."""
        query = select(assessments).where(assessments.c.case_id == case, assessments.c.report_seq == report_seq)
        row = self._connection.execute(query.where(assessments.c.kind == AssessmentKind.MACHINE.value)).first()
        return None if row is None else _row(row)

    def list(self, wanted: AssessmentFilter, most: int = 50) -> tuple[AssessmentRow, ...]:
        """The newest first, at most 1,000."""
        query = select(assessments)
        if wanted.case is not None:
            query = query.where(assessments.c.case_id == wanted.case)
        if wanted.verdict is not None:
            query = query.where(assessments.c.verdict == wanted.verdict.value)
        if wanted.kind is not None:
            query = query.where(assessments.c.kind == wanted.kind.value)
        if wanted.before is not None:
            query = query.where(assessments.c.number < wanted.before)
        query = query.order_by(assessments.c.number.desc()).limit(min(most, MOST_ROWS))
        return tuple(map(_row, self._connection.execute(query)))

    def page(self, after: int, most: int) -> tuple[AssessmentRow, ...]:
        """Records behind a number, in the order in which they were kept."""
        query = select(assessments).where(assessments.c.number > after)
        return tuple(map(_row, self._connection.execute(query.order_by(assessments.c.number).limit(most))))

    def named_by(self, cases: Sequence[str]) -> Iterator[NamedRecord]:
        """The records that events of those cases name, as the events say."""
        query = select(case_events.c.data).where(case_events.c.type == EventType.ASSESSED.value)
        for row in rows_where(self._connection, query, case_events.c.case_id, set(cases)):
            data = json.loads(row.data)
            if isinstance(data, dict) and data.get("assessment"):
                yield NamedRecord(str(data["assessment"]), str(data.get("verdict")), data.get("report_seq"))

    def known(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of the ids that are kept."""
        query = select(assessments.c.id)
        return frozenset(row[0] for row in rows_where(self._connection, query, assessments.c.id, ids))


class ShownStore:
    """Within one transaction: hashes of pictures that were evidence, to know one that is shown again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, hashes: Sequence[ShownPicture]) -> None:
        """Keeps hashes; those of the same report and picture stay as they are."""
        statement = insert_of(self._connection, assessment_evidence).on_conflict_do_nothing()
        for one in hashes:
            values = {"sha256": one.sha256, "perceptual": f"{one.perceptual:016x}"}
            self._connection.execute(statement, values | {"case_id": one.case, "report_seq": one.report_seq})

    def elsewhere(self, sha256s: Sequence[str], case: str, report_seq: int) -> frozenset[str]:
        """Those of the pictures that were evidence of another report: the very file."""
        table = assessment_evidence
        other = (table.c.case_id != case) | (table.c.report_seq != report_seq)
        found = rows_where(self._connection, select(table.c.sha256).where(other), table.c.sha256, sha256s)
        return frozenset(row[0] for row in found)

    def has(self, sha256: str) -> bool:
        """Whether the picture was evidence of some report."""
        query = select(assessment_evidence.c.number).where(assessment_evidence.c.sha256 == sha256).limit(1)
        return self._connection.execute(query).first() is not None

    def cases_of(self, sha256: str) -> frozenset[str]:
        """The cases whose reports were judged by the picture."""
        query = select(assessment_evidence.c.case_id).where(assessment_evidence.c.sha256 == sha256)
        return frozenset(self._connection.execute(query).scalars())

    def drawn_from(self, sha256s: Sequence[str], case: str) -> tuple[str, ...]:
        """The sha256 of what was drawn for reports of a case that some of the pictures were evidence of."""
        shown, record = assessment_evidence.c, assessments.c
        here = (shown.case_id == record.case_id) & (shown.report_seq == record.report_seq)
        query = select(record.overlay, shown.sha256).join(assessment_evidence, here)
        query = query.where(record.case_id == case, record.overlay.is_not(None))
        return tuple(sorted({row.overlay for row in rows_where(self._connection, query, shown.sha256, sha256s)}))

    def newest(self) -> int:
        """Number of the newest hash; 0 where there is none."""
        return self._connection.execute(select(func.max(assessment_evidence.c.number))).scalar_one() or 0

    def after(self, number: int, most: int = 100_000) -> tuple[tuple[int, int], ...]:
        """Numbers behind a number, in order, with their perceptual hashes."""
        shown = assessment_evidence.c
        query = select(shown.number, shown.perceptual).where(shown.number > number).order_by(shown.number).limit(most)
        return tuple((at, int(perceptual, 16)) for at, perceptual in self._connection.execute(query))

    def get(self, numbers: Sequence[int]) -> tuple[ShownPicture, ...]:
        """Hashes of those numbers, in order."""
        query = select(assessment_evidence).order_by(assessment_evidence.c.number)
        return tuple(map(_hash, rows_where(self._connection, query, assessment_evidence.c.number, numbers)))


class Hashes(Protocol):
    """Where hashes come from."""

    def after(self, number: int, most: int = 100_000) -> tuple[tuple[int, int], ...]:
        """Numbers behind a number, in order, with their perceptual hashes."""
        ...


class HashIndex:
    """All perceptual hashes in memory, 16 bytes each: a million are searched in some 10 ms. Grows with the table."""

    def __init__(self) -> None:
        """Empty; ``follow`` fills it."""
        self._numbers = np.zeros(0, np.int64)
        self._hashes = np.zeros(0, np.uint64)

    def follow(self, store: Hashes) -> None:
        """Takes in what was added since."""
        while new := store.after(int(self._numbers[-1]) if len(self._numbers) else 0):
            self._numbers = np.append(self._numbers, np.array([number for number, _ in new], np.int64))
            self._hashes = np.append(self._hashes, np.array([perceptual for _, perceptual in new], np.uint64))

    def near(self, perceptual: int, bits: int) -> list[int]:
        """Numbers of the hashes that differ in at most so many bits, the nearest first."""
        distance: npt.NDArray[np.uint8] = np.bitwise_count(self._hashes ^ np.uint64(perceptual))
        found = np.flatnonzero(distance <= bits)
        return [int(self._numbers[at]) for at in found[np.argsort(distance[found], kind="stable")]]


def _row(row: Any) -> AssessmentRow:
    return AssessmentRow(
        id=row.id,
        kind=AssessmentKind(row.kind),
        case=row.case_id,
        report_seq=row.report_seq,
        verdict=Verdict(row.verdict),
        score=row.score,
        audited=bool(row.audited),
        overlay=row.overlay,
        of=row.of,
        recorded_at=row.recorded_at,
        content=row.content,
        number=row.number,
    )


def _hash(row: Any) -> ShownPicture:
    return ShownPicture(row.sha256, int(row.perceptual, 16), row.case_id, row.report_seq)
