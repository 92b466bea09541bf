"""Campaigns: the same figures for as long before, during and after each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from roadwarden.cases.campaigns import CampaignFigures
from roadwarden.cases.kpi_values import Kpi
from roadwarden.settings import time_zone
from roadwarden.web.blocks.parts import NOTHING, Block, Column, Teller, hours, percent, table, text

_Read = Callable[[Kpi], Any]
FIGURES: Final[Mapping[str, tuple[_Read, Callable[[Any], str]]]] = {
    "filed": (lambda kpi: kpi.flow.filed, str),
    "closure_rate": (lambda kpi: kpi.flow.closure.value, percent),
    "on_time_original": (lambda kpi: kpi.on_time.original.value, percent),
    "on_time_approved": (lambda kpi: kpi.on_time.approved.value, percent),
    "mean_h": (lambda kpi: kpi.response.mean_h, hours),
    "rework_rate": (lambda kpi: kpi.rework.rejected.value, percent),
    "bounces": (lambda kpi: kpi.branches.bounced.value, percent),
    "missed": (lambda kpi: kpi.branches.missed.value, percent),
}
"""By the key of their definition: what they read, and how it is shown."""


def campaign_blocks(t: Teller, found: Sequence[CampaignFigures] | None) -> list[Block]:
    """The page; ``None``: the city has laid out no campaigns."""
    if not found:
        return [text(t("figures.no_campaigns" if found is None else "figures.none_begun"))]
    return [block for one in found for block in (_said(t, one), _table(t, one))]


def campaign_rows(found: Sequence[CampaignFigures] | None) -> list[dict[str, Any]]:
    """For the CSV file: a row a figure."""
    return [
        {
            "campaign": one.occurrence.campaign.id,
            "number": one.occurrence.number,
            "from": one.occurrence.start.isoformat(),
            "to": one.occurrence.end.isoformat(),
            "complete": one.complete,
            "figure": key,
            "before": read(one.before),
            "during": read(one.during),
            "after": None if one.after is None else read(one.after),
        }
        for one in found or ()
        for key, (read, _) in FIGURES.items()
    ]


def _said(t: Teller, one: CampaignFigures) -> Block:
    goal = one.occurrence.campaign.goal
    state = t("figures.campaign_over" if one.complete else "figures.campaign_runs")
    return text(" · ".join(part for part in (goal, state) if part))


def _table(t: Teller, one: CampaignFigures) -> Block:
    held, city = one.occurrence, time_zone()
    days = f"{held.start.astimezone(city):%Y-%m-%d} – {held.end.astimezone(city):%Y-%m-%d}"
    columns = [
        Column("name", t("figures.figure"), link=lambda row: f"/figures/definitions#{row['key']}"),
        Column("before", t("figures.before_it"), number=True),
        Column("during", t("figures.during_it"), number=True),
        Column("after", t("figures.after_it" if one.complete else "figures.after_so_far"), number=True),
    ]
    rows = [
        {
            "key": key,
            "name": t.name(key),
            "before": show(read(one.before)),
            "during": show(read(one.during)),
            "after": NOTHING if one.after is None else show(read(one.after)),
        }
        for key, (read, show) in FIGURES.items()
    ]
    title = f"{t.of(held.campaign)} · {t('figures.campaign_time', number=held.number)} · {days}"
    return table(f"campaigns-{held.campaign.id}", title, columns, rows)
