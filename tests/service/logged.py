"""A district whose cases are logged: a real database, a log with its key, and two witnesses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from desks import CREW, DUTY, JUDGE, MONDAY, desk_of, file_one, mend, to_crew
from sqlalchemy import Engine, text

from roadwarden.cases.events import Approver, Assessed, EvidenceRequested, Parked, RepairReported, Role, Verdict
from roadwarden.ledger.canonical import sha256_hex
from roadwarden.ledger.checkpoint import KeyRing
from roadwarden.ledger.note import SigningKey
from roadwarden.ledger.witness_file import FileWitness
from roadwarden.models.history import Move, Step, following
from roadwarden.service.ledger import Ledger
from roadwarden.service.ledger_audit import audit
from roadwarden.service.witnesses import DatabaseWitness, make_witness
from roadwarden.storage.engine import writing

ORIGIN = "roadwarden.example/west-lake"
PICTURE = b"\xff\xd8\xff\xe0 a picture of a mended pothole"
CASES = ("2026-000001", "2026-000002", "2026-000003")


@dataclass
class District:
    engine: Engine
    key: SigningKey
    file: FileWitness
    other: DatabaseWitness
    file_path: Path
    other_url: str

    @property
    def ring(self):
        return KeyRing((self.key.verifier,))

    @property
    def ledger(self):
        return Ledger(self.engine)

    @property
    def witnesses(self):
        return self.file, self.other

    def advance(self, now=MONDAY, moves=()):
        """What the scheduler does: follow, sign, show."""
        self.ledger.follow(moves)
        row = self.ledger.checkpoint(self.key, now)
        for witness in self.witnesses:
            self.ledger.show(witness, self.ring, now)
        return row

    def close(self):
        self.engine.dispose()
        self.other.close()

    def audit(self, moves=None, witnesses=None):
        return audit(self.engine, self.ring, self.witnesses if witnesses is None else witnesses, moves)

    def named(self, **more):
        return [str(fault) for fault in self.audit(**more).faults]

    def attack(self, *statements, **values):
        """What somebody with all rights on the database can do: the triggers go first."""
        with writing(self.engine) as connection:
            drop_triggers(connection)
            for statement in statements:
                connection.execute(text(statement), values)


def drop_triggers(connection):
    if connection.dialect.name == "postgresql":
        query = "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
        for name, table in connection.execute(text(query)).all():
            connection.execute(text(f"DROP TRIGGER {name} ON {table}"))
        return
    for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
        connection.execute(text(f"DROP TRIGGER {name}"))


def district(engine, folder):
    url = f"sqlite:///{folder}/other-department.db"
    other, _ = make_witness(url)
    path = folder / "witness.jsonl"
    return District(engine, SigningKey.new(ORIGIN), FileWitness(path), other, path, url)


def live(engine):
    """Three cases: one mended, one parked, one whose report is asked to be shown better."""
    desk = desk_of(engine)
    first, second, third = CASES
    file_one(desk, first, latitude=30.25, longitude=120.125)
    mend(desk, first)
    file_one(desk, second)
    to_crew(desk, second)
    parked = Parked("rain, says Wang Wu", MONDAY + timedelta(days=3), Approver("u4", Role.ROAD_CHIEF))
    desk.record(DUTY, second, parked)
    file_one(desk, third)
    to_crew(desk, third)
    report = desk.record(CREW, third, RepairReported((sha256_hex(PICTURE), "photo-17"))).events[0].seq
    desk.record(JUDGE, third, Assessed(Verdict.INSUFFICIENT_EVIDENCE, report, assessment="a-1"))
    desk.record(DUTY, third, EvidenceRequested(report, "too dark"))
    return desk


def moves(number=3, who="Li Si"):
    """A model's alias that was moved some times."""
    entries = []
    for at in range(number):
        entries.append(
            following(
                entries,
                step=Step.DONE,
                move=Move.PROMOTE,
                alias="champion",
                from_version=at or None,
                to_version=at + 1,
                sha256=sha256_hex(b"%d" % at),
                who=who,
                why="patches found 0.71",
                now=datetime(2026, 3, 1, at, tzinfo=UTC),
            )
        )
    return entries


__all__ = ["CASES", "ORIGIN", "PICTURE", "District", "district", "drop_triggers", "live", "moves"]
