"""``roadwarden case file-defects``: cases that nobody files by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadwarden.cli.case_common import AsJson, open_desk
from roadwarden.cli.city_tables import dispatch_table, domain_table, filing_table, require_place
from roadwarden.cli.database import Database
from roadwarden.cli.progress import progress

if TYPE_CHECKING:
    from roadwarden.service.cases import CaseDesk
    from roadwarden.service.filing import FilingRun

Table = Annotated[Path | None, typer.Option("--table", help="a city's own filing table")]
MOST_TOLD = 20


def register(case_app: typer.Typer) -> None:
    """Adds the commands to ``roadwarden case``."""
    case_app.command()(file_defects)


def file_defects(
    defects: Annotated[list[str] | None, typer.Argument(help="ids; without any all defects that are known")] = None,
    area: Annotated[str | None, typer.Option(help="area of the cases, where the roads do not say")] = None,
    owner: Annotated[str | None, typer.Option(help="owner of the roads, where they do not say")] = None,
    dispatch: Annotated[
        bool,
        typer.Option("--dispatch", help="send them where the rules choose, late ones too"),
    ] = False,
    table: Table = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """File the cases of defects that pass the filing table; run again, it files nothing twice.

    Open cases whose defect is severe by now become severe. What a person has to look at is listed, severe ones first.

    Example: roadwarden case file-defects --area west-lake --owner city --dispatch
    """
    from roadwarden.service.filing import FilingRules
    from roadwarden.service.filing import file_defects as run_filing

    require_place(area, owner)
    rules = FilingRules(
        filing=filing_table(table), domains=domain_table(), area_of=lambda _defect: area, owner_of=lambda _defect: owner
    )
    desk = open_desk(database)
    with progress("defects", quiet=as_json) as report:
        run = run_filing(desk, rules, defects, lambda done: report(done, done))
    sent = _dispatch(desk) if dispatch else {}
    if as_json:
        print(json.dumps(_as_json(run, sent), ensure_ascii=False))
    else:
        _show(run, sent)


def _dispatch(desk: CaseDesk) -> dict[str, str]:
    from roadwarden.service.cases import Ask
    from roadwarden.service.dispatching import dispatch_by_rules, never_dispatched
    from roadwarden.service.filing import FILING

    tables = dispatch_table()
    return {
        case: dispatch_by_rules(desk, FILING, case, *tables, Ask(key=f"dispatch:{case}"))[1].department
        for case in never_dispatched(desk)
    }


def _as_json(run: FilingRun, sent: dict[str, str]) -> dict[str, Any]:
    return {
        "looked_at": run.looked_at,
        "nowhere": run.nowhere,
        "filed": run.filed,
        "dispatched": sent,
        "raised": run.raised,
        "seen_again": run.seen_again,
        "merged": run.merged,
        "parted": run.parted,
        "doubles": [list(one) for one in run.doubles],
        "waiting": [
            {
                "defect": one.defect,
                "problem": one.problem,
                "severity": one.severity.value,
                "because": one.decision.because.english,
            }
            for one in run.by_urgency
        ],
    }


def _show(run: FilingRun, sent: dict[str, str]) -> None:
    print(f"{run.looked_at} defects looked at, {len(run.filed)} filed, {len(run.waiting)} wait for intake")
    for defect, case in run.filed.items():
        print(f"case {case} of defect {defect}" + (f", to {sent[case]}" if case in sent else ""))
    for case in sorted(sent.keys() - set(run.filed.values())):
        print(f"case {case}, filed before, to {sent[case]}")
    _show_known(run)
    for one in run.by_urgency[:MOST_TOLD]:
        print(f"waits: {one.severity} {one.problem} {one.defect}: {one.decision.because.english}")
    if len(run.waiting) > MOST_TOLD:
        print(f"and {len(run.waiting) - MOST_TOLD} more; --json lists them all")


def _show_known(run: FilingRun) -> None:
    """What became of cases that were there before."""
    for case in run.raised:
        print(f"case {case} is severe now")
    for case in run.seen_again:
        print(f"case {case}: its defect was seen again within the warranty; re-open it?")
    for case, into in run.merged.items():
        print(f"case {case} is merged into {into}: one defect, and nobody had touched it")
    for case in run.parted:
        print(f"case {case} is merged no more: its defect is another one after all")
    for cases in run.doubles:
        print(f"cases {', '.join(cases)} are of one defect; merge them?")
    if run.nowhere:
        print(f"{run.nowhere} lie on no road that is known; import the road network")
