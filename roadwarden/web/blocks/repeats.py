"""What keeps coming back: curves, groups, places, claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roadwarden.cases.repeat_words import (
    BY_WORDS,
    KEY_WORDS,
    STANDING_WORDS,
    claim_row,
    group_row,
    offender_row,
)
from roadwarden.cases.repeats import ENOUGH, By, Group, Repeats, Standing
from roadwarden.cases.survival import Curve
from roadwarden.web.blocks.parts import (
    Block,
    Column,
    Teller,
    chart,
    days,
    fact,
    facts,
    percent,
    share,
    small,
    table,
    text,
)

MOST_CURVES = 6
_COLOURS = ("accent", "lamp-red", "lamp-green", "lamp-yellow", "lamp-grey", "ink")


def repeats_blocks(t: Teller, found: Repeats) -> list[Block]:
    """The page."""
    numbers = facts(
        t("figures.numbers"),
        [
            fact(t, "repairs", str(found.repairs)),
            fact(t, "returned", percent(found.returned.value), share(found.returned)),
            fact(t, "lasting", days(found.curve.median_days), t("figures.median_life")),
            fact(t, "claims", str(len(found.claims))),
            fact(t, "offenders", str(len(found.offenders))),
            fact(t, "unseen", str(found.unseen)),
        ],
    )
    return [numbers, _curve(t, found.curve), *_kinds(t, found), _offenders(t, found), _claims(t, found)]


def _curve(t: Teller, one: Curve) -> Block:
    if not one.repairs:
        return text(t("common.nothing"))
    back = one.lasting_at(30.0)
    says = t("figures.curve_says", days=30, share=percent(back[0])) if back else t("figures.curve_short")
    xs, ys = _steps(one.days.tolist(), one.lasting.tolist())
    _, low = _steps(one.days.tolist(), one.low.tolist())
    _, high = _steps(one.days.tolist(), one.high.tolist())
    traces: list[Block] = [
        {"type": "scatter", "mode": "lines", "x": xs, "y": high, "line": {"shape": "hv", "width": 0},
         "hoverinfo": "skip", "showlegend": False},
        {"type": "scatter", "mode": "lines", "x": xs, "y": low, "line": {"shape": "hv", "width": 0},
         "fill": "tonexty", "fillcolour": "accent-soft", "name": t("figures.band")},
        {"type": "scatter", "mode": "lines", "x": xs, "y": ys, "line": {"shape": "hv", "width": 2},
         "colour": "accent", "name": t.name("lasting")},
    ]  # fmt: skip
    return chart("curve", t("figures.curve"), says, traces, _axes(t), "groups")


def _kinds(t: Teller, found: Repeats) -> list[Block]:
    """For each kind of groups its curves and its table; kinds of which nothing is known are left out."""
    told: list[Block] = []
    for by in By:
        parts = [one for one in found.groups if one.by is by]
        if not parts:
            continue
        name = t.of(BY_WORDS[by])
        large = [one for one in parts if one.curve.repairs >= ENOUGH][:MOST_CURVES]
        if len(large) > 1:
            traces = [_line(t, one, colour) for one, colour in zip(large, _COLOURS, strict=False)]
            worse = [group_name(t, one.by, one.key) for one in parts if one.standing is Standing.WORSE]
            says = t("figures.worse_says", names=", ".join(worse)) if worse else t("figures.alike_says")
            told.append(chart(f"by-{by.value}", t("figures.by", name=name), says, traces, _axes(t), "groups"))
        told.append(_groups(t, by, name, parts))
    return told


def _line(t: Teller, one: Group, colour: str) -> dict[str, Any]:
    xs, ys = _steps(one.curve.days.tolist(), one.curve.lasting.tolist())
    name = f"{group_name(t, one.by, one.key)} ({one.curve.repairs})"
    line = {"shape": "hv", "width": 2}
    return {"type": "scatter", "mode": "lines", "x": xs, "y": ys, "line": line, "colour": colour, "name": name}


def _groups(t: Teller, by: By, name: str, parts: Sequence[Group]) -> Block:
    columns = [
        Column("group", name, lambda value: group_name(t, by, value)),
        Column("repairs", t.name("repairs"), number=True),
        Column("returns", t.name("returned"), number=True),
        Column("back_in_30_days", t.name("back_in_30_days"), number=True),
        Column("median_days", t("figures.half"), days, number=True),
        Column("p_adjusted", "p", small, number=True),
        Column("standing", t.name("standing"), lambda value: t.of(STANDING_WORDS[Standing(value)])),
    ]
    return table(f"groups-{by.value}", t("figures.by", name=name), columns, map(_group, parts), most=25)


def _group(one: Group) -> Mapping[str, Any]:
    row = group_row(one)
    back, low, high = (row[key] for key in ("back_in_30_days", "back_low", "back_high"))
    told = None if back is None else f"{percent(back)} ({percent(low)}–{percent(high)})"
    few = one.standing is Standing.TOO_FEW
    return row | {"back_in_30_days": told, "p_adjusted": None if few else one.adjusted}


def _offenders(t: Teller, found: Repeats) -> Block:
    columns = [
        Column("place", t("figures.first_case"), link=lambda row: f"/cases/{row['place']}"),
        Column("returns", t("figures.returns"), number=True),
        Column("mean_interval_days", t("figures.every"), days, number=True),
        Column("type", t("figures.type"), lambda value: t.word("type", value)),
        Column("area", t("figures.area"), t.office),
        Column("segment", t("figures.segment")),
        Column("last_at", t("figures.last"), lambda value: value[:10]),
        Column("open", t("figures.open"), lambda value: t("common.yes") if value else t("common.no")),
        Column("crews", t("figures.crews"), lambda value: "; ".join(map(t.office, value.split("; ")))),
    ]
    return table("places", t.name("offenders"), columns, map(offender_row, found.offenders))


def _claims(t: Teller, found: Repeats) -> Block:
    columns = [
        Column("case", t("figures.case"), link=lambda row: f"/cases/{row['case']}"),
        Column("crew", t("figures.crew"), t.office),
        Column("type", t("figures.type"), lambda value: t.word("type", value)),
        Column("segment", t("figures.segment")),
        Column("repaired_at", t("figures.repaired"), lambda value: value[:10]),
        Column("back_at", t.name("returned"), lambda value: value[:10]),
        Column("after_days", t("figures.after"), days, number=True),
        Column("warranty_until", t("figures.warranty"), lambda value: value[:10]),
        Column("back_as", t("figures.back_as"), link=lambda row: f"/cases/{row['back_as']}"),
    ]
    return table("claims", t.name("claims"), columns, map(claim_row, found.claims))


def group_name(t: Teller, by: By, key: str) -> str:
    """A group's in the reader's language."""
    if by is By.TYPE:
        return t.word("type", key)
    if by in (By.AREA, By.CREW, By.DEPARTMENT):
        return t.office(key)
    return t.of(KEY_WORDS[key]) if key in KEY_WORDS else key


def _steps(xs: list[float], ys: list[float]) -> tuple[list[float], list[float | None]]:
    """From 1 at the repair; what is not known is a gap."""
    return [0.0, *xs], [1.0, *(None if y != y else y for y in ys)]


def _axes(t: Teller) -> dict[str, Any]:
    return {
        "xaxis": {"title": {"text": t("figures.days_after")}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": t.name("lasting")}, "range": [0, 1.02], "tickformat": ".0%"},
    }
