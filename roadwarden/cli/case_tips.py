"""``roadwarden case tip`` and ``case tips``: what others report, and the queue of what a person looks at first."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cases.events import Severity
from roadwarden.cases.filing import Source
from roadwarden.cli.case_common import AsJson, Common, Reason, case_command, moment, open_desk, shown
from roadwarden.cli.city_tables import domain_table, filing_table
from roadwarden.cli.database import Database
from roadwarden.errors import ConfigError

Table = Annotated[Path | None, typer.Option("--table", help="a city's own filing table")]
From = Annotated[Source, typer.Argument(help="who reported it")]
Number = Annotated[str, typer.Argument(help="the reporter's own number of it")]

tips_app = typer.Typer(help="The queue of intake: tips that a person looks at first.", no_args_is_help=True)


def register(case_app: typer.Typer) -> None:
    """Adds the commands to ``roadwarden case``."""
    case_app.command()(tip)
    case_app.add_typer(tips_app, name="tips")
    tips_app.command("list")(list_)
    tips_app.command("file")(case_command(file))
    tips_app.command("drop")(case_command(drop))


def tip(
    problem: Annotated[str, typer.Option(help="type of the taxonomy, or a problem of another domain")],
    source: Annotated[Source, typer.Option(help="who reports it")],
    id: Annotated[str, typer.Option(help="the reporter's own number of it; the same one twice is one tip")],
    seen_at: Annotated[str | None, typer.Option(help="when it was seen, with its offset; without it now")] = None,
    latitude: Annotated[float | None, typer.Option(help="WGS-84, degrees")] = None,
    longitude: Annotated[float | None, typer.Option(help="WGS-84, degrees")] = None,
    area: Annotated[str | None, typer.Option(help="id of the area")] = None,
    owner: Annotated[str | None, typer.Option(help="owner of the road")] = None,
    segment: Annotated[str | None, typer.Option(help="id of the road segment")] = None,
    note: Annotated[str | None, typer.Option(help="for people")] = None,
    table: Table = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Take in what a sensor, a citizen, a patrol or another office reports, in any domain.

    The filing table says whether it becomes a case at once or waits for a person, see 'roadwarden case tips list'.

    Example: roadwarden case tip --problem lamp_out --source sensor --id lamp-17-4 --area west-lake
    """
    from roadwarden.cases.tips import Tip
    from roadwarden.service.filing import FilingRules
    from roadwarden.service.tips import take_in_tip

    desk = open_desk(database, new=True)
    seen: datetime = moment("--seen-at", seen_at) if seen_at else desk.now()
    try:
        told = Tip(id, source, problem, seen, latitude, longitude, area, owner, None, segment, note)
    except ValueError as exc:
        raise ConfigError(f"this tip cannot be taken in: {exc}") from exc
    taken = take_in_tip(desk, told, FilingRules(filing=filing_table(table), domains=domain_table()))
    if as_json:
        decision = taken.decision
        answer = {"case": taken.case, "dropped": taken.dropped, "filing": decision.filing.value}
        print(json.dumps(answer | {"because": decision.because.english}, ensure_ascii=False))
    else:
        print(taken)


def list_(
    area: Annotated[str | None, typer.Option(help="only of this area")] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """List the tips that wait for a person, the longest known first.

    Example: roadwarden case tips list --area west-lake
    """
    from roadwarden.service.tips import waiting_tips

    found = waiting_tips(open_desk(database), area)
    if as_json:
        print(json.dumps([one.as_json() for one in found], ensure_ascii=False))
        return
    for one in found:
        place = "" if one.tip.latitude is None else f" at {one.tip.latitude}, {one.tip.longitude}"
        note = f": {one.tip.note}" if one.tip.note else ""
        print(f"{one.tip.source} {one.tip.id}  {one.tip.problem}, seen {shown(one.tip.seen_at)}{place}{note}")
    if not found:
        print("no tip waits")


def file(
    common: Common,
    source: From,
    id: Number,
    severity: Annotated[Severity | None, typer.Option(help="without it the one of its domain's table")] = None,
) -> None:
    """File the case of a waiting tip; again, it says the same case.

    Example: roadwarden case tips file citizen 12345-7 --severity severe --by u1 --role intake
    """
    from roadwarden.service.filing import FilingRules
    from roadwarden.service.tips import file_tip

    case = file_tip(open_desk(common.database), common.who, source, id, FilingRules(domains=domain_table()), severity)
    print(json.dumps({"case": case}, ensure_ascii=False) if common.as_json else f"case {case}")


def drop(common: Common, source: From, id: Number, reason: Reason) -> None:
    """Drop a tip that needs no case; it stays on record with the reason.

    Example: roadwarden case tips drop citizen 12345-7 --reason "a private yard" --by u1 --role intake
    """
    from roadwarden.service.tips import drop_tip

    dropped = drop_tip(open_desk(common.database), common.who, source, id, reason)
    told = json.dumps(dropped.as_json(), ensure_ascii=False)
    print(told if common.as_json else f"dropped {source} {id}: {dropped.reason}")
