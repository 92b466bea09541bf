"""One engine from a URL: what is refused, who waits for whom, and what a crash leaves."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from kept_roads import ids, look, survey
from postgres import server_programs
from sqlalchemy import text

from roadwarden.errors import ConfigError, DataError, MissingExtra, StorageAway
from roadwarden.settings import database_url as database_setting
from roadwarden.storage.engine import BUSY_S, open_engine, shown
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import reading, writing

TESTS = Path(__file__).parent.parent


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    yield engine
    engine.dispose()


def everything(engine):
    with reading(engine) as unit:
        return unit.sightings.near([look("middle").position], 500.0)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://root:sesame@host/roads", "'mysql' is no database we know"),
        ("roads.db", "no database URL"),
        ("sqlite://", "names no file"),
        ("postgresql+psycopg2://u:sesame@host/roads", "'postgresql\\+psycopg2' is no database we know"),
        ("postgresql+psycopg://u:sesame@host:none/roads", "no database URL"),
    ],
    ids=["mysql", "a path", "no file", "another driver", "no port"],
)
def test_a_url_that_we_cannot_open_is_refused_with_what_to_write_instead(url, says):
    with pytest.raises(ConfigError, match=says) as refused:
        open_engine(url)
    assert "use sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE" in str(refused.value)
    assert "sesame" not in str(refused.value)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        open_engine(f"sqlite:///{tmp_path}/file/roads.db")


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "roads.db").write_bytes(b"\x89PNG" * 1000)
    with pytest.raises(DataError, match="file is not a database"):
        open_storage(f"sqlite:///{tmp_path}/roads.db")


def test_without_psycopg_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'roadwarden\[postgres\]'"):
        open_engine("postgresql://u@host/roads")


def test_a_server_that_is_away_is_told_without_the_password():
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'roadwarden[postgres]'")
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://clerk:sesame@127.0.0.1:{taken.getsockname()[1]}/roads?sslpassword=sesame"
        with pytest.raises(StorageAway, match="is the server running") as away:
            open_storage(url)
    assert "sesame" not in str(away.value)
    assert "sesame" not in shown(open_engine(url))


def test_a_wrong_password_is_told_and_not_shown(postgres_server):
    url = postgres_server.url().replace(postgres_server.password, "open%20sesame")
    with pytest.raises(StorageAway, match="password authentication failed") as refused:
        open_storage(url)
    assert "sesame" not in str(refused.value)
    assert "sesame" not in repr(open_engine(url))


def test_the_database_is_a_file_below_var_unless_the_environment_names_another(monkeypatch):
    monkeypatch.delenv("ROADWARDEN_DATABASE", raising=False)
    assert database_setting() == "sqlite:///var/roadwarden.db"
    monkeypatch.setenv("ROADWARDEN_DATABASE", "postgresql://clerk@roads/city")
    assert shown(open_engine(database_setting())) == "postgresql+psycopg://roads/city"


def test_sqlite_keeps_a_write_ahead_log_and_heeds_foreign_keys(tmp_path):
    engine = open_storage(f"sqlite:///{tmp_path}/deep/down/roads.db")
    with engine.connect() as connection:
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "foreign_keys")]
    assert found == ["wal", 1]


class TestTransactions:
    def test_what_fails_in_the_middle_leaves_nothing(self, engine):
        def half_a_survey():
            with writing(engine) as unit:
                unit.sightings.add(survey(holes=5))
                raise RuntimeError("the power goes")

        with pytest.raises(RuntimeError, match="the power goes"):
            half_a_survey()
        assert everything(engine) == ()

    def test_a_second_writer_waits_for_the_first(self, engine):
        entered, finished = threading.Event(), []

        def second():
            entered.set()
            with writing(engine) as unit:
                finished.append(len(unit.sightings.add([look("b"), look("a")])))

        thread = threading.Thread(target=second)
        with writing(engine) as unit:
            unit.sightings.add([look("a")])
            thread.start()
            entered.wait(10)
            time.sleep(0.3)
            assert finished == []
        thread.join(20)
        assert finished == [1]  # the second found what the first had kept
        assert ids(everything(engine)) == ids([look("a"), look("b")])

    def test_a_writer_that_waits_too_long_is_told(self, engine, database_url):
        hasty = open_engine(database_url, busy_s=0.2)
        with writing(engine), pytest.raises(StorageAway), writing(hasty):
            pass
        hasty.dispose()

    def test_a_reader_sees_one_state_whoever_writes_meanwhile(self, engine):
        here = [look("a").position]
        with reading(engine) as unit:
            assert unit.sightings.near(here, 5.0) == ()
            with writing(engine) as other:
                other.sightings.add([look("a")])
            assert unit.sightings.near(here, 5.0) == ()
        assert ids(everything(engine)) == ids([look("a")])

    def test_a_reader_cannot_write(self, engine):
        with pytest.raises(DataError, match=r"read-?only"), reading(engine) as unit:
            unit.sightings.add([look("a")])

    def test_killed_in_the_middle_leaves_nothing_half_and_no_lock(self, engine, database_url):
        program = (
            "import sys, time; sys.path.insert(0, sys.argv[2])\n"
            "from kept_roads import survey\n"
            "from roadwarden.storage.schema import open_storage\n"
            "from roadwarden.storage.unit import writing\n"
            "with writing(open_storage(sys.argv[1])) as unit:\n"
            "    unit.sightings.add(survey(holes=200))\n"
            "    print('half', flush=True)\n"
            "    time.sleep(600)\n"
        )
        arguments = [sys.executable, "-c", program, database_url, str(TESTS / "storage")]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout.readline() == "half\n"
            writer.kill()
        assert everything(engine) == ()
        with writing(engine) as unit:
            assert len(unit.sightings.add(survey(holes=200))) == 600
        assert len(everything(engine)) == 600


WRITER = """
import sys, time
from sqlalchemy import text
from roadwarden.storage.engine import open_engine, writing
folder, mine, first, databases, commits = sys.argv[1], *map(float, sys.argv[2:])
longest = 0.0
for number in range(int(databases)):
    time.sleep(max(0.0, first + 0.05 * number - time.time()))  # everybody opens the same new file at the same moment
    engine = open_engine(f"sqlite:///{folder}/{number}.db")
    for commit in range(int(commits)):
        begun = time.monotonic()
        with writing(engine, durably=True) as connection:
            longest = max(longest, time.monotonic() - begun)
            connection.execute(text("CREATE TABLE IF NOT EXISTS kept (who, number)"))
            connection.execute(text(f"INSERT INTO kept VALUES ({mine}, {commit})"))
    engine.dispose()
print(longest)
"""


def write_at_once(folder, writers, databases, commits):
    """Processes that write to the same databases; the longest that one of them waited for its turn, seconds."""
    first = time.time() + 2.5  # when all of them have loaded what they need
    numbers = [str(one) for one in (first, databases, commits)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(mine), *numbers],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for mine in range(writers)
    ]
    said = [process.communicate(timeout=300) for process in running]
    assert [process.returncode for process in running] == [0] * writers, said
    for number in range(databases):
        with closing(sqlite3.connect(folder / f"{number}.db")) as database:
            kept = database.execute("SELECT who, count(*), max(number) FROM kept GROUP BY who ORDER BY who").fetchall()
        assert kept == [(mine, commits, commits - 1) for mine in range(writers)]
    return max(float(out) for out, _ in said)


def test_a_database_that_is_being_made_is_waited_for(tmp_path):
    """SQLite's own change to WAL says "database is locked" at once where somebody writes, whatever the busy timeout."""
    place = f"sqlite:///{tmp_path}/new.db"
    with closing(sqlite3.connect(tmp_path / "new.db", isolation_level=None, check_same_thread=False)) as maker:
        maker.execute("BEGIN IMMEDIATE")
        hasty = open_engine(place, busy_s=0.1)
        with pytest.raises(StorageAway, match="locked"), writing(hasty):
            pass
        hasty.dispose()
        threading.Timer(0.3, lambda: maker.execute("COMMIT")).start()
        engine = open_engine(place)
        begun = time.monotonic()
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert time.monotonic() - begun > 0.2
        engine.dispose()


def test_processes_that_open_a_new_database_at_the_same_moment_all_write_to_it(tmp_path):
    write_at_once(tmp_path, writers=3, databases=20, commits=2)


@pytest.mark.slow
def test_eight_writing_processes_lose_nothing_and_none_is_turned_away(tmp_path):
    assert write_at_once(tmp_path, writers=8, databases=1, commits=250) < BUSY_S
    (tmp_path / "many").mkdir()
    write_at_once(tmp_path / "many", writers=6, databases=150, commits=1)


def test_the_tests_server_goes_with_the_tests_even_when_they_are_killed():
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'roadwarden[postgres]'")
    if server_programs() is None:
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from postgres import running_server, server_programs\n"
        "with running_server(server_programs()) as server:\n"
        "    print(server.port, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(TESTS)], stdout=subprocess.PIPE, text=True) as tests:
        port = int(tests.stdout.readline())
        os.kill(tests.pid, signal.SIGKILL)
    until = time.monotonic() + 60
    while _listens(port):
        assert time.monotonic() < until, "the server is still there"
        time.sleep(0.1)


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
