"""What keeps coming back, out of a database: cases, looks at the road, and the city's ground."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from desks import DUTY, INTAKE, MONDAY, Clock, desk_of, mend
from typer.testing import CliRunner

from roadwarden.cases.events import Filed, Reopened, Severity
from roadwarden.cases.kpi_values import Period
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.cases.repeats import By
from roadwarden.cli import app
from roadwarden.defects.inspected import Inspected, Quality
from roadwarden.geo.city_layers import CityLayers, UtilityKind, UtilityLine
from roadwarden.geo.places import RoadGrade, Segment
from roadwarden.geo.plane import LocalPlane
from roadwarden.service.repeats import stored_repeats
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import writing

PLANE = LocalPlane(30.25, 120.16)
DAY = timedelta(days=1)
NOW = MONDAY + 60 * DAY
PERIOD = Period(MONDAY, MONDAY + 30 * DAY, NOW)
HANGZHOU = ZoneInfo("Asia/Shanghai")


def degrees(*points):
    return tuple((float(lat), float(lon)) for lat, lon in PLANE.to_degrees(points))


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """Four holes: one re-opened after 5 days, one filed anew after 40, one seen good on day 50, one not seen since."""
    engine = open_storage(f"sqlite:///{tmp_path_factory.mktemp('city')}/roadwarden.db")
    with writing(engine) as unit:
        segment = Segment("main", "文三路", RoadGrade.I, degrees((0, 0), (400, 0)), 7.0)
        network = unit.segments.add([segment], "city", MONDAY)
        looks = [Inspected("main", 0, 300, MONDAY + 50 * DAY, Quality.USABLE, 1, "day 50")]
        unit.stretches.add(network.number, [*looks, Inspected("main", 0, 400, MONDAY - DAY, Quality.USABLE)])
    clock = Clock()
    desk = desk_of(engine, clock)
    for name, east in (("back", 50.4), ("anew", 100.2), ("good", 200.5), ("blind", 350.5)):
        ((lat, lon),) = degrees((east, -1.75))
        data = Filed("pothole", Severity.NORMAL, area="west-lake", segment="main", latitude=lat, longitude=lon)
        desk.file(INTAKE, data, case=name)
        clock.wait(hours=1)
        mend(desk, name)
    clock.time = MONDAY + 5 * DAY
    desk.record(DUTY, "back", Reopened("open again"))
    mend(desk, "back")
    clock.time = MONDAY + 40 * DAY
    ((lat, lon),) = degrees((100.9, -1.5))
    desk.file(INTAKE, Filed("pothole", Severity.NORMAL, area="west-lake", latitude=lat, longitude=lon), case="anew-2")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def found(city):
    pipe = UtilityLine("w", UtilityKind.WATER, degrees((0, -1.0), (120, -1.0)), cut_at=(MONDAY - 9 * DAY).date())
    layers = CityLayers((pipe,), {"main": "hot mix"})
    return stored_repeats(city, PERIOD, shipped_clock_policies(), HANGZHOU, layers)


def test_repairs_last_to_their_return_or_to_the_last_look(found):
    assert (found.repairs, found.returned.part, found.unseen, found.not_watched) == (4, 2, 1, 0)
    assert found.curve.days.tolist() == pytest.approx([5, 40, 45, 50], abs=0.2)
    assert found.curve.lasting.tolist() == pytest.approx([3 / 4, 2 / 4, 2 / 4, 2 / 4])


def test_the_return_within_warranty_is_a_claim_and_both_places_are_offenders(found):
    (claim,) = found.claims
    assert (claim.repair.case, claim.repair.crew, claim.back.case, claim.back.cycle) == ("back", "crew-7", "back", 2)
    assert {one.place: one.returns for one in found.offenders} == {"anew": 1, "back": 1}


def test_groups_know_the_ground(found):
    told = {(one.by, one.key): one.curve.repairs for one in found.groups}
    assert told[By.MATERIAL, "hot mix"] == 4
    assert told[By.UTILITY_CUT, "cut"] == 3
    assert told[By.UTILITY_CUT, "none"] == 1
    assert told[By.CELL, "main 50 m, 5 m"] == 2
    assert told[By.SEASON, "spring"] == 4


def test_without_a_network_spells_end_now_and_are_told_so(tmp_path):
    engine = open_storage(f"sqlite:///{tmp_path}/roadwarden.db")
    desk = desk_of(engine)
    desk.file(INTAKE, Filed("pothole", Severity.NORMAL, area="west-lake"), case="only")
    mend(desk, "only")
    found = stored_repeats(engine, PERIOD, shipped_clock_policies(), HANGZHOU)
    assert (found.repairs, found.not_watched, found.curve.known_to_days) == (1, 1, 60)
    assert [one.key for one in found.groups if one.by is By.MATERIAL] == ["asphalt"]


def test_the_command_shows_writes_and_tells_machines(city, tmp_path):
    asked = ["--from", "2026-03-02", "--to", "2026-04-02", "--now", NOW.isoformat(), "--database", str(city.url)]
    said = CliRunner().invoke(app, ["repeat", "claims", *asked, "--csv", str(tmp_path / "claims.csv")])
    assert said.exit_code == 0, said.output
    assert "4 repairs, 2 came back (50.0 %)" in said.output
    with (tmp_path / "claims.csv").open(encoding="utf-8-sig") as file:
        (row,) = csv.DictReader(file)
    assert (row["case"], row["crew"], row["back_cycle"]) == ("back", "crew-7", "2")
    content = json.loads(CliRunner().invoke(app, ["repeat", "groups", *asked, "--by", "crew", "--json"]).output)
    assert [(one["group"], one["repairs"]) for one in content["groups"]] == [("crew-7", 4)]
    assert content["curve"]["lasting"] == pytest.approx([3 / 4, 2 / 4, 2 / 4, 2 / 4])
    wrong = CliRunner().invoke(app, ["repeat", "groups", *asked, "--by", "moon"])
    assert "wanted one of type, severity" in str(wrong.exception)
