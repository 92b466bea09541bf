"""Damage rate and condition index after JTG 5210-2018, and the file that is delivered."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.defects.jtg5210 import Damage, JtgGrade, Range, column, condition, grade, index, level_of
from roadwarden.defects.jtg5210_table import Level, shipped_jtg5210_table
from roadwarden.defects.jtg_csv import Stretch, chainage_text, coarser, jtg_csv, sections
from roadwarden.defects.size import Measured
from roadwarden.errors import DataError
from roadwarden.taxonomy import DistressType, Pavement, Standard, Status, Unit, listed, to_jtg5210

SOME = settings(max_examples=60, deadline=None)
TABLE = shipped_jtg5210_table()
GOLDEN = Path(__file__).parent / "golden" / "jtg_dr.csv"
ALLIGATOR, POTHOLE, PATCH = DistressType.ALLIGATOR_CRACK, DistressType.POTHOLE, DistressType.PATCH
LONGITUDINAL, RUTTING = DistressType.LONGITUDINAL_CRACK, DistressType.RUTTING
ASPHALT_COLUMNS = [(row.type, row.level) for row in TABLE.columns(Pavement.ASPHALT)]


@pytest.mark.parametrize(
    ("rate", "asphalt", "concrete"), [(0, 100, 100), (1, 85.00, 89.34), (5, 70.89, 77.61), (10, 61.27, 69.19)]
)
def test_the_index_of_a_damage_rate(rate, asphalt, concrete):
    assert round(index(rate, Pavement.ASPHALT), 2) == asphalt
    assert round(index(rate, Pavement.CONCRETE), 2) == concrete


def test_the_rate_weighs_areas_and_turns_metres_into_areas():
    """1.0 x 2 + 0.8 x 0.5 + 0.6 x 0.2 x 10 + 0.6 x 0.4 x 5 + 0.1 x 4 = 5.2 m² of 400 m²."""
    damages = [
        Damage(ALLIGATOR, Level.HEAVY, 2.0),
        Damage(POTHOLE, Level.LIGHT, 0.5),
        Damage(LONGITUDINAL, Level.LIGHT, 10.0),
        Damage(RUTTING, Level.LIGHT, 5.0),
        Damage(PATCH, Level.BLOCK, 4.0),
    ]
    result = condition(damages, 400.0, Pavement.ASPHALT)
    assert result.rate_pct == Range(pytest.approx(1.3), pytest.approx(1.3))
    assert result.pci.low == result.pci.high == pytest.approx(100 - 15 * 1.3**0.412)
    assert result.best is result.worst is JtgGrade.GOOD


def test_a_level_that_nothing_tells_makes_a_range():
    result = condition([Damage(POTHOLE, None, 4.0), Damage(ALLIGATOR, None, 10.0)], 400.0, Pavement.ASPHALT)
    assert (result.rate_pct.low, result.rate_pct.high) == pytest.approx((100 * 9.2 / 400, 100 * 14 / 400))
    assert result.pci.low < result.pci.high
    assert (result.worst, result.best) == (JtgGrade.FAIR, JtgGrade.FAIR)


def test_a_result_names_every_unverified_source_that_it_rests_on_and_no_other():
    areas_only = condition([Damage(POTHOLE, Level.HEAVY, 1.0)], 100.0, Pavement.ASPHALT)
    with_ruts = condition([Damage(RUTTING, Level.HEAVY, 1.0)], 100.0, Pavement.ASPHALT)
    assert len(areas_only.unverified) == 3  # the formula, the coefficients, the grades
    assert [source for source in with_ruts.unverified if "gravel" in source]
    assert not [source for source in areas_only.unverified if "survey forms" in source]


def test_the_weights_come_from_the_forms_and_everything_else_is_marked_unverified():
    assert {row.status for row in TABLE.weights} == {Status.VERIFIED}
    widths = {row.width.status for row in TABLE.weights if row.width is not None}
    others = {row.status for row in (TABLE.rate, TABLE.grades, *TABLE.index, *TABLE.levels)}
    assert widths | others == {Status.UNVERIFIED}


def test_every_type_of_the_standard_has_its_columns():
    names = {(entry.pavement, entry.code) for entry in listed(Standard.JTG5210)}
    for pavement in (Pavement.ASPHALT, Pavement.CONCRETE):
        ours = {to_jtg5210(row.type) for row in TABLE.columns(pavement)}
        assert ours == {code for whose, code in names if whose in (pavement, Pavement.ANY)}
        assert len(ours) == 11


def test_a_measurement_decides_between_light_and_heavy_when_it_is_sure():
    assert level_of(POTHOLE, depth_mm=Measured(30, 2)) is Level.HEAVY
    assert level_of(POTHOLE, depth_mm=Measured(25)) is Level.LIGHT
    assert level_of(POTHOLE, depth_mm=Measured(26, 2)) is None
    assert level_of(POTHOLE) is None
    assert level_of(LONGITUDINAL, crack_width_mm=Measured(5, 0.5)) is Level.HEAVY
    assert level_of(DistressType.BLEEDING) is Level.UNDIVIDED
    assert level_of(ALLIGATOR, depth_mm=Measured(80)) is None  # judged by its pieces and widths, not by depth


@pytest.mark.parametrize(
    ("damage", "pavement", "told"),
    [
        (Damage(DistressType.EDGE_BREAK, None, 1), Pavement.ASPHALT, "has no edge_break on asphalt"),
        (Damage(DistressType.LINEAR_CRACK, None, 1), Pavement.ASPHALT, "has no linear_crack"),
        (Damage(POTHOLE, Level.MEDIUM, 1), Pavement.ASPHALT, "no level medium in JTG 5210-2018; it has light, heavy"),
        (Damage(PATCH, None, 1), Pavement.ASPHALT, "block or a strip"),
        (Damage(POTHOLE, None, 1), Pavement.CONCRETE, "has no pothole on concrete"),
    ],
)
def test_what_the_form_does_not_have_is_refused(damage, pavement, told):
    with pytest.raises(DataError, match=told):
        condition([damage], 100.0, pavement)


def test_a_surface_and_a_rate_that_cannot_be_are_refused():
    with pytest.raises(DataError, match="its surface is positive"):
        condition([], 0.0, Pavement.ASPHALT)
    with pytest.raises(DataError, match=r"not in 0\.\.100"):
        index(101, Pavement.ASPHALT)
    with pytest.raises(DataError, match="asphalt or concrete"):
        index(1, Pavement.ANY)


def test_a_limit_belongs_to_the_better_grade():
    assert [grade(pci) for pci in (90, 89.99, 80, 70, 60, 59.99)] == [
        JtgGrade.EXCELLENT,
        JtgGrade.GOOD,
        JtgGrade.GOOD,
        JtgGrade.FAIR,
        JtgGrade.POOR,
        JtgGrade.VERY_POOR,
    ]


damages = st.lists(st.tuples(st.sampled_from(ASPHALT_COLUMNS), st.floats(0, 40)), max_size=6)


@SOME
@given(found=damages, more=st.floats(0, 40), which=st.sampled_from(ASPHALT_COLUMNS))
def test_more_damage_of_any_kind_never_raises_the_index(found, more, which):
    some = [Damage(distress, level, amount) for (distress, level), amount in found]
    before, after = (
        condition(part, 350.0, Pavement.ASPHALT) for part in (some, [*some, Damage(which[0], which[1], more)])
    )
    assert after.pci.high <= before.pci.high + 1e-9
    assert 0 <= after.pci.low <= after.pci.high <= 100


@SOME
@given(found=damages)
def test_not_knowing_the_levels_gives_a_range_that_holds_the_truth(found):
    known = [Damage(distress, level, amount) for (distress, level), amount in found if distress is not PATCH]
    blind = condition([replace(damage, level=None) for damage in known], 350.0, Pavement.ASPHALT)
    told = condition(known, 350.0, Pavement.ASPHALT)
    assert blind.pci.low - 1e-9 <= told.pci.low <= blind.pci.high + 1e-9


STREET = [
    Stretch(2.0, 3.0, POTHOLE, Level.HEAVY, 0.35),
    Stretch(6.0, 16.0, LONGITUDINAL, Level.LIGHT, 10.0),  # 4 m in the first row, 6 m in the second
    Stretch(12.0, 14.0, ALLIGATOR, Level.MEDIUM, 3.0),
    Stretch(24.0, 29.0, PATCH, Level.STRIP, 5.0),  # reaches over the end
]


def street_sections():
    return sections(STREET, start_m=0.0, end_m=25.0, seen_width_m=3.5, pavement=Pavement.ASPHALT)


def test_the_delivery_file_is_the_golden_one():
    """By hand: 35 m² a row; 0.35 + 4 x 0.12 = 0.83; 6 x 0.12 + 3 x 0.8 = 3.12; 5 x 0.02 = 0.1 of 17.5 m²."""
    rows = street_sections()
    assert [row.rate_pct for row in rows] == pytest.approx([100 * 0.83 / 35, 100 * 3.12 / 35, 100 * 0.1 / 17.5])
    assert jtg_csv(rows, Pavement.ASPHALT) == GOLDEN.read_bytes().decode("utf-8")


def test_the_file_of_a_concrete_road_has_its_own_columns():
    rows = sections([], start_m=0.0, end_m=10.0, seen_width_m=3.5, pavement=Pavement.CONCRETE)
    header, first = csv.reader(io.StringIO(jtg_csv(rows, Pavement.CONCRETE)))
    assert len(header) == len(first) == 3 + len(TABLE.columns(Pavement.CONCRETE))
    assert header[:4] == ["桩号", "识别宽度(m)", "DR(%)", "破碎板轻(m²)"]
    assert first == ["K0+000", "3.50", "0.000", *["0"] * (len(header) - 3)]


def test_longer_sections_have_the_mean_rate_of_their_rows():
    rows = street_sections()
    mean = math.fsum(row.rate_pct for row in rows) / 3
    assert coarser(rows, 100) == [(0.0, pytest.approx(mean))]
    assert [start for start, _ in coarser(rows, 20)] == [0.0, 20.0]
    assert coarser([], 100) == []


stretches = st.lists(
    st.builds(
        lambda place, length, kind, amount: Stretch(place, place + length, *kind, amount),
        st.floats(0, 95),
        st.sampled_from([0.0, 0.25, 7.0, 30.0]),
        st.sampled_from(ASPHALT_COLUMNS),
        st.floats(0, 5),
    ),
    max_size=12,
)


@SOME
@given(found=stretches, end=st.sampled_from([96.0, 100.0, 101.5]))
def test_nothing_is_lost_or_counted_twice_when_a_road_is_cut(found, end):
    rows = sections(found, start_m=0.0, end_m=end, seen_width_m=7.0, pavement=Pavement.ASPHALT)
    assert math.fsum(row.length_m for row in rows) == pytest.approx(end)
    for kind in ASPHALT_COLUMNS:
        before = math.fsum(one.amount for one in found if (one.type, one.level) == kind)
        assert math.fsum(row.amounts.get(kind, 0.0) for row in rows) == pytest.approx(before)


def test_a_stretch_whose_column_the_form_lacks_is_refused():
    edge = Stretch(0, 1, DistressType.EDGE_BREAK, Level.HEAVY, 1.0)
    with pytest.raises(DataError, match="no edge_break"):
        sections([edge], start_m=0, end_m=10, seen_width_m=3.5, pavement=Pavement.ASPHALT)
    with pytest.raises(DataError, match="has no sections"):
        sections([], start_m=10, end_m=10, seen_width_m=3.5, pavement=Pavement.ASPHALT)


@pytest.mark.parametrize(
    ("metres", "text"),
    [(0, "K0+000"), (12340, "K12+340"), (999.9996, "K1+000"), (5.5, "K0+005.5"), (10.05, "K0+010.05")],
)
def test_a_chainage_is_written_as_roads_are_marked(metres, text):
    assert chainage_text(metres) == text


def test_a_columns_unit_is_the_forms():
    assert column(LONGITUDINAL, Level.HEAVY, Pavement.ASPHALT).unit is Unit.METRE
    assert column(PATCH, Level.BLOCK, Pavement.CONCRETE).weighted_m2_per_unit == 0.1
