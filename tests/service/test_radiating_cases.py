"""What lies around a case of a district: a pipe that gives way, told from a road that is driven often."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest
from desks import INTAKE, MONDAY, Clock, desk_of, file_one
from typer.testing import CliRunner

from roadwarden.cases.events import Filed, Severity
from roadwarden.cli import app
from roadwarden.defects.chance import Finding
from roadwarden.defects.inspected import Inspected, Quality
from roadwarden.defects.zones import ZoneKind
from roadwarden.errors import DataError
from roadwarden.geo.city_layers import CityLayers, UtilityKind, UtilityLine, read_pavements, read_utilities
from roadwarden.geo.places import RoadGrade, Segment
from roadwarden.geo.plane import LocalPlane
from roadwarden.service.cases import Ask
from roadwarden.service.radiating import Question, radiation
from roadwarden.service.radiating_words import as_json, sentence
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import writing

PLANE = LocalPlane(30.25, 120.16)
NOW = MONDAY + timedelta(days=30)
PIPE = [(200.0, -1.75), (301.75, -1.75), (301.75, 40.0)]

PLANTED = [(240, -1.8), (251, -1.7), (258, -1.9), (266, -1.6), (277, -1.8), (285, -1.7), (293, -1.9), (301.7, 30)]


def degrees(*points):
    return tuple((float(lat), float(lon)) for lat, lon in PLANE.to_degrees(points))


def streets():
    """An arterial driven every day, one local street driven every third day, one never."""
    return [
        Segment("main", "文三路", RoadGrade.I, degrees((0, 0), (2000, 0)), 7.0),
        Segment("side", "学院路", RoadGrade.III, degrees((300, 5), (300, 405)), 7.0),
        Segment("back", "", RoadGrade.III, degrees((0, 300), (400, 300)), 7.0),
    ]


def looks():
    for day in range(30):
        yield Inspected("main", 0, 2000, MONDAY + timedelta(days=day), Quality.USABLE, pass_id=f"main {day}")
        if day % 3 == 0:
            yield Inspected(
                "side", 0, 400, MONDAY + timedelta(days=day, hours=1), Quality.USABLE, pass_id=f"side {day}"
            )


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """40 potholes by chance on what is driven, eight along the pipe, and some that must not count."""
    engine = open_storage(f"sqlite:///{tmp_path_factory.mktemp('city')}/roadwarden.db")
    with writing(engine) as unit:
        network = unit.segments.add(streets(), "city", MONDAY)
        unit.stretches.add(network.number, list(looks()))
    desk, random = desk_of(engine, Clock(MONDAY + timedelta(days=20))), np.random.default_rng(3)
    for number in range(40):
        main = number < 30
        at = (random.uniform(310, 1990), random.choice([-1.75, 1.75])) if main else (301.75, random.uniform(200, 400))
        file_at(desk, f"chance-{number}", *at, segment="main" if main else "side")
    for number, at in enumerate(PLANTED):
        file_at(desk, f"pipe-{number}", *at, segment="main" if at[1] < 5 else "side", distress="settlement")
    file_at(desk, "back-1", 200, 300, segment="back")  # nobody drives there
    file_at(desk, "field", 2000, 2000)
    file_at(desk, "again", 251, -1.7, segment="main", defect="d-1")
    file_at(desk, "before", 251.2, -1.7, segment="main", defect="d-1")
    file_at(desk, "double", 252, -1.7, segment="main")
    desk.merge(INTAKE, "double", "pipe-1")
    yield engine
    engine.dispose()


def file_at(desk, name, east_m, north_m, distress="pothole", **more):
    ((lat, lon),) = degrees((east_m, north_m))
    data = Filed(distress, Severity.NORMAL, area="west-lake", latitude=lat, longitude=lon, **more)
    desk.file(INTAKE, data, Ask(), name)


@pytest.fixture(scope="module")
def pipe():
    return CityLayers((UtilityLine("w-1", UtilityKind.WATER, degrees(*PIPE)),))


def test_a_pipe_that_gives_way_is_seen_along_the_pipe(city, pipe):
    found = radiation(city, "pipe-1", Question(NOW), pipe)
    zones = {one.spread.kind: one for one in found.zones}
    assert zones[ZoneKind.UTILITY_LINE].spread.finding is Finding.MORE
    assert {one.case for one in zones[ZoneKind.UTILITY_LINE].neighbours} >= {
        f"pipe-{number}" for number in (0, 2, 3, 4, 5, 6, 7)
    }
    assert zones[ZoneKind.SEGMENT].spread.finding is Finding.NOT_MORE  # it has many, and is looked at every day
    assert zones[ZoneKind.SEGMENT].spread.count > zones[ZoneKind.UTILITY_LINE].spread.count
    assert zones[ZoneKind.WITHIN_20_M].neighbours[0].away_m == pytest.approx(0, abs=0.1)


def test_the_case_itself_merged_cases_and_other_cases_of_its_defect_are_no_neighbours(city):
    near = {one.case for one in radiation(city, "pipe-1", Question(NOW)).zones[0].neighbours}
    assert near == {"again"}  # one of two cases of one defect, and not the merged one
    assert radiation(city, "before", Question(NOW)).zones[0].neighbours[0].case == "pipe-1"
    assert len(radiation(city, "before", Question(NOW)).zones[0].neighbours) == 1


def test_what_nobody_looked_at_is_left_out_and_told(city):
    found = radiation(city, "pipe-1", Question(NOW))
    assert (found.off_road, found.unseen) == (1, 1)
    assert found.problems == 40 + 7 + 1
    back = radiation(city, "back-1", Question(NOW))
    assert {one.spread.finding for one in back.zones[:2]} == {Finding.UNKNOWN}
    assert "nothing can be said" in sentence(back.zones[0].spread).english


def test_only_the_same_type_and_only_the_window(city, pipe):
    same = radiation(city, "pipe-1", Question(NOW, same_type=True), pipe)
    assert same.problems == 7
    assert {one.distress for one in same.zones[-1].neighbours} == {"settlement"}
    later = radiation(city, "pipe-1", Question(NOW, window=timedelta(days=5)))
    assert later.problems == 0


def test_a_case_off_the_roads_and_one_that_is_not_there_are_told(city):
    with pytest.raises(DataError, match=r"field lies on no road .*import the roads"):
        radiation(city, "field", Question(NOW))
    with pytest.raises(DataError, match="there is no case nothing"):
        radiation(city, "nothing", Question(NOW))
    desk = desk_of(city, Clock(NOW))
    file_one(desk, "blind")
    with pytest.raises(DataError, match="blind has no place"):
        radiation(city, "blind", Question(NOW))


def test_the_command_says_it_in_words_and_in_json(city, pipe, monkeypatch, tmp_path):
    (tmp_path / "utilities.geojson").write_text(json.dumps(_geojson()), encoding="utf-8")
    monkeypatch.setenv("ROADWARDEN_TABLES", str(tmp_path))
    asked = ["case", "radiating", "pipe-1", "--now", NOW.isoformat(), "--database", str(city.url)]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0, said.output
    assert "More problems than chance" in said.output
    assert "along the same utility line" in said.output
    content = json.loads(CliRunner().invoke(app, [*asked, "--json"]).output)
    assert content == json.loads(json.dumps(as_json(radiation(city, "pipe-1", Question(NOW), pipe))))
    assert content["zones"][-1]["words"]["zh"].count("多于随机") == 1


def _geojson(**changes):
    line = {"type": "LineString", "coordinates": [[lon, lat] for lat, lon in degrees(*PIPE)]}
    told = {"id": "w-1", "kind": "water", "cut_at": "2025-10-01"} | changes
    return {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": line, "properties": told}]}


class TestCityLayers:
    def test_a_line_is_read_with_the_day_of_its_cut(self, tmp_path):
        file = tmp_path / "utilities.geojson"
        file.write_text(json.dumps(_geojson()), encoding="utf-8")
        (line,) = read_utilities(file)
        assert (line.id, line.kind, str(line.cut_at)) == ("w-1", UtilityKind.WATER, "2025-10-01")
        assert np.allclose(line.line, degrees(*PIPE))

    @pytest.mark.parametrize(
        ("changes", "told"),
        [({"kind": "lava"}, r"features\.0\.properties\.kind"), ({"cut_at": "soon"}, "cut_at"), ({"id": ""}, "id")],
        ids=["kind", "date", "no id"],
    )
    def test_a_fault_is_named(self, tmp_path, changes, told):
        file = tmp_path / "utilities.geojson"
        file.write_text(json.dumps(_geojson(**changes)), encoding="utf-8")
        with pytest.raises(DataError, match=told):
            read_utilities(file)

    def test_pavements_are_a_table_of_segments(self, tmp_path):
        file = tmp_path / "pavements.csv"
        file.write_text("segment,material\nmain,asphalt\nside,concrete\n", encoding="utf-8")
        assert read_pavements(file) == {"main": "asphalt", "side": "concrete"}
        file.write_text("segment,material\nmain,asphalt\nmain,concrete\n", encoding="utf-8")
        with pytest.raises(DataError, match="line 3: segment 'main' is of asphalt and of concrete"):
            read_pavements(file)
        file.write_text("road,material\n", encoding="utf-8")
        with pytest.raises(DataError, match="no column segment"):
            read_pavements(file)
