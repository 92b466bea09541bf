"""What is reckoned for pages and API alike: of the cases that the caller sees, kept for a minute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from fastapi import Request

from roadwarden.access.people import Principal
from roadwarden.access.policy import require, sight
from roadwarden.cases.campaigns import CampaignFigures
from roadwarden.cases.event_types import EARLIEST, LATEST
from roadwarden.cases.kpi_report import KpiReport, kpi_report
from roadwarden.cases.kpi_values import Period
from roadwarden.cases.machine_verdicts import MachineVerdicts
from roadwarden.cases.process import Process
from roadwarden.cases.repeats import Repeats
from roadwarden.cases.rights import Right
from roadwarden.cases.tables import Words
from roadwarden.defects.coverage import LaneMetres
from roadwarden.errors import DataError
from roadwarden.geo.places import RoadGrade
from roadwarden.service.campaigns import last_campaigns
from roadwarden.service.coverage import by_grade, covered
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.kpi import stored_facts
from roadwarden.service.process import stored_process
from roadwarden.service.proofs import stored_verdicts
from roadwarden.service.radiating import District, Question, Radiation, case_of, district, radiation_in
from roadwarden.service.repeats import stored_repeats
from roadwarden.settings import time_zone
from roadwarden.storage.case_rows import ALL, CaseFilter
from roadwarden.storage.unit import reading
from roadwarden.web.api.seeing import seen_by
from roadwarden.web.figures import Figures
from roadwarden.web.parts import Parts, parts_of

LONGEST: Final = timedelta(days=370)
Found = TypeVar("Found")


def city_period(parts: Parts, first: str | None, last: str | None, days: int) -> Period:
    """From midnight of the first day to midnight after the last, by the city's clock; without them up to today.

    Raises DataError for what is no day, or is too long.
    """
    city, now = time_zone(), parts.now()
    end = now.astimezone(city).date() if not last else _day("to", last)
    start = end - timedelta(days=days - 1) if not first else _day("from", first)
    if start > end or end - start > LONGEST:
        raise DataError(f"to: wanted a day not before 'from', {LONGEST.days} days behind it at most")
    return Period(_midnight(start, city), _midnight(end + timedelta(days=1), city), now)


def month_period(parts: Parts, month: str | None) -> Period:
    """A calendar month such as 2026-11; without it the one before this one. Raises DataError."""
    city, now = time_zone(), parts.now()
    text = month or (now.astimezone(city).replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    first = _day("month", f"{text}-01")
    after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return Period(_midnight(first, city), _midnight(after, city), now)


def kpis(request: Request, caller: Principal, period: Period) -> KpiReport:
    """The key figures, of the whole city, as the API gives them."""
    parts = parts_of(request)
    require(caller, Right.FIGURES_READ, parts.permissions)

    def reckon() -> KpiReport:
        facts = stored_facts(parts.engine, period, parts.desk.policies)
        return kpi_report(facts, period, parts.baseline, time_zone().key)

    return _kept(request, ("kpi", period.start, period.end), reckon)


def flows(request: Request, caller: Principal, period: Period) -> Process:
    """How the cases flow that the caller sees."""
    parts, seen = parts_of(request), _seen(request, caller)
    return _kept(
        request,
        ("process", period.start, period.end, seen),
        lambda: stored_process(parts.engine, period, parts.desk.policies, seen),
    )


def comings(request: Request, caller: Principal, period: Period) -> Repeats:
    """What keeps coming back of what the caller sees."""
    parts, seen = parts_of(request), _seen(request, caller)
    return _kept(
        request,
        ("repeats", period.start, period.end, seen),
        lambda: stored_repeats(parts.engine, period, parts.desk.policies, time_zone(), parts.layers, seen),
    )


def verdicts(request: Request, caller: Principal, period: Period) -> MachineVerdicts:
    """How often people rejected what the machine had passed."""
    parts, seen = parts_of(request), _seen(request, caller)
    return _kept(
        request, ("verdicts", period.start, period.end, seen), lambda: stored_verdicts(parts.engine, period, seen)
    )


def campaigns(request: Request, caller: Principal) -> tuple[CampaignFigures, ...] | None:
    """The last time of every campaign, of the whole city; None where the city has laid out none."""
    parts = parts_of(request)
    require(caller, Right.FIGURES_READ, parts.permissions)
    table, now = parts.campaigns, parts.now()
    if table is None:
        return None
    return _kept(request, ("campaigns",), lambda: last_campaigns(parts.engine, table, parts.desk.policies, now))


def coverage_now(request: Request, caller: Principal) -> dict[RoadGrade, LaneMetres] | None:
    """Metres of lane by grade; None where no network is imported."""
    parts = parts_of(request)
    require(caller, Right.FIGURES_READ, parts.permissions)

    def reckon() -> tuple[dict[RoadGrade, LaneMetres] | None]:
        with reading(parts.engine) as unit:
            roads = KnownRoads.newest(unit)
            return (None if roads is None else by_grade(list(covered(unit, roads, parts.now()))),)

    return _kept(request, ("coverage",), reckon)[0]


def around(request: Request, case: str, days: int, *, same_type: bool) -> Radiation:
    """What lies around a case that the caller sees; all problems of the city are in the baseline, and none is named."""
    parts = parts_of(request)
    row, earlier = case_of(parts.engine, case)
    now = parts.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    question = Question(now=now, window=timedelta(days=days), same_type=same_type)
    known: District = _kept(request, ("district", now, days), lambda: district(parts.engine, question))
    return radiation_in(known, row, question, parts.layers, earlier)


def _seen(request: Request, caller: Principal) -> CaseFilter:
    parts = parts_of(request)
    require(caller, Right.FIGURES_READ, parts.permissions)
    return seen_by(ALL, sight(caller, parts.permissions))


def _kept(request: Request, key: Any, reckon: Callable[[], Found]) -> Found:
    figures: Figures = request.app.state.figures
    found: Found = figures.get(key, reckon)
    return found


def _day(name: str, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as exc:
        raise DataError(f"{name}: wanted a day such as 2026-11-02, not {text[:40]!r}") from exc
    if not EARLIEST.date() < day < LATEST.date() - LONGEST:
        raise DataError(f"{name}: wanted a year from 1970 to 2198")
    return day


def _midnight(day: date, city: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), city)


def offices(parts: Parts) -> Mapping[str, Words]:
    """Names of departments, crews and areas by id."""
    table = parts.dispatch
    return {
        one.id: Words(english=one.english, chinese=one.chinese)
        for one in (*table.areas, *table.crews, *table.departments)
    }


def days_of(period: Period) -> tuple[str, str]:
    """First and last day, as forms have them."""
    city = time_zone()
    last = period.end.astimezone(city) - timedelta(seconds=1)
    return period.start.astimezone(city).strftime("%Y-%m-%d"), last.strftime("%Y-%m-%d")
