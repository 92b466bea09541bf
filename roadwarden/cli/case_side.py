"""``roadwarden case park|resume|extend|severity|safety|handback|transfer|void``: what leads off the usual way."""

from __future__ import annotations

from typing import Annotated

import typer

from roadwarden.cases.events import EventType, Severity
from roadwarden.cli.case_common import ApprovedBy, Case, Common, Reason, case_command, record
from roadwarden.cli.city_tables import require_addressee


def register(case_app: typer.Typer) -> None:
    """Adds the commands to ``roadwarden case``."""
    for act in (park, resume, extend, severity, safety, handback, transfer, void):
        case_app.command()(case_command(act))


def park(
    common: Common,
    case: Case,
    until: Annotated[str, typer.Option(help="when it ends at the latest, with its offset")],
    reason: Reason,
    approved_by: ApprovedBy,
) -> None:
    """Let the repair clock rest (挂账), approved and within the policy's limits; a severe case only once it is safe.

    Example: roadwarden case park 2026-000001 --until 2026-03-06T00:00:00Z --reason rain
    --approved-by u4:road_chief --by u3 --role duty_officer
    """
    record(common, case, EventType.PARKED, until=until, reason=reason, approved_by=approved_by)


def resume(common: Common, case: Case, reason: Annotated[str | None, typer.Option(help="why")] = None) -> None:
    """End a park before its time (挂账恢复).

    Example: roadwarden case resume 2026-000001 --by u3 --role duty_officer
    """
    record(common, case, EventType.RESUMED, reason=reason)


def extend(
    common: Common,
    case: Case,
    clock: Annotated[str, typer.Option(help="repair, assess, or a stage")],
    due: Annotated[str, typer.Option(help="the later deadline, with its offset")],
    reason: Reason,
    approved_by: ApprovedBy,
) -> None:
    """Move a deadline (延时) before it has passed; the original one stays on record.

    Example: roadwarden case extend 2026-000001 --clock repair --due 2026-03-06T00:00:00Z --reason "waits for a valve"
    --approved-by u4:road_chief --by u3 --role duty_officer
    """
    record(common, case, EventType.EXTENDED, clock=clock, due=due, reason=reason, approved_by=approved_by)


def severity(
    common: Common,
    case: Case,
    to: Annotated[Severity, typer.Option(help="normal or severe")],
    reason: Annotated[str | None, typer.Option(help="why")] = None,
    approved_by: Annotated[str | None, typer.Option(help="for normal: another person, as NAME:ROLE")] = None,
) -> None:
    """Raise or lower the severity; raising tightens the deadline, lowering needs an approval.

    Example: roadwarden case severity 2026-000001 --to severe --by u3 --role duty_officer
    """
    record(common, case, EventType.SEVERITY_CHANGED, to=to, reason=reason, approved_by=approved_by)


def safety(
    common: Common, case: Case, kind: Annotated[str, typer.Option(help="for example fence (围挡) or guard (看护)")]
) -> None:
    """Record that the place was made safe although it is not mended.

    Example: roadwarden case safety 2026-000001 --kind fence --by u3 --role duty_officer
    """
    record(common, case, EventType.SAFETY_MEASURE, kind=kind)


def handback(common: Common, case: Case, reason: Reason) -> None:
    """Hand a case back (回退), as the department that it was sent to; it is counted.

    Example: roadwarden case handback 2026-000001 --reason "a manhole: utilities" --by u7 --role crew
    --of-department roads
    """
    record(common, case, EventType.HANDED_BACK, reason=reason)


def transfer(
    common: Common, case: Case, to: Annotated[str, typer.Option(help="department that gets it")], reason: Reason
) -> None:
    """Pass a case on between street office and district; it is counted.

    Example: roadwarden case transfer 2026-000001 --to street_office --reason "their road" --by u3 --role duty_officer
    """
    require_addressee(to)
    record(common, case, EventType.TRANSFERRED, to=to, reason=reason)


def void(common: Common, case: Case, reason: Reason, approved_by: ApprovedBy) -> None:
    """Void a case (作废), approved; it stays on record and is counted.

    Example: roadwarden case void 2026-000001 --reason "not our road" --approved-by u4:road_chief --by u3
    --role duty_officer
    """
    record(common, case, EventType.VOIDED, reason=reason, approved_by=approved_by)
