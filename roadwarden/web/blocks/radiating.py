"""What lies around a case: each zone beside what chance would put there."""

from __future__ import annotations

from collections.abc import Callable

from roadwarden.defects.chance import Finding
from roadwarden.service.radiating import Radiation
from roadwarden.service.radiating_words import CAVEAT, ZONE_WORDS, sentence, summary
from roadwarden.web.blocks.parts import Block, Column, Teller, Tone, chart, small, table, text


def radiating_blocks(t: Teller, found: Radiation, may_see: Callable[[str], bool]) -> list[Block]:
    """The page. Cases of others are counted and not named."""
    said = summary(found)
    more = any(one.spread.finding is Finding.MORE for one in found.zones)
    columns = [
        Column("zone", t("figures.zone")),
        Column("words", t.name("finding")),
        Column("p", "p", small, number=True),
    ]
    rows = [
        {"zone": t.of(ZONE_WORDS[one.spread.kind]), "words": t.of(sentence(one.spread)), "p": one.spread.adjusted}
        for one in found.zones
    ]
    note = t(
        "figures.radiating_note",
        problems=found.problems,
        days=found.question.window.days,
        off_road=found.off_road,
        unseen=found.unseen,
    )
    return [
        text(t.of(said), Tone.BAD if more else Tone.GOOD),
        _chart(t, found),
        table("radiating", t.name("finding"), columns, rows, note),
        _neighbours(t, found, may_see),
        text(t.of(CAVEAT)),
    ]


def _chart(t: Teller, found: Radiation) -> Block:
    zones = [one.spread for one in found.zones]
    names = [t.of(ZONE_WORDS[one.kind]) for one in zones]
    tones = ["lamp-red" if one.finding is Finding.MORE else "accent" for one in zones]
    traces = [
        {"type": "bar", "orientation": "h", "y": names, "base": [one.chance_low for one in zones],
         "x": [max(one.chance_high - one.chance_low, 0.08) for one in zones], "colour": "lamp-grey",
         "name": t("figures.chance_range"), "width": 0.35, "hoverinfo": "skip"},
        {"type": "scatter", "mode": "markers", "y": names, "x": [one.expected for one in zones],
         "colour": "ink-soft", "symbol": "line-ns-open", "size": 16, "cliponaxis": False,
         "name": t("figures.expected")},
        {"type": "scatter", "mode": "markers", "y": names, "x": [one.count for one in zones],
         "colours": tones, "symbol": "circle", "size": 13, "cliponaxis": False, "name": t("figures.found")},
    ]  # fmt: skip
    layout = {"yaxis": {"autorange": "reversed", "automargin": True},
              "xaxis": {"title": {"text": t("figures.problems")}, "rangemode": "tozero"}}  # fmt: skip
    return chart("radiating", t.name("chance"), t.of(summary(found)), traces, layout, "radiating")


def _neighbours(t: Teller, found: Radiation, may_see: Callable[[str], bool]) -> Block:
    near = {one.case: one for around in found.zones for one in around.neighbours}
    known = sorted(near.values(), key=lambda one: (one.away_m, one.case))
    rows = [
        {"case": one.case if may_see(one.case) else "", "type": one.distress, "away_m": one.away_m} for one in known
    ]
    columns = [
        Column("case", t("figures.case"), lambda value: value or t("figures.of_others"),
               link=lambda row: f"/cases/{row['case']}" if row["case"] else None),
        Column("type", t("figures.type"), lambda value: t.word("type", value)),
        Column("away_m", t("figures.away"), lambda value: f"{value:.1f} m", number=True),
    ]  # fmt: skip
    return table("neighbours", t("figures.neighbours"), columns, rows, most=60)
