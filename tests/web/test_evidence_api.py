"""Pictures over the network: who sends, who sees the redacted one, and who the one that came."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "evidence"))

from desks import file_one, pothole
from pictures import jpeg, png_bomb, polyglot, road, with_exif

from roadwarden.access.people import Account
from roadwarden.cases.events import Role
from roadwarden.cases.permissions import Person
from roadwarden.cases.requests import Asked, Channel
from roadwarden.service.requests import Submission, submit
from roadwarden.storage.engine import reading
from roadwarden.storage.reads import ReadStore

EVIDENCE = "/api/v1/evidence"


def send(served, who, data, **form):
    files = {"picture": ("../../x.php", data, "text/html")}
    return served.client.post(EVIDENCE, files=files, data=form, headers=served.auth(who))


def test_a_picture_of_a_case_is_told_to_who_sees_the_case_and_to_nobody_else(served):
    case = file_one(served.parts.desk)
    sent = with_exif(road())
    answer = send(served, "u1", sent, case=case)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["captured_at"] == "2026-03-02T01:30:00Z"
    assert (told["format"], told["copy_of"]) == ("jpeg", None)
    path = f"{EVIDENCE}/{told['sha256']}"
    for who, status in (("u1", 200), ("u3", 200), ("audit", 200), ("e1", 404), ("root", 403)):
        assert served.client.get(path, headers=served.auth(who)).status_code == status, who
    for who, status in (("u1", 200), ("audit", 200), ("u3", 403), ("u7", 403), ("root", 403), ("e1", 404)):
        got = served.client.get(f"{path}/original", headers=served.auth(who))
        assert got.status_code == status, who
        if status == 200:
            assert got.content == sent
            assert got.headers["content-disposition"].startswith("attachment")
            assert got.headers["content-type"] == "application/octet-stream"
    with reading(served.parts.engine) as connection:
        assert {one.actor for one in ReadStore(connection).list(case=told["sha256"])} == {"u1", "audit"}
    assert b"Huawei" not in served.client.get(told["shown"]).content


def test_an_earlier_picture_again_is_told(served):
    first = send(served, "u1", jpeg(road())).json()
    again = send(served, "u1", jpeg(road(), 60)).json()
    assert again["copy_of"] == first["sha256"]
    assert send(served, "u1", jpeg(road())).json() == first


@pytest.mark.parametrize(
    "data", [b"", b"<svg/>", png_bomb(), jpeg(road())[:-3000]], ids=["empty", "svg", "bomb", "half"]
)
def test_what_is_no_picture_is_refused(served, data):
    answer = send(served, "u1", data)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_who_may_not_send_does_not(served):
    assert send(served, "audit", jpeg(road())).status_code == 403
    assert served.client.post(EVIDENCE, files={"picture": jpeg(road())}).status_code == 401
    east = Person("e1", Role.INTAKE, frozenset({"east"}))
    case = served.parts.desk.file(east, pothole(area="east")).row.case_id
    assert send(served, "u1", jpeg(road()), case=case).status_code == 404


@pytest.mark.parametrize("name", ["..", "..%2f..%2fetc%2fpasswd", "A" * 64, "0" * 63, "0" * 64, "%00"])
def test_names_lead_nowhere(served, name):
    for path in (f"{EVIDENCE}/{name}", f"{EVIDENCE}/{name}/original"):
        assert served.client.get(path, headers=served.auth("audit")).status_code in {404, 405, 422}


def test_intake_reads_a_request_withholds_its_picture_and_both_are_written_down(served):
    picture = served.parts.requests.evidence.take_in(polyglot(road()), "page").sha256
    asked = Asked("pothole", "call me: 138", {"size": ("wheel",)}, 30.2741, 120.1551)
    request = submit(served.parts.requests, asked, Submission(Channel.PAGE, "page", pictures=(picture,)))
    served.people.add(Account("intake", "of all areas", frozenset({Role.INTAKE}), frozenset({"*"})), by="test")
    path = f"/api/v1/requests/{request.id}"
    assert served.client.get(path, headers=served.auth("u2")).status_code == 403
    assert served.client.get(path, headers=served.auth("e1")).status_code == 404  # it lies in no area of his
    told = served.client.get(path, headers=served.auth("intake")).json()
    assert (told["description"], told["phase"], told["pictures"]) == ("call me: 138", "waiting", [picture])
    with reading(served.parts.engine) as connection:
        assert [(one.actor, one.case) for one in ReadStore(connection).list()] == [("intake", request.id)]
    shown = served.client.get(f"{EVIDENCE}/{picture}", headers=served.auth("intake")).json()["shown"]
    assert served.client.get(shown).status_code == 200
    why = {"reason": "a face"}
    assert served.client.post(f"{EVIDENCE}/{picture}/withhold", json=why, headers=served.auth("e1")).status_code == 404
    withheld = served.client.post(f"{EVIDENCE}/{picture}/withhold", json=why, headers=served.auth("intake")).json()
    assert (withheld["withheld"], withheld["shown"]) == (True, None)
    assert served.client.get(shown).status_code == 404
