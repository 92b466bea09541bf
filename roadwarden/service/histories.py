"""The events of many cases, case by case, out of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Engine

from roadwarden.cases.events import CaseEvent
from roadwarden.storage.case_rows import CaseFilter
from roadwarden.storage.case_unit import reading
from roadwarden.storage.rows import chunks

CASES_AT_ONCE = 1000

Report = Callable[[int, int], None]
"""Cases done, and all of them."""


def stored_histories(
    engine: Engine, wanted: CaseFilter, now: datetime, report: Report = lambda done, all_: None
) -> Iterator[Sequence[CaseEvent]]:
    """The events of each case that is wanted as of ``now``; read 1,000 cases at a time, in one transaction."""
    with reading(engine) as unit:
        names = tuple(unit.rows.names(wanted, now))
        for number, chunk in enumerate(chunks(names, CASES_AT_ONCE)):
            yield from unit.events.of_cases(chunk).values()
            report(min(len(names), (number + 1) * CASES_AT_ONCE), len(names))
