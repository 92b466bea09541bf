"""The pages of figures: the shell at once, what it shows as data, each table as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from roadwarden.access.people import Principal
from roadwarden.access.policy import require
from roadwarden.cases.kpi_values import Period
from roadwarden.cases.process_words import as_json as process_json
from roadwarden.cases.repeat_words import claim_row, group_row, offender_row
from roadwarden.cases.rights import Right
from roadwarden.csv_cells import as_text
from roadwarden.service.proofs import audited_weeks, ledger_health
from roadwarden.service.radiating_words import as_json as radiating_json
from roadwarden.web import statistics
from roadwarden.web.answers import answer
from roadwarden.web.api.fields import CaseName
from roadwarden.web.api.seeing import may_see, visible
from roadwarden.web.blocks.campaigns import campaign_blocks, campaign_rows
from roadwarden.web.blocks.overview import overview_blocks, saved_blocks, week_rows
from roadwarden.web.blocks.parts import Block, Teller
from roadwarden.web.blocks.process import process_blocks
from roadwarden.web.blocks.proof import accuracy_row, coverage_rows, move_rows, proof_blocks
from roadwarden.web.blocks.radiating import radiating_blocks
from roadwarden.web.blocks.repeats import repeats_blocks
from roadwarden.web.definitions import definitions
from roadwarden.web.identity import Caller
from roadwarden.web.look import language_of
from roadwarden.web.pages.rendering import render
from roadwarden.web.parts import Parts, PartsOf

router = APIRouter(include_in_schema=False)
_WORDS: Final = ("figures.",)
Day = Annotated[str | None, Query(max_length=10)]
From = Annotated[str | None, Query(alias="from", max_length=10)]
Days = Annotated[int, Query(ge=1, le=3660)]
Rows = Sequence[Mapping[str, Any]]


class View(StrEnum):
    """One page of figures."""

    OVERVIEW = "overview"
    PROCESS = "process"
    REPEATS = "repeats"
    PROOF = "proof"
    CAMPAIGNS = "campaigns"


_DAYS: Final = {View.OVERVIEW: 30, View.PROCESS: 30, View.REPEATS: 90, View.PROOF: 90, View.CAMPAIGNS: 30}


class Table(StrEnum):
    """What can be had as CSV."""

    WEEKS = "weeks"
    HOURS = "hours"
    FLOWS = "flows"
    STAYS = "stays"
    PASSED = "passed"
    REFUSED = "refused"
    PLACES = "places"
    GROUPS = "groups"
    CLAIMS = "claims"
    ACCURACY = "accuracy"
    MODELS = "models"
    COVERAGE = "coverage"
    CAMPAIGNS = "campaigns"


@router.get("/figures")
def overview_page(request: Request, caller: Caller, parts: PartsOf, first: From = None, to: Day = None) -> HTMLResponse:
    """Key figures."""
    return _shell(request, caller, parts, View.OVERVIEW, first, to)


@router.get("/figures/definitions")
def definitions_page(request: Request, caller: Caller, parts: PartsOf) -> HTMLResponse:
    """What every figure is; each has its anchor."""
    require(caller, Right.FIGURES_READ, parts.permissions)
    language = language_of(request)
    known = [(key, one.name(language), one.means(language)) for key, one in definitions().items()]
    return render(request, "definitions.html", definitions=known)


@router.get("/figures/data/{view}")
def data(request: Request, caller: Caller, parts: PartsOf, view: View, first: From = None, to: Day = None) -> Response:
    """What a page shows."""
    period = statistics.city_period(parts, first, to, _DAYS[view])
    return answer({"blocks": _blocks(request, caller, parts, view, period)})


@router.get("/figures/csv/{table}.csv")
def as_csv(
    request: Request, caller: Caller, parts: PartsOf, table: Table, first: From = None, to: Day = None
) -> Response:
    """All rows of a table."""
    days = 90 if table in (Table.PLACES, Table.GROUPS, Table.CLAIMS, Table.ACCURACY) else 30
    period = statistics.city_period(parts, first, to, days)
    return csv_answer(table.value, _rows(request, caller, parts, table, period))


@router.get("/figures/{view}")
def figures_page(
    request: Request, caller: Caller, parts: PartsOf, view: View, first: From = None, to: Day = None
) -> HTMLResponse:
    """Another page of figures."""
    return _shell(request, caller, parts, view, first, to)


@router.get("/cases/{case}/radiating")
def radiating_page(
    request: Request, caller: Caller, parts: PartsOf, case: CaseName, days: Days = 90, same_type: bool = False
) -> HTMLResponse:
    """What lies around a case."""
    view = visible(parts, caller, case)
    page = {"data": f"/cases/{case}/radiating/data", "query": {"days": str(days), "same_type": str(same_type).lower()}}
    return render(
        request, "radiating.html", script_words=_WORDS, page=page, row=view.row, days=days, same_type=same_type
    )


@router.get("/cases/{case}/radiating/data")
def radiating_data(
    request: Request, caller: Caller, parts: PartsOf, case: CaseName, days: Days = 90, same_type: bool = False
) -> Response:
    """What that page shows."""
    visible(parts, caller, case)
    found = statistics.around(request, case, days, same_type=same_type)
    names = {near.case for one in found.zones for near in one.neighbours}
    return answer({"blocks": radiating_blocks(teller(request, parts), found, may_see(parts, caller, names))})


@router.get("/cases/{case}/radiating.csv")
def radiating_csv(
    request: Request, caller: Caller, parts: PartsOf, case: CaseName, days: Days = 90, same_type: bool = False
) -> Response:
    """The zones as CSV."""
    visible(parts, caller, case)
    zones = radiating_json(statistics.around(request, case, days, same_type=same_type))["zones"]
    rows = [{k: v for k, v in one.items() if k not in ("words", "neighbours")} for one in zones]
    return csv_answer(f"radiating-{case}", rows)


def csv_answer(name: str, rows: Rows) -> Response:
    """A file that spreadsheets open, Chinese too."""
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows({key: as_text(value) for key, value in row.items()} for row in rows)
    headers = {"content-disposition": f'attachment; filename="{name}.csv"', "cache-control": "no-store"}
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def teller(request: Request, parts: Parts) -> Teller:
    """Words in the reader's language, with the names of the city's offices."""
    return Teller(language_of(request), statistics.offices(parts))


def _shell(
    request: Request, caller: Principal, parts: Parts, view: View, first: str | None, last: str | None
) -> HTMLResponse:
    require(caller, Right.FIGURES_READ, parts.permissions)
    period = statistics.city_period(parts, first, last, _DAYS[view])
    shown = statistics.days_of(period)
    page = {"data": f"/figures/data/{view.value}", "query": {"from": shown[0], "to": shown[1]}}
    return render(request, "figures.html", script_words=_WORDS, page=page, view=view, views=View, shown=shown)


def _blocks(request: Request, caller: Principal, parts: Parts, view: View, period: Period) -> list[Block]:
    t = teller(request, parts)
    match view:
        case View.OVERVIEW:
            return overview_blocks(t, statistics.kpis(request, caller, period))
        case View.PROCESS:
            policy = parts.desk.policies.at_filing(period.start, None)
            return process_blocks(t, statistics.flows(request, caller, period), policy)
        case View.REPEATS:
            return repeats_blocks(t, statistics.comings(request, caller, period))
        case View.PROOF:
            return [*_proof(request, caller, parts, t, period)]
        case View.CAMPAIGNS:
            return campaign_blocks(t, statistics.campaigns(request, caller))


def _proof(request: Request, caller: Principal, parts: Parts, t: Teller, period: Period) -> list[Block]:
    weeks = audited_weeks(parts.drift) if parts.drift else ()
    blocks = proof_blocks(
        t,
        weeks,
        statistics.verdicts(request, caller, period),
        ledger_health(parts.engine),
        statistics.coverage_now(request, caller),
    )
    return [*blocks, *saved_blocks(t, statistics.kpis(request, caller, period))]


def _rows(request: Request, caller: Principal, parts: Parts, table: Table, period: Period) -> Rows:
    require(caller, Right.FIGURES_READ, parts.permissions)
    makers: Mapping[Table, Callable[[], Rows]] = {
        Table.WEEKS: lambda: week_rows(statistics.kpis(request, caller, period)),
        Table.HOURS: lambda: [{"hours": one} for one in statistics.kpis(request, caller, period).repair_hours],
        Table.PLACES: lambda: [offender_row(one) for one in statistics.comings(request, caller, period).offenders],
        Table.GROUPS: lambda: [group_row(one) for one in statistics.comings(request, caller, period).groups],
        Table.CLAIMS: lambda: [claim_row(one) for one in statistics.comings(request, caller, period).claims],
        Table.ACCURACY: lambda: [accuracy_row(one) for one in (audited_weeks(parts.drift) if parts.drift else ())],
        Table.MODELS: lambda: move_rows(ledger_health(parts.engine)),
        Table.CAMPAIGNS: lambda: campaign_rows(statistics.campaigns(request, caller)),
        Table.COVERAGE: lambda: coverage_rows(statistics.coverage_now(request, caller) or {}),
    }
    if table in makers:
        return makers[table]()
    rows: Rows = process_json(statistics.flows(request, caller, period))[table.value]
    return rows
