"""``roadwarden repair review|list|show``: a person's verdict beside the machine's, and the records of both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.cases.events import Verdict
from roadwarden.cli.case_common import AsJson, Case, Common, ReportSeq, case_command, open_desk, tell
from roadwarden.cli.database import Database, PicturesFolder
from roadwarden.cli.repair_common import kept_pictures, line_of, told
from roadwarden.errors import DataError, PictureAway, UnknownCase

if TYPE_CHECKING:
    from roadwarden.storage.assessments import AssessmentRow

MOST_LOOKED_AT = 1000
"""Newest records among which the beginning of an id is looked for."""
SHORTEST = 8
"""Hex digits of an id's beginning; the list shows 12."""


def register(app: typer.Typer) -> None:
    """Adds the commands to ``roadwarden repair``."""
    app.command()(case_command(review))
    app.command("list")(list_records)
    app.command()(show)


def review(
    common: Common,
    case: Case,
    verdict: Annotated[Verdict, typer.Option(help="on the repair")],
    report: ReportSeq,
    reason: Annotated[str | None, typer.Option(help="why")] = None,
) -> None:
    """Record a person's verdict on a repair report, beside the machine's; REPAIRED closes the case.

    Example: roadwarden repair review 2026-000001 --report 5 --verdict REPAIRED --by u3 --role duty_officer
    """
    from roadwarden.service.reviewing import review as record_review

    desk = open_desk(common.database)
    done = record_review(desk, common.who, case, report, verdict, reason, common.ask)
    tell(desk, done.done, as_json=common.as_json)
    if not common.as_json and done.agrees is not None:
        print("the machine said the same" if done.agrees else "the machine said otherwise; its verdict stays on record")


def list_records(
    case: Annotated[str | None, typer.Option(help="only of this case")] = None,
    verdict: Annotated[Verdict | None, typer.Option(help="only these")] = None,
    most: Annotated[int, typer.Option(min=1, max=1000, help="rows at most")] = 50,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """List the records of assessments and reviews, the newest first.

    Example: roadwarden repair list --case 2026-000001
    """
    from roadwarden.storage.assessments import AssessmentFilter
    from roadwarden.storage.case_unit import reading

    with reading(open_desk(database).engine) as unit:
        rows = unit.assessments.list(AssessmentFilter(case=case, verdict=verdict), most)
    if as_json:
        print(json.dumps([told(row) for row in rows], ensure_ascii=False))
        return
    for row in rows:
        print(line_of(row) + (", drawn for audit" if row.audited else ""))
    if not rows:
        print("no record yet; 'roadwarden repair queue --once' judges what is due")


def show(
    record: Annotated[
        str,
        typer.Argument(help="id of the record, or its beginning; or name of a case: its newest"),
    ],
    drawn: Annotated[Path | None, typer.Option("--overlay", help="where to write the drawn picture")] = None,
    pictures: PicturesFolder = None,
    database: Database = None,
) -> None:
    """Print one record as JSON, checked against its id; write its drawn picture.

    Example: roadwarden repair show 2026-000001 --overlay var/overlay.jpg
    """
    from roadwarden.ledger.canonical import sha256_hex
    from roadwarden.storage.assessments import AssessmentFilter
    from roadwarden.storage.case_unit import reading

    with reading(open_desk(database).engine) as unit:
        row = unit.assessments.get(record)
        row = row or next(iter(unit.assessments.list(AssessmentFilter(case=record), 1)), None)
        row = row or _beginning_so(unit.assessments.list(AssessmentFilter(), MOST_LOOKED_AT), record)
    if row is None:
        raise UnknownCase(f"there is no record {record}; 'roadwarden repair list' shows those there are")
    if sha256_hex(row.content.encode()) != row.id:
        raise DataError(f"record {row.id[:12]} is not what its id says: it was tampered with; run 'ledger audit'")
    if drawn is not None:
        data = None if row.overlay is None else kept_pictures(pictures).get(row.overlay)
        if data is None:
            raise PictureAway(f"record {row.id[:12]}: its drawn picture is not kept here; see --blobs")
        drawn.parent.mkdir(parents=True, exist_ok=True)
        drawn.write_bytes(data)
    print(json.dumps(told(row), ensure_ascii=False, indent=2))


def _beginning_so(rows: Sequence[AssessmentRow], beginning: str) -> AssessmentRow | None:
    """The one record whose id begins so; None where there is none, or more than one."""
    found = [row for row in rows if len(beginning) >= SHORTEST and row.id.startswith(beginning)]
    return found[0] if len(found) == 1 else None
