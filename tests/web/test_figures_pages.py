"""Pages of figures on the city in small: what is shown, who sees it, what can be taken away."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import shutil
from datetime import timedelta

import pytest
from openpyxl import load_workbook
from served_city import served_city

from roadwarden.cases.kpi_values import Period
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.cases.process import process
from roadwarden.service.process import stored_walks
from roadwarden.storage.case_rows import ALL, CaseFilter
from roadwarden.storage.case_unit import reading
from roadwarden.storage.engine import open_engine
from roadwarden.taxonomy import Language
from roadwarden.web.definitions import definitions
from roadwarden.web.pages.figures import Table, View
from tests.city import CITY_NOW

DAYS = {"from": "2026-11-01", "to": "2026-11-29"}


@pytest.fixture(scope="module")
def city(little_city, tmp_path_factory):
    copy = tmp_path_factory.mktemp("city") / "city.db"
    shutil.copy(little_city, copy)
    engine = open_engine(f"sqlite:///{copy}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def served(city):
    made = served_city(city, now=lambda: CITY_NOW)
    with made.client:
        yield made


@pytest.fixture(scope="module")
def ask(served):
    """GET as somebody, in English."""
    tokens = {who: served.auth(who) for who in ("u3", "u7", "e1", "audit")}

    def asked(path, who="u3", **query):
        return served.client.get(path, params=query, headers=tokens[who] | {"accept-language": "en"})

    return asked


def facts_of(answer):
    blocks = answer.json()["blocks"]
    return {one["key"]: one for block in blocks if block["kind"] == "facts" for one in block["items"]}


class TestPages:
    @pytest.mark.parametrize("view", list(View))
    def test_every_view_opens_and_its_figures_have_definitions(self, ask, view):
        page = ask("/figures" if view is View.OVERVIEW else f"/figures/{view.value}", "audit", **DAYS)
        assert page.status_code == 200
        assert "figures.js" in page.text
        told = ask(f"/figures/data/{view.value}", "audit", **DAYS)
        assert told.status_code == 200, told.text
        assert facts_of(told).keys() <= definitions().keys()
        for block in told.json()["blocks"]:
            assert block["kind"] in {"facts", "text", "chart", "arcs", "table", "code"}
            if block["kind"] in {"chart", "arcs"}:
                assert block["says"], block["name"]

    def test_every_chart_and_table_names_a_file_that_can_be_had(self, ask):
        named = {
            (block.get("csv") or block["name"]).split("-")[0]
            for view in View
            for block in ask(f"/figures/data/{view.value}", "audit", **DAYS).json()["blocks"]
            if block["kind"] in {"chart", "table"}
        } - {"saved"}
        assert named <= set(Table)
        for table in Table:
            answer = ask(f"/figures/csv/{table.value}.csv", "audit", **DAYS)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "text/csv; charset=utf-8"

    def test_what_everybody_is_told_is_defined_in_both_languages(self, ask):
        page = ask("/figures/definitions", "audit").text
        for key, one in definitions().items():
            assert f'id="{key}"' in page
            assert one.means(Language.CHINESE)
            assert one.means(Language.ENGLISH) != one.means(Language.CHINESE)

    def test_days_that_are_none_are_told(self, ask):
        assert ask("/figures/data/process", **{"from": "2026-13-01", "to": "2026-11-29"}).status_code == 422
        assert ask("/figures/data/process", **{"from": "2026-11-29", "to": "2026-11-01"}).status_code == 422
        assert ask("/figures/data/process", **{"from": "2020-01-01", "to": "2026-11-01"}).status_code == 422
        assert ask("/figures/data/process", **{"from": "0001-01-01", "to": "0001-01-02"}).status_code == 422
        assert ask("/figures/data/process", **{"from": "9999-12-31", "to": "9999-12-31"}).status_code == 422

    def test_a_crew_has_no_figures_and_nobody_without_a_name(self, ask, served):
        assert ask("/figures/data/process", "u7", **DAYS).status_code == 403
        assert served.client.get("/api/v1/process", params=DAYS).status_code == 401


class TestProcess:
    def test_a_reader_of_one_area_counts_its_cases_and_an_auditor_all(self, ask, city):
        period = Period(CITY_NOW - timedelta(days=29), CITY_NOW + timedelta(hours=8), CITY_NOW)
        for who, seen in (("audit", ALL), ("u3", CaseFilter(areas=("west-lake",)))):
            found = process(stored_walks(city, period, shipped_clock_policies(), seen), period)
            assert facts_of(ask("/figures/data/process", who, **DAYS))["filed"]["value"] == str(found.filed)
            told = ask("/api/v1/process", who, **DAYS).json()
            assert (told["filed"], told["closed"], told["bounces"]) == (
                found.filed,
                found.closed.part,
                found.bounces,
            )
        assert told["designed"]["limits_h"] == {"repair_normal": 48, "repair_severe": 24, "assess": 24} | {
            f"stage_{stage}": None for stage in ("dispatch", "accept", "close")
        }

    def test_the_csv_has_the_rows_of_the_page(self, ask):
        rows = list(csv.DictReader(io.StringIO(ask("/figures/csv/flows.csv", "audit", **DAYS).text.lstrip("\ufeff"))))
        told = ask("/api/v1/process", "audit", **DAYS).json()["flows"]
        assert [int(row["count"]) for row in rows] == [one["count"] for one in told]


class TestRadiating:
    @pytest.fixture
    def case(self, city):
        with reading(city) as unit:
            rows = unit.rows.list(CaseFilter(area="west-lake"), CITY_NOW, most=500)
        return next(row.case_id for row in rows if row.lat is not None)

    def test_the_page_the_data_and_the_api_agree(self, ask, case):
        assert ask(f"/cases/{case}/radiating").status_code == 200
        blocks = ask(f"/cases/{case}/radiating/data").json()["blocks"]
        told = ask(f"/api/v1/cases/{case}/radiating").json()
        table = next(block for block in blocks if block.get("name") == "radiating" and block["kind"] == "table")
        assert [row[1]["text"] for row in table["rows"]] == [zone["words"]["en"] for zone in told["zones"]]
        rows = list(csv.DictReader(io.StringIO(ask(f"/cases/{case}/radiating.csv").text.lstrip("\ufeff"))))
        assert [row["zone"] for row in rows] == [zone["zone"] for zone in told["zones"]]

    def test_cases_of_other_areas_are_counted_and_not_named(self, ask, city, case):
        with reading(city) as unit:
            own = {row.case_id for row in unit.rows.list(CaseFilter(area="west-lake"), CITY_NOW, most=500)}
        for who, allowed in (("u3", own | {None}), ("audit", None)):
            told = ask(f"/api/v1/cases/{case}/radiating", who).json()
            named = {near["case"] for zone in told["zones"] for near in zone["neighbours"]}
            assert allowed is None or named <= allowed
        assert ask(f"/cases/{case}/radiating", "e1").status_code == 404
        assert ask(f"/cases/{case}/radiating/data", "e1").status_code == 404
        assert ask(f"/api/v1/cases/{case}/radiating", "e1").status_code == 404


class TestProof:
    def test_green_only_where_the_bound_is_above_what_was_promised(self, served, ask, tmp_path):
        weeks = [("2026-W46", 187, 200, 0.9001), ("2026-W47", 186, 200, 0.8943)]
        content = {"weeks": [_week(*one) for one in weeks]}
        file = tmp_path / "drift.json"
        file.write_text(json.dumps(content), encoding="utf-8")
        served.client.app.state.parts = dataclasses.replace(served.parts, drift=file)
        told = ask("/figures/data/proof", "audit", **DAYS)
        accuracy = facts_of(told)["type_accuracy"]
        assert (accuracy["value"], accuracy["tone"]) == ("93.0 %", "yellow")
        assert "not proven" in accuracy["note"]
        assert "n 200" in accuracy["note"]
        rows = list(csv.DictReader(io.StringIO(ask("/figures/csv/accuracy.csv", "audit").text.lstrip("\ufeff"))))
        assert [row["proven"] for row in rows] == ["True", "False"]
        served.client.app.state.parts = served.parts

    def test_without_a_report_nothing_is_claimed(self, ask):
        told = ask("/figures/data/proof", "audit", **DAYS)
        accuracy = facts_of(told)["type_accuracy"]
        assert (accuracy["value"], accuracy["tone"]) == ("–", "yellow")
        assert "roadwarden eval drift" in told.text


def _week(week, correct, n, lower):
    part = {"correct": correct, "n": n, "lower": lower, "upper": 0.99, "blocks": 30}
    audited = {"week": part, "pooled": part, "pooled_weeks": 1, "by_type": {}, "others": {}}
    return {"week": week, "trust": "trusted", "models": {"yolo26n-4@5f3c": 900}, "audited": audited}


class TestReport:
    def test_a_month_on_paper_and_as_a_workbook_say_the_same(self, ask):
        page = ask("/figures/report", "audit", month="2026-11")
        assert "Report of 2026-11" in page.text
        book = load_workbook(io.BytesIO(ask("/figures/report.xlsx", "audit", month="2026-11").content))
        assert book.sheetnames == ["Key figures", "Process", "What comes back", "Coverage"]
        cells = {str(row[0]): row[1] for row in book["Key figures"].iter_rows(values_only=True) if row[0]}
        told = ask("/api/v1/kpi", "audit", **{"from": "2026-10-31T16:00:00Z", "to": "2026-11-30T16:00:00Z"}).json()
        assert (cells["Reported"], cells["Closed"]) == (told["reported"], told["closed"])
        assert re.search(rf"Reported</a><b>{told['reported']}</b>", page.text)

    def test_the_last_whole_month_without_one(self, ask):
        assert "Report of 2026-10" in ask("/figures/report", "audit").text
        assert ask("/figures/report", "audit", month="2026-13").status_code == 422
