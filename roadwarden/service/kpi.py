"""The facts that the figures of a period are reckoned from: of the cases of a database, or of a file of event lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine

from roadwarden.cases.case_facts import CaseFacts, case_facts
from roadwarden.cases.event_lines import histories, read_event_lines
from roadwarden.cases.kpi_values import Period
from roadwarden.cases.ordering import AHEAD
from roadwarden.cases.policy import ClockPolicies
from roadwarden.service.histories import Report, stored_histories
from roadwarden.storage.case_rows import CaseFilter


def stored_facts(
    engine: Engine, period: Period, policies: ClockPolicies, report: Report = lambda done, all_: None
) -> Iterator[CaseFacts]:
    """Of the cases of a database that a figure of the period can depend on, read 1,000 at a time.

    Cases that are not open and of which nothing was received since the period (or ``now``, where that is earlier) began
    are in no figure: an event counts at most two minutes after it was received.
    """
    wanted = CaseFilter(filed_before=period.end, news_since=min(period.start, period.now) - AHEAD)
    for events in stored_histories(engine, wanted, period.now, report):
        facts = case_facts(events, policies, period.now)
        if facts is not None:
            yield facts


def file_facts(
    path: Path, period: Period, policies: ClockPolicies, report: Report = lambda done, all_: None
) -> Iterator[CaseFacts]:
    """Of every case of a file of event lines. Raises DataError that names the line at fault."""
    cases = histories(read_event_lines(path), str(path))
    for number, events in enumerate(cases.values(), start=1):
        facts = case_facts(events, policies, period.now)
        if facts is not None:
            yield facts
        report(number, len(cases))
