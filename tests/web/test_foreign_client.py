"""An Open311 client that was not written here (civicbot, from PyPI) reads a running server and files with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from city_server import CityServer

from roadwarden.access.people import Account
from roadwarden.cases.events import Role
from roadwarden.cases.filing import Source
from roadwarden.cases.permissions import Person
from roadwarden.cases.rights import Right
from roadwarden.service.people import People
from roadwarden.service.tips import file_tip, waiting_tips

civicbot = pytest.importorskip("civicbot.open311", reason="the foreign client is civicbot, of the extra dev")
_MONTH = timedelta(days=30)
INTAKE = Person("u1", Role.INTAKE, frozenset({"*"}))
HOLE = {"lat": 30.2741, "lng": 120.1551, "description": "a deep hole, 很深"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with CityServer(tmp_path_factory.mktemp("foreign") / "city.db", datetime(2026, 3, 2, 8, tzinfo=UTC)) as running:
        yield running


@pytest.fixture(scope="module")
def key(server):
    people = People(server.parts.engine, now=server.now)
    people.add(Account("civicbot", "civicbot", frozenset({Role.CITIZEN})), by="test")
    return people.issue("civicbot", "test", frozenset({Right.REPORTS_FILE}), _MONTH, by="test").secret.text


@pytest.fixture(scope="module")
def client(server):
    from civicbot.http import HttpTransport, RateLimiter
    from civicbot.registry import Endpoint

    endpoint = Endpoint("here", "Roadwarden", f"{server.url}/open311/v2", write=True)
    return civicbot.Open311Client(endpoint, HttpTransport(rate_limiter=RateLimiter(0.0)))


def test_it_reads_services_and_what_they_ask(client):
    codes = [one["service_code"] for one in client.list_services()]
    assert "pothole" in codes
    definition = client.get_service_definition("pothole")
    assert [one["code"] for one in definition["attributes"]] == ["size", "where", "danger"]


def test_it_files_by_the_services_that_the_server_names_and_follows_to_the_deadline(server, client, key):
    send = {"dry_run": False, "confirm": "SEND", "api_key": key, "validate_remote": True}
    made = client.create_request("pothole", attributes={"size": "wheel"}, **HOLE, **send)
    id = made.response[0]["service_request_id"]
    told = client.get_request(id)
    assert (told["status"], told["service_code"], told["lat"]) == ("open", "pothole", HOLE["lat"])
    assert client.get_token(id)[0]["service_request_id"] == id
    (tip,) = waiting_tips(server.parts.desk)
    assert tip.tip.note == "a deep hole, 很深\nsize: wheel"
    case = file_tip(server.parts.desk, INTAKE, Source.CITIZEN, id, server.parts.requests.rules)
    told = client.list_requests(service_code="pothole", status="open")[0]
    due = server.parts.desk.row(case).due_at
    assert datetime.fromisoformat(told["expected_datetime"]) == due
    assert told["description"] == HOLE["description"]
    again = client.create_request("pothole", **HOLE, **send).response[0]["service_request_id"]
    assert [one["service_request_id"] for one in client.list_requests(service_request_ids=[id, again])] == [again, id]
    assert client.list_requests(status="closed") == []


def test_it_is_told_what_is_wrong(client):
    from civicbot.http import HttpError

    send = {"dry_run": False, "confirm": "SEND", "api_key": "nonsense"}
    with pytest.raises(HttpError) as refused:
        client.create_request("pothole", **HOLE, **send)
    assert refused.value.status == 403
    assert '"code": 403' in refused.value.body
