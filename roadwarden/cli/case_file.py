"""``roadwarden case file``, ``merge``, ``unmerge``: cases that come into being, and two that are one."""

from __future__ import annotations

from typing import Annotated

import typer

from roadwarden.cases.event_data import Filed
from roadwarden.cases.events import EventType, Severity, parse_data
from roadwarden.cli.case_common import Case, Common, case_command, open_desk, tell
from roadwarden.cli.city_tables import domain_table, require_place


def register(case_app: typer.Typer) -> None:
    """Adds the commands to ``roadwarden case``."""
    for act in (file, merge, unmerge):
        case_app.command()(case_command(act))


def file(
    common: Common,
    distress: Annotated[str, typer.Option(help="type of the taxonomy, or a problem of another domain")],
    severity: Annotated[Severity | None, typer.Option(help="without it the one of its domain's table")] = None,
    case: Annotated[str | None, typer.Option(help="name; without one the year and the next number")] = None,
    area: Annotated[str | None, typer.Option(help="id of the area")] = None,
    segment: Annotated[str | None, typer.Option(help="id of the road segment")] = None,
    road_grade: Annotated[str | None, typer.Option(help="I, II or III")] = None,
    owner: Annotated[str | None, typer.Option(help="owner of the road")] = None,
    latitude: Annotated[float | None, typer.Option(help="WGS-84, degrees")] = None,
    longitude: Annotated[float | None, typer.Option(help="WGS-84, degrees")] = None,
    defect: Annotated[str | None, typer.Option(help="id of the defect that it is about")] = None,
    source: Annotated[str | None, typer.Option(help="camera, patrol, sensor, citizen or department")] = None,
    first_seen_at: Annotated[str | None, typer.Option(help="when it was first seen, with its offset")] = None,
    note: Annotated[str | None, typer.Option(help="for people")] = None,
) -> None:
    """File a case (立案); its repair clock starts now.

    Example: roadwarden case file --distress pothole --severity severe --area demo --by u1 --role intake
    """
    require_place(area, owner)
    domains = domain_table()
    domain = domains.domain_of(distress)
    values = {
        "distress": distress,
        "severity": severity or domains.severity_of(distress),
        "policy": domain.clock_policy,
        "domain": domain.id,
        "area": area,
        "segment": segment,
        "road_grade": road_grade,
        "owner": owner,
        "latitude": latitude,
        "longitude": longitude,
        "defect": defect,
        "source": source,
        "first_seen_at": first_seen_at,
        "note": note,
    }
    data = parse_data(EventType.FILED, {name: value for name, value in values.items() if value is not None})
    if not isinstance(data, Filed):
        raise TypeError(f"{data} files no case")
    desk = open_desk(common.database, new=True)
    tell(desk, desk.file(common.who, data, common.ask, case), as_json=common.as_json)


def merge(
    common: Common,
    case: Case,
    into: Annotated[str, typer.Option(help="the case that stays")],
) -> None:
    """Merge a case into another one that is about the same thing: the earlier start and the higher severity count.

    Example: roadwarden case merge 2026-000002 --into 2026-000001 --by u1 --role intake
    """
    desk = open_desk(common.database)
    tell(desk, desk.merge(common.who, case, into, common.ask), as_json=common.as_json)


def unmerge(common: Common, case: Case) -> None:
    """Undo a merge: the case lives again, and the other one has its own clock back.

    Example: roadwarden case unmerge 2026-000002 --by u1 --role intake
    """
    desk = open_desk(common.database)
    tell(desk, desk.unmerge(common.who, case, common.ask), as_json=common.as_json)
