"""What a backup took is what a restore gives, while others write; what is damaged is refused."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
import zipfile

import pytest
from alembic import command
from kept_cases import MONDAY, event, hours, repaired
from kept_roads import fold, look, survey
from sqlalchemy import select, text

from roadwarden.cli import main
from roadwarden.errors import DataError, OutputError
from roadwarden.service.backup import back_up_files, restore_files
from roadwarden.service.privacy.erasing import Eraser, Warrant
from roadwarden.storage import engine as engines
from roadwarden.storage.backup import MANIFEST, backup, restore
from roadwarden.storage.blobs import open_blobs
from roadwarden.storage.case_unit import reading, writing
from roadwarden.storage.engine import open_engine
from roadwarden.storage.outbox import Message
from roadwarden.storage.schema import VERSION_TABLE, _config, all_tables, open_storage, revisions, schema_of
from roadwarden.storage.unit import writing as writing_defects


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def empty(database_url, request, tmp_path):
    """Another empty database of the same kind."""
    if database_url.startswith("sqlite"):
        url = f"sqlite:///{tmp_path}/restored.db"
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.new_database()
    engine = open_engine(url)
    yield engine
    engine.dispose()
    if not database_url.startswith("sqlite"):
        server.drop(url)


def fill(engine):
    """A little of everything."""
    with writing(engine) as unit:
        unit.events.append("HZ-1", repaired("HZ-1"), after=0, recorded_at=MONDAY + hours(8))
        unit.outbox.put([Message("event:HZ-1:1", "case.filed", "HZ-1", {"title": "立案\t\\N\n"}, MONDAY)])
        unit.outbox.meet(["district"], MONDAY)
        assert unit.events.next_number("2026") == 1
    with writing_defects(engine) as unit:
        unit.sightings.add(survey(holes=5))
        unit.sightings.add([look("a", east_m=900)])
        unit.settle([fold([look("a", east_m=900)])])


def everything(engine):
    with engines.reading(engine) as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in all_tables()
        }


def test_what_comes_back_is_what_went_away(engine, empty, tmp_path):
    fill(engine)
    before = everything(engine)
    done = backup(engine, tmp_path / "backups" / "monday")
    assert done.rows == sum(map(len, before.values()))
    assert done.bytes == (tmp_path / "backups" / "monday").stat().st_size
    found = restore(empty, done.path)
    assert (found.schema, found.rows) == (done.schema, done.rows)
    assert everything(empty) == before
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["monday"]


def test_work_goes_on_in_what_was_restored(engine, empty, tmp_path):
    fill(engine)
    restore(empty, backup(engine, tmp_path / "b").path)
    with writing(empty) as unit:
        assert unit.events.append("HZ-1", [event("HZ-1", 8, "reopened", 9, {"reason": "again"})], after=7,
                                  recorded_at=MONDAY) == 8  # fmt: skip
        assert unit.outbox.put([Message("event:HZ-1:8", "case.reopened", "HZ-1", {}, MONDAY)]) == 1
        assert [number for number, _, _ in unit.outbox.left_to_hand_out("district")] == [2]
    with pytest.raises(DataError, match="only added to"), engines.writing(empty) as connection:
        connection.execute(text("DELETE FROM case_events"))


def test_others_write_meanwhile_and_the_backup_is_of_one_moment(engine, empty, tmp_path):
    stop, written = threading.Event(), []

    def write():
        while not stop.is_set():
            case = f"HZ-{len(written)}"
            with writing(engine) as unit:
                unit.events.append(case, repaired(case), after=0, recorded_at=MONDAY)
                unit.outbox.put([Message(case, "case.filed", case, {}, MONDAY)])
            written.append(case)

    thread = threading.Thread(target=write)
    thread.start()
    while len(written) < 5:
        pass
    at_start = len(written)
    done = backup(engine, tmp_path / "b")
    at_end = len(written) + 1
    stop.set()
    thread.join()
    restore(empty, done.path)
    with reading(empty) as unit:
        cases = len(unit.events.cases())
        assert unit.events.count() == 7 * cases
        assert unit.outbox.newest() == cases
    assert at_start <= cases <= at_end


def test_a_backup_never_replaces_a_file(engine, tmp_path):
    (tmp_path / "b").write_text("the only one")
    with pytest.raises(OutputError, match="is there already"):
        backup(engine, tmp_path / "b")
    assert (tmp_path / "b").read_text() == "the only one"


def test_a_place_that_cannot_be_written_is_told(engine, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        backup(engine, tmp_path / "file" / "b")


def test_nothing_is_restored_over_something(engine, tmp_path):
    fill(engine)
    done = backup(engine, tmp_path / "b")
    before = everything(engine)
    with pytest.raises(DataError, match="holds something already"):
        restore(engine, done.path)
    assert everything(engine) == before


def test_an_empty_database_has_nothing_to_back_up(empty, tmp_path):
    with pytest.raises(DataError, match="nothing to back up"):
        backup(empty, tmp_path / "b")


def test_a_damaged_backup_is_refused_and_nothing_of_it_kept(engine, empty, tmp_path):
    fill(engine)
    path = backup(engine, tmp_path / "b").path
    damage(path)
    with pytest.raises(DataError, match=r"damaged|no backup"):
        restore(empty, path)
    assert schema_of(empty) == "0000"


def damage(path):
    """One letter of one row."""
    if path.read_bytes()[:2] != b"PK":
        content = bytearray(path.read_bytes())
        content[5000:9000] = b"\xff" * 4000
        path.write_bytes(content)
        return
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["case_events.copy"] = parts["case_events.copy"].replace(b"crew 7", b"crew 8")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("content", [b"", b"nonsense" * 100], ids=["empty", "nonsense"])
def test_what_is_no_backup_is_refused(empty, tmp_path, content):
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(DataError, match=r"no backup|schema 'none'"):
        restore(empty, tmp_path / "b")
    with pytest.raises(DataError, match="no such backup"):
        restore(empty, tmp_path / "none")
    assert schema_of(empty) == "0000"


def test_a_backup_of_a_newer_schema_is_refused(engine, empty, tmp_path):
    with engines.writing(engine) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9001'"))
    path = backup(engine, tmp_path / "b").path
    with pytest.raises(DataError, match=r"has the schema '9001', this Roadwarden knows up to"):
        restore(empty, path)


def test_a_backup_of_an_older_schema_is_brought_up(empty, tmp_path, request):
    other = open_engine(f"sqlite:///{tmp_path}/old.db")
    if empty.dialect.name == "postgresql":
        server = request.getfixturevalue("postgres_server")
        other = open_engine(server.new_database())
    with engines.writing(other) as connection:
        command.upgrade(_config(connection), "0001")
        connection.execute(text("INSERT INTO passes (number, id) VALUES (7, 'monday')"))
    path = backup(other, tmp_path / "b").path
    found = restore(empty, path)
    assert (found.schema, schema_of(empty)) == ("0001", revisions()[-1])
    with engines.reading(empty) as connection:
        assert connection.execute(text("SELECT number, id FROM passes")).one() == (7, "monday")
    other.dispose()


def test_the_file_of_sqlite_is_a_database_by_itself(tmp_path):
    engine = open_storage(f"sqlite:///{tmp_path}/rw.db")
    fill(engine)
    backup(engine, tmp_path / "copy.db")
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        assert copy.execute("SELECT count(*) FROM case_events").fetchone() == (7,)
    engine.dispose()


def test_postgresql_leaves_the_tables_of_others_alone(postgres_url, tmp_path):
    engine = open_storage(postgres_url)
    with engines.writing(engine) as connection:
        connection.execute(text("CREATE TABLE experiments (name TEXT)"))
    path = backup(engine, tmp_path / "b").path
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    assert names == {MANIFEST, *(f"{table.name}.copy" for table in all_tables())}
    engine.dispose()


class TestPictures:
    """The files of evidence lie beside the database, and go with it."""

    @pytest.fixture
    def store(self, tmp_path):
        return open_blobs(f"{tmp_path}/blobs")

    @pytest.fixture
    def kept(self, tmp_path):
        return open_blobs(f"{tmp_path}/backups/files")

    def test_what_comes_back_is_what_went_away_to_the_last_byte(self, engine, tmp_path, store, kept):
        pictures = [b"the hole" * 500_000, b"mended", b""]
        names = [store.put(data) for data in pictures]
        told = []
        done = back_up_files(url_of(engine), store, kept, lambda *far: told.append(far))
        assert (done.copied, done.there, done.bytes) == (3, 0, sum(map(len, pictures)))
        assert told[-1] == (3, 3)
        restored = open_blobs(f"{tmp_path}/elsewhere")
        assert restore_files(kept, restored).copied == 3
        assert [restored.get(name) for name in names] == pictures
        assert sorted(restored.names()) == sorted(names)

    def test_the_next_backup_copies_only_what_is_new(self, engine, store, kept):
        store.put(b"old")
        back_up_files(url_of(engine), store, kept)
        store.put(b"new")
        done = back_up_files(url_of(engine), store, kept)
        assert (done.copied, done.there) == (1, 1)

    def test_a_damaged_picture_is_named_and_the_others_are_kept(self, engine, tmp_path, store, kept):
        bad, good = store.put(b"one"), store.put(b"two")
        (tmp_path / "blobs" / bad[:2] / bad[2:4] / bad).write_bytes(b"One")
        done = back_up_files(url_of(engine), store, kept)
        assert (done.damaged, done.copied) == ((bad,), 1)
        assert list(kept.names()) == [good]
        assert not [path for path in (tmp_path / "backups").rglob(".*") if path.is_file()]

    def test_what_was_erased_leaves_the_backups_too_and_does_not_come_back(self, engine, tmp_path, store, kept):
        name = store.put(b"a face")
        back_up_files(url_of(engine), store, kept)
        Eraser(engine, store, lambda: MONDAY).picture(name, frozenset(), Warrant("data protection", "request 17"))
        assert back_up_files(url_of(engine), store, kept).removed == 1
        assert restore_files(kept, open_blobs(f"{tmp_path}/elsewhere")).copied == 0

    def test_a_store_that_nobody_has_written_to_is_empty(self, engine, store, kept):
        assert back_up_files(url_of(engine), store, kept).as_json()["copied"] == 0

    def test_a_database_of_the_first_schema_has_pictures_too(self, empty, store, kept):
        with engines.writing(empty) as connection:
            command.upgrade(_config(connection), revisions()[0])
        store.put(b"kept by a survey")
        assert back_up_files(url_of(empty), store, kept).copied == 1


def test_the_commands_take_the_pictures_along_unless_they_are_told_not_to(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROADWARDEN_BLOBS", str(tmp_path / "blobs"))
    open_storage("sqlite:///city.db").dispose()
    name = open_blobs(f"{tmp_path}/blobs").put(b"the hole")

    def roadwarden(*arguments):
        monkeypatch.setattr(sys, "argv", ["roadwarden", *arguments, "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return json.loads(capsys.readouterr().out)

    there = ("--database", "sqlite:///city.db")
    assert roadwarden("db", "backup", "backups/monday.db", *there)["files"]["copied"] == 1
    assert roadwarden("db", "backup", "backups/tuesday.db", *there, "--no-files")["files"] is None
    monkeypatch.setenv("ROADWARDEN_BLOBS", str(tmp_path / "new"))
    told = roadwarden("db", "restore", "backups/monday.db", "--database", "sqlite:///new.db")
    assert (told["files"]["copied"], told["files"]["place"]) == (1, "backups/files")
    assert open_blobs(f"{tmp_path}/new").get(name) == b"the hole"


def url_of(engine):
    return engine.url.render_as_string(hide_password=False)
