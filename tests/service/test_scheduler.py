"""Warnings: each at most once, by however many schedulers, after however long an outage."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from desks import DUTY, JUDGE, Clock, desk_of, file_one, mend, pothole, report, to_crew
from logged import drop_triggers
from receivers import SECRET, hang_up, receiving
from sqlalchemy import text

from roadwarden.cases.events import Assessed, Reopened, Role, Severity, Verdict
from roadwarden.cases.permissions import Person
from roadwarden.errors import LedgerError, StorageAway
from roadwarden.service import scheduler as schedulers
from roadwarden.service.cases import CaseDesk
from roadwarden.service.delivery import Courier, hand_out
from roadwarden.service.destinations import read_destinations
from roadwarden.service.ledger import Ledger
from roadwarden.service.scheduler import Chore, Looked, Scheduler
from roadwarden.service.senders import sender_of
from roadwarden.storage import engine as engines
from roadwarden.storage.schema import open_storage

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def clock():
    return Clock()


def warned(engine):
    """(threshold, state) of every warning that was kept, by the time it was due."""
    with engines.reading(engine) as connection:
        rows = connection.execute(text("SELECT threshold, state FROM case_warnings ORDER BY due_since, threshold"))
        return [tuple(row) for row in rows]


def messages(engine):
    with engines.reading(engine) as connection:
        rows = connection.execute(text("SELECT payload FROM outbox WHERE topic LIKE 'warning%' ORDER BY number"))
        return [json.loads(row[0]) for row in rows]


def test_a_severe_case_is_warned_of_at_each_threshold_once(engine, clock):
    desk, worker = desk_of(engine, clock), Scheduler(engine, now=clock)
    case = file_one(desk, severity=Severity.SEVERE)
    for _ in range(30 * 4):
        worker.look()
        clock.wait(minutes=15)
    thresholds = ["half", "yellow", "to_go_4h", "to_go_1h", "overdue"]  # 24 h to go is not shorter than the clock
    assert warned(engine) == [(threshold, "sent") for threshold in thresholds]
    told = messages(engine)
    assert [one["threshold"] for one in told] == thresholds
    assert told[0]["recipients"] == ["crew", "road_chief"]
    assert told[0]["stands"]["state"] == "filed"
    assert case in told[0]["title"]
    assert Scheduler(engine, now=clock).look() == Looked()  # a restart repeats nothing


def test_a_case_that_cannot_be_read_keeps_no_other_from_its_warnings(engine, clock, caplog):
    desk, worker = desk_of(engine, clock), Scheduler(engine, now=clock)
    broken, sound = file_one(desk, severity=Severity.SEVERE), file_one(desk, severity=Severity.SEVERE)
    with engines.writing(engine) as connection:
        drop_triggers(connection)
        connection.execute(text("UPDATE case_events SET data = '{}' WHERE case_id = :case"), {"case": broken})
    clock.wait(hours=12)
    assert worker.look() == Looked(cases=1, sent=1, unreadable=1)
    assert f"case {broken} cannot be read" in caplog.text
    (told,) = messages(engine)
    assert sound in told["title"]
    assert worker.look() == Looked()  # asked again in an hour, not at once
    clock.wait(hours=1)
    assert worker.look().unreadable == 1


def test_after_an_outage_only_the_weightiest_is_sent_and_the_others_are_recorded(engine, clock):
    desk = desk_of(engine, clock)
    file_one(desk, severity=Severity.SEVERE)
    clock.wait(hours=23, minutes=30)
    assert Scheduler(engine, now=clock).look() == Looked(1, 1, 3)
    assert warned(engine) == [("half", "skipped"), ("yellow", "skipped"), ("to_go_4h", "skipped"), ("to_go_1h", "sent")]
    (told,) = messages(engine)
    assert (told["threshold"], told["passed_over"]) == ("to_go_1h", ["half", "yellow", "to_go_4h"])


def test_who_has_stopped_his_clock_hears_nothing_and_a_new_cycle_warns_anew(engine, clock):
    desk, worker = desk_of(engine, clock), Scheduler(engine, now=clock)
    case = file_one(desk, severity=Severity.SEVERE)
    mend(desk, case)
    clock.wait(days=2)
    assert worker.look().sent == 0
    desk.record(DUTY, case, Reopened("broken up again"))
    clock.wait(hours=13)
    assert worker.look().sent == 1
    assert [(one["threshold"], one["cycle"]) for one in messages(engine)] == [("half", 2)]


def test_a_rejected_report_wakes_the_repair_clock_and_the_assessor_is_warned_by_his_own(engine, clock):
    desk, worker = desk_of(engine, clock), Scheduler(engine, now=clock)
    case = file_one(desk, severity=Severity.SEVERE)
    to_crew(desk, case)
    seq = report(desk, case)
    clock.wait(hours=20)
    worker.look()
    assert [(one["clock"], one["threshold"], one["report_seq"]) for one in messages(engine)] == [
        ("assess", "to_go_4h", seq)
    ]
    desk.record(JUDGE, case, Assessed(Verdict.NOT_REPAIRED, seq))
    worker.look()
    assert [(one["clock"], one["threshold"]) for one in messages(engine)][1:] == [("repair", "to_go_4h")]


def test_a_database_that_is_away_is_waited_for_and_another_error_ends_it(tmp_path, clock, monkeypatch):
    engine = open_storage(f"sqlite:///{tmp_path}/lite.db")
    worker, stop, looks = Scheduler(engine, now=clock), threading.Event(), []

    def look(_self):
        looks.append(1)
        if len(looks) < 3:
            raise StorageAway("the database is away")
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Scheduler, "look", look)
    monkeypatch.setattr(schedulers, "LONGEST_WAIT_S", 0.02)
    with pytest.raises(ZeroDivisionError):
        worker.run(stop, every_s=0.01)
    assert (len(looks), stop.is_set()) == (3, True)
    engine.dispose()


def test_a_slow_receiver_holds_up_neither_warnings_nor_the_other_destinations(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTRICT_SECRET", SECRET)
    engine = open_storage(f"sqlite:///{tmp_path}/lite.db")
    desk = desk_of(engine, lambda: datetime.now(UTC))
    stop, slow_may_end = threading.Event(), threading.Event()

    def behave(_handler, _number):
        return slow_may_end.wait(20)

    with receiving(behave) as receiver:
        file = write_destinations(tmp_path, receiver.url)
        couriers = [Courier(engine, one, sender_of(one), desk.now) for one in read_destinations(file)]
        worker = Scheduler(engine, couriers)
        worker.deliver()
        thread = threading.Thread(target=worker.run, args=(stop, 0.05))
        thread.start()
        file_one(desk)
        until = time.monotonic() + 15
        while not (tmp_path / "out.jsonl").exists() or not (tmp_path / "out.jsonl").read_text():
            assert time.monotonic() < until, "the file waited for the slow receiver"
            time.sleep(0.02)
        assert receiver.keys == []
        slow_may_end.set()
        while not receiver.keys:
            assert time.monotonic() < until + 15
            time.sleep(0.02)
        stop.set()
        thread.join(20)
    engine.dispose()


def write_destinations(folder, url, timeout_s=15):
    file = folder / "destinations.yaml"
    webhook = {
        "name": "district",
        "kind": "webhook",
        "url": url,
        "allow": ["private-address", "plain-http"],
        "secret": {"env": "DISTRICT_SECRET"},
        "timeout_s": timeout_s,
    }
    webhook |= {"retries": {"first_s": 0.2, "longest_s": 0.5}}
    lines = {"name": "records", "kind": "file", "path": str(folder / "out.jsonl"), "timeout_s": timeout_s}
    file.write_text(json.dumps({"version": "1", "destinations": [webhook, lines]}))
    return file


class TestTwoProcesses:
    """Two real schedulers on one database, one of them killed and started again, and a receiver that hangs up."""

    @pytest.mark.parametrize(
        "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
    )
    def test_everybody_is_told_of_each_warning_once(self, engine, database_url, tmp_path, monkeypatch):
        monkeypatch.setenv("DISTRICT_SECRET", SECRET)
        cases = 12
        yesterday = Clock(datetime.now(UTC) - timedelta(hours=23, minutes=30))
        desk = desk_of(engine, yesterday)
        officer = Person("u1", Role.INTAKE, frozenset({"*"}))

        def behave(handler, number):
            if number % 7 == 0:
                hang_up(handler)
            return number % 7 != 0

        with receiving(behave) as receiver:
            destinations = write_destinations(tmp_path, receiver.url, timeout_s=0.5)
            self.meet(engine, destinations)
            for _ in range(cases):
                desk.file(officer, pothole(Severity.SEVERE))
            workers = [self.start(database_url, destinations) for _ in range(2)]
            try:
                self.wait_for(lambda: len(receiver.keys) > cases // 2)
                os.kill(workers[0].pid, signal.SIGKILL)
                workers[0].wait()
                workers.append(self.start(database_url, destinations))
                self.wait_for(lambda: len(set(receiver.keys)) == 2 * cases, 90)
                self.wait_for(lambda: self.lines(tmp_path).keys() >= set(receiver.keys), 90)
            finally:
                for worker in workers[1:]:
                    worker.send_signal(signal.SIGTERM)
                assert [worker.wait(60) for worker in workers[1:]] in ([0, 0], [0, -signal.SIGTERM])  # still starting
        warnings = [key for key in set(receiver.keys) if key.startswith("warning:")]
        assert len(warnings) == cases
        assert {key.rpartition(":")[2] for key in warnings} == {"to_go_1h"}
        assert [state for _, state in warned(engine)].count("sent") == cases
        assert [state for _, state in warned(engine)].count("skipped") == 3 * cases
        assert len(messages(engine)) == cases
        assert receiver.bad_signatures == 0
        # what a killed scheduler had on its way may come once more, under the same key; nothing else is doubled
        doubled = len(receiver.keys) - len(set(receiver.keys))
        assert doubled <= 10

    @staticmethod
    def meet(engine, destinations):
        hand_out(engine, read_destinations(destinations), datetime.now(UTC))

    @staticmethod
    def start(database_url, destinations):
        command = [sys.executable, "-m", "roadwarden", "scheduler", "--destinations", str(destinations)]
        return subprocess.Popen(
            [*command, "--every-s", "0.1", "--database", database_url], cwd=REPOSITORY, stdout=subprocess.DEVNULL
        )

    @staticmethod
    def wait_for(ready, patience_s=60):
        until = time.monotonic() + patience_s
        while not ready():
            assert time.monotonic() < until, "too slow"
            time.sleep(0.05)

    @staticmethod
    def lines(folder):
        file = folder / "out.jsonl"
        rows = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return {json.loads(row)["id"]: row for row in rows}


class TestChores:
    """The log and the inbox are kept going beside warnings, and hold up none."""

    def test_they_are_done_again_and_again_and_a_broken_one_is_told_and_held_against_nobody(
        self, engine, clock, caplog
    ):
        desk = desk_of(engine, clock)
        file_one(desk, "HZ-1")
        followed, stop = [], threading.Event()

        def follow():
            followed.append(Ledger(engine).follow())
            if len(followed) == 3:
                stop.set()
            return followed[-1]

        def broken():
            raise LedgerError("the log does not continue its own checkpoint")

        worker = Scheduler(engine, now=clock, chores=[Chore("ledger", follow, 0.01), Chore("other", broken, 0.01)])
        worker.run(stop, every_s=0.01)
        assert followed == [1, 0, 0]
        assert "other: the log does not continue" in caplog.text
        assert worker.do_chores() == {"ledger": 0, "other": None}

    def test_a_database_that_is_away_is_waited_for(self, engine, clock):
        tries, stop = [], threading.Event()

        def away():
            tries.append(1)
            if len(tries) > 1:
                stop.set()
            raise StorageAway("it does not answer")

        Scheduler(engine, now=clock, chores=[Chore("ledger", away, 0.01)]).run(stop, every_s=0.01)
        assert len(tries) == 2


def test_one_process_warns_and_keeps_the_log_signed_and_witnessed(tmp_path):
    """The log stood still before unless a second process ran."""
    database = f"sqlite:///{tmp_path}/city.db"
    engine = open_storage(database)
    file_one(CaseDesk(engine), "HZ-1")

    def roadwarden(*arguments):
        command = [sys.executable, "-m", "roadwarden", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    roadwarden("ledger", "keygen", "log.key", "--origin", "roadwarden.example/test")
    signed = ("--ledger-key", "log.key", "--witness", "witness.jsonl", "--registry", "none")
    told = roadwarden("scheduler", "--once", "--json", "--database", database, *signed)
    assert json.loads(told.stdout)["ledger"] == 1, told.stderr
    audit = ("ledger", "audit", "--key", "log.key.pub", "--witness", "witness.jsonl", "--registry", "none", "--json")
    found = json.loads(roadwarden(*audit, "--database", database).stdout)
    assert (found["clean"], found["leaves"], found["checkpoints"]) == (True, 1, 1)
    with engines.writing(engine) as connection:
        connection.execute(text("DROP TRIGGER ledger_leaves_no_delete"))
        connection.execute(text("DELETE FROM ledger_leaves"))
    file_one(CaseDesk(engine), "HZ-2")
    cut = roadwarden("scheduler", "--once", "--json", "--database", database, *signed)
    assert cut.returncode == 1
    assert json.loads(cut.stdout)["ledger"] is None
    assert json.loads(cut.stdout)["warned"] == 0
    assert "ledger: " in cut.stderr
    engine.dispose()
