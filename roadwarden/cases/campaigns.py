"""Campaigns: a named operation for some time on some areas and problems, that may come again, with its figures.

A campaign is judged by the cases it is about: the same figures for as long before it, during it, and for as long after.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from roadwarden.cases.case_facts import CaseFacts
from roadwarden.cases.domains import DomainTable
from roadwarden.cases.hours import Zone
from roadwarden.cases.kpi import reckon
from roadwarden.cases.kpi_values import Kpi, Period
from roadwarden.cases.tables import Named, Strict, require_known, require_once
from roadwarden.errors import ConfigError
from roadwarden.settings import read_strict_yaml


class Repeats(Strict):
    """When a campaign comes again."""

    months: int = Field(default=0, ge=0, description="after so many months, on the same day or the last of the month")
    days: int = Field(default=0, ge=0, description="after so many days")
    until: date | None = Field(default=None, description="no campaign begins on or after this day; for ever if none")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.months > 0) == (self.days > 0):
            raise ValueError("'repeats' wants either 'months' or 'days'")
        return self


class Campaign(Named):
    """For example a hundred days on potholes in two areas, every year."""

    from_: date = Field(alias="from", description="first day of the first time")
    days: int = Field(ge=1, description="how many days it takes")
    areas: tuple[str, ...] = Field(default=(), description="areas it is about; all of them if none")
    domains: tuple[str, ...] = Field(default=(), description="all problems of these")
    problems: tuple[str, ...] = Field(default=(), description="these problems; with no domain and no problem all")
    repeats: Repeats | None = Field(default=None, description="when it comes again; once if left out")
    goal: str = Field(default="", description="what it is for, in words")

    @model_validator(mode="after")
    def _check(self) -> Self:
        again = self.repeats
        if again is not None and _later(self.from_, again, 1) < self.from_ + timedelta(days=self.days):
            raise ValueError(f"campaign {self.id}: comes again before it has ended; make it shorter or rarer")
        return self

    def is_about(self, case: CaseFacts) -> bool:
        """Whether a case is one of those the campaign is for, whenever it was filed."""
        of_all = not self.domains and not self.problems
        return (not self.areas or case.area in self.areas) and (
            of_all or case.domain in self.domains or case.problem in self.problems
        )


class CampaignTable(Strict):
    """A city's campaigns; none come with us."""

    version: str = Field(min_length=1, description="changes when any row does")
    zone: Zone = Field(description="IANA time zone of the days")
    campaigns: tuple[Campaign, ...] = Field(description="one row a campaign")

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_once((campaign.id for campaign in self.campaigns), "campaigns")
        return self

    def campaign(self, name: str) -> Campaign:
        """The campaign of that id; raises ConfigError with a suggestion."""
        try:
            require_known([name], (one.id for one in self.campaigns), "campaigns", "campaign")
        except ValueError as exc:
            raise ConfigError(str(exc)) from exc
        return next(one for one in self.campaigns if one.id == name)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that a campaign is held; half open, aware."""

    campaign: Campaign
    number: int  # from 1
    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class CampaignFigures:
    """The figures of the cases that a campaign is about, for periods of the same length."""

    occurrence: Occurrence
    before: Kpi
    during: Kpi
    after: Kpi | None  # None until it is over
    complete: bool  # whether as much time has passed after it as it took


def read_campaigns(path: Path, domains: DomainTable) -> CampaignTable:
    """A city's campaigns; raises ConfigError that names the row at fault."""
    table = read_strict_yaml(path, CampaignTable)
    try:
        for campaign in table.campaigns:
            require_known(campaign.problems, domains.types, f"campaign {campaign.id}", "problem")
            require_known(campaign.domains, (one.id for one in domains.domains), f"campaign {campaign.id}", "domain")
    except ValueError as exc:
        raise ConfigError(f"{path}: {exc}") from exc
    return table


def occurrences(campaign: Campaign, zone: str, until: datetime) -> Iterator[Occurrence]:
    """The times that a campaign was or is held, those that begin before ``until``, the first one first."""
    number = 0
    while True:
        first = _later(campaign.from_, campaign.repeats, number)
        over = campaign.repeats is not None and campaign.repeats.until is not None and first >= campaign.repeats.until
        start = _midnight(first, zone)
        if over or start >= until:
            return
        number += 1
        yield Occurrence(campaign, number, start, _midnight(first + timedelta(days=campaign.days), zone))
        if campaign.repeats is None:
            return


def figures(occurrence: Occurrence, facts: Iterable[CaseFacts], now: datetime) -> CampaignFigures:
    """Before, during and after, as of ``now``; ``facts`` may be of all cases of the city."""
    about = [one for one in facts if occurrence.campaign.is_about(one)]
    length = occurrence.end - occurrence.start
    before = Period(occurrence.start - length, occurrence.start, now)
    during = Period(occurrence.start, occurrence.end, now)
    after = Period(occurrence.end, occurrence.end + length, now)
    return CampaignFigures(
        occurrence=occurrence,
        before=reckon(about, before),
        during=reckon(about, during),
        after=reckon(about, after) if now > occurrence.end else None,
        complete=now >= after.end,
    )


def _later(first: date, repeats: Repeats | None, times: int) -> date:
    if repeats is None or times == 0:
        return first
    if repeats.days:
        return first + timedelta(days=repeats.days * times)
    month = first.month - 1 + repeats.months * times
    year, month = first.year + month // 12, month % 12 + 1
    return date(year, month, min(first.day, calendar.monthrange(year, month)[1]))


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))
