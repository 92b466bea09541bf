"""Which department and which crew get a case, and why: the rules of ``tables/dispatch.yaml`` applied to one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from roadwarden.cases.dispatch_table import Crew, DispatchRule, DispatchTable
from roadwarden.cases.domains import Domain, DomainTable
from roadwarden.cases.events import Severity
from roadwarden.cases.hours import WorkTime
from roadwarden.cases.tables import Words
from roadwarden.errors import DataError


@dataclass(frozen=True, slots=True)
class Asked:
    """A case that wants a department; empty strings where something is not known."""

    problem: str  # a distress type, or a problem of another domain
    severity: Severity
    at: datetime  # aware
    area: str = ""
    owner: str = ""  # of the road
    bounces: int = 0  # hand-backs and transfers so far (cases/hand_overs.py)
    handed_back_by: frozenset[str] = frozenset()  # departments that said it is not theirs

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("dispatch at a time without a time zone")


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Where a case goes; a person may send it elsewhere."""

    department: str
    crew: str | None  # None: the department chooses
    rule: str | None  # None: no rule speaks of the case, or it bounced
    because: Words
    table: str  # version


def dispatch(asked: Asked, table: DispatchTable, domains: DomainTable, load: Mapping[str, int]) -> Dispatch:
    """Chooses. ``load`` is the number of open cases of each crew; a crew that is not in it has none.

    A case that bounced often goes up. One that its own department handed back goes to the duty desk: a rule that was
    wrong once is not asked again. The same question always has the same answer.
    """
    if (up := _upwards(asked, table)) is not None:
        return up
    rule = _rule_for(asked, table, domains)
    if rule is None:
        return _to_desk(table, None, f"no rule speaks of {asked.problem}", f"没有规则涉及 {asked.problem}")
    if rule.department in asked.handed_back_by:
        gone = table.department(rule.department)
        return _to_desk(
            table, rule.id, f"{gone.english} handed it back: a person decides", f"{gone.chinese}已退回, 由人工决定"
        )
    crew, english, chinese = _crew_for(asked, rule, table, load)
    because = Words(english=f"{rule.because.english}; {english}", chinese=f"{rule.because.chinese}; {chinese}")
    return Dispatch(rule.department, crew.id if crew else None, rule.id, because, table.version)


def _upwards(asked: Asked, table: DispatchTable) -> Dispatch | None:
    reached = [bounce for bounce in table.bounces if asked.bounces >= bounce.after]
    if not reached:
        return None
    to = table.department(reached[-1].to)
    because = Words(
        english=f"bounced {asked.bounces} times, from {reached[-1].after} on {to.english} decides",
        chinese=f"已推诿 {asked.bounces} 次, 达到 {reached[-1].after} 次由{to.chinese}裁定",
    )
    return Dispatch(to.id, None, None, because, table.version)


def _to_desk(table: DispatchTable, rule: str | None, english: str, chinese: str) -> Dispatch:
    desk = table.department(table.duty_desk)
    because = Words(english=f"{english}; to {desk.english}", chinese=f"{chinese}; 转{desk.chinese}")
    return Dispatch(desk.id, None, rule, because, table.version)


def _rule_for(asked: Asked, table: DispatchTable, domains: DomainTable) -> DispatchRule | None:
    try:
        domain = domains.domain_of(asked.problem)
    except DataError:  # from a newer table, or from another city's
        return None
    time = table.working_hours.at(asked.at)
    rules = sorted(table.rules, key=lambda rule: rule.tier)
    return next((rule for rule in rules if _speaks(rule, asked, domain, time)), None)


def _speaks(rule: DispatchRule, asked: Asked, domain: Domain, time: WorkTime) -> bool:
    return (
        (not rule.types or asked.problem in rule.types)
        and (not rule.domains or domain.id in rule.domains)
        and (not rule.owners or asked.owner in rule.owners)
        and (not rule.areas or asked.area in rule.areas)
        and asked.severity in rule.severities
        and time in rule.times
    )


def _crew_for(
    asked: Asked, rule: DispatchRule, table: DispatchTable, load: Mapping[str, int]
) -> tuple[Crew | None, str, str]:
    """The least loaded crew that can and may, and why; a full one only for a severe case."""
    time = table.working_hours.at(asked.at)
    able = [crew for crew in table.crews if _can(crew, rule, asked, time)]
    free = [crew for crew in able if load.get(crew.id, 0) < crew.most_open]
    if not able:
        return None, "no crew of it is on duty for this", "当前无可派班组, 由部门安排"
    if not free and asked.severity is not Severity.SEVERE:
        return None, f"all {len(able)} crews of it are full", f"{len(able)} 个班组均已满负荷, 由部门安排"
    crew = min(free or able, key=lambda one: (load.get(one.id, 0) / one.most_open, one.id))
    held = f"{load.get(crew.id, 0)}/{crew.most_open}"
    if not free:
        return crew, f"{crew.english} is the least full ({held}), severe", f"{crew.chinese}负荷最低 ({held}), 严重病害"
    return crew, f"{crew.english} has the least to do ({held})", f"{crew.chinese}在手案件最少 ({held})"


def _can(crew: Crew, rule: DispatchRule, asked: Asked, time: WorkTime) -> bool:
    return (
        crew.department == rule.department
        and (rule.skill is None or rule.skill in crew.skills)
        and (not crew.areas or asked.area in crew.areas)
        and time in crew.on_duty
    )
