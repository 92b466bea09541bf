"""The plots of the type report, as coordinates for inline SVG: no script, no network, sharp in print."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from roadwarden.eval.calibration import Reliability
from roadwarden.eval.protocol_report import ProtocolReport, Share, TypeRow
from roadwarden.eval.type_report import SweepPoint
from roadwarden.taxonomy import describe
from roadwarden.vision.drawing import hex_colour

INK, SOFT = "#16202b", "#7f8790"
BLUE, ORANGE, GREEN, RED = "#0072b2", "#e69f00", "#009e73", "#d55e00"

Words = tuple[str, str]
"""English, Chinese."""


@dataclass(frozen=True, slots=True)
class Axes:
    """A plot's frame in units of its viewBox; values run from 0 to 1 on both axes."""

    width: float = 420.0
    height: float = 300.0
    left: float = 40.0
    right: float = 14.0
    top: float = 12.0
    bottom: float = 34.0

    def x(self, value: float) -> float:
        """Where a share lies from the left."""
        return round(self.left + value * (self.width - self.left - self.right), 1)

    def y(self, value: float) -> float:
        """Where a share lies from the top."""
        return round(self.height - self.bottom - value * (self.height - self.top - self.bottom), 1)


AXES = Axes()
TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class Line:
    """One curve; ``points`` are those of an SVG polyline."""

    words: Words
    colour: str
    points: str
    titles: tuple[tuple[float, float, str], ...]  # x, y and what is said on hovering


@dataclass(frozen=True, slots=True)
class Dot:
    """One bin of the reliability diagram; its area grows with the detections in it."""

    x: float
    y: float
    r: float
    title: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One type's share with its interval, as percentages of the bar's track; NaN where there is none."""

    words: Words
    colour: str
    share: Share
    groups: int
    places: int


def sweep_lines(points: Sequence[SweepPoint], rates: Sequence[tuple[str, Words, str]]) -> tuple[Line, ...]:
    """A line for each (field of SweepPoint, words, colour) over the common threshold."""
    return tuple(_line(points, words, colour, attrgetter(name)) for name, words, colour in rates)


COVERAGE_RATES: tuple[tuple[str, Words, str], ...] = (
    ("found", ("found", "检出"), BLUE),
    ("precision", ("precision", "精确率"), ORANGE),
    ("type_accuracy", ("type accuracy", "类型准确率"), GREEN),
    ("end_to_end", ("found and typed right", "检出且类型正确"), RED),
)
IOU_RATES: tuple[tuple[str, Words, str], ...] = (
    ("iou_found", ("found", "检出"), BLUE),
    ("iou_precision", ("precision", "精确率"), ORANGE),
    ("iou_type_accuracy", ("type accuracy", "类型准确率"), GREEN),
    ("iou_label_aware_f1", ("F1 with labels", "带类型 F1"), RED),
)


def _line(points: Sequence[SweepPoint], words: Words, colour: str, rate: Callable[[SweepPoint], float]) -> Line:
    known = [(one.threshold, rate(one)) for one in points if not math.isnan(rate(one))]
    places = [(AXES.x(threshold), AXES.y(value)) for threshold, value in known]
    return Line(
        words=words,
        colour=colour,
        points=" ".join(f"{x},{y}" for x, y in places),
        titles=tuple(
            (x, y, f"{words[0]} {value:.3f} at {threshold:.2f}")
            for (x, y), (threshold, value) in zip(places, known, strict=True)
        ),
    )


def reliability_dots(reliability: Reliability) -> tuple[Dot, ...]:
    """The diagram; the largest bin has a radius of 11 units."""
    most = max((one.n for one in reliability.bins), default=1)
    return tuple(
        Dot(
            x=AXES.x(one.confidence),
            y=AXES.y(one.right),
            r=round(3 + 8 * math.sqrt(one.n / most), 1),
            title=f"confidence {one.confidence:.3f}, right {one.right:.3f}, n {one.n}",
        )
        for one in reliability.bins
    )


def bars(protocol: ProtocolReport, share: Callable[[TypeRow], Share]) -> tuple[Bar, ...]:
    """One bar a type that is there, in the taxonomy's order."""
    return tuple(
        Bar(_name(row), hex_colour(row.type), share(row), row.groups, row.places) for row in protocol.types if row.true
    )


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a confusion matrix; ``weight`` is its share of the row, 0..1."""

    count: int
    weight: float
    right: bool


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """What became of the boxes of one true type, or of detections on clean road."""

    words: Words
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix, types that are nowhere left out; the last row is detections on clean road."""

    columns: tuple[Words, ...]
    rows: tuple[MatrixRow, ...]


def matrix(protocol: ProtocolReport) -> Matrix:
    """Rows are what is there, columns what was said."""
    size = len(protocol.types)
    said = [sum(row[column] for row in protocol.confusion) + protocol.on_clean_road[column] for column in range(size)]
    shown = [index for index, row in enumerate(protocol.types) if row.true or said[index]]
    columns = [*shown, size, size + 1]
    words = [_name(row) for row in protocol.types] + [("no type said", "未给类型"), ("missed", "漏检")]
    rows = [
        MatrixRow(words[row], _cells([protocol.confusion[row][column] for column in columns], shown.index(row)))
        for row in shown
        if protocol.types[row].true
    ]
    wrong = [protocol.on_clean_road[column] for column in columns[:-1]]
    rows.append(MatrixRow(("nothing there", "无病害"), _cells([*wrong, 0], None)[:-1]))
    return Matrix(tuple(words[column] for column in columns), tuple(rows))


def _cells(counts: Sequence[int], own: int | None) -> tuple[Cell, ...]:
    whole = sum(counts) or 1
    return tuple(Cell(count, count / whole, index == own) for index, count in enumerate(counts))


def _name(row: TypeRow) -> Words:
    info = describe(row.type)
    return info.english, info.chinese
