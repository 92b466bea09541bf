"""Another system posts to us: it needs no token, its signature says who it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from desks import DISPATCHER, file_one
from fastapi.testclient import TestClient
from partners import ROADS, inbox_of, signed
from served_city import served_city

from roadwarden.cases.events import Dispatched
from roadwarden.storage.schema import open_storage
from roadwarden.web.app import create_app


@pytest.fixture
def city(tmp_path, monkeypatch):
    made = served_city(open_storage(f"sqlite:///{tmp_path}/city.db"))
    made.parts = replace(made.parts, inbox=inbox_of(made.parts.desk, monkeypatch))
    made.client = TestClient(create_app(made.parts), raise_server_exceptions=False)
    return made


def post(city, id, content, secret=None, partner=ROADS, **headers):
    told, body = signed(ROADS, id, content, city.clock(), secret)
    return city.client.post(f"/api/v1/inbox/{partner}", content=body, headers=told | headers)


def test_a_department_accepts_a_case_and_hears_what_became_of_it(city):
    case = file_one(city.parts.desk)
    city.parts.desk.record(DISPATCHER, case, Dispatched("roads"))
    told = {"says": "accepted", "case": case}
    answer = post(city, "m1", told)
    assert answer.status_code == 202
    assert answer.json() == {"id": "m1", "state": "applied", "case": case, "reason": None, "repeated": False}
    assert post(city, "m1", told).json()["repeated"] is True
    refused = post(city, "m2", {"says": "accepted", "case": "2026-999999"})
    assert refused.status_code == 202  # it is kept; trying again is ours
    assert refused.json()["state"] == "rejected"
    assert "there is no case 2026-999999" in refused.json()["reason"]
    assert [event.actor for event in city.parts.desk.events(case)][-1] == "system:roads-department"


def test_who_is_not_who_he_says_is_told_so_in_the_shape_of_all_errors(city):
    cases = (
        (post(city, "m1", {}, secret="not the secret of anybody"), 401, "no signature of the message"),
        (post(city, "m1", {}, partner="nobody"), 404, "no partner 'nobody'"),
        (post(city, "m1", b"[]"), 422, "JSON object"),
        (city.client.post(f"/api/v1/inbox/{ROADS}", json={}), 401, "wanted the headers"),
    )
    for answer, status, says in cases:
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert says in answer.json()["detail"]
        assert answer.headers["content-type"] == "application/problem+json"
    post(city, "m1", {"says": "accepted", "case": "x"})
    again = post(city, "m1", {"says": "started", "case": "x"})
    assert (again.status_code, again.json()["type"]) == (422, "urn:roadwarden:problem:key-used")


def test_a_browser_or_a_token_opens_nothing_here(city):
    answer = city.client.post(f"/api/v1/inbox/{ROADS}", json={"says": "accepted"}, headers=city.auth("root"))
    assert answer.status_code == 401


def test_who_knocks_too_often_is_held_off(city):
    slow = replace(city.parts, settings=city.parts.settings.model_copy(update={"per_second": 0.001, "burst": 3}))
    city.client = TestClient(create_app(slow), raise_server_exceptions=False)
    answers = [
        post(city, f"m{n}", {"says": "accepted", "case": "x"}, secret="a wrong secret of sixteen") for n in range(4)
    ]
    assert [one.status_code for one in answers] == [401, 401, 401, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_without_partners_there_is_nobody(tmp_path):
    plain = served_city(open_storage(f"sqlite:///{tmp_path}/plain.db"))
    assert post(plain, "m1", {}).status_code == 404
