"""Killed writers, a full disk, a database that goes away: what was acknowledged is there, and nothing twice."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from crash_writer import CASES, OFFICER
from desks import INTAKE, pothole
from postgres import running_server, server_programs
from sqlalchemy import text

from roadwarden.cases.events import SafetyMeasure
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.errors import StorageAway
from roadwarden.service.cases import Ask, CaseDesk
from roadwarden.service.rebuild import rebuild
from roadwarden.storage import engine as engines
from roadwarden.storage.case_unit import reading
from roadwarden.storage.engine import open_engine
from roadwarden.storage.schema import open_storage

HERE = Path(__file__).parent


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    file_cases(engine)
    yield engine
    engine.dispose()


def file_cases(engine):
    desk = CaseDesk(engine)
    for number in range(CASES):
        desk.file(INTAKE, pothole(), case=f"HZ-{number}")
    return desk


class Writer:
    """A process that writes, and what it has said so far."""

    def __init__(self, database, name, first, last, threads=4):
        arguments = [database, name, first, last, threads]
        self.process = subprocess.Popen(
            [sys.executable, HERE / "crash_writer.py", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=_environment(),
        )  # fmt: skip
        self.said = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            if line.endswith("\n"):
                self.said.append(line.split())

    def kill_after(self, number, patience_s=120):
        until = time.monotonic() + patience_s
        while len(self.said) < number:
            assert time.monotonic() < until, "too slow"
            assert self.process.poll() is None, "it ended by itself"
            time.sleep(0.002)
        self.process.kill()
        self.end()

    def end(self):
        self.process.wait(300)
        self.reader.join(30)
        return self.acknowledged

    @property
    def acknowledged(self):
        return {key: (case, int(version)) for _, key, case, version, _ in self.said}


def _environment():
    return os.environ | {"PYTHONPATH": f"{HERE.parents[1]}", "OMP_NUM_THREADS": "1"}


def kept_events(engine):
    """(case, version) of every safety measure, by its kind; and how often each kind is there."""
    with reading(engine) as unit:
        found = [
            (event.data.kind, case, version)
            for case, events in unit.events.of_cases(f"HZ-{number}" for number in range(CASES)).items()
            for version, event in enumerate(events, 1)
            if isinstance(event.data, SafetyMeasure)
        ]
    return {kind: (case, version) for kind, case, version in found}, Counter(kind for kind, _, _ in found)


def in_order(engine):
    """Versions and seqs of every case are 1, 2, 3 …, rows agree, and each event has one message."""
    query = (
        "SELECT count(*), count(DISTINCT case_id || ':' || version), sum(CASE WHEN seq = version THEN 0 ELSE 1 END),"
        " (SELECT sum(version) FROM cases), (SELECT count(*) FROM outbox) FROM case_events"
    )
    with engines.reading(engine) as connection:
        events, different, odd, by_rows, told = connection.execute(text(query)).one()
    assert (different, odd, by_rows, told) == (events, 0, events, events)
    assert rebuild(engine, shipped_clock_policies(), datetime.now(UTC)).mended == ()


def killed_in_the_middle(engine, database_url, writes):
    first = Writer(database_url, "a", 0, writes // 2)
    second = Writer(database_url, "b", 0, writes // 2)
    first.kill_after(writes // 6)
    survivors = second.end()
    assert len(survivors) == writes // 2  # nobody was held up by the dead one
    kept, times = kept_events(engine)
    assert first.acknowledged.items() <= kept.items()
    assert survivors.items() <= kept.items()
    assert set(times.values()) == {1}
    assert len(kept) < writes  # it was killed in the middle
    again = Writer(database_url, "a", 0, writes // 2).end()  # the caller repeats all that it is not sure of
    kept, times = kept_events(engine)
    assert again.keys() | survivors.keys() == kept.keys()
    assert (len(kept), set(times.values())) == (writes, {1})
    in_order(engine)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the thousand below are for both
def test_a_writer_is_killed_in_the_middle(engine, database_url):
    killed_in_the_middle(engine, database_url, writes=120)


@pytest.mark.slow
def test_a_writer_is_killed_in_the_middle_of_a_thousand(engine, database_url):
    killed_in_the_middle(engine, database_url, writes=1000)


def write_until_it_fails(desk, name, most=100_000):
    """The keys that were acknowledged, and the error that ended it."""
    kept = []
    for number in range(most):
        try:
            desk.record(OFFICER, f"HZ-{number % CASES}", SafetyMeasure(f"{name}-{number}"), Ask(key=f"{name}-{number}"))
        except StorageAway as exc:
            return kept, str(exc)
        kept.append(f"{name}-{number}")
    raise AssertionError("it never failed")


def test_a_disk_that_fills_up_loses_nothing(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mount.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mount.stderr.strip()}")
    engine = None
    try:
        engine = open_storage(f"sqlite:///{disk}/rw.db")
        desk = file_cases(engine)
        kept, error = write_until_it_fails(desk, "full")
        assert "is the disk full" in error
        assert len(kept) > 20
        assert set(kept) == kept_events(engine)[0].keys()  # it can still be read, and nothing acknowledged is lost
        subprocess.run(["mount", "-o", "remount,size=32m", str(disk)], check=True)
        again = desk.record(OFFICER, "HZ-0", SafetyMeasure("later"), Ask(key="later"))
        assert not again.repeated
        in_order(engine)
    finally:
        if engine is not None:
            engine.dispose()
        subprocess.run(["umount", str(disk)], check=True)


def test_a_database_that_goes_away_loses_nothing():
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'roadwarden[postgres]'")
    programs = server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    with running_server(programs) as server:
        server.run("ALTER ROLE tester SET synchronous_commit = on")  # the tests' server is faster than safe
        url = server.new_database()
        engine = open_storage(url)
        desk, results = file_cases(engine), {}

        def write(name):
            results[name] = write_until_it_fails(desk, name)

        threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b", "c")]
        for thread in threads:
            thread.start()
        time.sleep(1.0)
        server.stop()
        for thread in threads:
            thread.join(120)
        server.start()
        engine = open_engine(url)
        kept, times = kept_events(engine)
        for written, error in results.values():
            assert len(written) > 3
            assert set(written) <= kept.keys()
            assert "server" in error
            assert server.password not in error
        assert set(times.values()) == {1}
        unsure = kept.keys() - {key for written, _ in results.values() for key in written}
        assert len(unsure) <= 3  # committed, and the answer never came: the caller repeats it with its key
        desk = CaseDesk(engine)
        for key in unsure:
            number = int(key.rpartition("-")[2])
            assert desk.record(OFFICER, f"HZ-{number % CASES}", SafetyMeasure(key), Ask(key=key)).repeated
        in_order(engine)
        engine.dispose()
