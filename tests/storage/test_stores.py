"""What is kept comes back, and comes back only once: the same stories on SQLite and on PostgreSQL."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from kept_roads import HANGZHOU, NOON, fold, ids, look, sha, survey
from sqlalchemy import text

from roadwarden.defects.inspected import Inspected, Quality
from roadwarden.defects.presence import Presence
from roadwarden.defects.rulings import Answer, Compared, Ruling
from roadwarden.detections import PlaneCovariance, Position
from roadwarden.errors import DataError
from roadwarden.geo.places import RoadClass, RoadGrade, RoadPlace, Segment, Side
from roadwarden.geo.plane import LocalPlane
from roadwarden.geo.tiles import MapBox
from roadwarden.storage import engine as engines
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import reading, writing
from roadwarden.taxonomy import DistressType, Severity

SHANGHAI = timezone(timedelta(hours=8))
ROADS = (
    Segment(
        "s1", "文三路", RoadGrade.I, ((30.25, 120.16), (30.2537, 120.1601), (30.26, 120.17)), 24.5, RoadClass.ARTERIAL
    ),
    Segment("s2", "", RoadGrade.III, ((30.26, 120.17), (30.27, 120.17)), 7.0, one_way=True),
)


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    yield engine
    engine.dispose()


def kept(engine, sightings):
    with writing(engine) as unit:
        return unit.sightings.add(sightings)


def settled(engine, *groups):
    with writing(engine) as unit:
        unit.sightings.add([one for group in groups for one in group])
        return unit.settle([fold(group) for group in groups])


def distances(places, middle):
    plane = LocalPlane(middle.lat, middle.lon)
    return np.hypot(*plane.to_metres([(place.lat, place.lon) for place in places]).T)


class TestSightings:
    def test_the_same_survey_read_twice_adds_nothing(self, engine):
        looks = survey(holes=20)
        assert kept(engine, looks) == tuple(looks)
        assert kept(engine, looks[::-1]) == ()
        assert kept(engine, [*looks, look("new"), look("new")]) == (look("new"),)
        with reading(engine) as unit:
            assert unit.sightings.get([*(one.id for one in looks), sha("never seen", 32)]) == tuple(
                sorted(looks, key=lambda one: one.id)
            )

    def test_every_field_comes_back_and_its_time_in_utc(self, engine):
        odd = replace(
            look("odd", type=DistressType.CONCRETE_CORNER_BREAK, score=1.0),
            seen_at=datetime(2026, 3, 2, 20, 0, 0, 123456, tzinfo=SHANGHAI),
            position=Position(-33.123456789012345, -179.99999999999997),
            covariance=PlaneCovariance(1 / 3, 2.0, -0.1),
            pass_id="车 7; DROP TABLE sightings",
        )
        kept(engine, [odd])
        with reading(engine) as unit:
            (back,) = unit.sightings.get([odd.id])
        assert back == odd
        assert back.seen_at.tzinfo is UTC
        assert back.seen_at.hour == 12

    def test_neighbours_are_those_within_the_radius_and_no_others(self, engine):
        looks = survey(holes=150, looks=2, spread_m=60.0)
        batch = [look(f"asker {turn}", 15.0 * turn, -10.0 * turn).position for turn in range(4)]
        kept(engine, looks)
        with reading(engine) as unit:
            found = {radius: unit.sightings.near(batch, radius) for radius in (0.0, 2.5, 10.0, 45.0)}
        nearest = np.min([distances([one.position for one in looks], asker) for asker in batch], axis=0)
        for radius, near in found.items():
            assert ids(near) == ids(one for one, metres in zip(looks, nearest, strict=True) if metres <= radius)
        assert 0 < len(found[2.5]) < len(found[10.0]) < len(found[45.0]) < len(looks)

    def test_neighbours_across_the_date_line_and_across_a_degree(self, engine):
        for place in (Position(52.0, 179.99999), Position(30.0, 120.16)):
            plane = LocalPlane(place.lat, place.lon)
            beside = [
                look(f"{place} {east} {north}", east, north, plane=plane) for east in (-3, 3) for north in (-3, 3)
            ]
            kept(engine, beside)
            with reading(engine) as unit:
                assert ids(unit.sightings.near([place], 5.0)) == ids(beside)

    def test_nobody_asks_for_the_neighbours_of_nothing(self, engine):
        kept(engine, survey(holes=3))
        with reading(engine) as unit:
            assert unit.sightings.near([], 10.0) == ()

    def test_more_than_one_statement_holds(self, engine):
        looks = survey(holes=8500, looks=1, spread_m=3000.0)
        assert len(kept(engine, looks)) == 8500
        with reading(engine) as unit:
            assert len(unit.sightings.near([one.position for one in looks], 1.0)) == 8500
            assert len(unit.sightings.known(one.id for one in looks)) == 8500

    def test_what_is_no_sighting_is_refused_and_nothing_of_its_batch_kept(self, engine):
        with pytest.raises(DataError, match="ck_sightings_frame"), writing(engine) as unit:
            unit.sightings.add([look("good"), replace(look("bad"), frame="abcd")])
        with reading(engine) as unit:
            assert unit.sightings.get([look("good").id]) == ()


class TestDefects:
    def test_a_defect_comes_back_as_it_was_folded(self, engine):
        hole = [look(f"hole {turn}", seconds=turn, drive=f"day {turn % 2}") for turn in range(3)]
        settled(engine, hole)
        with reading(engine) as unit:
            (back,) = unit.defects.get([hole[0].id])
            made_of = unit.sightings.of_defects([hole[0].id])
        wanted = fold(hole)
        for name in ("id", "vote", "covariance", "length_m", "size_sigma_m", "first_seen_at", "last_seen_at"):
            assert getattr(back, name) == getattr(wanted, name), name
        assert back.position == replace(wanted.position, speed_mps=None)
        assert (back.passes, back.sightings, back.severity, back.road) == (2, 3, None, None)
        assert made_of == {hole[0].id: tuple(sorted(hole, key=lambda one: one.id))}

    def test_two_become_one_and_the_lost_id_leads_to_it(self, engine):
        first, second = [look("a", 0.0), look("b", 0.2, seconds=1)], [look("c", 2.0, seconds=2)]
        settled(engine, first, second)
        assert settled(engine, first + second) == {second[0].id: first[0].id}
        with reading(engine) as unit:
            assert ids(unit.defects.near([first[0].position], 10.0)) == [first[0].id]
            assert unit.defects.now([second[0].id, sha("never", 32)]) == {second[0].id: first[0].id}

    def test_a_late_look_that_is_older_gives_the_defect_its_id(self, engine):
        hole, older = [look("a", seconds=10)], look("z", seconds=0)
        settled(engine, hole)
        assert settled(engine, [older, *hole]) == {hole[0].id: older.id}

    def test_one_becomes_two_again(self, engine):
        a, b = look("a"), look("b", 2.0, seconds=1)
        settled(engine, [a, b])
        assert settled(engine, [a], [b]) == {}
        with reading(engine) as unit:
            assert unit.sightings.defects_of([a.id, b.id]) == {a.id: a.id, b.id: b.id}

    def test_settling_too_small_a_neighbourhood_is_refused_and_changes_nothing(self, engine):
        a, b, c = look("a"), look("b", 1.0, seconds=1), look("c", 2.0, seconds=2)
        settled(engine, [a], [b, c])
        with pytest.raises(DataError, match="merge a wider neighbourhood"):
            settled(engine, [a, b])
        with reading(engine) as unit:
            assert unit.sightings.defects_of([b.id]) == {b.id: b.id}

    def test_a_sighting_that_is_not_kept_makes_no_defect(self, engine):
        with pytest.raises(DataError, match="add them first"), writing(engine) as unit:
            unit.settle([fold([look("a")])])

    def test_a_box_of_the_map_shows_what_lies_in_it(self, engine):
        holes = survey(holes=300, looks=1)
        settled(engine, *([hole] for hole in holes))
        (south, west), (north, east) = HANGZHOU.to_degrees([(-100, -50), (120, 80)])
        box = MapBox(south, west, north, east)
        inside = [hole for hole in holes if south <= hole.position.lat <= north and west <= hole.position.lon <= east]
        with reading(engine) as unit:
            assert ids(unit.defects.in_box(box)) == ids(inside)
            assert ids(unit.defects.in_box(box, most=3)) == ids(inside)[:3]
            assert len(unit.defects.in_box(MapBox(-60, -180, 60, 180))) == 300
        assert 10 < len(inside) < 100

    def test_along_a_road_they_come_by_chainage_and_keep_their_place_when_folded_again(self, engine):
        holes = [look(name, 10.0 * turn) for turn, name in enumerate("abcd")]
        settled(engine, *([hole] for hole in holes))
        with writing(engine) as unit:
            roads = unit.segments.add(ROADS, "city.geojson", NOON).number
            places = {
                hole.id: RoadPlace("s1", metres, 1.5, Side.LEFT)
                for hole, metres in zip(holes, (300.0, 20.0, 100.0, 0.0), strict=True)
            }
            unit.defects.settle_on_road(places, {holes[1].id: Severity.SEVERE}, roads)
            unit.defects.watch({holes[1].id: Presence.NOT_SEEN})
        settled(engine, [holes[1], look("again", 10.1, seconds=5)])
        with reading(engine) as unit:
            found = unit.defects.along(roads, "s1", 20.0, 300.0)
            assert [defect.id for defect in found] == [holes[1].id, holes[2].id, holes[0].id]
            assert (found[0].sightings, found[0].severity) == (2, Severity.SEVERE)
            assert [defect.presence for defect in found] == [Presence.NOT_SEEN, Presence.SEEN, Presence.SEEN]
            assert (found[0].network, found[0].road) == (roads, RoadPlace("s1", 20.0, 1.5, Side.LEFT))
            assert unit.defects.along(roads, "s2") == ()
        with writing(engine) as unit:
            unit.defects.settle_on_road({holes[1].id: None}, {holes[1].id: Severity.SEVERE}, roads)
            assert unit.defects.get([holes[1].id])[0].road is None

    def test_a_place_on_a_road_that_is_not_kept_is_refused(self, engine):
        settled(engine, [look("a")])
        with pytest.raises(DataError, match=r"(?i)foreign key"), writing(engine) as unit:
            unit.defects.settle_on_road({look("a").id: RoadPlace("nowhere", 1.0, 0.0, Side.RIGHT)}, {}, 1)


class TestRoads:
    def test_a_network_read_twice_is_one_version_whatever_the_order(self, engine):
        with writing(engine) as unit:
            first = unit.segments.add(ROADS, "city.geojson", NOON)
            again = unit.segments.add(ROADS[::-1], "copy.geojson", NOON + timedelta(days=1))
            wider = unit.segments.add([replace(ROADS[0], width_m=30.0), ROADS[1]], "city.geojson", NOON)
        assert again == first
        assert wider.number != first.number
        with reading(engine) as unit:
            assert unit.segments.networks() == (first, wider)
            assert unit.segments.of_network(first.number) == ROADS
            assert unit.segments.get(wider.number, ["s1", "s9"]) == (replace(ROADS[0], width_m=30.0),)
            assert unit.segments.of_network(77) == ()

    def test_owners_and_areas_of_roads_come_back_and_roads_without_have_the_digest_they_always_had(self, engine):
        keys = ("grade", "id", "line", "name", "one_way", "road_class", "width_m")
        points = '{"type": "LineString", "coordinates": [[120.17, 30.26], [120.17, 30.27]]}'
        row = dict(zip(keys, ("III", "s2", points, "", True, None, 7.0), strict=True))
        with writing(engine) as unit:
            bare = unit.segments.add(ROADS[1:], "bare", NOON)
            owned = replace(ROADS[1], owner="street", area="西湖")
            told = unit.segments.add([owned], "told", NOON)
        assert bare.sha256 == hashlib.sha256(json.dumps([row], ensure_ascii=False).encode()).hexdigest()
        assert told.sha256 != bare.sha256
        with reading(engine) as unit:
            assert unit.segments.of_network(told.number) == (owned,)
            assert unit.segments.of_network(bare.number) == ROADS[1:]

    def test_stretches_come_back_by_segment_and_time_and_only_once(self, engine):
        looks = [
            Inspected("s1", 0.0, 120.5, NOON, Quality.USABLE),
            Inspected("s1", 0.0, 120.5, NOON, Quality.USABLE, lane=0),
            Inspected("s1", 50.0, 200.0, NOON + timedelta(days=2), Quality.UNUSABLE),
            Inspected("s2", 0.0, 10.0, NOON + timedelta(days=1), Quality.USABLE),
        ]
        with writing(engine) as unit:
            roads = unit.segments.add(ROADS, "city.geojson", NOON).number
            unit.stretches.add(roads, looks)
            unit.stretches.add(roads, looks[::-1])
        week = (NOON - timedelta(days=7), NOON + timedelta(days=7))
        with reading(engine) as unit:
            found = unit.stretches.of_segments(roads, ["s1", "s2"], *week)
            assert sorted(found, key=repr) == sorted(looks, key=repr)
            assert [one.seen_at for one in found] == sorted(one.seen_at for one in looks)
            assert unit.stretches.of_segments(roads, ["s1"], NOON + timedelta(days=2), week[1]) == (looks[2],)
            assert unit.stretches.of_segments(roads, ["s1"], *week) != found
            assert unit.stretches.of_segments(roads, [], *week) == ()


class TestRulings:
    def ruling(self, name="r1", days=0, by="duty engineer"):
        groups = ((look("b").id, look("a").id), (look("c").id,))
        return Ruling(name, NOON + timedelta(days=days), groups, by)

    def test_a_ruling_comes_back_whole_to_whoever_asks_for_one_of_its_sightings(self, engine):
        kept(engine, [look(name) for name in "abcd"])
        with writing(engine) as unit:
            assert unit.rulings.add(self.ruling())
            assert not unit.rulings.add(self.ruling())
            unit.rulings.add(Ruling("r2", NOON, ((look("c").id, look("d").id),), "clerk"))
        with reading(engine) as unit:
            assert unit.rulings.about([look("a").id]) == (self.ruling(),)
            assert [one.id for one in unit.rulings.about([look("c").id])] == ["r1", "r2"]
            assert [one.id for one in unit.rulings.all()] == ["r1", "r2"]
            assert unit.rulings.about([look("e").id]) == ()

    def test_a_ruling_is_never_changed(self, engine):
        kept(engine, [look(name) for name in "abc"])
        with writing(engine) as unit:
            unit.rulings.add(self.ruling())
        with pytest.raises(DataError, match="a new ruling needs a new id"), writing(engine) as unit:
            unit.rulings.add(self.ruling(by="somebody else"))
        for statement in (
            "UPDATE rulings SET decided_by = 'nobody'",
            "DELETE FROM ruled_sightings",
            "DELETE FROM rulings",
        ):
            with pytest.raises(DataError, match="only added to"), engines.writing(engine) as connection:
                connection.execute(text(statement))

    def test_what_pictures_said_is_asked_once(self, engine):
        kept(engine, [look(name) for name in "abc"])
        one, other, third = sorted(look(name).id for name in "abc")
        same = Compared(one, other, Answer.SAME)
        with writing(engine) as unit:
            unit.rulings.add_answers([same])
            unit.rulings.add_answers(
                [Compared(other, one, Answer.DIFFERENT), Compared(other, third, Answer.CANNOT_TELL)]
            )
        with reading(engine) as unit:
            assert unit.rulings.answers([one]) == (same,)
            assert len(unit.rulings.answers([other])) == 2
