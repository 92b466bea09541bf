"""Whoever changes, deletes, swaps or cuts off the file of a picture of the log is found, and the picture named."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from assessing_world import World, judged
from sqlalchemy import text

from roadwarden.cases.events import Verdict
from roadwarden.errors import ConfigError, StorageAway
from roadwarden.ledger.canonical import sha256_hex
from roadwarden.service import audit_pictures as audits
from roadwarden.service.audit_pictures import audit_pictures
from roadwarden.service.ledger import Ledger
from roadwarden.storage import evidence
from roadwarden.storage.blobs import open_blobs
from roadwarden.storage.engine import writing
from roadwarden.storage.evidence import KeptEvidence
from roadwarden.storage.schema import open_storage

FIRST, SECOND, DRAWN = (b"\xff\xd8\xff the first look" * 90_000, b"\xff\xd8\xff the second", b"\xff\xd8\xff drawn")


def kept(data, public=b"redacted"):
    return KeptEvidence(
        sha256=sha256_hex(data),
        public_sha256=sha256_hex(public),
        format="jpeg",
        size_bytes=len(data),
        width=640,
        height=480,
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        received_from="u7",
        perceptual=0xF0F0,
        redactor="none",
    )


@pytest.fixture
def store(tmp_path):
    return open_blobs(f"{tmp_path}/blobs")


@pytest.fixture
def world(tmp_path, store):
    """A report with two pictures, one told in words, and a verdict with a drawn picture; all of it logged."""
    world = World(open_storage(f"sqlite:///{tmp_path}/roadwarden.db"))
    with evidence.writing(world.engine) as unit:
        for data in (FIRST, SECOND):
            store.put(data)
            unit.add(kept(data))
    store.put(DRAWN)
    world.case, _ = world.reported(evidence=(sha256_hex(FIRST), sha256_hex(SECOND), "photo-17"))
    queue = world.queue()
    queue.sync()
    verdict = judged(Verdict.NOT_REPAIRED, hashes=[(sha256_hex(FIRST), 1)], overlay=sha256_hex(DRAWN))
    queue.keep(queue.take(), verdict)
    Ledger(world.engine).follow()
    yield world
    world.engine.dispose()


def path_of(tmp_path, data):
    name = sha256_hex(data)
    return tmp_path / "blobs" / name[:2] / name[2:4] / name


def faults(world, store):
    return [(fault.kind.value, fault.where, fault.detail) for fault in audit_pictures(world.engine, store).faults]


def test_a_store_that_is_whole_is_read_to_the_last_byte(world, store):
    told = []
    found = audit_pictures(world.engine, store, tell=lambda done, total: told.append((done, total)))
    assert found.faults == []
    assert (found.named, found.read, found.otherwise, found.erased) == (3, 3, 1, 0)
    assert found.bytes == len(FIRST) + len(SECOND) + len(DRAWN)
    assert told[-1] == (4, 4)  # the picture told in words has a leaf too


def test_a_deleted_file_is_named(world, store, tmp_path):
    path_of(tmp_path, SECOND).unlink()
    (fault,) = faults(world, store)
    assert fault[0] == "deleted"
    assert fault[1].startswith(f"picture {sha256_hex(SECOND)[:12]} of case {world.case} event ")


def test_one_bit_of_a_file_is_named(world, store, tmp_path):
    path = path_of(tmp_path, FIRST)
    data = bytearray(path.read_bytes())
    data[1_500_000] ^= 1
    path.write_bytes(data)
    (fault,) = faults(world, store)
    assert (fault[0], sha256_hex(bytes(data))[:12] in fault[2]) == ("changed", True)


def test_a_file_that_was_cut_off_is_named(world, store, tmp_path):
    path_of(tmp_path, FIRST).write_bytes(FIRST[:1000])
    assert [fault[::2] for fault in faults(world, store)] == [
        ("truncated", f"its file has 1,000 bytes, {len(FIRST):,} were kept")
    ]


def test_two_files_that_were_swapped_are_both_named_with_what_they_hold(world, store, tmp_path):
    path_of(tmp_path, FIRST).write_bytes(SECOND)
    path_of(tmp_path, SECOND).write_bytes(FIRST)
    assert [fault[::2] for fault in faults(world, store)] == [
        ("swapped", f"its file holds picture {sha256_hex(SECOND)[:12]}"),
        ("swapped", f"its file holds picture {sha256_hex(FIRST)[:12]}"),
    ]


def test_the_picture_drawn_for_a_verdict_is_looked_at_too(world, store, tmp_path):
    path_of(tmp_path, DRAWN).unlink()
    assert [(kind, "drawn for an assessment" in where) for kind, where, _ in faults(world, store)] == [
        ("deleted", True)
    ]


def test_a_share_is_drawn_and_counted(world, store, tmp_path):
    path_of(tmp_path, SECOND).unlink()
    dice = itertools.cycle([0.9, 0.1, 0.9])
    found = audit_pictures(world.engine, store, 0.5, draw=lambda: next(dice))
    assert (found.named, found.read, len(found.faults)) == (3, 0, 1)  # the second was drawn, and is not there
    with pytest.raises(ConfigError, match="no share"):
        audit_pictures(world.engine, store, 1.5)


def test_more_leaves_than_a_page_and_more_faults_than_are_named(world, store, tmp_path, monkeypatch):
    monkeypatch.setattr(audits, "LEAVES_AT_ONCE", 2)
    monkeypatch.setattr(audits, "MOST_FAULTS", 1)
    for data in (FIRST, SECOND, DRAWN):
        path_of(tmp_path, data).unlink()
    found = audit_pictures(world.engine, store)
    assert (found.named, len(found.faults), found.more_faults) == (3, 1, 2)


def test_a_store_that_is_away_is_not_taken_for_tampering(world, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageAway):
        audit_pictures(world.engine, open_blobs(f"{tmp_path}/file"))


def test_a_record_that_was_changed_is_the_logs_own_fault_and_stops_nothing(world, store, tmp_path):
    with writing(world.engine) as connection:
        connection.execute(text("DROP TRIGGER assessments_no_update"))
        connection.execute(text("UPDATE assessments SET content = '{}'"))
    found = audit_pictures(world.engine, store)
    assert (found.named, found.faults) == (2, [])
