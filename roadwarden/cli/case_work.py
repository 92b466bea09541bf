"""``roadwarden case dispatch|accept|start|report|mend|assess|ask-evidence|accept-time|close|reopen``: the usual way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cases.events import EventType, Verdict
from roadwarden.cli.case_common import (
    ApprovedBy,
    Case,
    Common,
    Reason,
    ReportSeq,
    case_command,
    open_desk,
    record,
    tell,
)
from roadwarden.cli.city_tables import dispatch_table, require_addressee
from roadwarden.cli.database import existing
from roadwarden.errors import ConfigError, DataError

Evidence = Annotated[
    list[str] | None, typer.Option(help="id or sha256 of a picture that is kept already; may be given again")
]
Pictures = Annotated[
    list[Path] | None,
    typer.Option("--picture", help="file of a picture, which is kept as evidence; may be given again"),
]


def register(case_app: typer.Typer) -> None:
    """Adds the commands to ``roadwarden case``."""
    for act in (dispatch, accept, start, report, mend, assess, ask_evidence, accept_time, close, reopen):
        case_app.command()(case_command(act))


def dispatch(
    common: Common,
    case: Case,
    department: Annotated[str | None, typer.Option(help="who gets it; without one the dispatch rules choose")] = None,
    crew: Annotated[str | None, typer.Option(help="crew of that department")] = None,
    reason: Annotated[str | None, typer.Option(help="why there")] = None,
) -> None:
    """Send a case to a department and crew (派遣), by the rules or by hand.

    Example: roadwarden case dispatch 2026-000001 --by u2 --role dispatcher
    """
    if department is not None:
        require_addressee(department, crew)
        record(common, case, EventType.DISPATCHED, department=department, crew=crew, reason=reason)
        return
    if crew or reason:
        raise ConfigError("--crew and --reason go with --department; without it the rules choose, and say why")
    from roadwarden.service.dispatching import dispatch_by_rules

    desk = open_desk(common.database)
    done, chosen = dispatch_by_rules(desk, common.who, case, *dispatch_table(), common.ask)
    tell(desk, done, as_json=common.as_json)
    if not common.as_json:
        print(f"to {chosen.department}, crew {chosen.crew or '(theirs to choose)'}: {chosen.reason}")


def accept(common: Common, case: Case) -> None:
    """Take a case on, as its crew.

    Example: roadwarden case accept 2026-000001 --by u7 --role crew --of-department roads
    """
    record(common, case, EventType.ACCEPTED)


def start(common: Common, case: Case) -> None:
    """Say that work on the road has begun.

    Example: roadwarden case start 2026-000001 --by u7 --role crew --of-department roads
    """
    record(common, case, EventType.REPAIR_STARTED)


def report(common: Common, case: Case, picture: Pictures = None, evidence: Evidence = None) -> None:
    """Report the repair (修复上报): the clock stops for now, and for good once the repair is assessed as done.

    Example: roadwarden case report 2026-000001 --picture after.jpg --by u7 --role crew --of-department roads
    """
    record(common, case, EventType.REPAIR_REPORTED, evidence=_shown(common, case, picture, evidence))


def mend(common: Common, case: Case, picture: Pictures = None, evidence: Evidence = None) -> None:
    """Report that a patrol mended it on the spot (自处理); counts as a repair report.

    Example: roadwarden case mend 2026-000001 --picture after.jpg --by u5 --role supervisor
    """
    record(common, case, EventType.SELF_HANDLED, evidence=_shown(common, case, picture, evidence))


def assess(
    common: Common,
    case: Case,
    verdict: Annotated[Verdict, typer.Option(help="on the repair")],
    report: ReportSeq,
    assessment: Annotated[str | None, typer.Option(help="id of the record of the assessment")] = None,
    reason: Annotated[str | None, typer.Option(help="why")] = None,
) -> None:
    """Record the verdict on a repair report (修复效果评价); a person's beats the machine's.

    Example: roadwarden case assess 2026-000001 --report 5 --verdict REPAIRED --by u3 --role duty_officer
    """
    told = {"verdict": verdict, "report_seq": report, "assessment": assessment, "reason": reason}
    record(common, case, EventType.ASSESSED, **told)


def ask_evidence(
    common: Common,
    case: Case,
    report: ReportSeq,
    reason: Annotated[str | None, typer.Option(help="what is missing")] = None,
) -> None:
    """Reject a repair report whose evidence does not show the repair.

    Example: roadwarden case ask-evidence 2026-000001 --report 5 --reason "too dark" --by u3 --role duty_officer
    """
    record(common, case, EventType.EVIDENCE_REQUESTED, report_seq=report, reason=reason)


def accept_time(
    common: Common,
    case: Case,
    report: ReportSeq,
    reported_at: Annotated[str, typer.Option(help="when the repair was done, with its offset")],
    reason: Reason,
    approved_by: ApprovedBy,
) -> None:
    """Let a report count from when the repair was done, because the crew was provably offline.

    Example: roadwarden case accept-time 2026-000001 --report 5 --reported-at 2026-03-04T07:40:00Z
    --reason "no network in the tunnel" --approved-by u4:road_chief --by u3 --role duty_officer
    """
    told = {"report_seq": report, "at": reported_at, "reason": reason, "approved_by": approved_by}
    record(common, case, EventType.TIME_ACCEPTED, **told)


def close(common: Common, case: Case, reason: Annotated[str | None, typer.Option(help="why")] = None) -> None:
    """Close a case (结案) whose repair was assessed as done.

    Example: roadwarden case close 2026-000001 --by u3 --role duty_officer
    """
    record(common, case, EventType.CLOSED, reason=reason)


def reopen(common: Common, case: Case, reason: Reason) -> None:
    """Open a closed case again within its warranty (返工): a new cycle with its own clock.

    Example: roadwarden case reopen 2026-000001 --reason "broken up again" --by u3 --role duty_officer
    """
    record(common, case, EventType.REOPENED, reason=reason)


def _shown(
    common: Common, case: str, pictures: Sequence[Path] | None, evidence: Sequence[str] | None
) -> Sequence[str] | None:
    """What a report shows: pictures as they are taken in now, by sha256, and those that are kept already.

    Raises DataError for a file that cannot be read, BadPicture for one that is no picture.
    """
    if not pictures:
        return evidence
    from roadwarden.bootstrap import evidence_desk
    from roadwarden.storage.evidence import UseKind

    open_desk(common.database).answer(case)  # nothing is kept for a case that is not there
    desk = evidence_desk(existing(common.database))
    try:
        taken = [desk.take_in(_bytes_of(path), common.by).sha256 for path in pictures]
        desk.belongs(UseKind.CASE, case, taken)
    finally:
        desk.close()
    return [*dict.fromkeys((*taken, *(evidence or ())))]


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise DataError(f"{path}: the picture cannot be read: {exc.strerror or exc}") from exc
