"""How cases flow, out of the database."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from sqlalchemy import Engine

from roadwarden.cases.kpi_values import Period
from roadwarden.cases.policy import ClockPolicies
from roadwarden.cases.process import Process, process
from roadwarden.cases.walks import Walk, walk
from roadwarden.storage.case_rows import ALL, CaseFilter
from roadwarden.storage.case_unit import reading
from roadwarden.storage.rows import chunks

CASES_AT_ONCE = 1000

Report = Callable[[int, int], None]
"""Cases done, and all of them."""


def stored_process(
    engine: Engine,
    period: Period,
    policies: ClockPolicies,
    seen: CaseFilter = ALL,
    report: Report = lambda done, all_: None,
) -> Process:
    """Of the cases filed in the period; ``seen``: what the reader may see."""
    return process(stored_walks(engine, period, policies, seen, report), period)


def stored_walks(
    engine: Engine,
    period: Period,
    policies: ClockPolicies,
    seen: CaseFilter = ALL,
    report: Report = lambda done, all_: None,
) -> Iterator[Walk]:
    """Read 1,000 cases at a time, in one transaction."""
    wanted = dataclasses.replace(seen, filed_from=period.start, filed_before=period.end)
    with reading(engine) as unit:
        names = tuple(unit.rows.names(wanted, period.now))
        for number, chunk in enumerate(chunks(names, CASES_AT_ONCE)):
            for events in unit.events.of_cases(chunk).values():
                found = walk(events, policies, period.now)
                if found is not None:
                    yield found
            report(min(len(names), (number + 1) * CASES_AT_ONCE), len(names))
