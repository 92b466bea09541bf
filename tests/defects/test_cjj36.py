"""The condition of a section after CJJ 36-2016, against vectors computed from its table by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.defects.cjj36 import (
    ConditionGrade,
    condition,
    counted_area_m2,
    grade,
    pavement_quality,
    ride_grade,
    riding_quality,
    weight,
)
from roadwarden.defects.cjj36_table import Cjj36Table, shipped_cjj36_table
from roadwarden.defects.size import Size
from roadwarden.errors import DataError
from roadwarden.geo.places import RoadClass
from roadwarden.taxonomy import DistressType, Pavement, Standard, listed

SOME = settings(max_examples=60, deadline=None)
TABLE = shipped_cjj36_table()
ALLIGATOR, LINEAR, POTHOLE = DistressType.ALLIGATOR_CRACK, DistressType.LINEAR_CRACK, DistressType.POTHOLE
SETTLEMENT = DistressType.SETTLEMENT
ASPHALT_TYPES = [entry.types[0] for entry in listed(Standard.CJJ36) if entry.pavement is Pavement.ASPHALT]
CONCRETE_CURVES = [curve.type for curve in TABLE.deducts if curve.type.startswith("concrete_")]


def asphalt(**percent: float) -> float:
    areas = {DistressType(name): share for name, share in percent.items()}
    return condition(areas, 100.0, Pavement.ASPHALT).pci


@pytest.mark.parametrize(
    ("percent", "pci", "classes"),
    [
        ({"pothole": 0.1}, 85.000, [0, 0, 15, 0]),
        ({"pothole": 0.1, "linear_crack": 1}, 82.942, [8, 0, 15, 0]),
        (
            {"pothole": 0.05, "alligator_crack": 2, "linear_crack": 0.5, "settlement": 0.3},
            76.008,
            [17.021, 6.556, 12.222, 0],
        ),
        ({"pothole": 100}, 28.000, [0, 0, 72, 0]),
        ({}, 100.000, [0, 0, 0, 0]),
    ],
    ids=["one pothole row", "two classes", "three classes, two types in one", "nothing but a hole", "sound"],
)
def test_the_index_of_a_section_to_three_decimals(percent, pci, classes):
    areas = {DistressType(name): share for name, share in percent.items()}
    result = condition(areas, 100.0, Pavement.ASPHALT)
    assert round(result.pci, 3) == pci
    assert [round(one.points, 3) for one in result.classes] == classes
    assert [one.name for one in result.classes] == ["裂缝类", "变形类", "松散类", "其他类"]


def test_a_density_below_the_tables_first_is_interpolated_from_nothing():
    assert asphalt(pothole=0.005) == pytest.approx(95.0)  # half of the 10 points at 0.01 %


def test_a_density_between_two_knots_keeps_the_base_of_its_interval():
    assert asphalt(pothole=0.055) == pytest.approx(100 - 12.5)
    assert asphalt(alligator_crack=30) == pytest.approx(100 - 42.5)


@SOME
@given(distress=st.sampled_from(ASPHALT_TYPES), densities=st.tuples(st.floats(0, 100), st.floats(0, 100)))
def test_more_of_one_type_alone_never_raises_the_index(distress, densities):
    less, more = sorted(densities)
    a, b = (condition({distress: density}, 100.0, Pavement.ASPHALT).pci for density in (less, more))
    assert b <= a


def test_a_trace_of_another_type_raises_the_index_as_the_formula_of_the_standard_has_it():
    """Not our error: w falls faster than the trace adds. 15 x w(15/18) + 3 x w(3/18) = 12.5 + 4/3."""
    assert asphalt(pothole=0.1) == pytest.approx(85.0)
    assert asphalt(pothole=0.1, linear_crack=0.01) == pytest.approx(100 - 12.5 - 4 / 3)


densities = st.dictionaries(st.sampled_from(ASPHALT_TYPES), st.floats(0, 100))


@SOME
@given(areas=densities)
def test_the_index_lies_between_0_and_100_and_deducts_no_more_than_all_points(areas):
    result = condition(areas, 100.0, Pavement.ASPHALT)
    points = sum(deduct.points for one in result.classes for deduct in one.deducts)
    assert 0 <= result.pci <= 100
    assert result.pci >= 100 - points - 1e-9
    assert 100 - result.pci == pytest.approx(min(100, sum(one.weighted for one in result.classes)))


@SOME
@given(areas=densities, distress=st.sampled_from(ASPHALT_TYPES), density=st.floats(0, 100 - 1e-6))
def test_the_index_has_no_jumps_on_asphalt(areas, distress, density):
    here = condition({**areas, distress: density}, 100.0, Pavement.ASPHALT).pci
    there = condition({**areas, distress: density + 1e-9}, 100.0, Pavement.ASPHALT).pci
    assert there == pytest.approx(here, abs=1e-4)


@SOME
@given(
    areas=st.dictionaries(st.sampled_from(ASPHALT_TYPES), st.floats(0.001, 100)), scale=st.sampled_from([0.5, 3, 700])
)
def test_the_index_depends_on_densities_only(areas, scale):
    scaled = {distress: area * scale for distress, area in areas.items()}
    small, large = condition(areas, 100.0, Pavement.ASPHALT), condition(scaled, 100.0 * scale, Pavement.ASPHALT)
    assert large.pci == pytest.approx(small.pci, abs=1e-6)


def test_cracks_along_and_across_are_one_entry_of_the_standard():
    apart = asphalt(longitudinal_crack=0.4, transverse_crack=0.35, linear_crack=0.25)
    assert apart == pytest.approx(asphalt(linear_crack=1.0)) == 92.0


def test_what_the_standard_does_not_have_is_named_and_not_counted():
    result = condition({POTHOLE: 0.1, DistressType.PATCH: 5.0, DistressType.BLEEDING: 0.0}, 100.0, Pavement.ASPHALT)
    assert result.pci == 85.0
    assert result.not_counted == (DistressType.PATCH,)


@pytest.mark.parametrize("distress", TABLE.missing[0].types)
def test_a_concrete_type_whose_deducts_are_not_known_refuses_the_section(distress):
    with pytest.raises(DataError, match=f"deducts of {distress} are not verified"):
        condition({distress: 1.0, DistressType.CONCRETE_POPOUT: 0.1}, 100.0, Pavement.CONCRETE)
    absent = condition({distress: 0.0, DistressType.CONCRETE_POPOUT: 0.1}, 100.0, Pavement.CONCRETE)
    assert absent.pci == 81.0


@pytest.mark.parametrize(
    ("distress", "density", "points"),
    [
        ("concrete_corner_break", 4, 38.5),
        ("concrete_corner_break", 7, 65),
        ("concrete_popout", 0.15, 24.5),
        ("concrete_popout", 50, 80),
        ("concrete_shattered_slab", 20, 41),
        ("concrete_joint_filler_damage", 100, 12),
        ("concrete_map_cracking", 100, 42),
    ],
)
def test_a_concrete_type_whose_deducts_are_known_is_computed(distress, density, points):
    result = condition({DistressType(distress): density}, 100.0, Pavement.CONCRETE)
    assert 100 - result.pci == pytest.approx(points)


@SOME
@given(distress=st.sampled_from(CONCRETE_CURVES), pair=st.tuples(st.floats(0, 100), st.floats(0, 100)))
def test_more_of_one_concrete_type_alone_never_raises_the_index(distress, pair):
    less, more = sorted(pair)
    a, b = (condition({distress: density}, 100.0, Pavement.CONCRETE).pci for density in (less, more))
    assert b <= a


def test_every_type_of_the_standard_has_a_curve_or_is_refused():
    entries = {entry.types[0] for entry in listed(Standard.CJJ36)}
    missing = {distress for row in TABLE.missing for distress in row.types}
    assert {curve.type for curve in TABLE.deducts} | missing == entries
    assert len(ASPHALT_TYPES) == 13
    assert not missing & set(ASPHALT_TYPES)


@pytest.mark.parametrize(
    ("areas", "surface", "pavement", "told"),
    [
        ({POTHOLE: 1.0}, 0.0, Pavement.ASPHALT, "its surface is positive"),
        ({POTHOLE: -1.0}, 9.0, Pavement.ASPHALT, "cannot be"),
        ({POTHOLE: float("nan")}, 9.0, Pavement.ASPHALT, "cannot be"),
        ({POTHOLE: 10.0}, 9.0, Pavement.ASPHALT, "count overlapping areas once"),
        ({POTHOLE: 1.0}, 9.0, Pavement.CONCRETE, "does not occur on concrete"),
        ({POTHOLE: 1.0}, 9.0, Pavement.ANY, "asphalt or concrete"),
    ],
)
def test_an_area_that_cannot_be_is_told(areas, surface, pavement, told):
    with pytest.raises(DataError, match=told):
        condition(areas, surface, pavement)


@pytest.mark.parametrize(
    ("distress", "size", "area"),
    [
        (LINEAR, Size(3, 4), 1.0),  # 5 m x 0.2 m
        (LINEAR, Size(1, 0), 0.2),
        (LINEAR, Size(0.99, 0), 0.0),
        (ALLIGATOR, Size(1, 1), 0.0),
        (ALLIGATOR, Size(1, 1.5), 1.5),
        (DistressType.RAVELING, Size(0.2, 0.5), 0.1),
        (DistressType.RAVELING, Size(0.2, 0.4), 0.0),
        (POTHOLE, Size(0.1, 0.1), 0.01),
        (DistressType.MANHOLE_STEP, Size(0.8, 0.8), 1.0),
        (DistressType.CONCRETE_FAULTING, Size(0, 3.5), 3.5),
    ],
)
def test_the_area_counted_for_one_distress(distress, size, area):
    assert counted_area_m2(distress, size) == pytest.approx(area)


def test_a_patch_has_no_area_in_this_standard():
    with pytest.raises(DataError, match="has no type patch"):
        counted_area_m2(DistressType.PATCH, Size(2, 2))


@pytest.mark.parametrize(
    ("road_class", "limits"),
    [
        (RoadClass.EXPRESSWAY, (90, 75, 65)),
        (RoadClass.ARTERIAL, (85, 70, 60)),
        (RoadClass.COLLECTOR, (85, 70, 60)),
        (RoadClass.LOCAL, (80, 65, 60)),
    ],
)
def test_a_limit_belongs_to_the_better_grade(road_class, limits):
    names = list(ConditionGrade)
    for number, limit in enumerate(limits):
        assert grade(limit, road_class) is names[number]
        assert grade(limit - 1e-9, road_class) is names[number + 1]


def test_riding_quality_and_the_quality_of_the_pavement():
    rqi = riding_quality(4.0)
    assert rqi == pytest.approx(3.62)
    assert riding_quality(20) == 0.0
    assert [ride_grade(rqi, one).value for one in RoadClass] == ["B", "A", "A", "A"]
    assert pavement_quality(rqi, 80.0, RoadClass.ARTERIAL) == pytest.approx(0.6 * 20 * 3.62 + 0.4 * 80)
    assert pavement_quality(rqi, 80.0, RoadClass.LOCAL) == pytest.approx(0.4 * 20 * 3.62 + 0.6 * 80)
    with pytest.raises(DataError):
        riding_quality(-1)
    with pytest.raises(DataError):
        pavement_quality(5.2, 80.0, RoadClass.LOCAL)


def test_the_weight_is_nothing_at_nothing_three_quarters_at_a_half_and_one_at_one():
    assert [weight(share) for share in (0, 0.5, 1)] == [0, 0.75, 1]


def test_a_table_whose_curve_falls_is_refused():
    content = TABLE.model_dump(by_alias=True)
    content["deducts"][0]["points"] = ((0.01, 5.0), (0.1, 4.0))
    with pytest.raises(ValueError, match="deducts must not fall"):
        Cjj36Table.model_validate(content)
