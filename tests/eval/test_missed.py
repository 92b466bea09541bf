"""What citizens found and the cameras did not: only where they were just there, and only what is true."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent.parent / "service"))

from desks import Clock
from drives import CAMERA, HANGZHOU, HOLES, SETTINGS, drive, fixes, street
from requesters import INTAKE, request_desk

from roadwarden.cases.events import Approver, Role, Voided
from roadwarden.cases.filing import Source
from roadwarden.cases.request_table import shipped_request_table
from roadwarden.cases.requests import Asked, Channel
from roadwarden.cli import app
from roadwarden.defects.inspected import Inspected, Quality
from roadwarden.errors import DataError
from roadwarden.eval.missed import Finding, last_pass, missed
from roadwarden.service.requests import Submission, submit
from roadwarden.service.survey import survey
from roadwarden.service.tips import file_tip
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import writing

DAY = timedelta(days=1)
TABLE = shipped_request_table()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def desk(tmp_path, clock):
    engine = open_storage(f"sqlite:///{tmp_path}/city.db")
    with writing(engine) as unit:
        unit.segments.add(street(), "street", clock.time - 30 * DAY)
    yield request_desk(engine, clock, tmp_path)
    engine.dispose()


def seen(desk, at, lanes=(0, 1), quality=Quality.USABLE, segment="street 1"):
    with writing(desk.cases.engine) as unit:
        number = unit.segments.networks()[-1].number
        unit.stretches.add(number, [Inspected(segment, 0.0, 150.0, at, quality, lane) for lane in lanes])


def report(desk, east_m, service="pothole", confirm=True):
    where = HANGZHOU.position_of(east_m, -2.0)
    request = submit(desk, Asked(service, latitude=where.lat, longitude=where.lon), Submission(Channel.PAGE, "page"))
    if confirm and request.own_tip:
        file_tip(desk.cases, INTAKE, Source.CITIZEN, request.id, desk.rules)
    return request


def found(desk, clock, within=3 * DAY):
    return missed(desk.cases.engine, TABLE, clock.time - DAY, clock.time + DAY, clock.time, within)


def findings(desk, clock, **more):
    return [one.finding for one in found(desk, clock, **more).reports]


@pytest.mark.parametrize(
    ("hours", "lanes", "quality", "finding"),
    [
        pytest.param(5, (0, 1), Quality.USABLE, Finding.MISSED, id="just-driven-over"),
        pytest.param(5, (None,), Quality.USABLE, Finding.MISSED, id="over-the-whole-width"),
        pytest.param(5, (0,), Quality.USABLE, Finding.NOT_LOOKED, id="another-lane-only"),
        pytest.param(5, (0, 1), Quality.UNUSABLE, Finding.NOT_LOOKED, id="in-the-dark"),
        pytest.param(80, (0, 1), Quality.USABLE, Finding.NOT_LOOKED, id="too-long-ago"),
        pytest.param(-1, (0, 1), Quality.USABLE, Finding.NOT_LOOKED, id="after-the-report"),
    ],
)
def test_only_a_good_pass_just_before_over_every_lane_makes_it_missed(desk, clock, hours, lanes, quality, finding):
    seen(desk, clock.time - timedelta(hours=hours), lanes, quality)
    report(desk, 60.0)
    assert findings(desk, clock) == [finding]


def test_what_the_cameras_saw_before_is_known_and_what_they_saw_later_is_missed(desk, clock):
    monday = clock.time - DAY
    survey(desk.cases.engine, drive(start=monday), fixes(start=monday), CAMERA, SETTINGS)
    report(desk, HOLES[0][0])
    assert findings(desk, clock) == [Finding.KNOWN]


def test_each_case_counts_once_and_only_where_intake_confirmed_it(desk, clock):
    seen(desk, clock.time - timedelta(hours=5))
    first = report(desk, 60.0)
    clock.wait(hours=1)
    report(desk, 62.0)
    report(desk, 100.0, confirm=False)
    gone = report(desk, 140.0)
    desk.cases.record(INTAKE, f"citizen-{gone.id}", Voided("not there", Approver("u4", Role.ROAD_CHIEF)))
    report(desk, 20.0, service="lamp_out")
    submit(desk, Asked("pothole", address="somewhere"), Submission(Channel.PAGE, "page"))
    result = found(desk, clock)
    assert [(one.request, one.finding) for one in result.reports if one.finding is not Finding.NOT_THEIRS] == [
        (first.id, Finding.MISSED)
    ]
    assert (result.unconfirmed, result.repeats) == (3, 1)
    assert result.counts[Finding.NOT_THEIRS] == 1
    assert result.share == 1.0
    assert 0 < result.interval.low < 1


def test_a_place_off_every_road_is_told(desk, clock):
    report(desk, 5000.0)
    result = found(desk, clock)
    assert findings(desk, clock) == [Finding.NO_PLACE]
    assert result.share is None


def test_the_lane_seen_longest_ago_counts(clock):
    looks = [
        Inspected("s", 0.0, 10.0, clock.time - 2 * DAY, Quality.USABLE, 0),
        Inspected("s", 0.0, 10.0, clock.time, Quality.USABLE, 1),
        Inspected("s", 20.0, 30.0, clock.time, Quality.USABLE, 0),
    ]
    assert last_pass(looks, 5.0, 2) == clock.time - 2 * DAY
    assert last_pass(looks, 5.0, 3) is None
    assert last_pass(looks, 15.0, 2) is None


def test_without_roads_nothing_can_be_said(tmp_path, clock):
    engine = open_storage(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(DataError, match="no road network"):
        missed(engine, TABLE, clock.time, clock.time + DAY, clock.time, DAY)
    engine.dispose()


def test_the_command_says_the_share_and_its_interval(desk, clock):
    seen(desk, clock.time - timedelta(hours=5))
    report(desk, 60.0)
    days = [(clock.time + shift).strftime("%Y-%m-%d") for shift in (-DAY, DAY)]
    told = ["eval", "missed", "--from", days[0], "--to", days[1], "--database", str(desk.cases.engine.url)]
    ran = CliRunner().invoke(app, told)
    assert ran.exit_code == 0, ran.output
    assert "missed 100.0% (95 % interval" in ran.output
    ran = CliRunner().invoke(app, [*told, "--json"])
    assert json.loads(ran.stdout)["counts"]["missed"] == 1
    refused = CliRunner().invoke(app, [*told[:3], days[1], "--to", days[0]])
    assert "is not after --from" in str(refused.exception)
