"""The plots of the KPI page, as coordinates for inline SVG: no script, no network, sharp in print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadwarden.cases.kpi_weeks import Week
from roadwarden.cases.kpi_words import STAGE_WORDS
from roadwarden.cases.tables import Words
from roadwarden.cases.time_saved import Saving

BLUE, ORANGE, GREEN, SOFT = "#0072b2", "#e69f00", "#009e73", "#7f8790"
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 520.0, 260.0, 40.0, 36.0, 12.0
MOST_BARS = 30
DEADLINES_H = (24.0, 48.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle in units of the viewBox."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A word at a place along the bottom, or a line where it says so."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars on an axis that begins at 0."""

    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    lines: tuple[Mark, ...]
    ticks: tuple[tuple[float, str], ...]  # y and what stands there


@dataclass(frozen=True, slots=True)
class StageBar:
    """One stage before and now, as percentages of the longest."""

    words: Words
    before: float | None
    now: float | None
    before_text: str
    now_text: str


def week_chart(weeks: Sequence[Week]) -> Chart:
    """Reported, filed and closed of each week side by side."""
    series = (("reported", SOFT), ("filed", BLUE), ("closed", GREEN))
    most = max((getattr(week, name) for week in weeks for name, _ in series), default=0) or 1
    step = (WIDTH - LEFT) / max(1, len(weeks))
    wide = step * 0.8 / len(series)
    bars = [
        _bar(
            LEFT + step * place + wide * nth, wide, getattr(week, name) / most, colour, f"{name} {getattr(week, name)}"
        )
        for place, week in enumerate(weeks)
        for nth, (name, colour) in enumerate(series)
    ]
    every = -(-len(weeks) // 8)
    marks = [
        Mark(round(LEFT + step * (place + 0.4), 1), week.start.strftime("%m-%d"))
        for place, week in enumerate(weeks)
        if place % every == 0
    ]
    return Chart(tuple(bars), tuple(marks), (), _ticks(most))


def response_chart(hours: Sequence[float]) -> Chart:
    """How many repairs took how long; lines at the deadlines of severe and of normal cases."""
    longest = max([*hours, 1.2 * DEADLINES_H[-1]])
    width_h = next((width for width in (2, 4, 6, 12, 24, 48, 96) if longest / width <= MOST_BARS), longest / MOST_BARS)
    count, edges = np.histogram(hours, np.arange(0, longest + width_h, width_h))
    most = int(count.max(initial=0)) or 1
    end = float(edges[-1])
    scale = (WIDTH - LEFT) / end
    bars = [
        _bar(LEFT + start * scale, 0.92 * width_h * scale, n / most, BLUE, f"{start:g} to {start + width_h:g} h: {n}")
        for start, n in zip(edges[:-1].tolist(), count.tolist(), strict=True)
        if n
    ]
    step = max(24.0, 24.0 * round(end / 6 / 24))
    marks = [Mark(round(LEFT + hour * scale, 1), f"{hour:g}") for hour in np.arange(0, end + 1, step).tolist()]
    lines = [Mark(round(LEFT + hour * scale, 1), f"{hour:g} h") for hour in DEADLINES_H]
    return Chart(tuple(bars), tuple(marks), tuple(lines), _ticks(most))


def stage_bars(savings: Sequence[Saving]) -> tuple[StageBar, ...]:
    """Mean hours of each stage that was ever measured."""
    means = [mean for one in savings for mean in (one.mean_before_h, one.mean_now_h) if mean is not None]
    longest = max(means, default=0.0) or 1.0
    return tuple(
        StageBar(
            STAGE_WORDS[one.stage],
            None if one.mean_before_h is None else round(100 * one.mean_before_h / longest, 1),
            None if one.mean_now_h is None else round(100 * one.mean_now_h / longest, 1),
            _told(one.mean_before_h, one.n_before),
            _told(one.mean_now_h, one.n_now),
        )
        for one in savings
    )


def _told(mean_h: float | None, cases: int) -> str:
    return "–" if mean_h is None else f"{mean_h:.1f} h, n {cases}"


def _bar(x: float, width: float, share: float, colour: str, title: str) -> Bar:
    height = share * (HEIGHT - BOTTOM - TOP)
    return Bar(round(x, 1), round(HEIGHT - BOTTOM - height, 1), round(width, 1), round(height, 1), colour, title)


def _ticks(most: float) -> tuple[tuple[float, str], ...]:
    shares = (0.0, 0.5, 1.0)
    return tuple((round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1), f"{share * most:g}") for share in shares)
