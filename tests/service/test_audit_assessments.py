"""Whoever changes, deletes or adds a record of an assessment is found."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile

import pytest
from assessing_world import World, judged
from desks import DUTY
from sqlalchemy import text

from roadwarden.cases.events import Verdict
from roadwarden.ledger import bundle as bundles
from roadwarden.ledger.canonical import sha256_hex
from roadwarden.ledger.checkpoint import KeyRing
from roadwarden.ledger.key_files import ring_of
from roadwarden.ledger.note import SigningKey
from roadwarden.ledger.verify import verify_bundle
from roadwarden.service import ledger_bundles
from roadwarden.service.ledger import Ledger
from roadwarden.service.ledger_audit import audit
from roadwarden.service.ledger_bundles import Enclosed, bundle_case
from roadwarden.service.reviewing import review
from roadwarden.storage import engine as engines
from roadwarden.storage.schema import open_storage

KEY = SigningKey.new("roadwarden.example/lake")


@pytest.fixture
def world(tmp_path):
    world = World(open_storage(f"sqlite:///{tmp_path}/roadwarden.db"))
    case, seq = world.reported()
    queue = world.queue()
    queue.sync()
    queue.keep(queue.take(), judged(Verdict.NOT_REPAIRED))
    review(world.desk, DUTY, case, seq, Verdict.NOT_REPAIRED)
    ledger = Ledger(world.engine)
    ledger.follow()
    ledger.checkpoint(KEY, world.clock())
    yield world
    world.engine.dispose()


def faults(world):
    return [(fault.kind.value, fault.detail) for fault in audit(world.engine, KeyRing((KEY.verifier,))).faults]


def attack(world, *statements):
    with engines.writing(world.engine) as connection:
        for trigger in ("assessments_no_update", "assessments_no_delete"):
            connection.execute(text(f"DROP TRIGGER {trigger}"))
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_nothing_was_done_and_nothing_is_found(world):
    assert faults(world) == []


@pytest.mark.parametrize(
    ("statements", "kind", "detail"),
    [
        (["UPDATE assessments SET content = replace(content, '12.5', '99.5') WHERE kind = 'machine'"], "changed",
         "another sha256"),
        (["UPDATE assessments SET verdict = 'REPAIRED' WHERE kind = 'machine'"], "changed", "its content says"),
        (["UPDATE assessments SET \"of\" = NULL", "DELETE FROM assessments WHERE kind = 'machine'"], "deleted",
         "it is not there"),
    ],
    ids=["content", "column", "deleted"],
)  # fmt: skip
def test_straight_in_the_database(world, statements, kind, detail):
    attack(world, *statements)
    assert any(one == kind and detail in said for one, said in faults(world))


def test_a_record_that_no_event_names(world):
    content = '{"case":"2026-000001","kind":"review","report_seq":5,"verdict":"REPAIRED"}'
    name = sha256_hex(content.encode())
    attack(
        world,
        "INSERT INTO assessments (id, kind, case_id, report_seq, verdict, score, audited, recorded_at, content) VALUES "
        f"(x'{name}', 'review', '2026-000001', 5, 'REPAIRED', 0, 0, '2026-03-02 08:00:00', '{content}')",
    )
    assert any(kind == "inserted" for kind, _ in faults(world))


class TestInABundle:
    """The record travels with the case, bound to it by the log."""

    def bundle(self, world):
        return bundle_case(Ledger(world.engine), "2026-000001", KEY, Enclosed())

    def test_another_department_reads_the_record_and_its_hash_is_checked(self, world):
        content = self.bundle(world)
        report = verify_bundle(content, ring_of(KEY))
        assert report.verified, report.faults
        assert len(report.records) == 2  # the machine's and the person's
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if name.startswith("records/")]
            verdicts = sorted(json.loads(archive.read(name))["verdict"] for name in names)
        assert verdicts == ["NOT_REPAIRED", "NOT_REPAIRED"]

    @pytest.mark.parametrize("name", ["another verdict", "a name that is not its own"])
    def test_even_who_can_sign_cannot_slip_in_another(self, world, name, monkeypatch):
        def exchanged(bundle, key, pack=bundles.pack_bundle):
            (_, content), *_ = sorted(bundle.records.items())
            other = content.replace(b"NOT_REPAIRED", b"REPAIRED")
            records = {sha256_hex(other): other} if name == "another verdict" else {"0" * 64: content}
            return pack(dataclasses.replace(bundle, records=records), key)

        monkeypatch.setattr(ledger_bundles, "pack_bundle", exchanged)
        report = verify_bundle(self.bundle(world), ring_of(KEY))
        assert not report.verified
        wanted = "no assessment of the case" if name == "another verdict" else "another sha256 than its own"
        assert wanted in report.faults[0]
