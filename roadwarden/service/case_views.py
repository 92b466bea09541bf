"""One case as a reader wants it, out of one state of the database; and what of an event says nothing of persons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from roadwarden.cases.answer import CaseAnswer
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.clocks import clocks
from roadwarden.cases.events import CaseEvent
from roadwarden.cases.permissions import Belongs
from roadwarden.errors import UnknownCase
from roadwarden.ledger.leaves import EVENT_PERSONAL, parted
from roadwarden.service.cases import CaseDesk, no_such_case
from roadwarden.storage.case_unit import reading


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case at a time."""

    row: CaseRow
    answer: CaseAnswer
    events: tuple[CaseEvent, ...]

    @property
    def belongs(self) -> Belongs:
        """Where permissions are asked."""
        return belongs_of(self.row)


def view_case(desk: CaseDesk, case: str, at: datetime | None = None) -> CaseView:
    """Raises UnknownCase."""
    now = at or desk.now()
    with reading(desk.engine) as unit:
        row, events = unit.rows.get(case), unit.events.of(case)
    if row is None:
        raise UnknownCase(no_such_case(case))
    return CaseView(row.at(now), clocks(events, desk.policies, now), events)


def belongs_of(row: CaseRow) -> Belongs:
    """Area of the filing, and who holds it."""
    return Belongs(row.area, row.department, row.crew)


def impersonal(event: CaseEvent) -> dict[str, Any]:
    """An event without what names or describes a person: the fields that the log seals too."""
    public, _personal = parted(event.as_json(), EVENT_PERSONAL)
    return public
