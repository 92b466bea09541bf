"""The monthly report: a page that a browser prints to PDF, and a workbook."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from roadwarden.access.people import Principal
from roadwarden.cases.kpi_values import Period
from roadwarden.settings import time_zone
from roadwarden.web import statistics
from roadwarden.web.blocks.overview import overview_blocks
from roadwarden.web.blocks.parts import Block, Teller
from roadwarden.web.blocks.process import process_blocks
from roadwarden.web.blocks.proof import coverage_block
from roadwarden.web.blocks.repeats import repeats_blocks
from roadwarden.web.identity import Caller
from roadwarden.web.pages.figures import teller
from roadwarden.web.pages.rendering import render
from roadwarden.web.parts import Parts, PartsOf
from roadwarden.web.workbook import workbook

router = APIRouter(include_in_schema=False)
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Month = Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}$")]


@router.get("/figures/report")
def report_page(request: Request, caller: Caller, parts: PartsOf, month: Month = None) -> HTMLResponse:
    """One calendar month on paper; without a month the last whole one."""
    period = statistics.month_period(parts, month)
    t = teller(request, parts)
    chapters = _chapters(request, caller, parts, t, period)
    return render(request, "month.html", month=_name(period), chapters=chapters)


@router.get("/figures/report.xlsx")
def report_workbook(request: Request, caller: Caller, parts: PartsOf, month: Month = None) -> Response:
    """The same as an Excel file, a sheet a chapter."""
    period = statistics.month_period(parts, month)
    t = teller(request, parts)
    content = workbook(_chapters(request, caller, parts, t, period))
    headers = {"content-disposition": f'attachment; filename="roadwarden-{_name(period)}.xlsx"'}
    return Response(content, media_type=XLSX, headers=headers)


def _chapters(
    request: Request, caller: Principal, parts: Parts, t: Teller, period: Period
) -> list[tuple[str, list[Block]]]:
    """Facts, sentences and tables; charts are for screens."""
    policy = parts.desk.policies.at_filing(period.start, None)
    covered = statistics.coverage_now(request, caller)
    told = [
        (t("figures.view_overview"), overview_blocks(t, statistics.kpis(request, caller, period))),
        (t("figures.view_process"), process_blocks(t, statistics.flows(request, caller, period), policy)),
        (t("figures.view_repeats"), repeats_blocks(t, statistics.comings(request, caller, period))),
        (t.name("coverage"), [] if covered is None else [coverage_block(t, covered)]),
    ]
    kept = [(title, [one for one in blocks if _on_paper(one)]) for title, blocks in told]
    return [(title, blocks) for title, blocks in kept if blocks]


def _on_paper(block: Block) -> bool:
    return block["kind"] in ("facts", "text") or (block["kind"] == "table" and bool(block["rows"]))


def _name(period: Period) -> str:
    return period.start.astimezone(time_zone()).strftime("%Y-%m")
