"""Citizens report and follow without an account, a script or a cookie; and floods stay outside."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "evidence"))

from pictures import jpeg, png_bomb, road, with_exif
from served_city import served_city

from roadwarden.cases.events import Role
from roadwarden.cases.filing import Source
from roadwarden.cases.permissions import Person
from roadwarden.service.tips import file_tip, waiting_tips
from roadwarden.storage.evidence import reading
from roadwarden.storage.schema import open_storage
from roadwarden.web.settings import WebSettings

INTAKE = Person("u1", Role.INTAKE, frozenset({"*"}))
HOLE = {"service": "pothole", "address": "文三路 12 号", "description": "很深"}
ENGLISH = {"accept-language": "en"}


def fresh(served, **headers):
    """A form that was looked at for half a minute."""
    page = served.client.get("/report", headers=headers).text
    served.clock.wait(seconds=30)
    return re.search(r'name="key" value="([^"]+)"', page).group(1)


def report(served, *pictures, headers=None, **change):
    fields = HOLE | {"key": fresh(served)} | change
    files = [("photo", (f"{number}.jpg", data, "image/jpeg")) for number, data in enumerate(pictures)]
    if not files:
        files = [("photo", ("", b"", "application/octet-stream"))]
    return served.client.post("/report", data=fields, files=files, headers=headers or ENGLISH)


def receipt(answer):
    number, secret = re.findall(r'<dd class="mono">([^<]+)</dd>', answer.text)
    return number, secret


def follow(served, number, secret, headers=None):
    return served.client.post("/follow", data={"number": number, "secret": secret}, headers=headers or ENGLISH)


def test_a_report_with_a_photo_is_followed_to_its_case(served):
    answer = report(served, with_exif(road()), jpeg(road(2)))
    assert answer.status_code == 200, answer.text
    number, secret = receipt(answer)
    assert "set-cookie" not in answer.headers
    (tip,) = waiting_tips(served.parts.desk)
    assert (tip.tip.id, tip.tip.problem) == (number, "pothole")
    assert (tip.tip.latitude, tip.tip.longitude) == pytest.approx((30.275, 120.15))
    page = follow(served, number.lower(), secret.replace(" ", "-").lower()).text
    assert "Nothing yet" in page
    pictures = re.findall(r'src="(/shown/[0-9a-f]{64}\.jpg)"', page)
    assert len(pictures) == 2
    for link in pictures:
        assert b"Huawei" not in served.client.get(link).content
    case = file_tip(served.parts.desk, INTAKE, Source.CITIZEN, number, served.parts.requests.rules)
    page = follow(served, number, secret).text
    assert "confirmed, work is being assigned" in page
    assert "Repair due by" in page
    assert case not in page
    assert "已立案" in follow(served, number, secret, {"accept-language": "zh-CN"}).text


def test_sent_twice_is_one_report(served):
    key = fresh(served)
    first, again = (report(served, key=key) for _ in range(2))
    assert receipt(first) == receipt(again)
    assert len(waiting_tips(served.parts.desk)) == 1


@pytest.mark.parametrize(
    ("change", "pictures", "what"),
    [
        pytest.param({"service": ""}, (), "What is it?", id="no-service"),
        pytest.param({"service": "ufo"}, (), "cannot be reported", id="unknown-service"),
        pytest.param({"address": ""}, (), "Where is it?", id="nowhere"),
        pytest.param({"lat": "120.1", "long": "30.2"}, (), "not on Earth", id="not-on-earth"),
        pytest.param({"answer-size": "huge"}, (), "none of hand", id="not-a-choice"),
        pytest.param({"description": "x" * 4001}, (), "at most 4000", id="too-long"),
        pytest.param({}, (b"<svg onload=alert(1)>",), "this is no picture", id="svg"),
        pytest.param({}, (png_bomb(),), "pixels", id="bomb"),
        pytest.param({"key": "1-short"}, (), "look at the form once more", id="a-key-of-nobody"),
        pytest.param({"website": "http://spam.example"}, (), "look at the form once more", id="trap"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_written_is_kept(served, change, pictures, what):
    answer = report(served, *pictures, description=change.pop("description", "<script>alert(1)</script>"), **change)
    assert answer.status_code == 400
    assert what in answer.text
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text or "xxxx" in answer.text
    assert waiting_tips(served.parts.desk) == ()


def test_a_form_that_is_sent_at_once_was_filled_in_by_a_program(served):
    page = served.client.get("/report").text
    key = re.search(r'name="key" value="([^"]+)"', page).group(1)
    files = [("photo", ("", b"", "application/octet-stream"))]  # as a browser does where nothing was chosen
    assert served.client.post("/report", data=HOLE | {"key": key}, files=files).status_code == 400
    served.clock.wait(seconds=10)
    assert served.client.post("/report", data=HOLE | {"key": key}, files=files).status_code == 200


def test_a_page_of_somebody_else_reports_nothing(served):
    answer = report(served, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert waiting_tips(served.parts.desk) == ()
    assert report(served, headers={"origin": "http://testserver"}).status_code == 200


@pytest.mark.parametrize(
    "change", [{"secret": "A" * 12}, {"number": "R2026-999999"}, {"number": "' OR 1=1 --"}, {"secret": ""}]
)
def test_number_and_secret_are_wanted_both_and_the_answer_is_the_same(served, change):
    number, secret = receipt(report(served))
    told = {"number": number, "secret": secret} | change
    answer = follow(served, **told)
    assert answer.status_code == 404
    assert "There is no report with this number and secret" in answer.text


def test_the_secret_stands_in_no_address_and_is_kept_nowhere(served, tmp_path):
    number, secret = receipt(report(served))
    assert served.client.get(f"/follow?number={number}&secret={secret}").text.count(secret) == 0
    plain = secret.replace(" ", "").encode()
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert plain not in file.read_bytes()


def test_one_address_reports_so_often_and_no_more(tmp_path):
    engine = open_storage(f"sqlite:///{tmp_path}/city.db")
    settings = WebSettings(
        public_url="http://testserver", reports_at_once=2, follows_at_once=3, anonymous_burst=500, per_second=1000
    )
    served = served_city(engine, settings=settings)
    with served.client:
        answers = [report(served, address=f"road {number}") for number in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert int(answers[2].headers["retry-after"]) > 60
        assert "Too many for now" in answers[2].text
        guesses = [follow(served, "R2026-000001", "A" * 12).status_code for _ in range(4)]
        assert guesses == [404, 404, 404, 429]
        limiter = served.client.app.state.limiter
        assert not any("testclient" in name for name in limiter._buckets if not name.startswith("address "))


def test_no_page_needs_a_script(served):
    for path in ("/report", "/follow"):
        page = served.client.get(path).text
        assert "onclick" not in page
        assert 'style="' not in page
        assert re.search(r'<div id="position" hidden', page) or path == "/follow"


def test_a_withheld_picture_is_gone_from_the_page_and_from_its_address(served):
    number, secret = receipt(report(served, jpeg(road())))
    desk = served.parts.requests.evidence
    (link,) = re.findall(r"/shown/([0-9a-f]{64})\.jpg", follow(served, number, secret).text)
    with reading(served.parts.engine) as unit:
        kept = unit.of_public(link)
    desk.withhold("u1", kept.sha256, "a face")
    assert "/shown/" not in follow(served, number, secret).text
    assert served.client.get(f"/shown/{link}.jpg").status_code == 404
