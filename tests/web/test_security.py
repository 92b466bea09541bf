"""What somebody would try who should not get in, or not that far. After the lists of OWASP ASVS."""

from __future__ import annotations

import gzip
import io
import itertools
import logging
import struct
import sys
import tarfile
import tracemalloc
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from desks import file_one, report, to_crew
from fastapi import APIRouter
from served_city import LAKE, PASSWORD
from sqlalchemy import text

from roadwarden.access import secrets
from roadwarden.cases.events import Role, Severity
from roadwarden.cases.rights import Right
from roadwarden.data.archives import UnreadableEntry, open_archive
from roadwarden.errors import DataError, RoadwardenError
from roadwarden.ledger.checkpoint import KeyRing
from roadwarden.ledger.note import SigningKey
from roadwarden.ledger.verify import verify_bundle
from roadwarden.service import access
from roadwarden.storage import backup
from roadwarden.storage.engine import writing

sys.path.insert(0, str(Path(__file__).parent.parent / "evidence"))

from pictures import png_bomb, png_with_text_bomb, road

_KEYS = itertools.count()


def sent(served, name, path, body=None, **more):
    headers = served.auth(name) | {"Idempotency-Key": f"s{next(_KEYS)}", "If-Match": "*"} | more
    return served.client.post(f"/api/v1/{path}", json=body or {}, headers=headers)


def csrf_in(page, name="csrf_token"):
    return page.text.split(f'name="{name}" ', 1)[1].split('"')[1]


def log_in(served, name="u1", password=PASSWORD, then="/"):
    form = {"name": name, "password": password, "csrf_token": csrf_in(served.client.get("/login")), "then": then}
    return served.client.post("/login", data=form, follow_redirects=False)


@pytest.fixture
def at_browser(served):
    served.people.set_password("u1", PASSWORD, by="test")
    assert log_in(served).status_code == 303
    return served


# --- other people's cases ------------------------------------------------------------------------------------------


def paths_of_one_case(served):
    document = served.client.get("/api/v1/openapi.json").json()
    return [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if path.startswith("/api/v1/cases/{case}")
    ]


def example_of(document, operation):
    told = operation["requestBody"]["content"]["application/json"]["schema"]
    return document["components"]["schemas"][told["$ref"].rsplit("/", 1)[1]]["examples"][0]


def test_another_areas_case_is_not_there_whatever_is_tried_with_it(served):
    case = file_one(served.parts.desk)
    document = served.client.get("/api/v1/openapi.json").json()
    tried = 0
    for method, path, operation in paths_of_one_case(served):
        headers = served.auth("e1") | {"Idempotency-Key": f"s{next(_KEYS)}", "If-Match": "*"}
        body = example_of(document, operation) if method == "post" else None
        answer = served.client.request(method, path.replace("{case}", case), headers=headers, json=body)
        assert answer.status_code in (403, 404, 422), (path, answer.text)
        assert LAKE not in answer.text
        tried += 1
    assert tried > 15
    assert len(served.parts.desk.events(case)) == 1


def test_a_crew_sees_its_own_cases_only(served):
    case = file_one(served.parts.desk)
    to_crew(served.parts.desk, case)
    seen = served.client.get("/api/v1/cases", headers=served.auth("u7")).json()["items"]
    assert [one["case_id"] for one in seen] == [case]
    assert served.client.get("/api/v1/cases", headers=served.auth("u8")).json()["items"] == []
    assert served.client.get(f"/api/v1/cases/{case}", headers=served.auth("u8")).status_code == 404


def test_somebody_with_two_roles_sees_what_either_lets_him(served):
    lake, east = file_one(served.parts.desk), served.parts.desk
    to_crew(east, lake)
    served.people.change("e1", "test", roles=[Role.INTAKE, Role.CREW], department="roads")
    seen = served.client.get("/api/v1/cases", headers=served.auth("e1")).json()["items"]
    assert [one["case_id"] for one in seen] == [lake]
    as_intake = served.client.get("/api/v1/cases?as_role=intake", headers=served.auth("e1")).json()["items"]
    assert as_intake == []


# --- more than one may ---------------------------------------------------------------------------------------------


def test_a_token_opens_no_more_than_its_scopes_and_hands_on_no_more(served):
    narrow = {"Authorization": f"Bearer {served.token('u3', scopes={Right.CASES_READ, Right.TOKENS_OWN})}"}
    case = file_one(served.parts.desk)
    keys = {"Idempotency-Key": "k", "If-Match": "*"}
    refused = served.client.post(f"/api/v1/cases/{case}/close", json={}, headers=narrow | keys)
    assert (refused.status_code, "cases.record" in refused.json()["detail"]) == (403, True)
    wide = served.people.issue("u3", "wide", set(Right), timedelta(days=1), by="test").token.id
    for path, body in (
        ("me/tokens", {"label": "more", "scopes": ["cases.record"]}),
        (f"me/tokens/{wide}/rotate", None),
    ):
        assert served.client.post(f"/api/v1/{path}", json=body, headers=narrow).status_code == 403
    others = served.people.issue("u4", "another's", {Right.CASES_READ}, timedelta(days=1), by="test").token.id
    assert served.client.delete(f"/api/v1/me/tokens/{others}", headers=served.auth("u3")).status_code == 404
    less = served.client.post("/api/v1/me/tokens", json={"label": "less", "scopes": ["cases.read"]}, headers=narrow)
    assert less.status_code == 201
    assert less.json()["token"].startswith(f"rw_{less.json()['id']}_")


def test_nobody_becomes_what_he_is_not(served):
    case = file_one(served.parts.desk)
    assert sent(served, "u1", f"cases/{case}/close", {"as_role": "duty_officer"}).status_code == 403
    assert served.client.get("/api/v1/people", headers=served.auth("u3")).status_code == 403
    assert served.client.get("/api/v1/personal-reads", headers=served.auth("u3")).status_code == 403
    east = sent(served, "u1", "cases", {"distress": "pothole", "area": "east"})
    assert east.status_code == 403


def test_nobody_claims_anothers_approval(served):
    case = file_one(served.parts.desk, severity=Severity.SEVERE)
    claimed = sent(served, "u3", f"cases/{case}/severity", {"to": "normal", "approved_by": "u4:road_chief"})
    assert (claimed.status_code, claimed.json()["faults"][0]["where"]) == (422, "body.approved_by")
    assert sent(served, "u3", f"cases/{case}/severity", {"to": "normal"}).status_code == 409
    data = {"to": "normal", "reason": "a shadow", "approved_by": {"actor": "u4", "role": "road_chief"}}
    wish = sent(served, "u3", f"cases/{case}/wishes", {"type": "severity_changed", "data": data}).json()
    assert "approved_by" not in wish["data"]
    himself = sent(served, "u3", f"wishes/{wish['id']}/approve")
    assert (himself.status_code, "cannot approve" in himself.json()["detail"]) == (409, True)
    assert sent(served, "u2", f"wishes/{wish['id']}/approve").status_code == 403
    assert sent(served, "e1", f"wishes/{wish['id']}/approve").status_code == 404
    done = sent(served, "u4", f"wishes/{wish['id']}/approve")
    assert done.status_code == 200, done.text
    event = done.json()["events"][0]
    assert (event["actor"], event["data"]["approved_by"]) == ("u3", {"actor": "u4", "role": "road_chief"})
    assert done.json()["case"]["severity"] == "normal"
    again = sent(served, "u4", f"wishes/{wish['id']}/approve")
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    assert len(served.parts.desk.events(case)) == 2


def test_a_refused_wish_stays_refused(served):
    case = file_one(served.parts.desk)
    wish = sent(served, "u1", f"cases/{case}/wishes", {"type": "voided", "data": {"reason": "not ours"}}).json()
    waiting = served.client.get("/api/v1/wishes", headers=served.auth("u4")).json()["items"]
    assert [one["id"] for one in waiting] == [wish["id"]]
    assert served.client.get("/api/v1/wishes", headers=served.auth("e1")).json()["items"] == []
    refused = sent(served, "u4", f"wishes/{wish['id']}/refuse", {"reason": "it is ours"})
    assert (refused.json()["state"], refused.json()["decided_by"]) == ("refused", "u4")
    assert sent(served, "u4", f"wishes/{wish['id']}/approve").status_code == 409


# --- tokens --------------------------------------------------------------------------------------------------------


def test_a_token_that_is_expired_revoked_changed_or_anothers_opens_nothing(served):
    def status(token):
        return served.client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code

    issued = served.people.issue("u1", "x", {Right.CASES_READ}, timedelta(hours=1), by="test")
    text_ = issued.secret.text
    assert status(text_) == 200
    for wrong in (text_[:-1], text_ + "A", text_.upper(), "rw_" + "0" * 16 + "_x", "", "rw__", "ключ", text_ + "\tx"):
        headers = {"Authorization": f"Bearer {wrong}".encode()}
        assert served.client.get("/api/v1/me", headers=headers).status_code == 401, wrong
    assert served.client.get("/api/v1/me", headers={"Authorization": f"Basic {text_}"}).status_code == 401
    assert served.client.get(f"/api/v1/me?access_token={text_}").status_code == 401
    new = served.people.rotate(issued.token.id, by="u1", overlap=timedelta(minutes=10)).secret.text
    assert (status(text_), status(new)) == (200, 200)
    served.clock.wait(minutes=10)
    assert (status(text_), status(new)) == (401, 200)
    served.clock.wait(hours=1)
    assert status(new) == 401
    third = served.people.issue("u1", "x", {Right.CASES_READ}, timedelta(hours=1), by="test")
    served.people.revoke(third.token.id, by="u1")
    assert status(third.secret.text) == 401
    fourth = served.token("u1")
    served.people.disable("u1", by="root")
    served.people.enable("u1", by="root")
    assert status(fourth) == 401


def test_secrets_are_kept_as_hashes_and_told_to_nobody(served, caplog):
    caplog.set_level(logging.DEBUG)
    served.people.set_password("u1", PASSWORD, by="test")
    issued = served.people.issue("u1", "x", {Right.CASES_READ}, timedelta(hours=1), by="test")
    log_in(served)
    cookie = served.client.cookies["roadwarden"]
    with served.parts.engine.connect() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())
    for secret in (PASSWORD, issued.secret.text, issued.secret.text.split("_", 2)[2], cookie):
        assert secret not in dump
        assert secret not in caplog.text
    assert issued.secret.text not in repr(issued)
    assert "$argon2id$" in dump


def test_secrets_are_compared_in_constant_time(served, monkeypatch):
    compared = []
    real = secrets.hmac.compare_digest
    monkeypatch.setattr(secrets.hmac, "compare_digest", lambda one, other: compared.append(1) or real(one, other))
    for token in ("rw_" + "0" * 16 + "_x", served.token("u1")):
        served.client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert len(compared) == 2  # also where there is no such token


def test_a_name_that_is_not_there_costs_as_much_as_a_wrong_password(served, monkeypatch):
    served.people.set_password("u1", PASSWORD, by="test")
    tried = []
    real = access.secrets.password_fits
    monkeypatch.setattr(
        access.secrets, "password_fits", lambda kept, password: tried.append(kept) or real(kept, password)
    )
    answers = [log_in(served, name, "wrong wrong wrong") for name in ("u1", "nobody", "u2")]
    assert len(tried) == 3
    problems = {answer.text.split('role="alert">')[1].split("<")[0] for answer in answers}
    assert problems == {"登录名或密码有误"}


# --- sessions ------------------------------------------------------------------------------------------------------


def test_a_cookie_that_was_planted_is_not_taken_over(served):
    served.people.set_password("u1", PASSWORD, by="test")
    served.client.cookies.set("roadwarden", "planted" * 6)
    assert served.client.get("/api/v1/me").status_code == 401
    token = csrf_in(served.client.get("/login"))
    form = {"name": "u1", "password": PASSWORD, "csrf_token": token, "then": "/"}
    entered = served.client.post("/login", data=form, follow_redirects=False)
    cookie = entered.cookies["roadwarden"]
    assert cookie != "planted" * 6
    assert "HttpOnly" in entered.headers["set-cookie"]
    assert "SameSite=lax" in entered.headers["set-cookie"]


def test_each_login_has_a_session_of_its_own_that_ends_at_the_server(at_browser):
    first = at_browser.client.cookies["roadwarden"]
    assert log_in(at_browser).cookies["roadwarden"] != first
    page = at_browser.client.get("/login")
    at_browser.client.post("/logout", headers={"x-csrf-token": csrf_in(page, "csrf-token")})
    at_browser.client.cookies.clear()
    at_browser.client.cookies.set("roadwarden", first)
    assert at_browser.client.get("/api/v1/me").status_code == 200  # the other browser's
    at_browser.people.set_password("u1", PASSWORD + "!", by="test")
    assert at_browser.client.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(("steps", "minutes"), [(1, 121), (8, 100)], ids=["left alone", "a whole shift"])
def test_a_session_ends(at_browser, steps, minutes):
    for _ in range(steps):
        at_browser.clock.wait(minutes=minutes)
        last = at_browser.client.get("/api/v1/me").status_code
    assert last == 401


def test_another_site_cannot_write_with_the_browsers_cookie(at_browser):
    case = file_one(at_browser.parts.desk)
    keys = {"Idempotency-Key": "csrf", "If-Match": "*"}
    body = {"to": "severe"}
    token = csrf_in(at_browser.client.get("/login"), "csrf-token")
    path = f"/api/v1/cases/{case}/severity"
    for headers in ({}, {"x-csrf-token": "0" * 64}, {"x-csrf-token": token, "origin": "https://evil.example"}):
        assert at_browser.client.post(path, json=body, headers=keys | headers).status_code == 403
    assert at_browser.client.post("/logout", headers={"origin": "null"}, data={"csrf_token": token}).status_code == 403
    assert len(at_browser.parts.desk.events(case)) == 1
    done = at_browser.client.post(path, json=body, headers=keys | {"x-csrf-token": token})
    assert done.status_code == 200, done.text


def test_a_login_cannot_be_forged_into_another_browser(served):
    served.people.set_password("u1", PASSWORD, by="test")
    token = csrf_in(served.client.get("/login"))
    served.client.cookies.clear()
    form = {"name": "u1", "password": PASSWORD, "csrf_token": token, "then": "/"}
    assert served.client.post("/login", data=form).status_code == 403


def test_guessing_is_slowed_down(served):
    served.people.set_password("u1", PASSWORD, by="test")
    statuses = [log_in(served, "u1", f"guess number {number}").status_code for number in range(11)]
    assert statuses == [401] * 10 + [429]
    right = log_in(served)
    assert (right.status_code, right.headers["retry-after"]) == (429, "900")
    served.clock.wait(minutes=15)
    assert log_in(served).status_code == 303


THEN = ("//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nset-cookie: x=1", "javascript:1", "/\tx")


@pytest.mark.parametrize("then", THEN)
def test_nobody_is_sent_elsewhere_by_our_login(served, then):
    served.people.set_password("u1", PASSWORD, by="test")
    entered = log_in(served, then=then)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert "x" not in entered.cookies


# --- what is sent --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["area", "department", "crew", "distress", "segment", "defect"])
def test_sql_in_a_filter_is_a_word_like_any_other(served, field):
    file_one(served.parts.desk)
    for word in ("' OR '1'='1", "x'; DROP TABLE cases; --", '" OR ""="', "%", "_", "west-lake' --"):
        found = served.client.get("/api/v1/cases", params={field: word}, headers=served.auth("u1"))
        assert (found.status_code, found.json()["items"]) == (200, [])
    assert len(served.client.get("/api/v1/cases", headers=served.auth("u1")).json()["items"]) == 1


@pytest.mark.parametrize(
    "cursor", ["'", "e30", "WyJuZXdlc3QiLCAieCIsICJ5Il0", "WyJkdWUiLDEsMl0", "W1tbW1tb" * 60, "é"], ids=range(6)
)
def test_a_cursor_that_was_tampered_with_is_refused(served, cursor):
    found = served.client.get("/api/v1/cases", params={"after": cursor}, headers=served.auth("u1"))
    assert found.status_code == 422


def test_a_cursor_shows_nobody_more_than_he_may_see(served):
    for _ in range(3):
        file_one(served.parts.desk)
    page = served.client.get("/api/v1/cases?limit=1", headers=served.auth("u1")).json()
    found = served.client.get("/api/v1/cases", params={"after": page["next"]}, headers=served.auth("e1"))
    assert found.json()["items"] == []


def test_pages_neither_repeat_nor_leave_out(served):
    names = [file_one(served.parts.desk) for _ in range(7)]
    for order in ("newest", "due"):
        seen, after, auth = [], None, served.auth("u1")
        while True:
            query = {"limit": 3, "order": order} | ({"after": after} if after else {})
            page = served.client.get("/api/v1/cases", params=query, headers=auth).json()
            seen += [one["case_id"] for one in page["items"]]
            if (after := page["next"]) is None:
                break
        assert sorted(seen) == sorted(names)


def test_too_much_is_refused_before_it_is_read(served):
    auth = served.auth("u1")
    declared = served.client.post("/api/v1/cases", content=b"{}", headers=auth | {"content-length": "99999999"})
    assert declared.status_code == 413

    def endless():
        for _ in range(400):
            yield b"x" * 1024

    assert served.client.post("/api/v1/cases", content=endless(), headers=auth).status_code == 413
    deep = "[" * 50_000 + "]" * 50_000
    keys = {"Idempotency-Key": "deep", "content-type": "application/json"}
    assert served.client.post("/api/v1/cases", content=deep, headers=auth | keys).status_code in (400, 422)


def test_nothing_that_is_sent_becomes_a_header(served):
    auth = served.auth("u1")
    answer = served.client.get("/api/v1/cases/x%0d%0aset-cookie:%20evil=1", headers=auth | {"x-request-id": "mine"})
    assert answer.status_code == 404
    assert "evil" not in str(answer.headers)
    assert answer.headers["x-request-id"] != "mine"
    for host in ("evil.example", "testserver.evil.example", "testserver@evil.example", "", "[::1"):
        assert served.client.get("/healthz", headers={"host": host}).status_code == 421, host
    key = served.client.post("/api/v1/cases", json={}, headers=auth | {"Idempotency-Key": "ключ".encode()})
    assert key.status_code == 422


def test_who_asks_too_often_waits_and_others_do_not(served):
    settings = served.parts.settings
    object.__setattr__(settings, "per_second", 1.0)
    object.__setattr__(settings, "burst", 5)
    mine, others = served.auth("u1"), served.auth("u2")
    statuses = [served.client.get("/api/v1/me", headers=mine).status_code for _ in range(8)]
    assert statuses.count(200) >= 5
    assert statuses[-1] == 429
    assert served.client.get("/api/v1/me", headers=others).status_code == 200


# --- what is told --------------------------------------------------------------------------------------------------


def test_names_and_free_text_are_told_only_to_whoever_may_and_asks_and_that_is_written_down(served):
    desk = served.parts.desk
    case = file_one(desk, note="Mrs Wang of number 7 fell here")
    to_crew(desk, case)
    report(desk, case)
    told = served.client.get(f"/api/v1/cases/{case}", headers=served.auth("u3")).text
    listed = served.client.get("/api/v1/cases", headers=served.auth("u3")).text
    for word in ("Wang", '"u1"', '"u2"', '"actor"'):
        assert word not in told
        assert word not in listed
    reads = served.client.get("/api/v1/personal-reads", headers=served.auth("audit")).json()["items"]
    assert reads == []
    whole = served.client.get(f"/api/v1/cases/{case}?personal=true", headers=served.auth("u3"))
    assert "Mrs Wang" in whole.text
    assert '"actor":"u1"' in whole.text
    assert served.client.get(f"/api/v1/cases/{case}?personal=true", headers=served.auth("u5")).status_code == 403
    narrow = {"Authorization": f"Bearer {served.token('u3', scopes={Right.CASES_READ})}"}
    assert served.client.get(f"/api/v1/cases/{case}?personal=true", headers=narrow).status_code == 403
    reads = served.client.get("/api/v1/personal-reads", headers=served.auth("audit")).json()["items"]
    assert [(one["actor"], one["case_id"], one["what"]) for one in reads] == [("u3", case, "events")]
    with pytest.raises(DataError, match="only added to"), writing(served.parts.engine) as connection:
        connection.execute(text("DELETE FROM personal_reads"))


def test_a_fault_says_nothing_of_the_inside(served, caplog):
    router = APIRouter()

    @router.get("/broken")
    def broken():
        raise RuntimeError("postgresql://user:hunter2@db/roads")

    served.client.app.include_router(router)
    answer = served.client.get("/broken")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert answer.headers["content-security-policy"]
    assert answer.json()["request"] in caplog.text


def test_every_answer_carries_what_browsers_heed(served):
    for path in ("/healthz", "/login", "/nowhere", "/api/v1/cases", "/static/base.css", "/static/../app.py"):
        headers = served.client.get(path).headers
        assert "'unsafe" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "server" not in headers
    page = served.client.get("/login").text
    assert "<script>" not in page
    assert "style=" not in page


def test_without_saying_who_one_is_nothing_is_told(served):
    object.__setattr__(served.parts.settings, "anonymous_burst", 10_000)
    document = served.client.get("/api/v1/openapi.json").json()
    guarded = 0
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if not operation["security"] or {} in operation["security"]:
                continue  # open, or with a key of its own way: Open311's filing is asked in test_open311
            answer = served.client.request(method, path.replace("{", "").replace("}", ""))
            assert answer.status_code == 401, f"{method} {path}"
            assert answer.headers["www-authenticate"].startswith("Bearer")
            guarded += 1
    assert guarded > 40


# --- what grows when it is unpacked: before memory is spent, it is refused -------------------------------------------

MEBIBYTE = 2**20
ZEROS = bytes(64 * MEBIBYTE)
RING = KeyRing((SigningKey.new("roadwarden.example/lake").verifier,))


def peak_of(act):
    """What it gave, or the error, and the most memory that it took meanwhile, bytes."""
    tracemalloc.start()
    try:
        given = act()
    except RoadwardenError as exc:
        given = exc
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return given, peak


def zipped(files, packing=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def claiming(archive, size):
    """The same zip, whose members say that they unpack to so much."""
    told = struct.pack("<L", size)
    return archive.replace(struct.pack("<L", len(ZEROS)), told)


def many_empty_files(count):
    """A list of files that is as long as a gigabyte allows, in small: each entry is 46 bytes and half a kilobyte."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    entries = (entry + b"a") * count
    return entries + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(entries), 0, 0)


def overlapping(count):
    """Many entries that all lead to the same megabyte."""
    one = zipped({"a": bytes(MEBIBYTE)}, zipfile.ZIP_STORED)
    start = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06")
    entries = one[start:end] * count
    return one[:start] + entries + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(entries), start, 0)


@pytest.mark.parametrize(
    "bundle",
    [
        pytest.param(zipped({"events.jsonl": ZEROS}), id="deflated"),
        pytest.param(claiming(zipped({"events.jsonl": ZEROS}), 100), id="deflated-and-claims-little"),
        pytest.param(zipped({"events.jsonl": ZEROS}, zipfile.ZIP_BZIP2), id="bzip2"),
        pytest.param(zipped({"inner.zip": zipped({"inner.zip": zipped({"a": ZEROS})})}), id="zip-in-zip"),
        pytest.param(many_empty_files(200_000), id="a-list-without-end"),
        pytest.param(overlapping(2000), id="overlapping"),
        pytest.param(zipped({}) + b"PK\x06\x07" + bytes(16) + zipped({}), id="zip64"),
        pytest.param(zipped({"successions": b"[" * MEBIBYTE}, zipfile.ZIP_STORED), id="deep-json"),
        pytest.param(b"PK\x05\x06", id="only-the-first-bytes-of-an-end"),
    ],
)
def test_a_bundle_that_is_a_bomb_does_not_verify_and_costs_nothing(bundle):
    report, peak = peak_of(lambda: verify_bundle(bundle, RING))
    assert (report.verified, len(report.faults)) == (False, 1)
    assert peak < 4 * len(bundle) + 8 * MEBIBYTE


@pytest.mark.parametrize(
    ("packing", "claims", "why"),
    [
        pytest.param(zipfile.ZIP_DEFLATED, 100, "corrupt_member", id="claims-little"),
        pytest.param(zipfile.ZIP_DEFLATED, 2**31, "too_large", id="says-what-it-is"),
        pytest.param(zipfile.ZIP_BZIP2, 100, "unknown_packing", id="bzip2"),
        pytest.param(zipfile.ZIP_LZMA, 100, "unknown_packing", id="lzma"),
    ],
)
def test_a_frame_in_a_zip_that_is_a_bomb_costs_itself_only(tmp_path, packing, claims, why):
    place = tmp_path / "card.zip"
    place.write_bytes(claiming(zipped({"bomb.png": ZEROS}, packing), claims))
    archive = open_archive(str(place))
    fault, peak = peak_of(lambda: archive.read("bomb.png"))
    assert (type(fault), fault.why) == (UnreadableEntry, why)
    assert peak < 8 * MEBIBYTE


def test_a_tar_whose_names_are_a_bomb_breaks_off_there(tmp_path):
    """A long name is read as soon as it is met, at its full length."""
    place = tmp_path / "card.tar.gz"
    with tarfile.open(place, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("whole.png"), io.BytesIO(b""))
        name = tarfile.TarInfo("././@LongLink")
        name.type, name.size = tarfile.GNUTYPE_LONGNAME, len(ZEROS)
        archive.addfile(name, io.BytesIO(ZEROS))
    entries, peak = peak_of(lambda: [entry.path for entry in open_archive(str(place)).entries()])
    assert entries == ["whole.png"]
    assert peak < 8 * MEBIBYTE


def test_a_backup_whose_manifest_is_a_bomb_is_no_backup(tmp_path):
    place = tmp_path / "backup.zip"
    place.write_bytes(zipped({"manifest.json": ZEROS}))
    with zipfile.ZipFile(place) as archive:
        fault, peak = peak_of(lambda: backup.manifest_of(archive, place))
    assert isinstance(fault, DataError)
    assert peak < 8 * MEBIBYTE


def test_a_picture_that_unpacks_without_end_is_refused_over_the_network(served):
    for bomb in (png_bomb(), png_with_text_bomb(road(width=60, height=60))):
        headers = served.auth("u1")
        answer = served.client.post(
            "/api/v1/evidence", files={"picture": ("a.png", bomb, "image/png")}, headers=headers
        )
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_that_says_that_it_is_packed_is_not_unpacked(served):
    headers = served.auth("u1") | {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    packed = gzip.compress(b'{"reason": "' + b"a" * MEBIBYTE + b'"}')
    answer = served.client.post("/api/v1/tokens", content=packed, headers=headers | {"Idempotency-Key": "z1"})
    assert answer.status_code in {404, 405, 415, 422}
