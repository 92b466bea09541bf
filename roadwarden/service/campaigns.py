"""The figures of a city's campaigns out of its cases."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from roadwarden.cases.campaigns import CampaignFigures, CampaignTable, Occurrence, figures, occurrences
from roadwarden.cases.kpi_values import Period
from roadwarden.cases.policy import ClockPolicies
from roadwarden.service.kpi import stored_facts


def around(held: Occurrence, now: datetime) -> Period:
    """From as long before it as it takes to as long behind it: all that its figures can depend on."""
    length = held.end - held.start
    return Period(held.start - length, held.end + length, now)


def last_campaigns(
    engine: Engine, table: CampaignTable, policies: ClockPolicies, now: datetime
) -> tuple[CampaignFigures, ...]:
    """Of every campaign that has begun its last time, the newest first."""
    begun = [list(occurrences(one, table.zone, now))[-1:] for one in table.campaigns]
    held = sorted((one for ones in begun for one in ones), key=lambda one: one.start, reverse=True)
    return tuple(figures(one, stored_facts(engine, around(one, now), policies), now) for one in held)
