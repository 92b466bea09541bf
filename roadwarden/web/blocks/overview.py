"""The key figures of a period, its weeks, and the time saved."""

from __future__ import annotations

from roadwarden.cases.kpi_report import KpiReport
from roadwarden.cases.kpi_values import MEAN_AT_MOST_H, Share
from roadwarden.cases.kpi_words import CLAIM_WORDS, STAGE_WORDS
from roadwarden.cases.time_saved import Claim, Saving
from roadwarden.web.blocks.parts import (
    NOTHING,
    Block,
    Column,
    Teller,
    Tone,
    chart,
    fact,
    facts,
    hours,
    percent,
    share,
    table,
    text,
)

_TONES = {Claim.PROVEN: Tone.GOOD, Claim.DISPROVEN: Tone.BAD, Claim.REFUSED: Tone.WATCH}


def overview_blocks(t: Teller, report: KpiReport) -> list[Block]:
    """The page."""
    return [
        _came_in(t, report),
        _on_time(t, report),
        _response(t, report),
        _off_the_way(t, report),
        _weeks_chart(t, report),
        _hours_chart(t, report),
        *saved_blocks(t, report),
        _weeks(t, report),
    ]


def saved_blocks(t: Teller, report: KpiReport) -> list[Block]:
    """The time saved, with what it rests on."""
    whole = report.savings[-1] if report.savings else None
    if whole is None:
        return [text(t("common.nothing"))]
    said = f"{t.of(CLAIM_WORDS[whole.claim])}: {t.of(whole.because)}"
    columns = [
        Column("stage", t("figures.stage")),
        Column("n_before", t("figures.n_before"), number=True),
        Column("before", t("figures.before"), hours, number=True),
        Column("n_now", t("figures.n_now"), number=True),
        Column("now", t("figures.now"), hours, number=True),
        Column("saved", t.name("saved"), number=True),
        Column("claim", t("figures.claim")),
    ]
    note = t("figures.no_baseline") if report.baseline is None else f"{t('figures.baseline')}: {report.baseline.source}"
    rows = [_saving(t, one) for one in report.savings]
    return [text(said, _TONES[whole.claim]), table("saved", t.name("saved"), columns, rows, note)]


def _saving(t: Teller, one: Saving) -> dict[str, object]:
    told = NOTHING if one.saved is None else f"{percent(one.saved)} ({percent(one.low)}–{percent(one.high)})"
    return {
        "stage": t.of(STAGE_WORDS[one.stage]),
        "n_before": one.n_before,
        "before": one.mean_before_h,
        "n_now": one.n_now,
        "now": one.mean_now_h,
        "saved": told,
        "claim": t.of(CLAIM_WORDS[one.claim]),
    }


def _came_in(t: Teller, report: KpiReport) -> Block:
    flow = report.kpi.flow
    return facts(
        t("figures.came_in"),
        [
            fact(t, "reported", str(flow.reported)),
            fact(t, "filed", str(flow.filed)),
            fact(t, "closed", str(flow.closed)),
            _rate(t, "closure_rate", flow.closure),
            _rate(t, "due_closure_rate", flow.due_closure),
        ],
    )


def _on_time(t: Teller, report: KpiReport) -> Block:
    kpi = report.kpi
    return facts(
        t("figures.in_time"),
        [
            _rate(t, "on_time_original", kpi.on_time.original),
            _rate(t, "on_time_approved", kpi.on_time.approved),
            _rate(t, "on_time_severe", kpi.on_time_severe.original),
            _rate(t, "assess_on_time", kpi.assessment),
        ],
    )


def _response(t: Teller, report: KpiReport) -> Block:
    one = report.kpi.response
    kept = None if one.mean_met is None else t("figures.kept" if one.mean_met else "figures.not_kept")
    tone = Tone.PLAIN if one.mean_met is None else Tone.GOOD if one.mean_met else Tone.BAD
    note = t("figures.promise", hours=f"{MEAN_AT_MOST_H:g}") + (f": {kept}" if kept else "")
    return facts(
        t("figures.response"),
        [
            fact(t, "mean_h", hours(one.mean_h), note, tone),
            fact(t, "p50_h", hours(one.p50_h)),
            fact(t, "p90_h", hours(one.p90_h)),
            fact(t, "mean_with_open_h", hours(one.mean_with_open_h), t("figures.still_open", count=one.open)),
        ],
    )


def _off_the_way(t: Teller, report: KpiReport) -> Block:
    branches, rework = report.kpi.branches, report.kpi.rework
    return facts(
        t("figures.off_the_way"),
        [
            _rate(t, "rework_rate", rework.rejected),
            fact(t, "reopened", str(rework.reopened.part)),
            _rate(t, "parked", branches.parked),
            _rate(t, "void", branches.void),
            fact(t, "bounces", str(branches.bounces), t("figures.in_cases", count=branches.bounced.part)),
            _rate(t, "missed", branches.missed),
        ],
    )


def _rate(t: Teller, key: str, value: Share) -> Block:
    return fact(t, key, percent(value.value), share(value))


def _weeks_chart(t: Teller, report: KpiReport) -> Block:
    names = [week.start.strftime("%m-%d") for week in report.weeks]
    series = (("reported", "lamp-grey"), ("filed", "accent"), ("closed", "lamp-green"))
    traces = [
        {"type": "bar", "x": names, "y": [getattr(week, key) for week in report.weeks], "name": t.name(key),
         "colour": colour}
        for key, colour in series
    ]  # fmt: skip
    says = t("figures.weeks_says", weeks=len(names), reported=report.kpi.flow.reported, closed=report.kpi.flow.closed)
    layout = {"barmode": "group", "xaxis": {"type": "category"}}
    return chart("weeks", t("figures.weeks"), says, traces, layout, "weeks")


def _hours_chart(t: Teller, report: KpiReport) -> Block:
    trace = {"type": "histogram", "x": list(report.repair_hours), "xbins": {"start": 0, "size": 6}, "colour": "accent",
             "name": t.name("repairs")}  # fmt: skip
    response = report.kpi.response
    says = t("figures.hours_says", repairs=response.repairs, median=hours(response.p50_h), p90=hours(response.p90_h))
    marks = [{"x": limit, "text": f"{limit:g} h"} for limit in (24.0, 48.0)]
    layout = {"xaxis": {"title": {"text": t("figures.hours")}, "rangemode": "tozero"}, "showlegend": False}
    return chart("hours", t("figures.hours_chart"), says, [trace], layout | {"marks": marks}, "hours")


def _weeks(t: Teller, report: KpiReport) -> Block:
    columns = [
        Column("from", t("figures.week")),
        Column("reported", t.name("reported"), number=True),
        Column("filed", t.name("filed"), number=True),
        Column("closed", t.name("closed"), number=True),
        Column("whole", "", lambda value: "" if value else t("figures.not_whole")),
    ]
    return table("weeks", t("figures.weeks"), columns, week_rows(report))


def week_rows(report: KpiReport) -> list[dict[str, object]]:
    """Of the table and of the CSV file."""
    return [
        {"from": one.start.strftime("%Y-%m-%d"), "to": one.end.strftime("%Y-%m-%d"), "whole": one.whole,
         "reported": one.reported, "filed": one.filed, "closed": one.closed}
        for one in report.weeks
    ]  # fmt: skip
