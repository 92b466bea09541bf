"""A case to the department and crew that the rules choose."""

from __future__ import annotations

from datetime import datetime

from roadwarden.cases.answer import CaseState
from roadwarden.cases.clocks import clocks
from roadwarden.cases.dispatch import Asked, dispatch
from roadwarden.cases.dispatch_table import DispatchTable
from roadwarden.cases.domains import DomainTable
from roadwarden.cases.events import Dispatched
from roadwarden.cases.hand_overs import handed_back_by
from roadwarden.cases.permissions import Person
from roadwarden.cases.policy import ClockPolicies
from roadwarden.errors import UnknownCase
from roadwarden.service.cases import PLAIN, Ask, CaseDesk, Done
from roadwarden.storage.case_rows import CaseFilter
from roadwarden.storage.case_unit import CaseUnit, reading

BY_RULES = "dispatch by rules"


def dispatch_by_rules(
    desk: CaseDesk, who: Person, case: str, table: DispatchTable, domains: DomainTable, ask: Ask = PLAIN
) -> tuple[Done, Dispatched]:
    """Sends it where the rules say, and tells where; the same key again tells where it went last.

    Raises CaseError and StorageAway as the desk does.
    """

    def choose(unit: CaseUnit, now: datetime) -> Dispatched:
        asked = _asked(unit, case, desk.policies, now)
        chosen = dispatch(asked, table, domains, unit.rows.open_by_crew())
        return Dispatched(chosen.department, chosen.crew, chosen.rule, chosen.because.english)

    done = desk.decide(who, case, BY_RULES, choose, ask)
    happened = done.events or desk.events(case)
    return done, next(event.data for event in reversed(happened) if isinstance(event.data, Dispatched))


def never_dispatched(desk: CaseDesk) -> tuple[str, ...]:
    """Cases of defects that were filed and sent nowhere yet, also by a run that was killed before it came to them."""
    now = desk.now()
    with reading(desk.engine) as unit:
        names = unit.rows.names(CaseFilter(state=CaseState.FILED), now)
        rows = [row for name in names if (row := unit.rows.get(name)) is not None]
    return tuple(row.case_id for row in rows if row.defect and row.department is None and not row.bounces)


def _asked(unit: CaseUnit, case: str, policies: ClockPolicies, now: datetime) -> Asked:
    row, events = unit.rows.get(case), unit.events.of(case)
    if row is None:
        raise UnknownCase(f"there is no case {case}; 'roadwarden case list' shows those there are")
    refused = {one.seq for one in clocks(events, policies, now).refused}
    return Asked(
        problem=row.distress,
        severity=row.severity,
        at=now,
        area=row.area or "",
        owner=row.owner or "",
        bounces=row.bounces,
        handed_back_by=handed_back_by([event for event in events if event.seq not in refused]),
    )
