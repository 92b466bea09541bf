"""The colour of every square metre: what is known of it, and whether it was seen in time."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.defects import cells as cells_module
from roadwarden.defects.bands import Bands, bands, coarser
from roadwarden.defects.cells import Cells, Code, Grid, Unhealthy, code_of, rebuild
from roadwarden.defects.coverage import coverage
from roadwarden.defects.inspected import Inspected, Quality, inspections
from roadwarden.defects.patrol import shipped_patrol_table
from roadwarden.defects.roadways import Roads, Roadway
from roadwarden.defects.severity import Known, assess
from roadwarden.defects.severity_table import LanePlace, shipped_severity_table
from roadwarden.defects.size import Measured, Size
from roadwarden.errors import DataError
from roadwarden.geo.places import RoadGrade, RoadPlace, Side
from roadwarden.taxonomy import DistressType

SOME = settings(max_examples=60, deadline=None)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AVENUE = Roadway("avenue", RoadGrade.I, 30.0, 7.0, 2)
PATH = Roadway("path", RoadGrade.III, 12.5, 2.4, 1)
ROADS = Roads((AVENUE, PATH))
GRID = Grid(ROADS)
LATE = timedelta(hours=25)


def seen(segment: str, from_m: float, to_m: float, ago: timedelta, lane: int | None = None) -> Inspected:
    return Inspected(segment, from_m, to_m, NOW - ago, Quality.USABLE, lane)


def state(*parts: Inspected | Unhealthy, grid: Grid = GRID, now: datetime = NOW) -> Cells:
    looks = inspections([one for one in parts if isinstance(one, Inspected)], grid.roads)
    unhealthy = [one for one in parts if isinstance(one, Unhealthy)]
    return rebuild(grid, coverage(grid.roads, looks, shipped_patrol_table(), now), unhealthy)


def street(cells: Cells, segment: str) -> np.ndarray:
    """The codes of one road: metres by cells across."""
    road = cells.grid.roads.row(segment)
    part = cells.codes[cells.grid.edges[road] : cells.grid.edges[road + 1]]
    return part.reshape(cells.grid.metres[road], cells.grid.across[road])


HOLE = Unhealthy("avenue", 10.2, 11.4, 1.0, 1.6, Code.RED)


def test_roads_are_cut_into_square_metres_with_a_narrower_rest():
    assert GRID.metres.tolist() == [30, 13]
    assert GRID.across.tolist() == [7, 3]
    assert len(GRID) == 30 * 7 + 13 * 3
    assert GRID.index("path", 12, 2) == len(GRID) - 1


def test_a_sound_street_is_green_where_it_was_seen_in_time_and_grey_elsewhere():
    cells = state(seen("avenue", 5, 20, HOUR))
    assert (street(cells, "avenue")[5:20] == Code.GREEN).all()
    assert (street(cells, "avenue")[:5] == Code.GREY).all()
    assert (street(cells, "path") == Code.GREY).all()


def test_a_hole_colours_every_cell_that_it_touches():
    cells = state(seen("avenue", 0, 30, HOUR), HOLE)
    red = np.argwhere(street(cells, "avenue") == Code.RED)
    assert red.tolist() == [[10, 1], [11, 1]]


def test_a_hole_that_was_not_seen_lately_stays_red_and_is_not_fresh():
    cells = state(seen("avenue", 0, 30, LATE), HOLE)
    told = cells.at("avenue", 10, 1)
    assert (told.code, told.fresh, told.seen_at) == (Code.RED, False, NOW - LATE)
    assert cells.at("avenue", 10, 2).code is Code.GREY


def test_a_hole_that_a_citizen_reported_on_a_road_nobody_drove_is_red():
    told = state(HOLE).at("avenue", 10, 1)
    assert (told.code, told.fresh, told.seen_at) == (Code.RED, False, None)


def test_the_same_street_turns_grey_as_time_passes_and_nothing_else_changes():
    parts = (seen("avenue", 0, 30, HOUR), HOLE)
    today, tomorrow = state(*parts), state(*parts, now=NOW + DAY)
    assert (street(today, "avenue") == Code.GREEN).sum() == 208
    assert (street(tomorrow, "avenue") == Code.GREY).sum() == 208
    assert (street(tomorrow, "avenue") == Code.RED).sum() == 2
    assert np.array_equal(today.seen_at_us, tomorrow.seen_at_us)


def test_a_cell_in_two_lanes_was_seen_when_both_were():
    """The lanes of the avenue meet at 3.5 m, in the middle of the fourth cell."""
    cells = state(seen("avenue", 0, 30, HOUR, lane=0), seen("avenue", 0, 30, LATE, lane=1))
    assert [cells.at("avenue", 7, lateral).code.name for lateral in range(7)] == ["GREEN"] * 3 + ["GREY"] * 4
    assert cells.at("avenue", 7, 3).seen_at == NOW - LATE


def test_a_cell_seen_in_parts_was_seen_when_the_last_part_was_and_half_of_it_is_not_enough():
    parts = state(seen("avenue", 0, 10.5, HOUR), seen("avenue", 10.5, 20, 3 * HOUR))
    assert parts.at("avenue", 10, 0).seen_at == NOW - 3 * HOUR
    assert parts.at("avenue", 9, 0).seen_at == NOW - HOUR
    half = state(seen("avenue", 0, 10.5, HOUR))
    assert half.at("avenue", 10, 0).code is Code.GREY


def test_the_short_last_metre_wants_only_its_own_length():
    assert state(seen("path", 0, 12.5, HOUR)).at("path", 12, 0).code is Code.GREEN


@pytest.mark.parametrize(
    ("along", "across", "cell"),
    [
        ((29.9, 33), (0, 1), (29, 0)),
        ((40, 41), (0, 1), (29, 0)),
        ((-3, -2), (0, 1), (0, 0)),
        ((3, 4), (7.4, 8), (3, 6)),
    ],
    ids=["over the end", "beyond the end", "before the start", "beside the kerb"],
)
def test_an_area_beyond_an_edge_is_not_lost_but_counts_at_that_edge(along, across, cell):
    cells = state(Unhealthy("avenue", *along, *across, Code.YELLOW))
    assert np.argwhere(street(cells, "avenue") == Code.YELLOW).tolist() == [list(cell)]


def test_red_over_yellow_is_red_in_either_order():
    yellow = Unhealthy("avenue", 9, 13, 0, 3, Code.YELLOW)
    one, other = state(yellow, HOLE), state(HOLE, yellow)
    assert np.array_equal(one.codes, other.codes)
    assert one.at("avenue", 10, 1).code is Code.RED


def test_the_area_of_a_defect_lies_around_its_place():
    place = RoadPlace("avenue", 10.0, 1.5, Side.RIGHT)  # 5 m from the left edge
    area = Unhealthy.around(AVENUE, place, Size(2.0, 1.0), Code.RED)
    assert (area.from_m, area.to_m, area.left_m, area.right_m) == (9.0, 11.0, 4.5, 5.5)
    assert np.argwhere(street(state(area), "avenue") == Code.RED).tolist() == [[9, 4], [9, 5], [10, 4], [10, 5]]


def test_what_a_defect_makes_of_its_cells():
    table = shipped_severity_table()

    def colour(distress: DistressType, size: Size, depth_mm: float | None = None) -> Code:
        depth = Measured(depth_mm) if depth_mm is not None else None
        return code_of(distress, assess(Known(distress, RoadGrade.I, size, depth, LanePlace.WHEEL_PATH), table))

    assert colour(DistressType.POTHOLE, Size(0.8, 0.8)) is Code.RED
    assert colour(DistressType.POTHOLE, Size(0.2, 0.2)) is Code.YELLOW  # below the filing threshold, yet there
    assert colour(DistressType.LONGITUDINAL_CRACK, Size(6, 0.1)) is Code.YELLOW
    assert colour(DistressType.SETTLEMENT, Size(3, 3), 60) is Code.YELLOW  # severe if it is true, but nobody confirmed
    assert colour(DistressType.PATCH, Size(3, 3)) is Code.GREEN


def test_a_normal_defect_whose_case_is_overdue_is_red():
    crack = Known(DistressType.LONGITUDINAL_CRACK, RoadGrade.III, Size(6, 0.1))
    assessed = assess(crack, shipped_severity_table())
    assert code_of(crack.type, assessed) is Code.YELLOW
    assert code_of(crack.type, assessed, overdue=True) is Code.RED


rectangles = st.lists(
    st.builds(
        lambda a, b, c, d, code: Unhealthy("avenue", min(a, b), max(a, b), min(c, d), max(c, d), code),
        *(st.integers(-20, 320).map(lambda n: n / 10) for _ in range(2)),
        *(st.integers(-10, 80).map(lambda n: n / 10) for _ in range(2)),
        st.sampled_from([Code.YELLOW, Code.RED]),
    ),
    max_size=8,
)
drives = st.lists(
    st.builds(
        lambda a, b, ago, lane: seen("avenue", a / 10, (a + b) / 10, ago * HOUR, lane),
        st.integers(-20, 300),
        st.integers(1, 150),
        st.integers(0, 40),
        st.sampled_from([None, 0, 1]),
    ),
    max_size=8,
)


def by_hand(looks: list[Inspected], areas: list[Unhealthy], metre: int, lateral: int) -> Code:
    """One cell after the definitions, sampled every 10 cm along and at both sides of the cell."""
    code = Code.GREEN
    for tenth in range(10):
        place = metre + tenth / 10 + 0.05
        for lane in {int(lateral // 3.5), int((lateral + 0.999) // 3.5)}:
            times = [one.seen_at for one in looks if one.from_m < place < one.to_m and one.lane in (None, lane)]
            if not times or NOW - max(times) > DAY:
                code = max(code, Code.GREY)
    for area in areas:
        along = [min(max(end, 0.0), 29.9999) for end in (area.from_m, area.to_m)]
        across = [min(max(end, 0.0), 6.9999) for end in (area.left_m, area.right_m)]
        metres = range(math.floor(along[0]), max(math.ceil(along[1]), math.floor(along[0]) + 1))
        laterals = range(math.floor(across[0]), max(math.ceil(across[1]), math.floor(across[0]) + 1))
        if metre in metres and lateral in laterals:
            code = max(code, area.code)
    return code


@SOME
@given(looks=drives, areas=rectangles, picks=st.lists(st.tuples(st.integers(0, 29), st.integers(0, 6)), min_size=20))
def test_every_cell_has_the_code_that_its_definition_gives(looks, areas, picks):
    cells = state(*looks, *areas)
    for metre, lateral in picks:
        assert cells.at("avenue", metre, lateral).code is by_hand(looks, areas, metre, lateral)


@SOME
@given(looks=drives, areas=rectangles)
def test_grey_hides_neither_yellow_nor_red_and_every_cell_has_one_code(looks, areas):
    blind, watched = state(*areas), state(*looks, *areas)
    known = blind.codes >= Code.YELLOW
    assert np.array_equal(known, watched.codes >= Code.YELLOW)
    assert np.array_equal(blind.codes[known], watched.codes[known])
    assert set(np.unique(watched.codes).tolist()) <= set(Code)
    assert np.array_equal(watched.codes[~known] == Code.GREEN, watched.fresh[~known])


def assert_partition(found: Bands, cells: Cells) -> None:
    assert found.counts.sum() == len(cells)
    assert found.counts.sum(axis=0).tolist() == [int((cells.codes == code).sum()) for code in Code]
    for row, (road, start) in enumerate(zip(found.road.tolist(), found.from_m.tolist(), strict=True)):
        part = street(cells, cells.grid.roads.roadways[road].segment)[start : start + found.every_m]
        assert found.counts[row].tolist() == [int((part == code).sum()) for code in Code]
        assert found.worst[row] == part.max()


@SOME
@given(looks=drives, areas=rectangles, every=st.sampled_from([1, 4, 10, 100]))
def test_bands_partition_the_cells_and_say_the_worst(looks, areas, every):
    cells = state(*looks, *areas)
    assert_partition(bands(cells, every), cells)


@SOME
@given(looks=drives, areas=rectangles)
def test_bands_of_bands_are_bands_of_cells(looks, areas):
    cells = state(*looks, *areas)
    ours, direct = coarser(bands(cells, 4), 12), bands(cells, 12)
    for name in ("road", "from_m", "counts", "stale", "worst", "share_grey", "share_unseen"):
        assert np.array_equal(getattr(ours, name), getattr(direct, name))


def test_a_band_tells_what_was_not_seen_whatever_its_colour():
    found = bands(state(seen("avenue", 0, 10, HOUR), HOLE), 10)
    assert found.from_m.tolist() == [0, 10, 20, 0, 10]
    assert found.counts[0].tolist() == [70, 0, 0, 0]
    assert found.counts[1].tolist() == [0, 68, 0, 2]
    assert found.stale.tolist() == [0, 2, 0, 0, 0]
    assert found.share_grey[1] == 68 / 70
    assert found.share_unseen.tolist() == [0.0, 1.0, 1.0, 1.0, 1.0]
    assert [Code(code).name for code in found.worst] == ["GREEN", "RED", "GREY", "GREY", "GREY"]


def test_a_large_area_is_painted_in_steps_that_show_nowhere(monkeypatch):
    areas = [Unhealthy("avenue", n, n + 9, 0, 7, Code.RED if n % 2 else Code.YELLOW) for n in range(20)]
    whole = state(*areas).codes
    monkeypatch.setattr(cells_module, "PAINTED_AT_ONCE", 50)
    assert np.array_equal(state(*areas).codes, whole)


def test_no_roads_have_no_cells():
    nothing = state(grid=Grid(Roads(())))
    assert len(nothing) == 0
    assert len(bands(nothing)) == len(coarser(bands(nothing), 100)) == 0


def test_what_does_not_fit_is_told():
    cells = state()
    with pytest.raises(DataError, match="has no cell 30, 0"):
        cells.at("avenue", 30, 0)
    with pytest.raises(DataError, match="is not among the roadways"):
        state(Unhealthy("alley", 0, 1, 0, 1, Code.RED))
    other = Roads((AVENUE,))
    elsewhere = coverage(other, inspections([], other), shipped_patrol_table(), NOW)
    with pytest.raises(DataError, match="of other roads"):
        rebuild(GRID, elsewhere, [])
    with pytest.raises(DataError, match="take a multiple"):
        coarser(bands(cells, 10), 25)
    with pytest.raises(DataError, match="1 m or more"):
        bands(cells, 0)
    with pytest.raises(ValueError, match="not grey"):
        Unhealthy("avenue", 0, 1, 0, 1, Code.GREY)
    with pytest.raises(ValueError, match="wrong way round"):
        Unhealthy("avenue", 2, 1, 0, 1, Code.RED)
