"""A run as a strip map: rows of road, left to right along the chainage, with everything as coordinates.

Nothing is drawn here. Rows are of equal length and begin at round metres; what reaches over the end of a row goes on in
the next.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from roadwarden.defects.strip import Run, Sight
from roadwarden.defects.strip_defects import Across, StripDefect, StripDefects
from roadwarden.taxonomy import DistressType

LEAST_SHOWN = 3.0
"""Width and height of the smallest mark, units of the drawing: a hole must not vanish at 5 units a metre."""


@dataclass(frozen=True, slots=True)
class StripScale:
    """How large the drawing is; lengths along are metres, across they are of ``Across``."""

    row_m: float = 200.0
    width: float = 1000.0
    height: float = 96.0
    reach: float = 5.25  # from the vehicle's line to the edge of the drawing

    def __post_init__(self) -> None:
        if min(self.row_m, self.width, self.height, self.reach) <= 0:
            raise ValueError(f"{self}: lengths are positive")

    def x(self, metres: float, row: float) -> float:
        """Along, in a row that begins at ``row`` metres."""
        return round((metres - row) / self.row_m * self.width, 2)

    def y(self, left: float) -> float:
        """Across: left of the chainage is up; what lies beyond is put on the edge."""
        return round((1 - max(-1.0, min(1.0, left / self.reach))) / 2 * self.height, 2)


METRES = StripScale()
PICTURE = StripScale(reach=1.0)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of road without a frame, units of the drawing."""

    x1: float
    x2: float
    metres: float  # of the whole gap


@dataclass(frozen=True, slots=True)
class Tick:
    """A frame."""

    x: float
    sight: Sight
    name: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A defect, or the part of it that lies in the row; ``number`` counts defects from 1 along the run."""

    x: float
    y: float
    width: float
    height: float
    type: DistressType
    number: int
    sure: bool  # more than one frame saw it


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the map."""

    from_m: float
    to_m: float
    road: tuple[float, float]  # x from and to: what the run and its defects reach over
    gaps: tuple[Span, ...]
    ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    labels: tuple[tuple[float, str], ...]  # x and chainage


@dataclass(frozen=True, slots=True)
class StripMap:
    """All rows of a run; ``lines`` are the heights of the lane's edges and of the vehicle's line."""

    scale: StripScale
    rows: tuple[Row, ...]
    lines: tuple[float, ...]
    middle: float


def lay_out(run: Run, found: StripDefects, lane_width_m: float, scale: StripScale | None = None) -> StripMap:
    """The map of a run, every row from its first metre to its last."""
    used = scale or (METRES if found.across is Across.METRES else PICTURE)
    reach = _reach(run, found.defects)
    first, last = math.floor(reach[0] / used.row_m), math.ceil(reach[1] / used.row_m) - 1
    numbers = range(first, max(first, last) + 1)
    by_row = _by_row(found.defects, used.row_m)
    frames = _frames_by_row(run, used.row_m)
    rows = tuple(_row(run, number, frames.get(number, []), by_row.get(number, []), reach, used) for number in numbers)
    edges = (lane_width_m / 2, -lane_width_m / 2) if found.across is Across.METRES else ()
    return StripMap(used, rows, tuple(used.y(edge) for edge in edges), used.y(0.0))


def _reach(run: Run, defects: Sequence[StripDefect]) -> tuple[float, float]:
    """Metres that frames and defects reach over; roads begin at 0."""
    low = min([run.from_m, *(one.from_m for one in defects)])
    return max(0.0, low), max([run.to_m, *(one.to_m for one in defects)])


def _by_row(defects: Sequence[StripDefect], row_m: float) -> dict[int, list[tuple[int, StripDefect]]]:
    rows: dict[int, list[tuple[int, StripDefect]]] = {}
    for number, one in enumerate(defects, 1):
        for row in range(math.floor(one.from_m / row_m), math.floor(one.to_m / row_m) + 1):
            rows.setdefault(row, []).append((number, one))
    return rows


def _frames_by_row(run: Run, row_m: float) -> dict[int, list[tuple[float, Sight, str]]]:
    rows: dict[int, list[tuple[float, Sight, str]]] = {}
    for frame in run.frames:
        rows.setdefault(math.floor(frame.chainage_m / row_m), []).append((frame.chainage_m, frame.sight, frame.name))
    return rows


def _row(
    run: Run,
    number: int,
    frames: Sequence[tuple[float, Sight, str]],
    defects: Iterable[tuple[int, StripDefect]],
    reach: tuple[float, float],
    scale: StripScale,
) -> Row:
    start, end, half = number * scale.row_m, (number + 1) * scale.row_m, run.step_m / 2  # a frame speaks for a step
    return Row(
        from_m=start,
        to_m=end,
        road=(scale.x(max(reach[0] - half, start), start), scale.x(max(start, min(reach[1] + half, end)), start)),
        gaps=tuple(_spans(run, start, scale)),
        ticks=tuple(Tick(scale.x(metres, start), sight, name) for metres, sight, name in frames),
        marks=tuple(_mark(at, one, start, scale) for at, one in defects),
        labels=tuple((scale.x(metres, start), stake(metres)) for metres in _round_metres(start, scale.row_m)),
    )


def _spans(run: Run, start: float, scale: StripScale) -> Iterable[Span]:
    half = run.step_m / 2  # the frames beside a gap look half a step into it
    for gap in run.gaps:
        low, high = max(gap.from_m + half, start), min(gap.to_m - half, start + scale.row_m)
        if low < high:
            yield Span(scale.x(low, start), scale.x(high, start), gap.to_m - gap.from_m)


def _mark(number: int, one: StripDefect, start: float, scale: StripScale) -> Mark:
    low, high = max(one.from_m, start), min(one.to_m, start + scale.row_m)
    x, width = _at_least(scale.x(low, start), scale.x(high, start))
    y, height = _at_least(scale.y(one.left_at), scale.y(one.right_at))
    return Mark(x, y, width, height, one.type, number, sure=one.looks > 1)


def _at_least(low: float, high: float) -> tuple[float, float]:
    """Beginning and size of a mark, made wide enough to be seen about its middle."""
    if high - low >= LEAST_SHOWN:
        return low, round(high - low, 2)
    return round((low + high - LEAST_SHOWN) / 2, 2), LEAST_SHOWN


def _round_metres(start: float, row_m: float) -> list[float]:
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**6) if step * 10 >= row_m)
    return [start + step * number for number in range(math.ceil(row_m / step))]


def stake(metres: float) -> str:
    """K29+840, as stakes are written along a road; a tenth of a metre where there is one."""
    whole, tenths = divmod(round(metres * 10), 10)
    return f"K{whole // 1000}+{whole % 1000:03d}" + (f".{tenths}" if tenths else "")
