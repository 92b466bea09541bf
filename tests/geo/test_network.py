"""Road networks: linear references, and the files that cities and OpenStreetMap deliver, sound and not."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.detections import Position
from roadwarden.errors import DataError
from roadwarden.geo.cgcs2000 import GaussKrueger, Zone
from roadwarden.geo.coordinates import CoordinateSystem, wgs84_to_gcj02
from roadwarden.geo.network import RoadNetwork
from roadwarden.geo.network_checks import NetworkFault
from roadwarden.geo.places import RoadClass, RoadGrade, RoadPlace, Segment, Side
from roadwarden.geo.plane import LocalPlane
from roadwarden.geo.read_network import read_network
from roadwarden.service.city.streets import streets

PLANE = LocalPlane(30.2741, 120.1551)


def line(*metres):
    return tuple((float(lat), float(lon)) for lat, lon in PLANE.to_degrees(metres))


def at(east, north):
    return PLANE.position_of(east, north)


STREET = Segment("street", "Wensan Road", RoadGrade.I, line((0, 0), (100, 0), (100, 200)), 14.0)
LANE = Segment("lane", "", RoadGrade.III, line((0, 60), (-300, 60)), 7.0)
NETWORK = RoadNetwork.of([STREET, LANE])


# Linear references


def test_a_place_by_hand():
    place = NETWORK.place(at(103, 50), "street")  # round the corner, east of a line that runs north
    assert (place.segment, place.side) == ("street", Side.RIGHT)
    assert (place.chainage_m, place.offset_m) == (pytest.approx(150, abs=1e-3), pytest.approx(3, abs=1e-3))
    assert NETWORK.place(at(97, 50), "street").side is Side.LEFT
    assert NETWORK.length_m("street") == pytest.approx(300, abs=1e-3)


def test_before_the_line_begins_the_chainage_is_zero():
    place = NETWORK.place(at(-4, 3), "street")
    assert (place.chainage_m, place.offset_m, place.side) == (0.0, pytest.approx(5, abs=1e-3), Side.LEFT)


@given(st.floats(0, 300), st.floats(-8, 8).filter(lambda offset: abs(offset) > 1e-6))
def test_a_linear_reference_there_and_back(chainage, offset):
    if 88 < chainage < 112:  # the inner side of the corner belongs to both of its arms
        return
    place = RoadPlace("street", chainage, abs(offset), Side.LEFT if offset > 0 else Side.RIGHT)
    back = NETWORK.place(NETWORK.position(place), "street")
    assert back.side is place.side
    assert (back.chainage_m, back.offset_m) == (pytest.approx(chainage, abs=1e-4), pytest.approx(abs(offset), abs=1e-4))


def test_a_position_of_a_reference_looks_the_way_the_line_runs():
    assert NETWORK.position(RoadPlace("street", 50, 0, Side.RIGHT)).heading_deg == pytest.approx(90, abs=1e-3)
    north = NETWORK.position(RoadPlace("street", 200, 0, Side.RIGHT)).heading_deg
    assert (north + 180) % 360 == pytest.approx(180, abs=1e-3)


def test_near_gives_the_nearest_first_and_nothing_beyond():
    assert [place.segment for place in NETWORK.near(at(-1, 40))] == ["lane", "street"]
    assert [place.segment for place in NETWORK.near(at(-1, 40), within_m=25)] == ["lane"]
    assert NETWORK.near(at(5_000, 0)) == ()


def test_the_index_finds_what_looking_at_every_road_finds():
    dice = np.random.default_rng(4)
    ends = dice.uniform(-500, 500, (60, 2, 2))
    roads = RoadNetwork.of(Segment(str(i), "", RoadGrade.II, line(*pair), 7.0) for i, pair in enumerate(ends))
    for place in PLANE.to_degrees(dice.uniform(-500, 500, (10, 2))):
        metres = np.repeat(roads.plane.to_metres([place]), len(roads), axis=0)
        everything = roads.places(metres, np.arange(len(roads)))
        near = sorted((p for p in everything if p.offset_m <= 50), key=lambda p: (p.offset_m, p.segment))
        assert [p.segment for p in roads.near(Position(*place), 50)] == [p.segment for p in near]


def test_an_unknown_segment_and_an_empty_network_say_what_to_do():
    with pytest.raises(DataError, match="import the roads again"):
        NETWORK.place(at(0, 0), "street2")
    with pytest.raises(DataError, match="roadwarden roads import"):
        RoadNetwork.of([])
    with pytest.raises(DataError, match="share an id"):
        RoadNetwork.of([STREET, STREET])


# GeoJSON


def feature(metres, kind="LineString", **properties):
    lonlat = [[lon, lat] for lat, lon in line(*metres)]
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": lonlat}, "properties": properties}


def geojson(tmp_path, *features, **members):
    file = tmp_path / "roads.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": list(features), **members}), encoding="utf-8")
    return file


def faults(read):
    return {finding.fault: finding.roads for finding in read.findings}


GOOD = feature([(0, 0), (100, 0)], id="a", name="文三路", grade="Ⅰ", width_m=21, road_class="arterial", oneway="yes")


def test_a_citys_network_is_read(tmp_path):
    read = read_network(geojson(tmp_path, GOOD, feature([(0, 50), (80, 50)], id=7, highway="secondary")))
    assert read.findings == ()
    first, second = read.network.segments
    assert (first.id, first.name, first.grade, first.width_m) == ("a", "文三路", RoadGrade.I, 21)
    assert (first.road_class, first.one_way) == (RoadClass.ARTERIAL, True)
    assert first.line == pytest.approx(np.array(line((0, 0), (100, 0))))
    assert (second.id, second.grade, second.road_class, second.width_m) == (
        "7", RoadGrade.II, RoadClass.COLLECTOR, 14.0,
    )  # fmt: skip


def test_who_owns_a_road_and_where_it_lies_are_read(tmp_path):
    ours = feature([(0, 0), (100, 0)], id="a", grade="I", owner=" street ", area="西湖")
    others = feature([(0, 50), (80, 50)], id="b", grade="II", owner="", area=None)
    first, second = read_network(geojson(tmp_path, ours, others)).network.segments
    assert (first.owner, first.area) == ("street", "西湖")
    assert (second.owner, second.area) == (None, None)


def test_a_one_way_street_drawn_against_the_traffic_is_turned(tmp_path):
    backwards = feature([(0, 0), (100, 0)], id="b", grade="II", oneway="-1")
    (segment,) = read_network(geojson(tmp_path, backwards)).network.segments
    assert segment.line == pytest.approx(np.array(line((100, 0), (0, 0))))
    assert segment.one_way


def test_bad_roads_are_named_with_what_to_do_and_the_good_ones_stay(tmp_path):
    eight = feature([(0, 0), (100, 100), (100, 0), (0, 100)], id="eight", grade="I")
    circle = feature([(0, 0), (10, 0), (10, 10), (0, 0)], id="circle", grade="I")
    point = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [120, 30]}, "properties": {"id": "pump"}}
    read = read_network(
        geojson(
            tmp_path,
            GOOD,
            GOOD,
            feature([(0, 9), (90, 9)], id="a", grade="II"),
            eight,
            circle,
            feature([(5, 5), (5, 5)], id="dot", grade="I"),
            point,
            feature([(0, 20), (90, 20)], grade="III"),
            feature([(0, 30), (90, 30)], id="plain"),
            feature([(0, 40), (90, 40)], id="odd", grade="IV", width_m="wide"),
            {"type": "Feature", "geometry": None, "properties": None},
        )
    )
    assert faults(read) == {
        NetworkFault.SELF_CROSSING: ("eight",),
        NetworkFault.ZERO_LENGTH: ("dot",),
        NetworkFault.DUPLICATE: ("a",),
        NetworkFault.DUPLICATE_ID: ("a",),
        NetworkFault.NOT_A_LINE: ("pump", "feature 11"),
        NetworkFault.NO_ID: ("feature 8",),
        NetworkFault.NO_GRADE: ("plain", "odd"),
        NetworkFault.WRONG_GRADE: ("odd",),
        NetworkFault.WRONG_WIDTH: ("odd",),
    }
    assert [s.id for s in read.network.segments] == ["a", "a#2", "eight", "circle", "feature 8", "plain", "odd"]
    assert "split them at the crossing" in str(read.findings[0])


def test_a_street_of_several_lines_keeps_them_all(tmp_path):
    parts = [[[lon, lat] for lat, lon in line(*pair)] for pair in [((0, 0), (50, 0)), ((60, 0), (90, 0))]]
    many = {
        "type": "Feature",
        "geometry": {"type": "MultiLineString", "coordinates": parts},
        "properties": {"id": "m", "grade": "II"},
    }
    assert [s.id for s in read_network(geojson(tmp_path, many)).network.segments] == ["m.1", "m.2"]


def test_coordinates_the_wrong_way_round_are_refused(tmp_path):
    swapped = {
        **GOOD,
        "geometry": {"type": "LineString", "coordinates": [list(place) for place in line((0, 0), (9, 0))]},
    }
    with pytest.raises(DataError, match="longitude comes first"):
        read_network(geojson(tmp_path, swapped))


def test_metres_are_refused_without_their_zone_and_read_with_it(tmp_path):
    zone = Zone.of_meridian(120)
    east, north = GaussKrueger(zone).from_wgs84(*np.array(line((0, 0), (100, 0))).T)
    plan = {**GOOD, "geometry": {"type": "LineString", "coordinates": np.stack([east, north], 1).tolist()}}
    file = geojson(tmp_path, plan)
    with pytest.raises(DataError, match="name the plane zone"):
        read_network(file)
    (segment,) = read_network(file, zone).network.segments
    assert segment.line == pytest.approx(np.array(line((0, 0), (100, 0))), abs=1e-9)
    with pytest.raises(DataError, match=r"roads\.geojson.*begins with zone|no zone number"):
        read_network(file, Zone.of_meridian(120, prefixed=True))


def test_a_file_that_names_another_system_is_refused(tmp_path):
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
    with pytest.raises(DataError, match="EPSG::3857"):
        read_network(geojson(tmp_path, GOOD, crs=crs))
    fine = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert len(read_network(geojson(tmp_path, GOOD, crs=fine)).network) == 1


def test_a_network_in_gcj02_is_read_as_such(tmp_path):
    shifted = [list(wgs84_to_gcj02(*place))[::-1] for place in line((0, 0), (100, 0))]
    network = geojson(tmp_path, {**GOOD, "geometry": {"type": "LineString", "coordinates": shifted}})
    (segment,) = read_network(network, CoordinateSystem.GCJ02).network.segments
    assert segment.line == pytest.approx(np.array(line((0, 0), (100, 0))), abs=1e-8)


@pytest.mark.parametrize(
    ("name", "content", "advice"),
    [
        ("roads.geojson", "{", "cannot be read as GeoJSON"),
        ("roads.geojson", "[]", "FeatureCollection"),
        ("roads.geojson", '{"type": "FeatureCollection", "features": []}', "no usable road"),
        ("roads.shp", "", r"\.geojson or \.osm"),
        ("roads.osm.pbf", "", "osmium cat"),
        ("roads.osm", "<osm>", "not an extract"),
        ("roads.osm", "<osm/>", "no usable road"),
        ("roads.osm", '<!DOCTYPE osm [<!ENTITY a "b">]><osm/>', "no document type"),
    ],
)
def test_files_of_no_use_say_why(tmp_path, name, content, advice):
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=advice):
        read_network(file)


# OpenStreetMap


def osm(tmp_path, nodes, ways):
    places = {name: line(metres)[0] for name, metres in nodes.items()}
    text = ["<?xml version='1.0' encoding='UTF-8'?>", '<osm version="0.6">']
    text += [f'<node id="{name}" lat="{lat}" lon="{lon}"/>' for name, (lat, lon) in places.items()]
    for name, refs, tags in ways:
        inside = [f'<nd ref="{ref}"/>' for ref in refs.split()] + [f'<tag k="{k}" v="{v}"/>' for k, v in tags.items()]
        text += [f'<way id="{name}">', *inside, "</way>"]
    file = tmp_path / "roads.osm"
    file.write_text("\n".join([*text, "</osm>"]), encoding="utf-8")
    return file


CROSSING = {"1": (-100, 0), "2": (0, 0), "3": (100, 0), "4": (0, -80), "5": (0, 80), "6": (50, 0)}


def test_streets_of_openstreetmap_are_split_where_they_meet(tmp_path):
    read = read_network(
        osm(
            tmp_path,
            CROSSING,
            [
                ("10", "1 2 6 3", {"highway": "primary", "name": "天目山路", "lanes": "4"}),
                ("11", "4 2 5", {"highway": "residential", "oneway": "-1"}),
                ("12", "1 4", {"highway": "footway"}),
                ("13", "1 5", {"highway": "skyway"}),
                ("14", "3 5", {"building": "yes"}),
            ],
        )
    )
    roads = {segment.id: segment for segment in read.network.segments}
    assert list(roads) == ["w10.1", "w10.2", "w11.1", "w11.2"]
    assert [read.network.length_m(name) for name in roads] == pytest.approx([100, 100, 80, 80], abs=1e-3)
    assert (roads["w10.1"].grade, roads["w10.1"].name, roads["w10.1"].width_m) == (RoadGrade.I, "天目山路", 14.0)
    assert (roads["w11.1"].grade, roads["w11.1"].width_m, roads["w11.1"].one_way) == (RoadGrade.III, 3.5, True)
    assert roads["w11.1"].line[0] == pytest.approx(line((0, 80))[0])  # against the drawing: from north to south
    assert faults(read) == {NetworkFault.UNKNOWN_TAG: ("w13 skyway",), NetworkFault.NOT_A_STREET: ("w12 footway",)}


def test_a_street_cut_by_the_edge_of_the_extract_is_drawn_as_far_as_it_goes(tmp_path):
    read = read_network(
        osm(
            tmp_path,
            CROSSING,
            [("10", "1 2 99", {"highway": "tertiary", "width": "7 m"}), ("11", "98 97", {"highway": "tertiary"})],
        )
    )
    assert [segment.id for segment in read.network.segments] == ["w10"]
    assert faults(read) == {NetworkFault.MISSING_NODES: ("w10", "w11"), NetworkFault.NOT_A_LINE: ("w11",)}


def test_a_street_that_comes_back_to_itself_is_split_there(tmp_path):
    read = read_network(osm(tmp_path, CROSSING, [("10", "1 2 3 5 2", {"highway": "tertiary"})]))
    assert [math.floor(read.network.length_m(s.id)) for s in read.network.segments] == [100, 308]


def test_openstreetmap_is_never_gcj02(tmp_path):
    with pytest.raises(DataError, match="leave the system out"):
        read_network(osm(tmp_path, CROSSING, []), CoordinateSystem.GCJ02)


def test_a_position_in_the_middle_of_nowhere_is_near_nothing():
    assert NETWORK.near(Position(-30, -60)) == ()


def test_many_places_at_once_are_where_each_of_them_is():
    network = RoadNetwork.of(streets(40))
    chance = np.random.default_rng(5)
    places = [
        RoadPlace(one.id, float(chance.uniform(0, 340)), float(chance.uniform(0, 5)), side)
        for one in network.segments
        for side in Side
    ]
    each = [network.position(place) for place in places]
    together = network.positions(places)
    for name, within in (("lat", 1e-10), ("lon", 1e-10), ("heading_deg", 1e-6)):
        values = [[getattr(one, name) for one in ones] for ones in (together, each)]
        assert values[0] == pytest.approx(values[1], abs=within)
    assert network.headings_deg(places) == pytest.approx([one.heading_deg for one in each])
    assert network.positions([]) == ()
    assert len(network.headings_deg([])) == 0
