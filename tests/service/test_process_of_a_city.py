"""The command that shows how cases flow, on a database of a simulated week."""

from __future__ import annotations

import csv
import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from roadwarden.cases.event_lines import write_event_lines
from roadwarden.cases.events import parse_event
from roadwarden.cases.kpi_values import Period
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.cli import app
from roadwarden.service.case_lines import import_events
from roadwarden.service.process import stored_process
from roadwarden.storage.case_rows import CaseFilter
from roadwarden.storage.schema import open_storage
from tests.cases.city_quarter import FIRST_DAY, quarter

POLICIES = shipped_clock_policies()
WEEK = Period(FIRST_DAY, FIRST_DAY + timedelta(days=7), FIRST_DAY + timedelta(days=12))


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("city")
    write_event_lines(folder / "events.jsonl", map(parse_event, quarter(days=9, cases_a_day=8)))
    engine = open_storage(f"sqlite:///{folder}/roadwarden.db")
    import_events(engine, folder / "events.jsonl", POLICIES, WEEK.now + timedelta(days=90))
    yield engine
    engine.dispose()


def test_only_cases_of_the_week_and_of_the_reader_are_counted(city):
    found = stored_process(city, WEEK, POLICIES)
    assert 45 < found.filed <= 56
    assert stored_process(city, WEEK, POLICIES, CaseFilter(areas=("nowhere",))).filed == 0


def test_the_command_shows_writes_and_tells_machines(city, tmp_path):
    asked = ["--from", "2026-04-01", "--to", "2026-04-08", "--now", WEEK.now.isoformat(), "--database", str(city.url)]
    said = CliRunner().invoke(app, ["process", "flows", *asked, "--csv", str(tmp_path / "flows.csv")])
    assert said.exit_code == 0, said.output
    assert "cases filed" in said.output
    with (tmp_path / "flows.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    content = json.loads(CliRunner().invoke(app, ["process", "stays", *asked, "--json"]).output)
    assert [int(row["count"]) for row in rows] == [one["count"] for one in content["flows"]]
    assert content["designed"]["limits_h"]["repair_severe"] == 24
    assert {"from": "assessed", "event": "closed", "to": "closed"} in content["designed"]["arrows"]
