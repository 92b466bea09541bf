"""drift.html: one page that opens offline, in English and Chinese, with its plots inline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from roadwarden.eval.drift_report import DriftReport, WeekReport
from roadwarden.eval.drift_signals import SignalKind, Trust
from roadwarden.eval.drift_words import outcome_words, percent, type_words
from roadwarden.taxonomy import DistressType
from roadwarden.vision.drawing import hex_colour

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 300.0, 150.0, 38.0, 22.0, 10.0
TRUST_COLOURS = {
    Trust.TRUSTED: "#009e73",
    Trust.WATCH: "#e69f00",
    Trust.NOT_TRUSTED: "#d55e00",
    Trust.TOO_LITTLE_DATA: "#7f8790",
}
TRUST_WORDS = {
    Trust.TRUSTED: ("trusted", "可信"),
    Trust.WATCH: ("watch", "关注"),
    Trust.NOT_TRUSTED: ("not trusted", "不可信"),
    Trust.TOO_LITTLE_DATA: ("too little data", "数据不足"),
}
OUTCOME_COLOUR, ACCURACY_COLOUR, REFERENCE_COLOUR = "#5b6b7b", "#16202b", "#9aa5b1"


@dataclass(frozen=True, slots=True)
class Point:
    """A week in a plot; low and high are NaN where there is no interval."""

    x: float
    y: float
    title: str
    colour: str
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True, slots=True)
class Plot:
    """One small plot over weeks, in the units of its viewBox."""

    title: tuple[str, str]
    colour: str
    points: tuple[Point, ...]
    level: float  # y of the horizontal line: the reference, or the promise
    top_label: str
    bottom_label: str
    first: str
    last: str

    @property
    def polyline(self) -> str:
        """The points joined."""
        return " ".join(f"{point.x},{point.y}" for point in self.points)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Scores of a type: the reference as an area, the latest week as a line."""

    title: tuple[str, str]
    colour: str
    reference: str  # points of a polyline
    week: str
    caption: str


def render_drift(report: DriftReport) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("roadwarden.eval"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("drift.html.j2").render(
        report=report,
        last=report.latest,
        size=(WIDTH, HEIGHT, LEFT, BOTTOM, TOP),
        colours=TRUST_COLOURS,
        trust_words=TRUST_WORDS,
        kind_words=_KIND_WORDS,
        subject=subject_words,
        rates=[_rate_plot(report, one) for one in report.reference_rates[report.reference_weeks[0]]],
        qualities=[_quality_plot(report, one.subject) for one in report.latest.signals
                   if one.kind is SignalKind.QUALITY],
        accuracy=_accuracy_plot(report),
        histograms=_histograms(report),
        percent=lambda share: "–" if math.isnan(share) else percent(share),
        number=_number,
    )  # fmt: skip


_KIND_WORDS = {
    SignalKind.COUNT: ("per 1,000 frames", "每千帧检出"),
    SignalKind.SCORE: ("median score", "置信度中位数"),
    SignalKind.QUALITY: ("share of frames", "图像占比"),
    SignalKind.ACCURACY: ("audited type accuracy", "抽检类型准确率"),
}


def subject_words(kind: SignalKind, subject: str) -> tuple[str, str]:
    """What a signal is about, in both languages."""
    if kind is SignalKind.QUALITY:
        return outcome_words(subject)
    return ("all types", "全部类型") if kind is SignalKind.ACCURACY else type_words(subject)


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3g}"


def _rate_plot(report: DriftReport, distress: DistressType) -> Plot:
    reference = [(week, rates[distress]) for week, rates in report.reference_rates.items()]
    weeks = [(one.week, one.rates[distress]) for one in report.weeks]
    level = sum(value for _, value in reference) / len(reference)
    values = [(week, value, f"{week}: {value:.1f}", math.nan, math.nan) for week, value in reference + weeks]
    return _plot(report, type_words(distress), hex_colour(distress), values, level, 0.0, "{:.3g}")


def _quality_plot(report: DriftReport, outcome: str) -> Plot:
    values, level = [], 0.0
    for week in report.weeks:
        for one in week.signals:
            if one.kind is SignalKind.QUALITY and one.subject == outcome:
                level = one.reference
                values.append((week.week, one.week, f"{week.week}: {percent(one.week)}", math.nan, math.nan))
    return _plot(report, outcome_words(outcome), OUTCOME_COLOUR, values, level, 0.0, "{:.1%}")


def _accuracy_plot(report: DriftReport) -> Plot | None:
    values = [
        (one.week, audit.share, f"{one.week}: {audit.correct}/{audit.n}", audit.lower, audit.upper)
        for one in report.weeks
        if (audit := one.audited.week).n
    ]
    if not values:
        return None
    lowest = min([report.settings.promise, *(value[3] for value in values)])
    title = ("Audited type accuracy by week", "各周抽检类型准确率")
    return _plot(report, title, ACCURACY_COLOUR, values, report.settings.promise, lowest - 0.02, "{:.0%}", 1.0)


def _plot(
    report: DriftReport,
    title: tuple[str, str],
    colour: str,
    values: Sequence[tuple[str, float, str, float, float]],
    level: float,
    lowest: float,
    form: str,
    highest: float = math.nan,
) -> Plot:
    order = sorted({*report.reference_weeks, *(one.week for one in report.weeks), *(value[0] for value in values)})
    trust = {one.week: TRUST_COLOURS[one.trust] for one in report.weeks}
    top = highest if not math.isnan(highest) else max([level, *(value[1] for value in values)]) * 1.1 or 1.0
    step = (WIDTH - LEFT - 10) / max(1, len(order) - 1)

    def place(value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - lowest) / (top - lowest) * (HEIGHT - BOTTOM - TOP), 1)

    points = tuple(
        Point(
            x=round(LEFT + 5 + step * order.index(week), 1),
            y=place(value),
            title=text,
            colour=trust.get(week, REFERENCE_COLOUR),
            low=place(low),
            high=place(high),
        )
        if not math.isnan(low)
        else Point(round(LEFT + 5 + step * order.index(week), 1), place(value), text, trust.get(week, REFERENCE_COLOUR))
        for week, value, text, low, high in values
    )
    return Plot(title, colour, points, place(level), form.format(top), form.format(lowest), order[0], order[-1])


def _histograms(report: DriftReport) -> list[Histogram]:
    found = []
    for distress, reference in report.scores["reference"].items():
        week = report.scores[report.latest.week][distress]
        highest = max((max(one) / sum(one) for one in (reference, week) if sum(one)), default=0.0)
        if highest:
            caption = f"{sum(reference)} / {sum(week)}"
            lines = [_steps(one, highest) for one in (reference, week)]
            found.append(Histogram(type_words(distress), hex_colour(distress), lines[0], lines[1], caption))
    return found


def _steps(histogram: Sequence[int], highest: float) -> str:
    """A histogram of score 0..1 as the points of a staircase."""
    total, wide, high = max(1, sum(histogram)), WIDTH - LEFT - 10, HEIGHT - BOTTOM - TOP
    corners = [(LEFT + 5, HEIGHT - BOTTOM)]
    for number, count in enumerate(histogram):
        y = HEIGHT - BOTTOM - count / total / highest * high
        corners += [(LEFT + 5 + wide * edge / len(histogram), y) for edge in (number, number + 1)]
    corners.append((LEFT + 5 + wide, HEIGHT - BOTTOM))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def summary_of(week: WeekReport) -> str:
    """A row for a terminal."""
    audit = week.audited.week
    accuracy = f"{percent(audit.share)} of {audit.n} (bound {percent(audit.lower)})" if audit.n else "not audited"
    return f"{week.week}  {week.trust:16} {week.usable:6} usable frames  types {accuracy}"
