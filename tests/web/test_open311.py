"""Open311 over the network: what the specification says, and what clients do that no specification says."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent.parent / "evidence"))

from desks import CHIEF_APPROVES
from pictures import jpeg, png_bomb, polyglot, road, with_exif

from roadwarden.access.people import Account
from roadwarden.cases.events import Accepted, Dispatched, Role
from roadwarden.cases.filing import Source
from roadwarden.cases.permissions import Person
from roadwarden.cases.rights import Right
from roadwarden.service.tips import drop_tip, file_tip, waiting_tips
from roadwarden.web.open311 import described, shapes

_SHANGHAI = ZoneInfo("Asia/Shanghai")
V2 = "/open311/v2"
HOLE = {"service_code": "pothole", "lat": "30.2741", "long": "120.1551", "description": "deep & wide <b>"}
INTAKE = Person("u1", Role.INTAKE, frozenset({"*"}))
DISPATCHER = Person("u2", Role.DISPATCHER, frozenset({"*"}))
CREW = Person("u7", Role.CREW, department="roads", crew="roads-day")


@pytest.fixture
def key(served):
    served.people.add(Account("fms", "FixMyStreet", frozenset({Role.CITIZEN})), by="test")
    return served.token("fms", scopes=frozenset({Right.REPORTS_FILE}))


@pytest.fixture
def post(served, key):
    def send(form="json", **fields):
        return served.client.post(f"{V2}/requests.{form}", data=HOLE | {"api_key": key} | fields)

    return send


def ids(response):
    return [one["service_request_id"] for one in response.json()]


def file_(served, id):
    return file_tip(served.parts.desk, INTAKE, Source.CITIZEN, id, served.parts.requests.rules)


class TestShapes:
    """What is told is what the OpenAPI document says, to the last field."""

    def test_every_answer_has_the_shape_that_is_described(self, served, post):
        get = served.client.get
        shapes.Open311Discovery.model_validate(get(f"{V2}/discovery.json").json(), strict=False)
        for service in get(f"{V2}/services.json").json():
            shapes.Open311Service.model_validate(service)
            code = service["service_code"]
            shapes.Open311Definition.model_validate(get(f"{V2}/services/{code}.json").json())
        (made,) = post().json()
        shapes.Open311Created.model_validate(made)
        (row,) = get(f"{V2}/requests/{made['service_request_id']}.json").json()
        shapes.Open311Request.model_validate(row)
        shapes.Open311Token.model_validate(get(f"{V2}/tokens/{made['service_request_id']}.json").json()[0])
        file_(served, made["service_request_id"])
        served.clock.wait(minutes=1)
        (update, *_) = get(f"{V2}/servicerequestupdates.json").json()
        shapes.Open311Update.model_validate(update)
        shapes.Open311Error.model_validate(get(f"{V2}/services/nothing.json").json()[0])

    def test_the_examples_are_of_those_shapes(self):
        for shape, example in described.EXAMPLES.items():
            shape.model_validate(example)

    def test_both_forms_are_described_with_an_example_of_each(self, served):
        paths = served.client.get("/api/v1/openapi.json").json()["paths"]
        ours = {name: item for name, item in paths.items() if name.startswith("/open311/v2/")}
        assert len(ours) == 7
        for name, item in ours.items():
            for method, operation in item.items():
                answer = operation["responses"]["200"]["content"]
                assert set(answer) == {"application/json", "text/xml"}, (method, name)
                ElementTree.fromstring(answer["text/xml"]["example"].encode())


class TestReading:
    def test_discovery_leads_to_the_endpoint(self, served):
        for path in ("/open311/discovery.json", f"{V2}/discovery.json"):
            (endpoint,) = served.client.get(path).json()["endpoints"]
            assert endpoint["url"] == "http://testserver/open311/v2/"
            assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
        root = ElementTree.fromstring(served.client.get("/open311/discovery.xml").content)
        assert root.findtext("endpoints/endpoint/formats/format") == "text/xml"

    def test_services_are_the_same_in_both_forms(self, served):
        as_json = served.client.get(f"{V2}/services.json")
        as_xml = served.client.get(f"{V2}/services.xml")
        assert as_json.headers["content-type"] == "application/json; charset=utf-8"
        assert as_xml.headers["content-type"] == "text/xml; charset=utf-8"
        assert as_xml.content.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
        names = {one["service_code"]: one["service_name"] for one in as_json.json()}
        assert names["pothole"] == "坑槽"
        found = {
            one.findtext("service_code"): one.findtext("service_name") for one in ElementTree.fromstring(as_xml.content)
        }
        assert found == names
        english = served.client.get(f"{V2}/services.json", headers={"accept-language": "en-GB,en;q=0.8"}).json()
        assert english[0]["service_name"] == "Pothole"
        assert served.client.get(f"{V2}/services.json?locale=en").json() == english

    def test_a_definition_lists_its_questions_in_order(self, served):
        told = served.client.get(f"{V2}/services/pothole.json?locale=en").json()
        assert [one["code"] for one in told["attributes"]] == ["size", "where", "danger"]
        assert [one["order"] for one in told["attributes"]] == [1, 2, 3]
        assert told["attributes"][0]["values"][0] == {"key": "hand", "name": "smaller than a hand"}
        root = ElementTree.fromstring(served.client.get(f"{V2}/services/pothole.xml").content)
        assert [one.text for one in root.findall("attributes/attribute/values/value/key")][:2] == ["hand", "plate"]

    @pytest.mark.parametrize(
        ("path", "status", "what"),
        [
            (f"{V2}/services/nothing.json", 404, "service_code 'nothing' was not found"),
            (f"{V2}/requests/R2026-999999.json", 404, "there is no request R2026-999999"),
            (f"{V2}/requests.json?start_date=2026-01-01", 400, "start_date: wanted a time"),
            (f"{V2}/requests.json?start_date=2026-01-01T00:00:00", 400, "without an offset"),
            (f"{V2}/requests.json?start_date=2026-03-02T00:00:00Z&end_date=2026-03-01T00:00:00Z", 400, "later than"),
            (f"{V2}/requests.json?status=broken", 400, "none of open, closed"),
            (f"{V2}/requests.json?page=0", 400, "whole number"),
            (f"{V2}/requests.yaml", 400, "Input should be"),
            (f"{V2}/nowhere.json", 404, "path"),
        ],
    )
    def test_faults_are_told_as_open311_does(self, served, path, status, what):
        answer = served.client.get(path)
        assert answer.status_code == status
        if ".json" in path:
            (fault,) = answer.json()
            assert fault["code"] == status
        assert what in answer.text

    def test_a_fault_in_xml(self, served):
        root = ElementTree.fromstring(served.client.get(f"{V2}/services/nothing.xml").content)
        assert (root.tag, root.findtext("error/code")) == ("errors", "404")


class TestFiling:
    def test_a_request_is_filed_seen_by_intake_and_told_with_its_deadline(self, served, post):
        answer = post(**{"attribute[size]": "wheel"}, email="wang@example.org", first_name="Wang", phone="13800138000")
        (id,) = ids(answer)
        (told,) = served.client.get(f"{V2}/requests/{id}.json?locale=en").json()
        assert (told["status"], told["service_name"], told["expected_datetime"]) == ("open", "Pothole", None)
        assert told["description"] is None
        (tip,) = waiting_tips(served.parts.desk)
        assert "deep & wide" in tip.tip.note
        assert "size: wheel" in tip.tip.note
        for secret in ("wang@example.org", "13800138000"):
            assert secret not in tip.tip.note
        case = file_(served, id)
        (told,) = served.client.get(f"{V2}/requests/{id}.json?locale=en").json()
        due = served.parts.desk.row(case).due_at
        assert told["expected_datetime"] == due.astimezone(_SHANGHAI).isoformat(timespec="seconds")
        assert told["expected_datetime"].endswith("+08:00")
        assert told["description"] == HOLE["description"]
        assert told["status_notes"] == "confirmed, work is being assigned"
        root = ElementTree.fromstring(served.client.get(f"{V2}/requests/{id}.xml").content)
        assert root.findtext("request/description") == HOLE["description"]

    @pytest.mark.parametrize(
        ("change", "status", "what"),
        [
            pytest.param({"api_key": ""}, 400, "api_key was not provided", id="no-key"),
            pytest.param({"api_key": "nonsense"}, 403, "token", id="wrong-key"),
            pytest.param({"service_code": ""}, 400, "service_code was not provided", id="no-service"),
            pytest.param({"service_code": "ufo"}, 404, "service_code 'ufo' was not found", id="unknown-service"),
            pytest.param({"lat": "", "long": ""}, 400, "where is it?", id="nowhere"),
            pytest.param({"lat": "nan"}, 400, "no number", id="nan"),
            pytest.param({"lat": "1e999"}, 400, "no number", id="infinite"),
            pytest.param({"lat": "91"}, 400, "not on Earth", id="not-on-earth"),
            pytest.param({"long": ""}, 400, "both lat and long", id="half-a-place"),
            pytest.param({"description": "x" * 4001}, 400, "at most 4000", id="too-long"),
            pytest.param({"attribute[size]": "huge"}, 400, "none of hand", id="not-a-choice"),
            pytest.param({"media_url": "javascript:alert(1)"}, 400, "https://", id="script-address"),
            pytest.param({"media_url": "file:///etc/passwd"}, 400, "https://", id="file-address"),
            pytest.param({"description": "a\x00b"}, 400, "NUL", id="nul"),
        ],
    )
    def test_what_is_wrong_is_named(self, served, post, change, status, what):
        answer = post(**change)
        assert answer.status_code == status, answer.text
        (fault,) = answer.json()
        assert fault["code"] == status
        assert what in fault["description"]
        assert waiting_tips(served.parts.desk) == ()

    def test_a_key_without_the_right_files_nothing(self, served):
        for name, scopes in (("u1", None), ("u2", frozenset({Right.CASES_READ}))):
            token = served.token(name) if scopes is None else served.token(name, scopes=scopes)
            assert served.client.post(f"{V2}/requests.json", data=HOLE | {"api_key": token}).status_code == 403

    def test_the_key_may_stand_in_the_header(self, served, key):
        auth = {"Authorization": f"Bearer {key}"}
        assert served.client.post(f"{V2}/requests.json", data=HOLE, headers=auth).status_code == 200

    def test_a_repeat_under_a_key_is_the_same_request(self, served, key):
        auth = {"Authorization": f"Bearer {key}", "Idempotency-Key": "a1"}
        first, again = (served.client.post(f"{V2}/requests.json", data=HOLE, headers=auth) for _ in range(2))
        assert ids(first) == ids(again)
        other = served.client.post(f"{V2}/requests.json", data=HOLE | {"description": "other"}, headers=auth)
        assert other.status_code == 409

    def test_a_second_report_of_one_hole_is_no_second_case(self, served, post):
        first, second = ids(post()), ids(post(lat="30.27415"))
        assert first != second
        assert len(waiting_tips(served.parts.desk)) == 1
        case = file_(served, first[0])
        told = served.client.get(f"{V2}/requests.json?service_request_id={first[0]},{second[0]}").json()
        assert [one["status"] for one in told] == ["open", "open"]
        assert ids(post(lat="30.27405")) == ["R2026-000003"]
        assert waiting_tips(served.parts.desk) == ()
        assert case == f"citizen-{first[0]}"

    def test_as_xml(self, served, key):
        body = f"""<?xml version="1.0" encoding="utf-8"?>
        <service_requests><request><api_key>{key}</api_key><service_code>pothole</service_code>
        <lat>30.2741</lat><long>120.1551</long><description>很深</description>
        <attributes><attribute><code>size</code><value>plate</value></attribute></attributes></request></service_requests>"""
        answer = served.client.post(f"{V2}/requests.xml", content=body.encode(), headers={"content-type": "text/xml"})
        root = ElementTree.fromstring(answer.content)
        assert root.findtext("request/service_request_id") == "R2026-000001"
        assert waiting_tips(served.parts.desk)[0].tip.note == "很深\nsize: plate"

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(
                '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><request><description>&x;</description></request>',
                id="file",
            ),
            pytest.param(
                '<!DOCTYPE r [<!ENTITY x SYSTEM "http://127.0.0.1:1/">]><request><description>&x;</description></request>',
                id="ssrf",
            ),
            pytest.param(
                '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><request>&b;</request>',
                id="laughs",
            ),
            pytest.param('<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd"><request/>', id="external-dtd"),
            pytest.param("<request><description>a</request>", id="not-well-formed"),
            pytest.param("<html/>", id="another-root"),
            pytest.param("<request>" + "<a/>" * 5000 + "</request>", id="many-elements"),
            pytest.param("<request>" + "<a>" * 3000 + "</a>" * 3000 + "</request>", id="deep"),
            pytest.param("", id="empty"),
        ],
    )
    def test_xml_that_is_made_to_do_harm_is_refused(self, served, body):
        answer = served.client.post(
            f"{V2}/requests.xml", content=body.encode(), headers={"content-type": "application/xml"}
        )
        assert answer.status_code == 400
        assert b"root:" not in answer.content
        assert ElementTree.fromstring(answer.content).tag == "errors"

    @pytest.mark.parametrize("kind", ["application/json", "text/plain", "", "multipart/form-data"])
    def test_other_kinds_of_bodies_are_refused(self, served, kind):
        answer = served.client.post(f"{V2}/requests.json", content=b"{}", headers={"content-type": kind})
        assert answer.status_code in {400, 415}

    def test_a_form_of_many_fields_is_refused_before_it_is_kept(self, served):
        body = b"&".join(b"a%d=b" % number for number in range(300))
        kind = {"content-type": "application/x-www-form-urlencoded"}
        assert served.client.post(f"{V2}/requests.json", content=body, headers=kind).status_code == 400
        assert served.client.post(f"{V2}/requests.json", content=b"a=" + b"b" * 70_000, headers=kind).status_code == 413


class TestPictures:
    def send(self, served, key, *files):
        return served.client.post(
            f"{V2}/requests.json", data=HOLE | {"api_key": key}, files=[("media", one) for one in files]
        )

    def test_a_picture_is_shown_redacted_once_intake_has_looked(self, served, key):
        sent = with_exif(road())
        (id,) = ids(self.send(served, key, ("../../etc/passwd\x00.php", sent, "text/html")))
        url = f"{V2}/requests/{id}.json"
        assert served.client.get(url).json()[0]["media_url"] is None
        file_(served, id)
        link = served.client.get(url).json()[0]["media_url"]
        shown = served.client.get(link)
        assert shown.headers["content-type"] == "image/jpeg"
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert b"Huawei" not in shown.content
        (picture,) = served.parts.requests.evidence.blobs.files.find(served.parts.requests.evidence.blobs.root)[:1]
        assert "passwd" not in picture
        for guess in ("../" * 5 + "etc/passwd", "%2e%2e%2fetc%2fpasswd", "0" * 64):
            assert served.client.get(f"/shown/{guess}.jpg").status_code == 404

    @pytest.mark.parametrize(
        ("data", "what"),
        [
            (b"<?php system($_GET['c']); ?>", "this is no picture"),
            (b"", "empty"),
            (png_bomb(), "pixels"),
            (jpeg(road())[:-3000], "breaks off"),
        ],
        ids=["script", "empty", "bomb", "broken-off"],
    )
    def test_what_is_no_picture_is_told_and_nothing_is_filed(self, served, key, data, what):
        answer = self.send(served, key, ("hole.jpg", data, "image/jpeg"))
        assert answer.status_code == 400
        assert what in answer.json()[0]["description"]
        assert waiting_tips(served.parts.desk) == ()

    def test_too_many_pictures(self, served, key):
        small = jpeg(road(width=80, height=80))
        assert self.send(served, key, *[("a.jpg", small, "image/jpeg")] * 6).status_code == 400

    def test_a_polyglot_is_only_a_picture_on_the_way_out(self, served, key):
        (id,) = ids(self.send(served, key, ("a.jpg.html", polyglot(road()), "text/html")))
        file_(served, id)
        shown = served.client.get(served.client.get(f"{V2}/requests/{id}.json").json()[0]["media_url"])
        assert b"script" not in shown.content


class TestFilters:
    def test_pages_filters_and_windows(self, served, post, key):
        clock = served.clock
        start = clock()
        made = []
        for number in range(5):
            service = "lamp_out" if number == 4 else "pothole"
            made += ids(post(service_code=service, lat=str(30.2 + number / 100)))
            clock.wait(hours=1)
        drop_tip(served.parts.desk, INTAKE, Source.CITIZEN, made[0], "a private yard")

        def found(**query):
            return ids(served.client.get(f"{V2}/requests.json", params=query))

        assert found() == made[::-1]
        assert found(page_size=2) == made[:2:-1]
        assert found(page_size=2, page=3) == made[:1]
        assert found(page_size=2, page=9) == []
        assert found(service_code="lamp_out") == [made[4]]
        assert found(service_code="lamp_out,pothole", status="open,closed") == made[::-1]
        assert found(status="closed") == [made[0]]
        assert found(status="open") == made[:0:-1]
        assert found(service_request_id=f"{made[1]},{made[3]}", status="closed") == [made[3], made[1]]
        second = (start + timedelta(hours=1)).isoformat()
        assert found(start_date=second) == made[:0:-1]
        assert found(start_date=start.isoformat(), end_date=second) == [made[1], made[0]]
        assert found(updated_after=(start + timedelta(hours=4.5)).isoformat()) == [made[0]]
        clock.wait(days=91)
        assert found() == []
        assert found(start_date=start.isoformat()) == made[::-1]

    @pytest.mark.parametrize("text", ["' OR 1=1 --", "R2026-000001'); DROP TABLE cases; --", "%", "_"])
    def test_sql_in_filters_is_text(self, served, post, text):
        post()
        for name in ("service_code", "service_request_id", "jurisdiction_id"):
            answer = served.client.get(f"{V2}/requests.json", params={name: text})
            assert answer.status_code == 200
            assert ids(answer) == ([] if name != "jurisdiction_id" else ["R2026-000001"])


class TestFixMyStreetsUpdates:
    def updates(self, served, start, end, form="json"):
        query = {"start_date": start.isoformat(), "end_date": end.isoformat(), "locale": "en"}
        return served.client.get(f"{V2}/servicerequestupdates.{form}", params=query)

    def tell(self, served, key, id, update_id="17", **change):
        fields = {
            "api_key": key,
            "service_request_id": id,
            "update_id": update_id,
            "status": "OPEN",
            "updated_datetime": "2026-03-02T10:00:00+08:00",
            "description": "still there",
        }
        return served.client.post(f"{V2}/servicerequestupdates.json", data=fields | change)

    def test_what_happens_to_a_case_is_told_in_order_and_once(self, served, post, key):
        start = served.clock()
        (id,) = ids(post())
        case = file_(served, id)
        served.clock.wait(hours=1)
        served.parts.desk.record(DISPATCHER, case, Dispatched("roads", "roads-day"))
        served.clock.wait(hours=1)
        served.parts.desk.record(CREW, case, Accepted())
        everything = self.updates(served, start, served.clock()).json()
        assert [one["status"] for one in everything] == ["INVESTIGATING", "ACTION_SCHEDULED", "ACTION_SCHEDULED"]
        assert [one["external_status_code"] for one in everything] == ["filed", "dispatched", "accepted"]
        assert {one["service_request_id"] for one in everything} == {id}
        first = self.updates(served, start, start + timedelta(minutes=90)).json()
        second = self.updates(served, start + timedelta(minutes=90), served.clock()).json()
        assert first + second == everything
        root = ElementTree.fromstring(self.updates(served, start, served.clock(), "xml").content)
        assert [one.findtext("update_id") for one in root.findall("request_update")] == [
            one["update_id"] for one in everything
        ]

    def test_a_dropped_report_is_told(self, served, post):
        start = served.clock()
        (id,) = ids(post())
        drop_tip(served.parts.desk, INTAKE, Source.CITIZEN, id, "nothing there")
        (told,) = self.updates(served, start, served.clock()).json()
        assert (told["status"], told["update_id"]) == ("NO_FURTHER_ACTION", f"{id}.dropped")
        assert "nothing there" not in json.dumps(told)

    def test_the_same_update_twice_is_one_and_another_under_its_number_is_refused(self, served, post, key):
        (id,) = ids(post())
        for _ in range(2):
            assert self.tell(served, key, id).json() == [{"update_id": "17", "account_id": None}]
        refused = self.tell(served, key, id, description="gone")
        assert refused.status_code == 409
        assert "used for another update" in refused.json()[0]["description"]

    def test_what_others_tell_is_not_told_back_to_them(self, served, post, key):
        start = served.clock()
        (id,) = ids(post())
        self.tell(served, key, id)
        assert self.updates(served, start - timedelta(days=1), served.clock()).json() == []

    @pytest.mark.parametrize(
        ("change", "status", "what"),
        [
            ({"update_id": ""}, 400, "update_id was not provided"),
            ({"status": "MENDED"}, 400, "none of OPEN"),
            ({"updated_datetime": "yesterday"}, 400, "updated_datetime"),
            ({"updated_datetime": ""}, 400, "updated_datetime was not provided"),
            ({"service_request_id": "R2026-999999"}, 404, "no request"),
            ({"api_key": ""}, 400, "api_key was not provided"),
        ],
    )
    def test_what_is_wrong_is_named(self, served, post, key, change, status, what):
        (id,) = ids(post())
        answer = self.tell(served, key, id, **change)
        assert answer.status_code == status
        assert what in answer.json()[0]["description"]

    def test_nobody_closes_a_case_from_outside(self, served, post, key):
        (id,) = ids(post())
        case = file_(served, id)
        assert self.tell(served, key, id, status="FIXED").status_code == 200
        assert served.parts.desk.row(case).is_open
        assert CHIEF_APPROVES.actor == "u4"


_TEXT = st.text(max_size=60)
_NAMES = st.sampled_from(
    ["service_code", "lat", "long", "start_date", "end_date", "status", "page", "page_size", "updated_after", "locale",
     "service_request_id", "jurisdiction_id", "attribute[size]", "api_key", "media_url", "update_id", "description"]
)  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(
        ["requests", "services", "servicerequestupdates", "requests/x", "tokens/x", "services/pothole"]
    ),
    form=st.sampled_from(["json", "xml"]),
    fields=st.dictionaries(_NAMES, _TEXT | st.sampled_from(["pothole", "30.2", "2026-03-01T00:00:00Z", "open", "1"])),
    write=st.booleans(),
)
def test_whatever_is_sent_is_answered_in_the_form_that_was_asked_for(served, key, path, form, fields, write):
    url = f"{V2}/{path}.{form}"
    client = served.client
    answer = client.post(url, data={"api_key": key} | fields) if write else client.get(url, params=fields)
    assert answer.status_code in {200, 400, 403, 404, 409, 413, 429}
    if form == "json":
        answer.json()
    else:
        ElementTree.fromstring(answer.content)
