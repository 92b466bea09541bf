"""A survey keeps what a drive saw, and names whatever is wrong with it; nothing is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from drives import CAMERA, HANGZHOU, HOLES, MORNING, SETTINGS, drive, fixes, street

from roadwarden.defects.inspected import Quality
from roadwarden.defects.presence import Presence
from roadwarden.errors import DataError
from roadwarden.geo.coordinates import wgs84_to_gcj02
from roadwarden.geo.fixes import Fix
from roadwarden.geo.pole import PoleCamera, PolePoint
from roadwarden.geo.read_network import read_network
from roadwarden.geo.tiles import MapBox
from roadwarden.service import merging
from roadwarden.service.survey import survey
from roadwarden.service.survey_frames import FrameState, NotPlaced
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import reading, writing
from roadwarden.taxonomy import DistressType, Severity

CITY = MapBox(30.0, 120.0, 30.5, 120.5)


@pytest.fixture
def engine(tmp_path):
    engine = open_storage(f"sqlite:///{tmp_path}/roadwarden.db")
    with writing(engine) as unit:
        unit.segments.add(street(), "street", MORNING)
    yield engine
    engine.dispose()


def kept(engine):
    with reading(engine) as unit:
        return unit.defects.in_box(CITY)


def done(engine, frames, rows, camera=CAMERA, settings=SETTINGS):
    return survey(engine, frames, rows, camera, settings)


def assert_nothing_lost(report):
    assert report.detections == report.sightings + len(report.unplaced)
    assert report.sightings == report.taken_in.new + report.taken_in.known
    assert report.frames == sum(report.frames_of_state.values())


def metres(defect):
    return HANGZHOU.metres_of(defect.position)


class TestADrive:
    def test_its_holes_are_defects_where_they_are_on_their_street_and_judged(self, engine):
        report = done(engine, drive(), fixes(seed=1))
        assert_nothing_lost(report)
        defects = sorted(kept(engine), key=lambda one: one.position.lon)
        assert len(defects) == len(HOLES)
        for defect, hole in zip(defects, HOLES, strict=True):
            assert metres(defect) == pytest.approx(hole, abs=0.5)
            assert defect.vote.type is DistressType.POTHOLE
            assert 0.3 < defect.length_m < 1.0
            assert defect.severity in set(Severity)
        assert [defect.road.segment for defect in defects] == ["street 1"] * 2 + ["street 2"] * 2
        assert defects[0].road.chainage_m == pytest.approx(60.0, abs=0.5)

    def test_what_was_looked_at_is_kept_for_every_pass_with_its_quality(self, engine):
        done(engine, drive(), fixes())
        done(
            engine,
            drive(start=MORNING + timedelta(days=1), state=FrameState.POOR, name="night"),
            fixes(start=MORNING + timedelta(days=1)),
        )
        with reading(engine) as unit:
            first, second = (
                unit.stretches.of_segments(1, [name], MORNING - timedelta(days=1), MORNING + timedelta(days=2))
                for name in ("street 1", "street 2")
            )
        for stretches in (first, second):
            assert [one.quality for one in stretches] == [Quality.USABLE, Quality.UNUSABLE]
            assert len({one.pass_id for one in stretches}) == 2
        assert (first[0].from_m, first[0].to_m) == pytest.approx((2.0, 150.0), abs=0.5)
        assert (second[0].from_m, second[0].to_m) == pytest.approx((0.0, 150.0), abs=0.5)

    def test_the_same_drive_again_changes_nothing(self, engine):
        done(engine, drive(), fixes())
        before = kept(engine)
        again = done(engine, drive(), fixes())
        assert (again.taken_in.new, again.taken_in.known) == (0, again.sightings)
        assert kept(engine) == before

    def test_one_that_was_broken_off_goes_on(self, engine, monkeypatch):
        calls = []

        def once(unit, *rest):
            calls.append(unit)
            if len(calls) == 2:
                raise OSError("killed")
            return whole(unit, *rest)

        whole = merging.place_and_judge
        monkeypatch.setattr(merging, "place_and_judge", once)
        monkeypatch.setattr(merging.take_in, "__kwdefaults__", {**merging.take_in.__kwdefaults__, "batch": 5})
        with pytest.raises(OSError, match="killed"):
            done(engine, drive(), fixes())
        report = done(engine, drive(), fixes())
        assert (report.taken_in.known, report.taken_in.new) == (5, report.sightings - 5)
        assert sorted(one.sightings for one in kept(engine)) == [5, 5, 5, 5]

    def test_six_drives_of_one_street_give_its_holes_and_no_more(self, engine):
        for day in range(6):
            start = MORNING + timedelta(days=day)
            done(engine, drive(start=start, name=f"day {day}"), fixes(start=start, seed=day))
        assert [(one.passes, one.presence) for one in kept(engine)] == [(6, Presence.SEEN)] * len(HOLES)

    def test_a_hole_that_five_good_passes_do_not_find_is_not_seen_and_seen_again_when_it_is(self, engine):
        done(engine, drive(), fixes())
        for day in range(1, 6):
            assert {one.presence for one in kept(engine)} == {Presence.SEEN}
            start = MORNING + timedelta(days=day)
            done(engine, drive(start=start, holes=HOLES[1:], name=f"day {day}"), fixes(start=start))
        gone = [one for one in kept(engine) if one.presence is Presence.NOT_SEEN]
        assert [metres(one)[0] for one in gone] == [pytest.approx(HOLES[0][0], abs=0.5)]
        start = MORNING + timedelta(days=9)
        done(engine, drive(start=start, name="back"), fixes(start=start))
        assert {one.presence for one in kept(engine)} == {Presence.SEEN}

    def test_without_roads_defects_are_kept_and_it_is_said_what_is_missing(self, tmp_path):
        engine = open_storage(f"sqlite:///{tmp_path}/bare.db")
        report = done(engine, drive(), fixes())
        assert "roads import" in report.warnings[0]
        assert len(kept(engine)) == len(HOLES)
        assert {one.severity for one in kept(engine)} == {None}
        engine.dispose()


class TestADriveWithFaults:
    def test_no_position_at_all(self, engine):
        report = done(engine, drive(), [])
        assert_nothing_lost(report)
        assert report.unplaced_by_reason == {"no_position": report.detections}
        assert kept(engine) == ()

    def test_no_position_for_a_while(self, engine):
        rows = [row for row in fixes() if not 3 <= (row.at - MORNING).total_seconds() <= 13]
        report = done(engine, drive(), rows)
        assert_nothing_lost(report)
        assert set(report.unplaced_by_reason) == {"no_position"}
        assert 0 < len(report.unplaced) < report.detections
        assert {one.frame for one in report.unplaced} <= {one.frame.path for one in drive()}

    def test_a_receiver_that_writes_zeros_before_its_first_fix(self, engine):
        rows = [replace(row, lat=0.0, lon=0.0) if row.at < MORNING + timedelta(seconds=2) else row for row in fixes()]
        report = done(engine, drive(), rows)
        assert any("without a position" in finding for finding in report.findings)
        assert len(kept(engine)) == len(HOLES)

    def test_frames_without_a_time(self, engine):
        frames = [replace(one, frame=replace(one.frame, captured_at=None)) for one in drive()]
        report = done(engine, frames, fixes())
        assert_nothing_lost(report)
        assert report.unplaced_by_reason == {NotPlaced.NO_TIME: report.detections}

    def test_jumps_of_5_km(self, engine):
        away = 5_000.0
        rows = [
            row if number % 7 else replace(row, lat=row.lat + away / 111_000)
            for number, row in enumerate(fixes(), start=1)
        ]
        report = done(engine, drive(), rows)
        assert_nothing_lost(report)
        assert any("no vehicle can have reached" in finding for finding in report.findings)
        assert len(report.unplaced) == 0
        assert sorted(metres(one)[0] for one in kept(engine)) == pytest.approx([east for east, _ in HOLES], abs=0.5)

    def test_time_that_goes_backwards(self, engine):
        rows = fixes()
        rows[20:30] = rows[29:19:-1]
        report = done(engine, drive()[::-1], rows)
        assert_nothing_lost(report)
        assert any("earlier than one before" in finding for finding in report.findings)
        assert len(kept(engine)) == len(HOLES)

    def test_duplicated_frames_and_fixes(self, engine):
        frames = drive()
        copies = [replace(one, frame=replace(one.frame, path=f"copy/{one.frame.path}")) for one in frames[:100]]
        report = done(engine, [*frames, *copies], [row for row in fixes() for _ in (1, 2)])
        assert_nothing_lost(report)
        assert report.duplicates == 100
        assert any("the same time and place again" in finding for finding in report.findings)
        assert [one.sightings for one in kept(engine)] == [5] * len(HOLES)

    def test_latitude_and_longitude_exchanged(self, engine):
        report = done(engine, drive(), [replace(row, lat=row.lon, lon=row.lat) for row in fixes()])
        assert_nothing_lost(report)
        assert any("exchange the columns" in finding for finding in report.findings)
        assert report.unplaced_by_reason == {"no_position": report.detections}

    def test_gcj02_called_wgs84_is_told_and_nothing_kept_in_the_wrong_place(self, engine):
        shifted = [Fix(row.at, *wgs84_to_gcj02(row.lat, row.lon), row.heading_deg, 10.0, 0.5) for row in fixes()]
        with pytest.raises(DataError, match=r"look like GCJ-02.*Nothing was kept"):
            done(engine, drive(), shifted)
        assert kept(engine) == ()
        report = done(engine, drive(), shifted, settings=replace(SETTINGS, keep_anyway=True))
        assert "look like GCJ-02" in report.warnings[0]
        assert len(kept(engine)) == len(HOLES)

    def test_a_network_whose_lines_cross_themselves(self, engine, tmp_path):
        """A slip road drawn as a loop over the street: it is told, and the drive stays on the street."""
        loop = HANGZHOU.to_degrees([(100, 40), (100, -40), (140, -40), (140, 10), (60, 10), (60, 40)])
        lines = [[[lon, lat] for lat, lon in one.line] for one in street(name="again")]
        lines.append([[lon, lat] for lat, lon in loop.tolist()])
        features = [
            {
                "type": "Feature",
                "properties": {"id": f"r{at}", "grade": "II"},
                "geometry": {"type": "LineString", "coordinates": line},
            }
            for at, line in enumerate(lines)
        ]
        place = tmp_path / "roads.geojson"
        place.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        read = read_network(place)
        assert any("cross themselves" in str(finding) for finding in read.findings)
        with writing(engine) as unit:
            unit.segments.add(read.network.segments, "crossing", MORNING)
        report = done(engine, drive(), fixes())
        assert_nothing_lost(report)
        assert sorted(one.road.segment for one in kept(engine)) == ["r0", "r0", "r1", "r1"]


def test_a_camera_on_a_pole_needs_no_fixes(engine):
    ground = [(0.0, -4.0), (20.0, -4.0), (20.0, 4.0), (0.0, 4.0)]
    pixels = [(300, 1000), (700, 500), (1200, 500), (1600, 1000)]
    degrees = HANGZHOU.to_degrees([(north, east) for east, north in ground])
    pole = PoleCamera(
        "crossing",
        1920,
        1080,
        tuple(PolePoint(u, v, lat, lon) for (u, v), (lat, lon) in zip(pixels, degrees.tolist(), strict=True)),
        heading_deg=0.0,
    )
    frames = []
    for one in drive()[:3]:
        boxes = np.array([[800, 700, 900, 760]], np.float32)
        seen = replace(
            one.detections, boxes_xyxy=boxes, types=(DistressType.POTHOLE,), scores=np.full(1, 0.7, np.float32)
        )
        frames.append(replace(one, detections=seen, width_px=1920, height_px=1080))
    report = done(engine, frames, [], camera=pole)
    assert_nothing_lost(report)
    assert report.sightings == 3
    (defect,) = kept(engine)
    assert defect.sightings == 3
    assert report.passes == ("car 7 2026-03-02T01:00:00.000Z",)
