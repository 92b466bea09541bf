"""From an archive to defects in the database and out again, as a user would: the commands of docs/survey.md."""

from __future__ import annotations

import csv
import json
import sqlite3
import struct

import pytest
from typer.testing import CliRunner

from roadwarden.cli import app
from roadwarden.errors import ConfigError, DataError


def run(*arguments, fails=None):
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    if fails is not None:
        assert isinstance(done.exception, fails), done.output
        return str(done.exception)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def lines(*arguments):
    return [json.loads(line) for line in run(*arguments, "--json").splitlines()]


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """A sample archive with its camera and its road."""
    out = tmp_path_factory.mktemp("survey") / "street"
    run("sample", out, "--frames", "16")
    return out


@pytest.fixture(scope="module")
def surveyed(street, tmp_path_factory):
    """The archive, its tables, and the database that a survey made of it."""
    room = tmp_path_factory.mktemp("surveyed")
    database = f"sqlite:///{room}/roadwarden.db"
    (report,) = lines("survey", street, "--camera", street / "camera.yaml", "--roads", street / "roads.geojson",
                      "--out", room / "out", "--database", database)  # fmt: skip
    return street, room, database, report


def test_every_frame_and_detection_is_accounted_for(surveyed):
    _, room, _, report = surveyed
    assert report["frames"] == report["located_frames"] == 16
    assert report["detections"] == report["sightings"] + sum(report["not_placed"].values())
    assert report["sightings"] == report["sightings_new"] > 10
    with (room / "out" / "not_placed.csv").open(encoding="utf-8") as handle:
        assert len(list(csv.DictReader(handle))) == sum(report["not_placed"].values())
    assert report["track_findings"] == report["warnings"] == []
    assert 20 < report["looked_at_usable_m"] < 35  # 15 m driven, and 15 m before the last frame


def test_the_same_again_and_its_tables_instead_of_its_frames_change_nothing(surveyed):
    street, room, database, first = surveyed
    before = lines("defects", "list", "--database", database)
    archive = ("survey", street, "--out", room / "out")
    tables = ("survey", room / "out", "--track", street / "track.csv")
    for command in (archive, tables):
        (again,) = lines(*command, "--camera", street / "camera.yaml", "--database", database)
        assert (again["sightings_new"], again["sightings_known"]) == (0, first["sightings"])
    assert lines("defects", "list", "--database", database) == before


def test_defects_are_listed_filtered_and_shown_with_their_reasons(surveyed):
    database = surveyed[2]
    every = lines("defects", "list", "--database", database)
    assert {row["segment"] for row in every} == {"synthetic-street"}
    kind = every[0]["type"]
    some = lines("defects", "list", "--database", database, "--type", kind)
    assert some == [row for row in every if row["type"] == kind]
    assert lines("defects", "list", "--database", database, "--box", "0,0,1,1") == []
    shown = json.loads(run("defects", "show", every[0]["id"][:10], "--database", database, "--json"))
    assert shown["id"] == every[0]["id"]
    assert len(shown["sightings"]) == every[0]["sightings"]
    assert shown["reasons"]
    assert shown["street"] == "样板街"
    assert "no defect" in run("defects", "show", "0" * 32, "--database", database, fails=DataError)
    assert "no id" in run("defects", "show", "pothole", "--database", database, fails=DataError)


def test_what_is_exported_is_what_is_listed(surveyed, tmp_path):
    database = surveyed[2]
    every = {row["id"]: row for row in lines("defects", "list", "--database", database)}
    run("defects", "export", tmp_path / "defects.geojson", "--database", database)
    features = json.loads((tmp_path / "defects.geojson").read_text(encoding="utf-8"))["features"]
    assert {one["properties"]["id"]: one["properties"] for one in features} == every
    places = {one["properties"]["id"]: tuple(one["geometry"]["coordinates"]) for one in features}

    run("defects", "export", tmp_path / "defects.gpkg", "--database", database)
    with sqlite3.connect(tmp_path / "defects.gpkg") as layer:
        assert layer.execute("PRAGMA application_id").fetchone() == (int.from_bytes(b"GPKG", "big"),)
        rows = layer.execute("SELECT id, geom, chinese FROM defects").fetchall()
        assert layer.execute("SELECT min_x <= max_x, srs_id FROM gpkg_contents").fetchall() == [(1, 4326)]
    for name, geometry, chinese in rows:
        assert struct.unpack("<2sBBi", geometry[:8]) == (b"GP", 0, 1, 4326)
        assert struct.unpack("<BIdd", geometry[8:])[2:] == pytest.approx(places[name], abs=1e-6)
        assert chinese == every[name]["chinese"]

    made = json.loads(
        run("defects", "export", tmp_path / "jtg", "--format", "jtg-csv", "--database", database, "--json")
    )
    assert made["defects"] + made["left_out"] == len(every)
    text = (tmp_path / "jtg" / "synthetic-street.csv").read_bytes().decode("utf-8-sig")
    table = list(csv.reader(text.splitlines()))
    assert len(table) == 1 + 8  # 76 m in rows of 10
    assert [row[0] for row in table[1:3]] == ["K0+000", "K0+010"]
    assert "--format jtg-csv" in run("defects", "export", tmp_path / "x.shp", "--database", database, fails=ConfigError)


def test_a_person_splits_and_merges_and_old_ids_lead_on(surveyed, tmp_path):
    street, room, _, _ = surveyed
    database = f"sqlite:///{tmp_path}/own.db"
    run("survey", room / "out", "--camera", street / "camera.yaml", "--track", street / "track.csv",
        "--roads", street / "roads.geojson", "--database", database)  # fmt: skip
    most = max(lines("defects", "list", "--database", database), key=lambda row: row["sightings"])
    shown = json.loads(run("defects", "show", most["id"], "--database", database, "--json"))
    ids = [one["id"] for one in shown["sightings"]]
    cut = ("defects", "split", most["id"], "--by", "inspector", "--database", database)
    assert "names some" in run(*cut, "--apart", ",".join(ids), fails=DataError)
    run(*cut, "--apart", ids[-1][:12])
    rest, apart = (
        json.loads(run("defects", "show", name, "--database", database, "--json")) for name in (ids[0], ids[-1])
    )
    assert [one["id"] for one in rest["sightings"]] == ids[:-1]
    assert ids[-1] in {one["id"] for one in apart["sightings"]}  # by itself, or where else it fits
    assert apart["rulings"][0]["by"] == rest["rulings"][0]["by"] == "inspector"
    changed = json.loads(
        run("defects", "merge", rest["id"], apart["id"], "--by", "chief", "--database", database, "--json")
    )
    one, other = sorted((rest, apart), key=lambda half: half["sightings"][0]["seen_at"])
    assert changed["gone"][other["id"]] == one["id"]  # neighbours may have come along
    whole = json.loads(run("defects", "show", other["id"], "--database", database, "--json"))
    halves = {look["id"] for half in (rest, apart) for look in half["sightings"]}
    assert halves <= {look["id"] for look in whole["sightings"]}
    run("defects", "rebuild", "--quiet", "--database", database)
    assert json.loads(run("defects", "show", other["id"], "--database", database, "--json")) == whole


def test_coverage_by_grade_by_segment_and_as_lines(surveyed, tmp_path):
    database, place = surveyed[2], tmp_path / "coverage.geojson"
    soon = ("--at", "2026-11-03T12:00:00+08:00", "--database", database)
    found = json.loads(run("coverage", *soon, "--segment", "synthetic-street", "--geojson", place, "--json"))
    sums = found["all"]
    assert sums["total_m"] == pytest.approx(2 * 76, abs=1)
    assert sums["in_time_m"] == pytest.approx(2 * surveyed[3]["looked_at_usable_m"], abs=0.5)
    assert sums["in_time_m"] + sums["never_m"] == pytest.approx(sums["total_m"])
    assert found["by_grade"]["II"] == sums
    pieces = found["segments"][0]["pieces"]
    assert sum(one["to_m"] - one["from_m"] for one in pieces) == pytest.approx(sums["total_m"])
    features = json.loads(place.read_text(encoding="utf-8"))["features"]
    assert [one["properties"]["state"] for one in features] == [one["state"] for one in pieces]
    later = json.loads(run("coverage", "--at", "2026-11-06T12:00:00+08:00", "--database", database, "--json"))
    assert later["all"]["overdue_m"] == sums["in_time_m"]  # grade II: two days
    assert "seen in time" in run("coverage", *soon, "--segments")
    assert "says no zone" in run("coverage", "--at", "2026-11-03", "--database", database, fails=ConfigError)


def test_roads_are_versions_and_defects_move_to_the_newest(surveyed, tmp_path):
    street, room, _, _ = surveyed
    database = f"sqlite:///{tmp_path}/roads.db"
    run("survey", room / "out", "--camera", street / "camera.yaml", "--track", street / "track.csv",
        "--database", database)  # fmt: skip
    assert {row["segment"] for row in lines("defects", "list", "--database", database)} == {None}
    (done,) = lines("roads", "import", street / "roads.geojson", "--database", database)
    assert (done["new"], done["defects_off_road"]) == (True, 0)
    other = (street / "roads.geojson").read_text(encoding="utf-8").replace("synthetic-street", "renamed")
    (tmp_path / "other.geojson").write_text(other, encoding="utf-8")
    run("roads", "import", tmp_path / "other.geojson", "--database", database)
    assert {row["segment"] for row in lines("defects", "list", "--database", database)} == {"renamed"}
    assert [row["number"] for row in lines("roads", "list", "--database", database)] == [1, 2]


def test_what_cannot_be_is_told_and_nothing_is_lost(surveyed, tmp_path):
    street, room, _, _ = surveyed
    database = f"sqlite:///{tmp_path}/none.db"
    camera = ("--camera", street / "camera.yaml", "--database", database)
    assert "--out is needed" in run("survey", street, *camera, fails=ConfigError)
    text = run("survey", room / "out", *camera, "--track", "none", "--json", fails=DataError)
    assert "has a place on the road" in text
    swapped = tmp_path / "swapped.csv"
    rows = list(csv.DictReader((street / "track.csv").open(encoding="utf-8")))
    with swapped.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, rows[0].keys())
        writer.writeheader()
        writer.writerows(row | {"lat": row["lon"], "lon": row["lat"]} for row in rows)
    done = CliRunner().invoke(app, [str(one) for one in ("survey", room / "out", *camera, "--track", swapped)])
    assert done.exit_code != 0
    assert "exchange the columns" in done.stdout
