"""A city in small through the real services, with faults: what it promises, and that its audit can fail."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from roadwarden.errors import ConfigError
from roadwarden.eval.city import measured
from roadwarden.eval.city.audit import findings
from roadwarden.eval.city.figures import as_json
from roadwarden.eval.city.meter import Meter, Times
from roadwarden.eval.city.page import page
from roadwarden.eval.city.plan import CityPlan, Faults, last_midnight, trips
from roadwarden.eval.city.run import City
from roadwarden.eval.city.traffic import Expected
from tests.conftest import REPOSITORY

MIDNIGHT = datetime(2026, 11, 28, 16, tzinfo=UTC)
SMALL = CityPlan(MIDNIGHT, roads=5, vehicles=2, poles=2, days=3, faults=Faults(restarts=1))
COMMAND = "roadwarden simulate city"


def city_in(folder, plan=SMALL):
    folder.mkdir(parents=True, exist_ok=True)
    return City(plan, f"sqlite:///{folder}/city.db", folder)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with a city whose days are over."""
    folder = tmp_path_factory.mktemp("city")
    city = city_in(folder)
    city.run()
    city.services.kill()
    return folder


@pytest.fixture
def copy(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "city")
    return tmp_path / "city"


def failed(folder):
    return {one.name for one in findings(city_in(folder)) if not one.holds}


def changed(folder, *statements):
    """By somebody who has the file and takes its guards away first."""
    with sqlite3.connect(folder / "city.db") as database:
        guards = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for statement in (*(f"DROP TRIGGER {name}" for (name,) in guards), *statements):
            database.execute(statement)


class TestACityOfThreeDays:
    def test_loses_nothing_and_doubles_nothing_although_everything_breaks(self, copy):
        city = city_in(copy)
        found = findings(city)
        assert [one for one in found if not one.holds] == []
        told = as_json(city, found, None, COMMAND)
        assert told["counts"]["services killed"] == 1
        assert told["counts"]["frames delivered again"] > 5
        assert told["counts"]["messages refused: wrong clock"] > 0
        assert told["totals"]["sightings"] > 50
        assert told["totals"]["cases"] > 3
        assert told["states"]["closed"] > 0
        assert "everything holds" in page(told)

    def test_its_figures_are_those_of_a_program_that_knows_nothing_of_ours(self, copy):
        city = city_in(copy)
        kpi = as_json(city, [], None, COMMAND)["kpi"]
        assert kpi["recomputed"]["same"], kpi["recomputed"]["told"]
        assert kpi["figures"]["filed"] > 3
        told = json.loads((copy / "kpi.json").read_text())
        (copy / "kpi.json").write_text(json.dumps(told | {"closed": told["closed"] + 1}))
        program = [sys.executable, REPOSITORY / "scripts" / "kpi-recompute", copy / "events.jsonl"]
        done = subprocess.run([*program, "--against", copy / "kpi.json"], capture_output=True, text=True, check=False)
        assert done.returncode == 3
        assert done.stdout.startswith("closed: recomputed")

    @pytest.mark.parametrize(
        ("statement", "name"),
        [
            ("DELETE FROM stream_frames WHERE rowid = (SELECT min(rowid) FROM stream_frames)", "no frame is lost"),
            ("UPDATE stream_frames SET key = randomblob(32) WHERE rowid = 1", "no frame is kept that nobody sent"),
            (
                "UPDATE sightings SET id = randomblob(16) WHERE rowid = (SELECT max(rowid) FROM sightings)",
                "no sighting is lost",
            ),
            (
                "DELETE FROM case_events WHERE position = (SELECT max(position) FROM case_events WHERE role = 'crew')",
                "no command is lost",
            ),
            ("UPDATE cases SET is_open = 1, defect = (SELECT max(defect) FROM cases)", "no defect has two open cases"),
            (
                "UPDATE case_events SET actor = 'nobody' WHERE position = 3",
                "the ledger verifies, and its witness agrees",
            ),
            (
                "INSERT INTO outbox SELECT number + 100000, 'new', 'case.closed', case_id, payload, created_at"
                " FROM outbox LIMIT 1",
                "every message reaches its receiver, under one key",
            ),
        ],
        ids=["frame lost", "frame made up", "sighting", "event", "two cases", "tampered", "message"],
    )
    def test_what_is_taken_away_or_added_is_found(self, copy, statement, name):
        changed(copy, statement)
        assert name in failed(copy)

    def test_another_city_does_not_go_on_in_its_folder(self, finished):
        with pytest.raises(ConfigError, match="another city"):
            city_in(finished, CityPlan(MIDNIGHT, roads=6, vehicles=2, poles=2, days=3))


class Enough(Exception):
    """Somebody pulls the plug."""


def test_what_is_broken_off_in_the_middle_of_a_day_goes_on(tmp_path):
    plan = CityPlan(MIDNIGHT, roads=4, vehicles=1, poles=0, days=1, faults=Faults(restarts=0))
    city = city_in(tmp_path, plan)
    real, handfuls = city._take, []

    def take(handful):
        handfuls.append(handful)
        if len(handfuls) == 4:
            raise Enough
        real(handful)

    city._take = take
    with pytest.raises(Enough):
        city.run()
    city.services.kill()
    again = city_in(tmp_path, plan)
    again.run()
    assert again.books.expected().sightings
    assert [one for one in findings(again) if not one.holds] == []


@pytest.mark.slow
def test_a_city_on_postgresql_adds_up_as_well(postgres_url, tmp_path):
    city = City(SMALL, postgres_url, tmp_path)
    city.run()
    assert [one for one in findings(city) if not one.holds] == []
    assert as_json(city, [], None, COMMAND)["bytes"]["sightings"] > 0
    city.services.kill()


@pytest.mark.slow
def test_a_city_that_is_killed_again_and_again_goes_on(tmp_path):
    command = [
        sys.executable,
        "-m",
        "roadwarden",
        "simulate",
        "city",
        "--roads",
        "24",
        "--vehicles",
        "5",
        "--poles",
        "6",
    ]
    command += ["--days", "10", "--until", "2026-11-28", "--out", str(tmp_path / "city"), "--json"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    for wait_s in (6, 9, 12):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        time.sleep(wait_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert (done.returncode, [one for one in told["findings"] if not one["holds"]]) == (0, [])
    assert told["kpi"]["recomputed"]["same"]
    assert told["totals"]["cases"] > 20


def test_stopped_after_a_day_it_tells_of_that_day_and_goes_on_later(tmp_path):
    plan = CityPlan(MIDNIGHT, roads=4, vehicles=1, poles=0, days=2, faults=Faults(restarts=0))
    city, asked = city_in(tmp_path, plan), iter([False, True])
    city.run(stopped=lambda: next(asked))
    found = findings(city)
    assert [one for one in found if not one.holds] == []
    assert page(as_json(city, found, None, COMMAND)).startswith("# A city in small, 1 of 2 days: everything holds")
    city.services.kill()
    again = city_in(tmp_path, plan)
    again.run()
    assert again.books.days_done == 2
    assert [one for one in findings(again) if not one.holds] == []


class TestWhatIsDrawn:
    def test_is_what_the_detectors_report_says(self):
        told = json.loads((REPOSITORY / measured.DETECTOR_REPORT).read_text())["coverage"]
        places = [told["said"].index(one.value) for one in measured.TYPES]
        rows = dict(zip([one["type"] for one in told["types"]], told["confusion"], strict=True))
        for kind, counts in measured.SAID.items():
            row = rows[kind.value]
            assert counts == (*(row[place] for place in places), row[told["said"].index("missed")])
        assert tuple(told["on_clean_road"][place] for place in places) == measured.ON_CLEAN_ROAD
        assert pytest.approx(told["precision"]["value"], abs=1e-6) == measured.PRECISION

    def test_is_what_the_report_on_repairs_says(self):
        places = [REPOSITORY / one for one in measured.REPAIRS_REPORTS]
        outcomes = [one for place in places for one in json.loads(place.read_text())["outcomes"]]
        for kinds, table in ((measured.MENDED, measured.OF_MENDED), (measured.NOT_MENDED, measured.OF_NOT_MENDED)):
            said = [one["verdict"] for one in outcomes if one["kind"] in kinds]
            assert {one: said.count(one) for one in said} == {one.value: number for one, number in table.items()}

    def test_comes_as_often_as_in_the_table(self):
        chance, detector = np.random.default_rng(1), measured.Detector()
        for kind, counts in measured.SAID.items():
            seen = np.mean([detector.said(kind, chance) is not None for _ in range(2000)])
            assert seen == pytest.approx(1 - counts[-1] / sum(counts), abs=0.04)


class TestThePlan:
    def test_sends_the_same_messages_again_also_when_repairs_became_known_that_came_later(self, tmp_path):
        city = city_in(tmp_path)
        first, second = Expected(), Expected()
        source = city.traffic.sources(0)[0]
        before = city.traffic.of(source, 0, city.truth, first)
        for one in city.truth.present([source.segment], source.at):
            city.truth.mend(one, source.at + timedelta(minutes=1), "crew-1")
        assert city.traffic.of(source, 0, city.truth, second) == before
        assert first.sightings == second.sightings != set()

    def test_every_road_is_driven_three_times_even_in_three_days(self, tmp_path):
        network = city_in(tmp_path).roads.network
        driven = [trip.segment for day in range(3) for trip in trips(SMALL, network, day)]
        assert {one: driven.count(one) for one in driven} == dict.fromkeys([one.id for one in network.segments], 3)

    def test_ends_at_a_midnight_and_kills_on_days_that_there_are(self):
        assert last_midnight(datetime(2026, 11, 28, 15, 59, tzinfo=UTC)) == MIDNIGHT - timedelta(days=1)
        assert last_midnight(MIDNIGHT) == MIDNIGHT
        with pytest.raises(ConfigError, match="midnight"):
            CityPlan(MIDNIGHT + timedelta(hours=1))
        for days in (1, 2, 3, 90):
            assert CityPlan(MIDNIGHT, days=days).restart_days() <= set(range(1, days))
        assert Faults().scaled(0) == Faults(0, 0, 0, 0, 0, 0, 0, 0)


def test_quantiles_are_told_within_two_percent_and_survive_a_file():
    times, chance = Times(), np.random.default_rng(3)
    taken = chance.lognormal(-5, 1, 4000)
    for seconds in taken:
        times.note(seconds, seconds / 2, 3)
    again = Meter.read(json.loads(json.dumps(Meter({"call": times}).as_json()))).kinds["call"]
    for share in (0.5, 0.95, 0.99):
        assert again.quantile_ms(share) == pytest.approx(1e3 * np.quantile(taken, share), rel=0.03)
    assert (again.calls, again.items, again.worst_ms) == (4000, 12000, pytest.approx(1e3 * taken.max()))
    assert Times().quantile_ms(0.5) is None
