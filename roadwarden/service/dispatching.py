"""A case to the department and crew that the rules choose."""

from __future__ import annotations

from roadwarden.cases.dispatch import Asked, Dispatch, dispatch
from roadwarden.cases.dispatch_table import DispatchTable
from roadwarden.cases.domains import DomainTable
from roadwarden.cases.events import Dispatched
from roadwarden.cases.hand_overs import handed_back_by
from roadwarden.cases.permissions import Person
from roadwarden.errors import UnknownCase
from roadwarden.service.cases import Ask, CaseDesk, Done
from roadwarden.storage.case_unit import reading


def choose(desk: CaseDesk, case: str, table: DispatchTable, domains: DomainTable) -> tuple[Dispatch, int]:
    """Where the rules send a case now, and the version of the case that they looked at. Raises UnknownCase."""
    with reading(desk.engine) as unit:
        row, events, load = unit.rows.get(case), unit.events.of(case), unit.rows.open_by_crew()
    if row is None:
        raise UnknownCase(f"there is no case {case}; 'roadwarden case list' shows those there are")
    refused = {one.seq for one in desk.answer(case).refused}
    asked = Asked(
        problem=row.distress,
        severity=row.severity,
        at=desk.now(),
        area=row.area or "",
        owner=row.owner or "",
        bounces=row.bounces,
        handed_back_by=handed_back_by([event for event in events if event.seq not in refused]),
    )
    return dispatch(asked, table, domains, load), row.version


def dispatch_by_rules(
    desk: CaseDesk, who: Person, case: str, table: DispatchTable, domains: DomainTable, key: str | None = None
) -> tuple[Done, Dispatch]:
    """Sends it there; StaleCase where something happened to the case meanwhile."""
    chosen, version = choose(desk, case, table, domains)
    data = Dispatched(chosen.department, chosen.crew, chosen.rule, chosen.because.english)
    return desk.record(who, case, data, Ask(key=key, expected_version=version)), chosen
