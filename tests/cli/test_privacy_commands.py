"""What the commands on personal data say, and what they leave."""

from __future__ import annotations

import json

import pytest

from roadwarden.access.people import Account
from roadwarden.cases.events import Role
from roadwarden.service.people import People
from roadwarden.storage.blobs import open_blobs
from roadwarden.storage.schema import open_storage


@pytest.fixture
def run(run_main, tmp_path, monkeypatch):
    monkeypatch.setenv("ROADWARDEN_BLOBS", str(tmp_path / "blobs"))
    engine = open_storage("sqlite:///city.db")
    people = People(engine)
    for name, role in (("root", Role.ADMINISTRATOR), ("li", Role.INTAKE)):
        people.add(Account(name, name, frozenset({role}), frozenset({"*"})), by="root")
    engine.dispose()

    return lambda *arguments, code=0: run_main(*arguments, code=code).out


MA = ("--by", "ma", "--role", "dispatcher")
SIGNED = ("--key", "log.key", "--registry", "none", "--card", "log.key.pub")
HOLE = ("--distress", "pothole", "--area", "lake", "--by", "li", "--role", "intake")


def test_an_account_is_handed_out_erased_and_the_log_says_so(run, tmp_path):
    run(
        "case", "file", "--distress", "pothole", "--area", "lake", "--by", "li", "--role", "intake", "--note", "call li"
    )
    told = json.loads(run("privacy", "export", "li", "--out", "li.zip", "--json"))
    assert (told["subjects"], told["rows"] >= 4) == (["li"], True)
    run("privacy", "erase", "li", "--reason", "request 17", code=1)  # in use
    run("user", "disable", "li")
    (gone,) = json.loads(run("privacy", "erase", "li", "--reason", "request 17", "--by", "data protection", "--json"))
    assert (gone["events"], gone["subject"].startswith("erased-")) == (1, True)
    listed = json.loads(run("privacy", "log", "--json"))
    assert [one["leaf"] for one in listed] == [one["leaf"] for one in gone["leaves"]]
    run("privacy", "export", "li", "--out", "again.zip", code=1)
    assert "data protection" in run("user", "log")
    run("ledger", "keygen", "log.key", "--origin", "roadwarden.example/lake")
    run("ledger", "checkpoint", "--key", "log.key", "--registry", "none")
    audit = json.loads(run("ledger", "audit", "--key", "log.key.pub", "--registry", "none", "--json"))
    assert (audit["clean"], audit["erased"]) == (True, 1)


def test_the_audit_reads_the_pictures_that_it_is_told_to(run, tmp_path):
    picture = open_blobs(str(tmp_path / "blobs")).put(b"mended")
    crew = ("--by", "han", "--role", "crew", "--of-department", "roads", "--of-crew", "roads-day")
    run("case", "file", *HOLE, "--case", "HZ-1")
    run("case", "dispatch", "HZ-1", "--department", "roads", "--crew", "roads-day", *MA)
    run("case", "accept", "HZ-1", *crew)
    run("case", "start", "HZ-1", *crew)
    run("case", "report", "HZ-1", "--evidence", picture, *crew)
    run("ledger", "keygen", "log.key", "--origin", "roadwarden.example/lake")
    run("ledger", "checkpoint", "--key", "log.key", "--registry", "none")
    audit = ("ledger", "audit", "--key", "log.key.pub", "--registry", "none")
    assert "pictures: 1 named by the log, 1 files read (6 bytes)" in run(*audit)
    open_blobs(str(tmp_path / "blobs")).remove(picture)
    assert f"deleted: picture {picture[:12]} of case HZ-1" in run(*audit, code=3)
    assert json.loads(run(*audit, "--pictures", "none", "--json"))["pictures"] is None
    run(*audit, "--pictures", "half", code=2)
    run("privacy", "erase", "--picture", picture, "--reason", "a face")
    told = json.loads(run(*audit, "--json"))
    assert (told["clean"], told["pictures"]["erased"]) == (True, 1)
    run("ledger", "bundle", "HZ-1", "--out", "case.zip", *SIGNED)
    assert ", 1 erased" in run("ledger", "verify", "case.zip", "--key", "log.key.pub")


def test_a_sweep_tells_each_rule_and_a_dry_one_says_so(run, tmp_path):
    (tmp_path / "retention.yaml").write_text(
        "version: '1'\n" + "".join(f"{name}: null\n" for name in RULES if name != "sessions") + "sessions: 1\n"
    )
    assert "sessions: 0 would go" in run("privacy", "sweep", "--dry-run", "--rules", "retention.yaml")
    told = json.loads(run("privacy", "sweep", "--rules", "retention.yaml", "--json"))
    assert [(one["rule"], one["count"]) for one in told["rules"]] == [("sessions", 0)]
    assert len(json.loads(run("privacy", "sweep", "--json"))["rules"]) == len(RULES) - 1  # pictures of cases stay
    assert run("privacy", "log") == "nothing was erased yet\n"


RULES = (
    "failed_logins",
    "sessions",
    "personal_reads",
    "command_keys",
    "wishes",
    "tip_words",
    "report_words",
    "report_pictures",
    "loose_pictures",
    "case_words",
    "case_pictures",
)


def test_errors_say_what_to_do(run):
    run("privacy", "export", "--out", "x.zip", code=2)
    run("privacy", "export", "li", "--report", "R2026-000001", "--out", "x.zip", code=2)
    run("privacy", "export", "--report", "R2026-000001", "--out", "x.zip", code=1)
    run("privacy", "erase", "--contact", "138 0013 8000", "--reason", "request 17", code=1)
    run("privacy", "erase", "--picture", "0" * 64, "--reason", "a face", code=1)
