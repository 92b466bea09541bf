"""Two plots of a run of ``roadwarden eval repairs``, as SVG without a library: the same outcomes, the same bytes."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from roadwarden.cases.event_types import Verdict
from roadwarden.eval.repairs import ACCEPTED, Kind, Outcome, ScoreBin, score_bins

INK, SOFT, BLUE = "#16202b", "#7f8790", "#0072b2"
COLOURS = {
    Verdict.REPAIRED: "#009e73",
    Verdict.REPAIRED_WITH_DEFECT: "#f0e442",
    Verdict.PARTIAL: "#56b4e9",
    Verdict.NOT_REPAIRED: "#d55e00",
    Verdict.WRONG_OBJECT: "#cc79a7",
    Verdict.LOCATION_UNCERTAIN: "#e69f00",
    Verdict.INSUFFICIENT_EVIDENCE: "#c3c9d0",
}
"""Okabe's and Ito's, which people with any kind of colour blindness can tell apart; in the order of a bar."""
LEFT, RIGHT, TOP, BOTTOM = 56.0, 24.0, 52.0, 48.0
SIDE = 340.0
"""Of the reliability diagram's square."""
TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
NAMES, BAR, ROW, COUNTS = 150.0, 520.0, 24.0, 40.0
LEGEND, LEGEND_ROW, IN_ROW = 236.0, 18.0, 3
LEAST_NUMBERED = 14.0
"""A part of a bar that is narrower has its number only on hovering."""


def plots(outcomes: Sequence[Outcome], source: str) -> Mapping[str, tuple[str, str]]:
    """What each shows and its SVG, by the end of its file's name; nothing of nothing."""
    if not outcomes:
        return {}
    return {
        "reliability.svg": ("share truly repaired over the score", reliability_svg(outcomes, source)),
        "verdicts.svg": ("verdicts by kind", verdicts_svg(outcomes, source)),
    }


def reliability_svg(outcomes: Sequence[Outcome], source: str) -> str:
    """Share truly repaired over score / 100 with Wilson's bounds; below the diagonal a score says too much."""
    width, height = LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM
    bins = score_bins(outcomes)
    looked = sum(one.repaired.whole for one in bins)
    middle = TOP + SIDE / 2
    parts = [
        _head(width, height, f"Score and truth: {source}"),
        *_frame(),
        f'<path d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}" stroke="{SOFT}" stroke-dasharray="5 4"/>',
        *(mark for one in bins for mark in _dot(one, max(one.repaired.whole for one in bins))),
        f'<text x="{LEFT + SIDE:g}" y="{height - 10:g}" text-anchor="end">score / 100, mean of its bin</text>',
        f'<text transform="translate(16 {middle:g}) rotate(-90)" text-anchor="middle">share truly repaired</text>',
        f'<text x="{LEFT:g}" y="40" fill="{SOFT}">triples by ten scores: {looked} of {len(outcomes)} looked at; '
        "lines: 95 % bounds</text></svg>",
    ]
    return "\n".join(parts) + "\n"


def verdicts_svg(outcomes: Sequence[Outcome], source: str) -> str:
    """One bar a kind, of the shares of its verdicts; what is wrong of a kind has a dark edge."""
    said: dict[Kind, Counter[Verdict]] = defaultdict(Counter)
    for one in outcomes:
        said[one.kind][one.verdict] += 1
    kinds = [kind for kind in Kind if kind in said]
    top = TOP + LEGEND_ROW * (len(COLOURS) // IN_ROW + 1)
    width, height = NAMES + BAR + COUNTS, top + ROW * len(kinds) + 12
    parts = [_head(width, height, f"Verdicts by kind: {source}, {len(outcomes)} triples"), *_legend()]
    for row, kind in enumerate(kinds):
        parts.extend(_bar(kind, said[kind], top + ROW * row))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _head(width: float, height: float, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="sans-serif" font-size="12" fill="{INK}" role="img">'
        f'<title>{escape(title)}</title><rect width="100%" height="100%" fill="#ffffff"/>\n'
        f'<text x="12" y="22" font-size="14">{escape(title)}</text>'
    )


def _x(value: float) -> float:
    return round(LEFT + value * SIDE, 1)


def _y(value: float) -> float:
    return round(TOP + (1 - value) * SIDE, 1)


def _frame() -> Iterator[str]:
    for value in TICKS:
        grid = f"M{_x(value)} {_y(0)}V{_y(1)}M{_x(0)} {_y(value)}H{_x(1)}"
        yield f'<path d="{grid}" stroke="{SOFT}" stroke-opacity="0.3"/>'
        yield f'<text x="{_x(value)}" y="{_y(0) + 16:g}" text-anchor="middle">{value:g}</text>'
        yield f'<text x="{_x(0) - 6:g}" y="{_y(value) + 4:g}" text-anchor="end">{value:g}</text>'


def _dot(one: ScoreBin, most: int) -> Iterator[str]:
    """Its area grows with the triples in it."""
    share = one.repaired
    x, y, radius = _x(one.score), _y(share.value), round(3 + 8 * math.sqrt(share.whole / most), 1)
    yield f'<path d="M{x} {_y(share.low)}V{_y(share.high)}" stroke="{BLUE}"/>'
    yield (
        f'<circle cx="{x}" cy="{y}" r="{radius:g}" fill="{BLUE}" fill-opacity="0.7">'
        f"<title>score {one.score:.2f}: {share.part} of {share.whole} repaired</title></circle>"
    )
    yield f'<text x="{x + radius + 2:g}" y="{y - radius:g}">{share.whole}</text>'


def _legend() -> Iterator[str]:
    for number, (verdict, colour) in enumerate(COLOURS.items()):
        x, y = 12 + LEGEND * (number % IN_ROW), 34 + LEGEND_ROW * (number // IN_ROW)
        yield f'<rect x="{x:g}" y="{y:g}" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{x + 18:g}" y="{y + 10:g}">{verdict.value}</text>'
    x, y = 12 + LEGEND * (len(COLOURS) % IN_ROW), 34 + LEGEND_ROW * (len(COLOURS) // IN_ROW)
    yield f'<rect x="{x + 1:g}" y="{y + 1:g}" width="10" height="10" fill="none" stroke="{INK}" stroke-width="2"/>'
    yield f'<text x="{x + 18:g}" y="{y + 10:g}">wrong of its kind; numbers are triples</text>'


def _bar(kind: Kind, said: Counter[Verdict], y: float) -> Iterator[str]:
    whole, x, name = said.total(), NAMES, kind.value.replace("_", " ")
    yield f'<text x="{NAMES - 8:g}" y="{y + 15:g}" text-anchor="end">{name}</text>'
    wrong = []
    for verdict, colour in COLOURS.items():
        if not (number := said[verdict]):
            continue
        wide = BAR * number / whole
        told = f"<title>{name}: {number} of {whole} {verdict.value}</title>"
        yield f'<rect x="{x:.1f}" y="{y:g}" width="{wide:.1f}" height="{ROW - 5:g}" fill="{colour}">{told}</rect>'
        if wide >= LEAST_NUMBERED:
            yield f'<text x="{x + wide / 2:.1f}" y="{y + 14:g}" text-anchor="middle">{number}</text>'
        if verdict not in ACCEPTED[kind]:
            inner = f'x="{x + 1:.1f}" y="{y + 1:g}" width="{max(wide - 2, 0.5):.1f}" height="{ROW - 7:g}"'
            wrong.append(f'<rect {inner} fill="none" stroke="{INK}" stroke-width="2"/>')
        x += wide
    yield from wrong
    yield f'<text x="{NAMES + BAR + 8:g}" y="{y + 15:g}">{whole}</text>'
