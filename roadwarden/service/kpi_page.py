"""kpi.html: the figures of a period as one page that opens offline, in English and Chinese."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from roadwarden.cases.kpi_report import KpiReport
from roadwarden.cases.kpi_values import MEAN_AT_MOST_H
from roadwarden.cases.kpi_words import CLAIM_WORDS, hours, percent, sections
from roadwarden.service import kpi_plots as plots


def render_kpi(report: KpiReport) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("roadwarden.service"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    city, period = ZoneInfo(report.zone), report.kpi.period
    whole = report.savings[-1]
    return environment.get_template("kpi.html.j2").render(
        report=report,
        kpi=report.kpi,
        sections=sections(report),
        days=[one.astimezone(city).strftime("%Y-%m-%d %H:%M") for one in (period.start, period.end, period.now)],
        weeks=plots.week_chart(report.weeks),
        response=plots.response_chart(report.repair_hours),
        stages=plots.stage_bars(report.savings),
        size=(plots.WIDTH, plots.HEIGHT, plots.LEFT, plots.BOTTOM),
        colours={"reported": plots.SOFT, "filed": plots.BLUE, "closed": plots.GREEN},
        whole=whole,
        claim=CLAIM_WORDS[whole.claim],
        mean_at_most=MEAN_AT_MOST_H,
        percent=percent,
        hours=hours,
    )
