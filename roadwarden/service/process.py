"""How cases flow, out of the database."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from sqlalchemy import Engine

from roadwarden.cases.kpi_values import Period
from roadwarden.cases.policy import ClockPolicies
from roadwarden.cases.process import Process, process
from roadwarden.cases.walks import Walk, walk
from roadwarden.service.histories import Report, stored_histories
from roadwarden.storage.case_rows import ALL, CaseFilter


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
    """Of the cases filed in the period; read as ``stored_histories`` does."""
    wanted = dataclasses.replace(seen, filed_from=period.start, filed_before=period.end)
    for events in stored_histories(engine, wanted, period.now, report):
        found = walk(events, policies, period.now)
        if found is not None:
            yield found
