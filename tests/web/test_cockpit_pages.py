"""Pages, tiles and reports of the crew, asked for as a browser asks, with the people of the little city."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from city import CITY_NOW
from city_server import server_on
from fastapi.testclient import TestClient
from pages import log_in
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent / "geo"))

from packed_map import packed_map

from roadwarden.access.people import Account
from roadwarden.cases.answer import CaseState
from roadwarden.cases.event_types import EventType
from roadwarden.cases.events import Accepted, Dispatched, Filed, RepairStarted, Role
from roadwarden.cases.permissions import Person
from roadwarden.geo.pmtiles import Basemap
from roadwarden.storage.case_rows import ALL, CaseFilter
from roadwarden.storage.case_unit import reading
from roadwarden.taxonomy import Severity
from roadwarden.web.app import create_app
from roadwarden.web.assets import asset, asset_url, files

PAGES = {
    "duty": ["/map", "/board", "/cases", "/work"],
    "foreman": ["/crew"],
    "audit": ["/audit", "/cases"],
    "root": ["/people", "/map"],
}


@pytest.fixture(scope="module")
def served(little_city, tmp_path_factory):
    return server_on(little_city, tmp_path_factory.mktemp("served"), CITY_NOW)


@pytest.fixture
def client(served):
    with TestClient(create_app(served.parts), base_url=served.url) as made:
        made.headers["accept"] = "text/html,application/xhtml+xml"
        yield made


def data_of(page):
    return json.loads(re.search(r'id="page-data">(.*?)</script>', page.text).group(1))


def cases_of(served, **wanted):
    with reading(served.parts.engine) as unit:
        return unit.rows.list(CaseFilter(**wanted) if wanted else ALL, CITY_NOW, most=500)


def job_for(served, crew="crew-1", area="west-lake"):
    """A case that the crew has begun to work on."""
    desk = served.parts.desk
    filed = Filed("pothole", Severity.NORMAL, area=area, domain="pavement", owner="city", segment="r001")
    case = desk.file(Person("u1", Role.INTAKE, frozenset({"*"})), filed).row.case_id
    desk.record(Person("u2", Role.DISPATCHER, frozenset({"*"})), case, Dispatched("roads", crew))
    for data in (Accepted(), RepairStarted()):
        desk.record(Person("foreman", Role.CREW, department="roads", crew=crew), case, data)
    return case


def picture(seed):
    noise = np.random.default_rng(seed).normal(120, 30, (240, 320, 3)).clip(0, 255).astype(np.uint8)
    kept = io.BytesIO()
    Image.fromarray(noise).save(kept, "JPEG", quality=85)
    return kept.getvalue()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_everybody_has_his_pages_in_both_languages(client, name, language):
    log_in(client, name)
    client.cookies.set("lang", language)
    for path in PAGES[name]:
        page = client.get(path)
        assert page.status_code == 200, path
        assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in page.text
        assert 'href="#content"' in page.text
        assert "unsafe-inline" not in page.headers["content-security-policy"]
        for url in re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text):
            assert client.get(url).status_code == 200, url


def test_who_is_not_logged_in_is_asked_to_and_comes_back(client):
    sent = client.get("/board?area=gongshu", follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?then=/board%3Farea%3Dgongshu")
    assert client.get("/map/summary", headers={"accept": "application/json"}).status_code == 401


def test_what_somebody_may_not_see_is_a_page_that_says_so(client):
    log_in(client, "foreman")
    for path in ("/people", "/audit"):
        page = client.get(path)
        assert page.status_code == 403, path
        assert "您无权查看" in page.text


def test_a_case_of_another_area_does_not_exist(client, served):
    log_in(client, "lake")
    mine, other = (cases_of(served, area=area)[0].case_id for area in ("west-lake", "gongshu"))
    assert client.get(f"/cases/{mine}").status_code == 200
    hidden, missing = client.get(f"/cases/{other}"), client.get("/cases/2026-999999")
    assert hidden.status_code == missing.status_code == 404
    assert {row["area"] for row in client.get("/board/rows").json()["rows"]} <= {"west-lake"}


def test_files_are_kept_for_ever_under_a_path_that_changes_with_them(client):
    answer = client.get(asset_url("map.js"), headers={"accept-encoding": "gzip"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == files()["map.js"].read_bytes()
    old = client.get("/assets/0123456789ab/map.js", follow_redirects=False)
    assert (old.status_code, old.headers["location"]) == (307, asset_url("map.js"))
    assert client.get("/assets/x/../../pyproject.toml").status_code == 404
    assert asset("../app.py") is None


def test_what_the_first_map_needs_is_less_than_a_megabyte_and_a_half(client):
    log_in(client, "duty")
    page = client.get("/map")
    urls = set(re.findall(r'"(/assets/[^"]+)"', page.text))
    sizes = {url: len(asset(url.split("/", 3)[3]).packed or b"") for url in urls}
    assert any("maplibre-gl.js" in url for url in sizes)
    assert sum(sizes.values()) + len(page.content) < 700_000  # and the tiles: test_browser


def test_a_tile_that_has_not_changed_is_not_sent_again(client):
    log_in(client, "duty")
    ((west, south), (east, north)) = data_of(client.get("/map"))["page"]["bounds"]
    n = 2**14
    x = int(((west + east) / 2 + 180) / 360 * n)
    y = int((1 - np.arcsinh(np.tan(np.radians((south + north) / 2))) / np.pi) / 2 * n)
    url = f"/map/tiles/health/14/{x}/{y}.pbf"
    first = client.get(url)
    assert first.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    again = client.get(url, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/map/tiles/defects/14/0/0.pbf").status_code == 204
    assert client.get("/map/tiles/defects/14/0/0.pbf?types=potholes").status_code == 422
    assert client.get("/map/tiles/health/3/99/0.pbf").status_code == 422


def test_a_defect_is_told_with_its_votes_and_sightings_and_cases(client, served):
    log_in(client, "duty")
    row = next(row for row in cases_of(served) if row.defect)
    told = client.get(f"/map/defects/{row.defect}").json()
    assert row.case_id in [one["case_id"] for one in told["cases"]]
    assert sum(vote["share"] for vote in told["votes"]) == pytest.approx(1, abs=0.05)
    assert len(told["sightings"]) == told["sightings_count"] >= 1
    assert told["size_sigma_m"] > 0
    assert told["street"]


def test_the_crew_reports_once_however_often_it_sends(client, served):
    token = log_in(client, "foreman")
    case = job_for(served)
    sent = [("pictures", (f"{n}.jpg", picture(n), "image/jpeg")) for n in (1, 2)]
    form = {"case": case}
    headers = {"x-csrf-token": token, "idempotency-key": "report-1"}
    answers = [client.post("/crew/reports", data=form, files=sent, headers=headers) for _ in range(3)]
    assert [one.status_code for one in answers] == [200] * 3
    events = served.parts.desk.events(case)
    reports = [event for event in events if event.type is EventType.REPAIR_REPORTED]
    assert len(reports) == 1
    assert len(reports[0].data.evidence) == 2
    assert served.parts.desk.row(case).state == CaseState.REPAIR_REPORTED
    told = next(one for one in client.get("/crew/day").json()["cases"] if one["case"] == case)
    assert told["verdict"] == {"verdict": None}

    log_in(client, "duty")
    page = client.get(f"/cases/{case}")
    shown = re.findall(r'src="(/case-pictures/[0-9a-f]{64}\.jpg)"', page.text)
    assert len(shown) == 2
    assert client.get(shown[0]).headers["content-type"] == "image/jpeg"
    log_in(client, "other")
    assert client.get(shown[0]).status_code == 404


def test_a_report_without_our_token_or_with_what_is_no_picture_is_refused(client, served):
    token = log_in(client, "foreman")
    job = job_for(served)
    bad = [("pictures", ("1.jpg", b"not a picture", "image/jpeg"))]
    headers = {"idempotency-key": "bad-1", "accept": "application/json"}
    assert client.post("/crew/reports", data={"case": job}, files=bad, headers=headers).status_code == 403
    refused = client.post("/crew/reports", data={"case": job}, files=bad, headers=headers | {"x-csrf-token": token})
    assert refused.status_code == 422


def test_nobody_but_a_crew_opens_the_crew_s_page(client):
    log_in(client, "duty")
    assert client.get("/crew").status_code == 403
    worker = client.get("/crew/sw.js")
    assert worker.headers["service-worker-allowed"] == "/crew"
    shell = json.loads(re.search(r"const SHELL = (\[.*?\]);", worker.text).group(1))
    assert {url.rsplit("/", 1)[-1] for url in shell} >= {"crew", "main.js", "store.js", "kit.js", "crew.css"}
    assert [url for url in shell if url.startswith("/assets/") and client.get(url).status_code != 200] == []


def test_names_are_shown_only_when_asked_for_and_that_is_written_down(client, served):
    log_in(client, "duty")
    row = cases_of(served, state=CaseState.CLOSED)[0]
    assert "dispatcher-1" not in client.get(f"/cases/{row.case_id}").text
    assert "dispatcher-1" in client.get(f"/cases/{row.case_id}?personal=true").text
    log_in(client, "audit")
    assert row.case_id in client.get("/audit").text


def test_an_administrator_adds_somebody_who_can_log_in(client, served):
    token = log_in(client, "root")
    form = {"name": "new.one", "display_name": "陈新", "password": "a long enough password", "csrf_token": token}
    added = client.post("/people", data=form | {"roles": ["dispatcher"], "areas": ["gongshu"]}, follow_redirects=False)
    assert added.status_code == 303
    kept = served.parts.people.get("new.one")
    assert kept == Account("new.one", "陈新", frozenset({Role.DISPATCHER}), frozenset({"gongshu"}))
    client.post("/people/new.one/disable", data={"csrf_token": token})
    assert "停用" in client.get("/people").text


def test_roles_and_areas_are_changed_and_who_did_it_stands_on_the_page(client, served):
    token = log_in(client, "root")
    form = {
        "roles": ["intake", "crew"],
        "areas": ["gongshu"],
        "department": "roads",
        "crew": "crew-2",
        "csrf_token": token,
    }
    assert client.post("/people/other", data=form, follow_redirects=False).status_code == 303
    kept = served.parts.people.get("other")
    assert (kept.roles, kept.areas, kept.crew) == ({Role.INTAKE, Role.CREW}, {"gongshu"}, "crew-2")
    back = {"roles": ["crew"], "department": "", "crew": "", "csrf_token": token}
    client.post("/people/other", data=back)
    kept = served.parts.people.get("other")
    assert (kept.areas, kept.department, kept.crew) == (frozenset(), None, None)
    assert client.get("/people/other").text.count("<strong>变更</strong>") == 2


def test_what_a_rule_has_against_a_change_stands_on_the_page(client):
    token = log_in(client, "root")
    client.cookies.set("lang", "en")
    alone = client.post("/people/root", data={"roles": ["auditor"], "csrf_token": token})
    assert (alone.status_code, "last administrator" in alone.text) == (400, True)
    twice = {"name": "duty", "display_name": "x", "password": "a long enough password", "csrf_token": token}
    taken = client.post("/people", data=twice)
    assert (taken.status_code, "names are never given twice" in taken.text) == (400, True)
    log_in(client, "duty")
    assert client.get("/people/root").status_code == 403


def test_the_rules_in_force_are_shown_to_whoever_works_by_them(client):
    log_in(client, "foreman")
    client.cookies.set("lang", "en")
    page = client.get("/policy").text
    assert re.search(r"roads-1.*?48 h.*?24 h", page, re.S)
    assert "the roads department keeps" in page
    assert 'id="permissions"' in page


def test_a_case_that_is_no_distress_of_the_pavement_is_called_by_its_name(client, served):
    desk = served.parts.desk
    known = Filed("lamp_out", Severity.NORMAL, area="west-lake", domain="lighting", owner="city")
    unknown = Filed("of_an_older_table", Severity.NORMAL, area="west-lake", domain="lighting", owner="city")
    cases = [desk.file(Person("u1", Role.INTAKE, frozenset({"*"})), one).row.case_id for one in (known, unknown)]
    log_in(client, "duty")
    named = served.parts.domains.words_of("lamp_out").chinese
    assert named in client.get(f"/cases/{cases[0]}").text
    assert "of_an_older_table" in client.get(f"/cases/{cases[1]}").text
    assert named in client.get("/cases").text


def test_how_long_ago_roads_were_seen_is_a_layer_of_the_map(client):
    log_in(client, "duty")
    ((west, south), (east, north)) = data_of(client.get("/map"))["page"]["bounds"]
    n = 2**13
    x = int(((west + east) / 2 + 180) / 360 * n)
    y = int((1 - np.arcsinh(np.tan(np.radians((south + north) / 2))) / np.pi) / 2 * n)
    tile = client.get(f"/map/tiles/ages/13/{x}/{y}.pbf")
    assert tile.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert b"ages" in tile.content


def test_links_to_the_choice_of_language_lead_nowhere_else(client):
    sent = client.get("/language/en?then=//evil.example", follow_redirects=False)
    assert sent.headers["location"] == "/"
    assert client.get("/language/xx").status_code == 422


def test_the_map_is_drawn_on_the_city_s_own_basemap(served, tmp_path):
    water = gzip.compress(b"the canal")
    file = tmp_path / "city.pmtiles"
    told = {"vector_layers": [{"id": "water"}], "attribution": "the city"}
    file.write_bytes(packed_map([(0, 0, len(water), 1)], b"", water, metadata=told))
    app = create_app(dataclasses.replace(served.parts, basemap=Basemap(file)))
    with TestClient(app, base_url=served.url) as client:
        assert client.get("/map/tiles/base/0/0/0").status_code == 401
        log_in(client, "duty")
        base = data_of(client.get("/map"))["page"]["basemap"]
        assert (base["vector"], base["layers"], base["attribution"]) == (True, ["water"], "the city")
        tile = client.get("/map/tiles/base/0/0/0")
        assert (tile.content, tile.headers["content-encoding"]) == (b"the canal", "gzip")
        plain = client.get("/map/tiles/base/0/0/0", headers={"accept-encoding": "identity"})
        assert (plain.content, "content-encoding" in plain.headers) == (b"the canal", False)
        assert client.get("/map/tiles/base/3/1/1").status_code == 204
        assert client.get("/map/tiles/base/3/9/1").status_code == 422
