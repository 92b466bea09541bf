"""``roadwarden repair recheck|crews``: what later passes say of repairs."""

from __future__ import annotations

import json

import typer

from roadwarden.cli.case_common import AsJson, open_desk
from roadwarden.cli.database import Database


def register(app: typer.Typer) -> None:
    """Adds the commands to ``roadwarden repair``."""
    app.command()(recheck)
    app.command()(crews)


def recheck(database: Database = None, as_json: AsJson = False) -> None:
    """Ask the passes since whether closed repairs still hold, 7, 30 and 90 days after; daily, after the surveys.

    What was seen again within the warranty is re-opened as rework of its crew.

    Example: roadwarden repair recheck
    """
    from roadwarden.service.rechecks import run_rechecks

    run = run_rechecks(open_desk(database))
    if as_json:
        told = {"looked_at": run.looked_at, "answers": dict(run.answers), "reopened": run.reopened}
        print(json.dumps(told | {"out_of_warranty": run.out_of_warranty}))
        return
    new = ", ".join(f"{number} {outcome.replace('_', ' ')}" for outcome, number in sorted(run.answers.items()))
    print(f"{run.looked_at} closed repairs looked at; new answers: {new or 'none'}")
    for case in run.reopened:
        print(f"case {case} is re-opened: rework")
    for case in run.out_of_warranty:
        print(f"case {case}: seen again after its warranty; 'roadwarden case file-defects' files it anew")


def crews(database: Database = None, as_json: AsJson = False) -> None:
    """Show how the repairs of each crew were found 7, 30 and 90 days after, with bounds; whom nobody passed is told.

    Example: roadwarden repair crews
    """
    from roadwarden.service.rechecks import crew_figures

    found = crew_figures(open_desk(database))
    if as_json:
        rows = [
            {
                "department": one.department,
                "crew": one.crew,
                "day": one.day,
                "held": one.held,
                "broken": one.broken,
                "not_looked": one.not_looked,
                "broken_low": round(one.broken_bounds[0], 4),
                "broken_high": round(one.broken_bounds[1], 4),
            }
            for one in found
        ]
        print(json.dumps(rows, ensure_ascii=False))
        return
    for one in found:
        low, high = one.broken_bounds
        who = " ".join(filter(None, (one.department, one.crew))) or "(nobody)"
        print(
            f"{who}, day {one.day}: {one.broken} of {one.looked} broken ({low:.0%} to {high:.0%}), "
            f"{one.not_looked} not looked at"
        )
    if not found:
        print("no answer yet; 'roadwarden repair recheck' asks the passes since")
