"""The commands of the log, from a new key to a bundle on somebody else's desk."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from fastapi.testclient import TestClient

from roadwarden.cli.serve import parts_from
from roadwarden.ledger.canonical import sha256_hex
from roadwarden.storage.blobs import open_blobs
from roadwarden.web.app import create_app

PICTURE = b"\xff\xd8\xff\xe0 the hole, and a hand for scale"
ORIGIN = "roadwarden.example/west-lake"


@pytest.fixture
def run(run_main):

    return lambda *arguments, code=0: run_main(*arguments, code=code).out


def test_from_the_key_to_the_bundle_and_what_an_attacker_does_is_named(run, tmp_path):
    run("ledger", "keygen", "log.key", "--origin", ORIGIN)
    run("ledger", "witness", "sqlite:///other.db")
    run(
        "case",
        "file",
        "--distress",
        "pothole",
        "--area",
        "lake",
        "--by",
        "u1",
        "--role",
        "intake",
        "--note",
        "Zhang San",
    )
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / f"{sha256_hex(PICTURE)}.jpg").write_bytes(PICTURE)
    checkpoint = ("ledger", "checkpoint", "--key", "log.key", "--registry", "none", "--witness", "w.jsonl")
    told = json.loads(run(*checkpoint, "--witness", "sqlite:///other.db", "--json"))
    assert (told["added"], told["size"], list(told["witnesses"].values())) == (1, 1, [1, 1])
    case = "2026-000001"
    with closing(sqlite3.connect(tmp_path / "city.db")) as database:
        (case,) = database.execute("SELECT case_id FROM cases").fetchone()
    card = tmp_path / "card.md"
    card.write_text("a model card\n")
    run("ledger", "bundle", case, "--out", "case.zip", "--key", "log.key", "--registry", "none", "--card", "card.md")
    assert run("ledger", "verify", "case.zip", "--key", "log.key.pub").startswith(f"verified: case {case}, 1 events")
    (tmp_path / "bad.zip").write_bytes((tmp_path / "case.zip").read_bytes().replace(b"pothole", b"pothope"))
    assert "NOT verified" in run("ledger", "verify", "bad.zip", "--key", "log.key.pub", code=3)
    assert json.loads(run("ledger", "prove", case))["leaves"][0]["index"] == 0
    audit = ("ledger", "audit", "--key", "log.key.pub", "--registry", "none", "--witness", "w.jsonl", "--json")
    assert json.loads(run(*audit))["clean"] is True
    assert run("ledger", "erase", case, "--by", "data protection", "--reason", "request 17").startswith("1 events")
    assert json.loads(run(*audit))["erased"] == 1
    with closing(sqlite3.connect(tmp_path / "city.db")) as database:
        database.executescript("DROP TRIGGER case_events_no_update; UPDATE case_events SET role = 'auditor'")
    found = json.loads(run(*audit, code=3))
    assert [fault["kind"] for fault in found["faults"]] == ["changed"]


def test_a_new_key_goes_on(run):
    run("ledger", "keygen", "old.key", "--origin", ORIGIN)
    run("case", "file", "--distress", "pothole", "--area", "lake", "--by", "u1", "--role", "intake")
    signed = ("--registry", "none", "--witness", "w.jsonl")
    run("ledger", "checkpoint", "--key", "old.key", *signed)
    run("ledger", "keygen", "new.key", "--origin", ORIGIN, "--follows", "old.key")
    run("ledger", "checkpoint", "--key", "new.key", *signed)
    run("ledger", "audit", "--key", "old.key.pub", "--registry", "none", "--witness", "w.jsonl")
    assert "fault" in run("ledger", "audit", "--key", "new.key.pub", "--registry", "none", code=3)


def test_errors_say_what_to_do(run, tmp_path):
    run("ledger", "keygen", "log.key", "--origin", ORIGIN)
    run("ledger", "keygen", "log.key", "--origin", ORIGIN, code=1)
    run("ledger", "prove", "2026-000001", code=1)
    run("ledger", "bundle", "2026-000001", "--out", "x.zip", "--key", "log.key", "--registry", "none", code=1)
    run("ledger", "verify", "nothing.zip", "--key", "log.key.pub", code=1)
    (tmp_path / "log.key").chmod(0o644)
    run("ledger", "checkpoint", "--key", "log.key", "--registry", "none", code=2)
    run("ledger", "checkpoint", "--key", "missing.key", code=2)


@pytest.fixture
def case_with_picture(run, tmp_path, monkeypatch):
    """Case HZ-1, mended, with a picture where evidence is kept; and a key of the log."""
    monkeypatch.setenv("ROADWARDEN_BLOBS", str(tmp_path / "blobs"))
    name = open_blobs(str(tmp_path / "blobs")).put(PICTURE)
    who = ("--by", "u1", "--role", "intake")
    run("case", "file", "--case", "HZ-1", "--distress", "pothole", "--area", "lake", *who)
    run("case", "mend", "HZ-1", "--evidence", name, "--by", "u5", "--role", "supervisor")
    run("ledger", "keygen", "log.key", "--origin", ORIGIN)
    return "HZ-1"


def test_a_bundle_encloses_the_pictures_that_are_kept_without_being_told_where(run, case_with_picture):
    """They lay in the store, and the bundle said 'not here': whoever sent it noticed only at the other department."""
    told = run("ledger", "bundle", case_with_picture, "--out", "case.zip", "--key", "log.key", "--registry", "none")
    assert "2 events, 1 pictures, 0 not here" in told
    assert "1 pictures" in run("ledger", "verify", "case.zip", "--key", "log.key.pub")


def test_a_bundle_from_the_server_encloses_the_pictures_for_whoever_may_see_them(run, case_with_picture, tmp_path):
    run("ledger", "checkpoint", "--key", "log.key", "--registry", "none", "--witness", "w.jsonl")
    run("user", "add", "fan", "--role", "auditor", "--areas", "lake", "--no-password")
    run("user", "add", "li", "--role", "duty_officer", "--areas", "lake", "--no-password")
    told = {"settings": {"public_url": "http://testserver"}, "sign_on": None, "time_key": "time.key"}
    parts = parts_from(json.dumps(told | {"ledger_key": "log.key"}), None)
    client = TestClient(create_app(parts))

    def pictures(who: str, query: str) -> str:
        rights = {"fan": ("bundles.read", "personal.read", "originals.read"), "li": ("bundles.read", "personal.read")}
        scopes = [word for right in rights[who] for word in ("--scope", right)]
        secret = json.loads(run("user", "token", "issue", who, *scopes, "--json"))["token"]
        head = {"authorization": f"Bearer {secret}"}
        found = client.get(f"/api/v1/cases/{case_with_picture}/bundle{query}", headers=head)
        assert found.status_code == 200, found.text
        (tmp_path / "got.zip").write_bytes(found.content)
        return run("ledger", "verify", "got.zip", "--key", "log.key.pub")

    assert "1 pictures\n" in pictures("fan", "?personal=true")
    assert "0 pictures, 1 not enclosed" in pictures("fan", "")
    assert "0 pictures, 1 not enclosed" in pictures("li", "?personal=true")
    assert PICTURE not in (tmp_path / "got.zip").read_bytes()
