"""The commands about cases, as the page that explains them shows them."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from roadwarden import cli
from tests.conftest import REPOSITORY, jpeg, textured

PAGE = REPOSITORY / "docs" / "cases.md"
CREW = ("--by", "u7", "--role", "crew", "--of-department", "roads")
DUTY = ("--by", "u3", "--role", "duty_officer")
APPROVED = ("--approved-by", "u4:road_chief")


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Runs a command in this process; (exit code, what it printed, what it complained)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROADWARDEN_DATABASE", f"sqlite:///{tmp_path}/rw.db")
    monkeypatch.delenv("ROADWARDEN_DESTINATIONS", raising=False)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["roadwarden", *arguments])
        try:
            cli.main()
            code = 0
        except SystemExit as exc:
            code = exc.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def done(run):
    def done(*arguments):
        code, out, err = run(*arguments)
        assert code == 0, err
        return out

    return done


@pytest.fixture
def filed(done):
    def filed(case, *more):
        done("case", "file", "--case", case, "--distress", "pothole", "--area", "west-lake", "--owner", "district",
             "--by", "u1", "--role", "intake", *more)  # fmt: skip
        return case

    return filed


def test_the_page_can_be_followed_word_by_word(done):
    commands = re.findall(r"^roadwarden (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) > 15
    answers = [done(*shlex.split(command)) for command in commands]
    assert answers[6].startswith("HZ-1 v7 closed, normal")
    assert answers[-1].startswith("1 rows, 0 of them")


def test_the_dispatch_rules_choose_and_say_why(done, filed):
    out = done("case", "dispatch", filed("HZ-1"), "--by", "u2", "--role", "dispatcher")
    assert "HZ-1 v2 dispatched" in out
    assert re.search(r"to roads, crew roads-(day|night): .*has the least to do \(0/\d+\)", out)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("dispatch", "HZ-1", "--department", "road"), "unknown department 'road'; did you mean 'roads'?"),
        (("dispatch", "HZ-1", "--department", "roads", "--crew", "roads-dya"), "did you mean 'roads-day'?"),
        (("transfer", "HZ-1", "--to", "moon", "--reason", "far"), "unknown department 'moon'; known are"),
    ],
)
def test_a_case_is_not_sent_to_somebody_who_does_not_exist(run, filed, command, told):
    filed("HZ-1")
    code, _, said = run("case", *command, *DUTY)
    assert code == 2
    assert told in said


def test_a_desk_whose_clock_is_years_ahead_is_told_what_counts(done):
    out = done(
        "case", "file", "--distress", "pothole", "--at", "2099-01-01T00:00:00Z", "--by", "u1", "--role", "intake"
    )
    assert "clamped: said to have happened more than 2 minutes after it was received; counts from then" in out


def test_every_side_branch_has_its_command(done, filed):
    for case in ("HZ-1", "HZ-2", "HZ-3", "HZ-4"):
        filed(case, "--severity", "normal")
    done(
        "case", "dispatch", "HZ-1", "--department", "roads", "--crew", "roads-day", "--by", "u2", "--role", "dispatcher"
    )
    done("case", "safety", "HZ-1", "--kind", "fence", *DUTY)
    done("case", "severity", "HZ-1", "--to", "severe", *DUTY)
    done("case", "severity", "HZ-1", "--to", "normal", *APPROVED, *DUTY)
    done(
        "case", "handback", "HZ-1", "--reason", "a manhole", "--by", "u7", "--role", "crew", "--of-department", "roads"
    )
    done("case", "transfer", "HZ-1", "--to", "utilities", "--reason", "theirs", *DUTY)
    done("case", "mend", "HZ-2", "--evidence", "9f2c", "--by", "u5", "--role", "supervisor")
    done("case", "ask-evidence", "HZ-2", "--report", "2", *DUTY)
    done("case", "merge", "HZ-3", "--into", "HZ-1", "--by", "u1", "--role", "intake")
    done("case", "unmerge", "HZ-3", "--by", "u1", "--role", "intake")
    done("case", "void", "HZ-4", "--reason", "not ours", *APPROVED, *DUTY)
    rows = {row["case_id"]: row for row in json.loads(done("case", "list", "--json"))}
    assert {case: row["state"] for case, row in rows.items()} == {
        "HZ-1": "filed", "HZ-2": "filed", "HZ-3": "filed", "HZ-4": "voided"
    }  # fmt: skip
    assert (rows["HZ-1"]["department"], rows["HZ-1"]["bounces"]) == ("utilities", 2)


def test_parks_and_extensions_of_a_case(done, filed):
    filed("HZ-1", "--severity", "normal")
    until = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    due = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    assert "parked" in done("case", "park", "HZ-1", "--until", until, "--reason", "rain", *APPROVED, *DUTY)
    assert "filed" in done("case", "resume", "HZ-1", *DUTY)
    out = done("case", "extend", "HZ-1", "--clock", "repair", "--due", due, "--reason", "a valve", *APPROVED, *DUTY)
    assert re.search(r"(21[45]) h \d+ min left", out)


def test_what_is_refused_ends_with_1_and_says_why(run, filed):
    filed("HZ-1")
    code, _, complaint = run("case", "close", "HZ-1", *DUTY)
    assert (code, "no report of this cycle is accepted" in complaint) == (1, True)
    assert run("case", "accept", "HZ-9", *CREW)[0] == 1
    code, _, complaint = run("case", "void", "HZ-1", "--reason", "no", "--approved-by", "u4", *DUTY)
    assert (code, "in what role does u4 approve? Write it as NAME:ROLE" in complaint) == (1, True)
    assert run("case", "close", "HZ-1", "--by", "u3", "--role", "king")[0] == 2
    assert run("case", "close", "HZ-1", *DUTY, "--at", "yesterday")[0] == 2
    code, _, complaint = run("case", "safety", "HZ-1", "--kind", "fence", *DUTY, "--expect", "7")
    assert (code, "is at version 1, not 7" in complaint) == (1, True)
    code, _, complaint = run("case", "file", "--distress", "pot", "--by", "u1", "--role", "intake")
    assert (code, "pot" in complaint) == (1, True)


def test_a_command_is_done_once_under_its_key(done, filed):
    filed("HZ-1")
    first = json.loads(done("case", "safety", "HZ-1", "--kind", "fence", *DUTY, "--key", "k", "--json"))
    again = json.loads(done("case", "safety", "HZ-1", "--kind", "fence", *DUTY, "--key", "k", "--json"))
    assert (first["repeated"], again["repeated"], again["case"]["version"]) == (False, True, 2)


def test_a_dispatch_by_the_rules_is_done_once_under_its_key_although_the_load_has_changed(run, done, filed):
    dispatcher = ("--by", "u2", "--role", "dispatcher")
    first = done("case", "dispatch", filed("HZ-1"), *dispatcher, "--key", "k")
    done("case", "dispatch", filed("HZ-2"), *dispatcher)
    again = done("case", "dispatch", "HZ-1", *dispatcher, "--key", "k")
    assert "HZ-1 v2 dispatched" in again
    assert "(was done before)" in again
    assert again.splitlines()[1] == first.splitlines()[1]
    code, _, err = run("case", "dispatch", "HZ-1", "--by", "u9", "--role", "dispatcher", "--key", "k")
    assert code == 1
    assert "was used for another command" in err


def test_a_dispatch_by_the_rules_heeds_the_version_and_the_time_that_were_asked_for(run, done, filed):
    words = ("case", "dispatch", filed("HZ-1"), "--by", "u2", "--role", "dispatcher")
    code, _, err = run(*words, "--expect", "7")
    assert code == 1
    assert "is at version 1, not 7" in err
    a_minute_on = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    event = json.loads(done(*words, "--expect", "1", "--at", a_minute_on, "--json"))["events"][0]
    assert event["data"]["department"] == "roads"
    assert datetime.fromisoformat(event["occurred_at"]) == datetime.fromisoformat(a_minute_on)


OWN = {
    "clock_policies.yaml": ("{normal: 48, severe: 24}", "{normal: 36, severe: 24}"),
    "dispatch.yaml": ("id: roads-", "id: north-"),
    "permissions.yaml": ("records: [dispatched, accepted,", "records: [filed, dispatched, accepted,"),
}


def test_a_city_goes_by_its_own_tables_and_by_ours_where_it_has_none(run, done, filed, monkeypatch, tmp_path):
    """Its clock, its crews and what its dispatchers may do; domains and filing are ours."""
    dispatcher = ("--by", "u2", "--role", "dispatcher")
    words = ("case", "file", "--distress", "pothole", "--severity", "normal", "--owner", "city", *dispatcher)
    assert run(*words)[0] == 1
    own = tmp_path / "hangzhou"
    own.mkdir()
    for name, (before, after) in OWN.items():
        text = (REPOSITORY / "roadwarden" / "tables" / name).read_text(encoding="utf-8")
        assert before in text
        (own / name).write_text(text.replace(before, after), encoding="utf-8")
    monkeypatch.setenv("ROADWARDEN_TABLES", str(own))
    case = json.loads(done(*words, "--json"))["case"]
    assert case["remaining_s"] == pytest.approx(36 * 3600, abs=60)
    assert re.search(r"to roads, crew north-(day|night): ", done("case", "dispatch", case["case_id"], *dispatcher))


def test_a_folder_of_tables_that_is_not_there_is_an_error(run, monkeypatch, tmp_path):
    monkeypatch.setenv("ROADWARDEN_TABLES", str(tmp_path / "nowhere"))
    code, _, err = run("case", "import", "cases.jsonl")
    assert code == 2
    assert "ROADWARDEN_TABLES: " in err
    assert "is no folder" in err


@pytest.mark.parametrize(
    "command",
    [
        "case list",
        "case show 2026-000001",
        "case export var/x.jsonl",
        "defects list",
        "roads list",
        "outbox status",
    ],
)
def test_a_mistyped_database_is_told_and_not_made(run, tmp_path, command):
    code, _, told = run(*command.split())
    assert (code, (tmp_path / "rw.db").exists()) == (1, False)
    assert "there is no database; check the path" in told


def test_cases_go_out_and_in_again_for_machines(done, filed, tmp_path):
    filed("HZ-1")
    lines = str(tmp_path / "cases.jsonl")
    assert json.loads(done("case", "export", lines, "--json")) == {"events": 1, "file": lines}
    assert json.loads(done("case", "import", lines, "--json")) == {"new": 0, "cases": 0, "known": 1}


def test_an_owner_that_no_rule_knows_is_refused(run):
    common = ("--by", "u1", "--role", "intake")
    code, _, told = run("case", "file", "--distress", "pothole", "--owner", "distrct", *common)
    assert code != 0
    assert "did you mean 'district'?" in told


def test_what_was_first_seen_tomorrow_is_not_filed_today(run):
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    common = ("--by", "u1", "--role", "intake")
    code, _, told = run("case", "file", "--distress", "pothole", "--first-seen-at", tomorrow, *common)
    assert code != 0
    assert "yet to come; correct the time" in told


def test_the_board_as_of_another_time(done, filed):
    filed("HZ-1", "--severity", "severe")
    filed("HZ-2", "--severity", "normal")
    told = done("case", "list", "--due", "--now", "2199-01-01T00:00:00Z")
    assert told.index("HZ-1") < told.index("HZ-2")
    assert "late by" in told
    assert done("case", "list", "--area", "nowhere").startswith("no such case")
    assert "1 of 2; --most shows more" in done("case", "list", "--most", "1")


def test_a_wrong_row_is_found(run, done, filed, tmp_path):
    filed("HZ-1")
    with sqlite3.connect(tmp_path / "rw.db") as database:
        database.execute("UPDATE cases SET state = 'closed'")
    code, out, _ = run("db", "rebuild", "--check", "--json")
    assert (code, json.loads(out)) == (3, {"rows": 1, "mended": ["HZ-1"]})
    assert json.loads(done("db", "rebuild", "--check", "--json"))["mended"] == []


def test_dead_letters_are_listed_and_sent_again(done, filed, tmp_path):
    (tmp_path / "gone").write_text("not a folder")
    destination = {"name": "records", "kind": "file", "path": "gone/out.jsonl"}
    destination |= {"retries": {"first_s": 3600, "longest_s": 3600, "give_up_after_h": 0.1}}
    (tmp_path / "d.yaml").write_text(json.dumps({"version": "1", "destinations": [destination]}))
    done("scheduler", "--once", "--destinations", "d.yaml")
    filed("HZ-1")
    told = json.loads(done("scheduler", "--once", "--destinations", "d.yaml", "--json"))
    assert (told["sent"], told["dead"]) == (0, 1)
    (letter,) = json.loads(done("outbox", "dead", "--json"))
    assert (letter["key"], letter["attempts"]) == ("event:HZ-1:1", 1)
    assert "1 dead letters" in done("outbox", "dead", "--destination", "records")
    (tmp_path / "gone").unlink()
    assert done("outbox", "replay", "records") == "1 letters will be sent again\n"
    assert json.loads(done("scheduler", "--once", "--destinations", "d.yaml", "--json"))["sent"] == 1
    assert json.loads(done("outbox", "status", "--json")) == {"records": {"waiting": 0, "sent": 1, "dead": 0}}
    assert json.loads((tmp_path / "gone" / "out.jsonl").read_text(encoding="utf-8"))["topic"] == "case.filed"


def picture_file(folder, name="after.jpg", seed=3):
    (folder / name).write_bytes(jpeg(textured(seed)))
    return str(folder / name)


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """Where evidence is kept: the originals by their sha256, and the redacted copies."""
    monkeypatch.setenv("ROADWARDEN_BLOBS", str(tmp_path / "blobs"))
    return lambda: {path.name for path in (tmp_path / "blobs").rglob("*") if path.is_file()}


def test_a_crew_shows_its_work_with_a_file_and_needs_no_hash(run, done, filed, kept, tmp_path):
    case = filed("HZ-1")
    done("case", "dispatch", case, "--department", "roads", "--by", "u2", "--role", "dispatcher")
    file = picture_file(tmp_path)
    told = json.loads(done("case", "report", case, "--picture", file, "--picture", file, *CREW, "--json"))
    (shown,) = told["events"][0]["data"]["evidence"]
    assert shown == hashlib.sha256((tmp_path / "after.jpg").read_bytes()).hexdigest()
    assert shown in kept()
    with closing(sqlite3.connect(tmp_path / "rw.db")) as database:
        assert database.execute("SELECT count(*) FROM evidence_uses").fetchone() == (1,)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [("nowhere.jpg", None, "the picture cannot be read"), ("notes.jpg", b"no picture at all", "picture")],
    ids=["not there", "no picture"],
)
def test_a_file_that_is_no_picture_is_no_evidence(run, done, filed, kept, tmp_path, name, text, says):
    case = filed("HZ-1")
    done("case", "dispatch", case, "--department", "roads", "--by", "u2", "--role", "dispatcher")
    if text is not None:
        (tmp_path / name).write_bytes(text)
    code, _, said = run("case", "report", case, "--picture", name, *CREW)
    assert (code, says in said) == (1, True)
    assert kept() == set()
    assert "dispatched" in done("case", "show", case)


def test_no_picture_is_kept_for_a_case_that_is_not_there(run, filed, kept, tmp_path):
    filed("HZ-1")
    code, _, said = run("case", "report", "HZ-9", "--picture", picture_file(tmp_path), *CREW)
    assert code == 1
    assert "HZ-9" in said
    assert kept() == set()


def test_photographs_are_drawn_of_what_was_drawn_only(run, filed, tmp_path):
    case = filed("HZ-1")
    code, _, said = run("simulate", "photos", case, "--street", str(tmp_path), "--out", str(tmp_path / "photos"))
    assert code == 1
    assert "wanted what 'roadwarden sample' writes" in said
    (tmp_path / "truth.json").write_text(json.dumps({"street": {"seed": 7}, "frames": [{}] * 24}), encoding="utf-8")
    code, _, said = run("simulate", "photos", case, "--street", str(tmp_path), "--out", str(tmp_path / "photos"))
    assert code == 1
    assert "no pothole or net of cracks was drawn there" in said
