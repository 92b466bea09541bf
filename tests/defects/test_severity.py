"""Which defects open a case, which of them within a day, and what is said about it."""

from __future__ import annotations

from importlib import resources
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.defects.severity import Confirmed, Known, assess, lane_place, severity_of
from roadwarden.defects.severity_table import LanePlace, read_severity_table, shipped_severity_table
from roadwarden.defects.size import Measured, Size, quantity
from roadwarden.errors import ConfigError
from roadwarden.geo.places import RoadGrade
from roadwarden.taxonomy import DistressType, Observability, Severity, Status, describe

SOME = settings(max_examples=60, deadline=None)
TABLE = shipped_severity_table()
POTHOLE, RUTTING, CRACK = DistressType.POTHOLE, DistressType.RUTTING, DistressType.LONGITUDINAL_CRACK


def hole(
    side_m: float,
    sigma_m: float = 0.0,
    *,
    depth_mm: Measured | None = None,
    grade: RoadGrade = RoadGrade.II,
    lane: LanePlace = LanePlace.ELSEWHERE,
) -> Known:
    return Known(POTHOLE, grade, Size(side_m, side_m, sigma_m), depth_mm, lane)


@pytest.mark.parametrize(
    ("side_m", "depth_mm", "filed"),
    [(0.32, 21, True), (0.31, 21, False), (0.32, 20, False), (0.32, 19, False), (1.0, 5, False)],
    ids=["both passed", "0.096 m² is too small", "20 mm is not more than 20", "too shallow", "large and shallow"],
)
def test_a_pothole_is_filed_when_it_is_deeper_than_2_cm_and_a_tenth_of_a_square_metre_or_more(side_m, depth_mm, filed):
    assert assess(hole(side_m, depth_mm=Measured(depth_mm)), TABLE).filed is filed


def test_a_pothole_of_exactly_a_tenth_of_a_square_metre_is_filed_and_alligator_cracking_of_exactly_one_too():
    exact = Known(POTHOLE, RoadGrade.II, Size(0.2, 0.5), Measured(30), LanePlace.ELSEWHERE)
    assert assess(exact, TABLE).filed
    assert assess(Known(DistressType.ALLIGATOR_CRACK, RoadGrade.II, Size(2, 0.5)), TABLE).filed
    assert not assess(Known(DistressType.ALLIGATOR_CRACK, RoadGrade.II, Size(2, 0.49)), TABLE).filed


def test_a_pothole_whose_depth_nobody_measured_is_filed_and_the_reason_says_so():
    seen = assess(hole(0.5), TABLE)
    assert seen.filed
    assert seen.in_doubt
    assert not seen.suspected
    told = next(reason for reason in seen.reasons if "pothole-published" in reason)
    assert "area 0.25 m² is at least 0.1 m²" in told
    assert "depth not measured, taken as more than 20 mm, because a hole shows" in told


def test_a_size_too_uncertain_to_decide_is_said_with_the_side_taken_and_why():
    seen = assess(hole(0.35, 0.10, depth_mm=Measured(30)), TABLE)
    assert seen.filed
    assert seen.in_doubt
    told = next(reason for reason in seen.reasons if "pothole-published" in reason)
    assert "area 0.12 ± 0.07 m² is too uncertain to decide (62% likely at least 0.1 m²), taken as at least" in told
    assert "because" in told


def test_a_crack_of_about_a_metre_is_left_for_the_next_pass():
    seen = assess(Known(CRACK, RoadGrade.I, Size(1.05, 0.0, 0.2)), TABLE)
    assert not seen.filed
    assert seen.in_doubt
    assert "not taken as at least 1 m, because a crack of about 1 m endangers nobody" in seen.reasons[-1]


def test_the_same_hole_is_severe_in_the_wheel_path_of_an_arterial_and_normal_beside_it():
    in_path = assess(hole(0.4, grade=RoadGrade.I, lane=LanePlace.WHEEL_PATH), TABLE)
    beside = assess(hole(0.4, grade=RoadGrade.I, lane=LanePlace.ELSEWHERE), TABLE)
    local = assess(hole(0.4, grade=RoadGrade.III, lane=LanePlace.WHEEL_PATH), TABLE)
    assert [one.severity for one in (in_path, beside, local)] == [Severity.SEVERE, Severity.NORMAL, Severity.NORMAL]
    assert "place in the lane: elsewhere" in " ".join(beside.reasons)


def test_every_filed_hole_in_the_wheel_path_of_an_arterial_is_severe_and_one_too_small_to_file_is_not():
    path = LanePlace.WHEEL_PATH
    exact = assess(Known(POTHOLE, RoadGrade.I, Size(0.2, 0.5), lane=path), TABLE)
    smaller = assess(Known(POTHOLE, RoadGrade.I, Size(0.2, 0.49), lane=path), TABLE)
    assert (exact.severity, exact.filed) == (Severity.SEVERE, True)
    assert (smaller.severity, smaller.filed) == (Severity.NORMAL, False)


@pytest.mark.parametrize("grade", RoadGrade)
def test_a_hole_of_a_quarter_of_a_square_metre_is_severe_anywhere_unless_measured_shallow(grade):
    known = [Known(POTHOLE, grade, Size(0.5, width), depth, LanePlace.ELSEWHERE) for width, depth in (
        (0.5, None), (0.5, Measured(21)), (0.49, None), (0.5, Measured(20)))]  # fmt: skip
    severe = [assess(one, TABLE).severity is Severity.SEVERE for one in known]
    assert severe == [True, True, False, False]


def test_an_uncertain_quarter_of_a_square_metre_is_taken_as_measured_and_an_unknown_size_as_less():
    above, below = assess(hole(0.52, 0.1, grade=RoadGrade.III), TABLE), assess(hole(0.45, 0.1), TABLE)
    assert (above.severity, below.severity) == (Severity.SEVERE, Severity.NORMAL)
    assert above.in_doubt
    assert below.in_doubt
    assert "taken as at least 0.25 m²" in above.reasons[0]
    told = assess(Known(POTHOLE, RoadGrade.III, None, confirmed=Confirmed.PERSON), TABLE)
    assert (told.severity, told.filed) == (Severity.NORMAL, True)


def test_a_hole_whose_place_in_the_lane_is_unknown_is_taken_for_one_in_the_wheel_path_of_an_arterial():
    seen = assess(hole(0.4, grade=RoadGrade.I, lane=LanePlace.UNKNOWN), TABLE)
    assert seen.severity is Severity.SEVERE
    assert "place in the lane unknown, taken as wheel path" in seen.reasons[0]


def test_a_deep_hole_is_severe_on_any_road_once_measured():
    measured = assess(hole(0.4, depth_mm=Measured(55, 3), grade=RoadGrade.III), TABLE)
    unmeasured = assess(hole(0.4, grade=RoadGrade.III), TABLE)
    assert measured.severity is Severity.SEVERE
    assert measured.rules[0] == "pothole-deep"
    assert not measured.in_doubt
    assert unmeasured.severity is Severity.NORMAL


@pytest.mark.parametrize(
    "distress", [one for one in DistressType if describe(one).observability is not Observability.SEEN]
)
def test_what_no_picture_certifies_is_suspected_until_somebody_confirms_it(distress):
    alone = Known(distress, RoadGrade.I, Size(20, 1))
    seen = assess(alone, TABLE)
    assert seen.suspected
    assert not seen.filed
    assert seen.reasons[-1].startswith("suspected: ")
    for somebody in (Confirmed.PERSON, Confirmed.SENSOR):
        signed = assess(Known(distress, RoadGrade.I, Size(20, 1), confirmed=somebody), TABLE)
        assert not signed.suspected
        assert signed.filed


def test_a_sensor_that_measures_a_shallow_rut_keeps_it_from_being_filed():
    shallow = Known(RUTTING, RoadGrade.I, Size(20, 1), Measured(9, 1), confirmed=Confirmed.SENSOR)
    seen = assess(shallow, TABLE)
    assert not seen.filed
    assert "depth 9.00 ± 1.00 mm is not more than 15 mm" in seen.reasons[-1]


def test_a_patch_is_never_filed():
    seen = assess(Known(DistressType.PATCH, RoadGrade.I, Size(3, 2)), TABLE)
    assert not seen.filed
    assert "an earlier repair is not damage" in seen.reasons[-1]


def test_an_open_shaft_is_severe_without_any_measurement():
    seen = assess(Known(DistressType.MANHOLE_COVER_MISSING, RoadGrade.III, None), TABLE)
    assert seen.filed
    assert seen.severity is Severity.SEVERE
    assert not seen.in_doubt


@SOME
@given(
    distress=st.sampled_from(DistressType),
    grade=st.sampled_from(RoadGrade),
    lane=st.sampled_from(LanePlace),
    sides=st.tuples(st.floats(0, 30), st.floats(0, 30), st.floats(0, 3)),
    depth=st.none() | st.tuples(st.floats(0, 200), st.floats(0, 30)),
    confirmed=st.sampled_from(Confirmed),
)
def test_every_defect_gets_a_verdict_with_reasons_and_nothing_suspected_or_unreasoned_is_filed(
    distress, grade, lane, sides, depth, confirmed
):
    known = Known(distress, grade, Size(*sides), Measured(*depth) if depth else None, lane, confirmed)
    seen = assess(known, TABLE)
    assert not (seen.filed and seen.suspected)
    assert all(seen.reasons)
    assert seen.table == TABLE.version
    if seen.filed:
        assert any(reason.startswith(("to be filed", "severe")) for reason in seen.reasons)
    if seen.severity is Severity.SEVERE:
        assert seen.reasons[0].startswith("severe by rule")


@SOME
@given(
    sides=st.tuples(st.floats(0.05, 2), st.floats(0.05, 2)), grade=st.sampled_from(RoadGrade), depth=st.floats(0, 100)
)
def test_a_larger_and_deeper_hole_measured_exactly_is_never_judged_milder(sides, grade, depth):
    small = assess(Known(POTHOLE, grade, Size(*sides), Measured(depth), LanePlace.WHEEL_PATH), TABLE)
    bigger = Size(sides[0] + 0.1, sides[1] + 0.1)
    large = assess(Known(POTHOLE, grade, bigger, Measured(depth + 1), LanePlace.WHEEL_PATH), TABLE)
    assert large.filed >= small.filed
    assert (large.severity is Severity.SEVERE) >= (small.severity is Severity.SEVERE)


def test_the_wheel_path_has_edges_that_an_uncertain_place_cannot_decide():
    paths = TABLE.wheel_path  # 0.375 m to 1.375 m from the middle of the lane
    assert lane_place(Measured(0.0), 0.6, paths) is LanePlace.ELSEWHERE
    assert lane_place(Measured(0.0), 0.8, paths) is LanePlace.WHEEL_PATH  # wide enough to reach both
    assert lane_place(Measured(0.9, 0.2), 0.3, paths) is LanePlace.WHEEL_PATH
    assert lane_place(Measured(1.6, 0.1), 0.3, paths) is LanePlace.UNKNOWN
    assert lane_place(Measured(1.9, 0.1), 0.3, paths) is LanePlace.ELSEWHERE


def test_what_is_measured_of_a_type_follows_its_unit():
    size = Size(4, 3, 0.1)
    crack, pothole = quantity(CRACK, size), quantity(POTHOLE, size)
    assert (crack.value, crack.sigma) == pytest.approx((5.0, 0.14))  # the diagonal of a slanted crack
    assert (pothole.value, pothole.sigma) == pytest.approx((12, 0.7), abs=1e-3)  # 0.1 m on both sides at once
    assert quantity(DistressType.MANHOLE_STEP, size) == Measured(1)


def test_no_threshold_of_ours_is_called_verified():
    rules = (*TABLE.filing, *TABLE.severe, *TABLE.never_filed, TABLE.wheel_path)
    assert {rule.status for rule in rules} == {Status.UNVERIFIED}, (
        "a verified row wants its clause read in the standard"
    )


def shipped_text() -> str:
    return (resources.files("roadwarden") / "tables" / "severity.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("types: [rutting]", "types: [patch]", "no filing rule for rutting"),
        ("id: rutting-15-mm", "id: pothole-published", "rules named twice: pothole-published"),
        ("types: [raveling]", "types: [raveling, patch]", "both in 'filing' and in 'never_filed'"),
        (
            "{measure: area_m2, at_least: 1}",
            "{measure: area_m2, over: 1, at_least: 1}",
            "wants either 'over' or 'at_least'",
        ),
        ("sure: 0.95", "shure: 0.95", "unknown key 'shure'; did you mean 'sure'?"),
        ("lane: wheel_path", "lane: unknown", "is no place in the lane to ask for"),
        ("unmeasured: not_taken", "unmeasured: likelier", "'unmeasured' has no likelier side"),
        ("    unmeasured: taken\n", "", "say 'uncertain', 'unmeasured' and 'because'"),
    ],
)
def test_a_citys_own_table_is_read_strictly(tmp_path: Path, old, new, told):
    own = tmp_path / "severity.yaml"
    own.write_text(shipped_text().replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"severity\.yaml") as caught:
        read_severity_table(own)
    assert told in str(caught.value)


def test_a_city_changes_a_threshold_in_its_own_table(tmp_path: Path):
    own = tmp_path / "severity.yaml"
    text = shipped_text().replace('version: "2"', 'version: "city-3"')
    own.write_text(text.replace("measure: area_m2, at_least: 0.1}", "measure: area_m2, over: 0.3}"), encoding="utf-8")
    seen = assess(hole(0.45, depth_mm=Measured(30)), read_severity_table(own))
    assert not seen.filed
    assert seen.table == "city-3"


def test_the_severity_alone_is_that_of_the_whole_verdict():
    """The fast way that a batch of thousands takes against the one that gives reasons."""
    table = shipped_severity_table()
    sizes = [None, Size(0.2, 0.2, 0.1), Size(0.5, 0.6, 0.05), Size(3.0, 0.3, 0.2), Size(4.0, 4.0)]
    for distress, grade, size, lane in product(DistressType, RoadGrade, sizes, LanePlace):
        known = Known(distress, grade, size, lane=lane)
        assert severity_of(known, table) is assess(known, table).severity
