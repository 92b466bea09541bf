"""``roadwarden case radiating``: whether there is more around a case than chance would put there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from roadwarden.cli.case_common import AsJson, Case, moment
from roadwarden.cli.city_tables import city_layers
from roadwarden.cli.database import Database, existing

if TYPE_CHECKING:
    from roadwarden.service.radiating import Radiation


def register(case_app: typer.Typer) -> None:
    """Adds the command to ``roadwarden case``."""
    case_app.command()(radiating)


def radiating(
    case: Case,
    days: Annotated[float, typer.Option(min=1, max=3660, help="length of the window that ends now")] = 90,
    same_type: Annotated[bool, typer.Option("--same-type", help="only problems of the case's type")] = False,
    found_by_one: Annotated[
        float | None,
        typer.Option(min=0.01, max=1, help="share of the problems that one look finds; without it as measured"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="of the dice: the same seed gives the same answer")] = 0,
    now: Annotated[str | None, typer.Option(help="as of this moment, with its offset; without it now")] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Say whether more than chance lies around a case: within 5, 20 and 50 m, on its segment, lane and utility line.

    Chance deals the problems of each road grade out anew by where people looked; docs/radiating.md defines the test.

    Example: roadwarden case radiating 2026-000001
    """
    from roadwarden.defects.exposure import FOUND_BY_ONE_LOOK
    from roadwarden.service.radiating import Question, radiation
    from roadwarden.service.radiating_words import as_json as told

    asked = Question(
        now=moment("--now", now) if now else datetime.now(UTC),
        window=timedelta(days=days),
        same_type=same_type,
        seed=seed,
        found_by_one=FOUND_BY_ONE_LOOK if found_by_one is None else found_by_one,
    )
    engine = existing(database)
    try:
        found = radiation(engine, case, asked, city_layers())
    finally:
        engine.dispose()
    if as_json:
        print(json.dumps(told(found), ensure_ascii=False, indent=2))
    else:
        _show(found)


def _show(found: Radiation) -> None:
    from roadwarden.service.radiating_words import CAVEAT, ZONE_WORDS, sentence, summary

    console = Console(highlight=False)
    console.print(f"{found.case}, {found.distress} on {found.segment}: {summary(found).english}", soft_wrap=True)
    table = Table(box=None, show_header=False)
    for one in found.zones:
        near = ", ".join(f"{each.case} ({each.away_m:g} m)" for each in one.neighbours[:5])
        more = f" and {len(one.neighbours) - 5} more" if len(one.neighbours) > 5 else ""
        table.add_row(ZONE_WORDS[one.spread.kind].english, sentence(one.spread).english, near + more)
    console.print(table)
    console.print(
        f"{found.problems} problems of {found.question.window.days} days; left out: {found.off_road} off the roads, "
        f"{found.unseen} where nobody looked. {CAVEAT.english}",
        soft_wrap=True,
    )
