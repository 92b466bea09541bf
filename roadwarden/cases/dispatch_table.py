"""Who does what, ``tables/dispatch.yaml``: departments, crews, and the rules that choose between them.

Rules are looked at in the order of their ``tier``; ``read_dispatch`` checks them against each other and the domains.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from roadwarden.cases.events import Severity
from roadwarden.cases.hours import WorkingHours, WorkTime
from roadwarden.cases.tables import Named, Strict, Words, require_known, require_once

EVERYBODY, ALWAYS = tuple(Severity), tuple(WorkTime)


class Department(Named):
    """An office that takes cases on."""


class Crew(Named):
    """People of a department who go out together."""

    department: str = Field(description="id")
    areas: tuple[str, ...] = Field(default=(), description="areas it serves; all of them if none")
    skills: tuple[str, ...] = Field(default=(), description="what it can do")
    on_duty: tuple[WorkTime, ...] = Field(default=ALWAYS, min_length=1, description="working, after_hours or both")
    most_open: int = Field(gt=0, description="open cases from which it counts as full")


class DispatchRule(Strict):
    """Speaks of the cases that all of its conditions hold for; one left out holds for every case."""

    id: str = Field(min_length=1, description="name that reasons cite")
    tier: int = Field(ge=1, description="1 is looked at first")
    domains: tuple[str, ...] = Field(default=(), description="all problems of these")
    types: tuple[str, ...] = Field(default=(), description="these problems")
    owners: tuple[str, ...] = Field(default=(), description="owners of the road")
    areas: tuple[str, ...] = Field(default=(), description="areas")
    severities: tuple[Severity, ...] = Field(default=EVERYBODY, min_length=1, description="normal, severe")
    times: tuple[WorkTime, ...] = Field(default=ALWAYS, min_length=1, description="working, after_hours")
    department: str = Field(description="id of the one that gets it")
    skill: str | None = Field(default=None, description="what its crew has to be able to do")
    because: Words = Field(description="why, in words")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.domains and self.types:
            raise ValueError(f"rule {self.id}: give either 'domains' or 'types'")
        return self


class Bounce(Strict):
    """Where a case goes that nobody wanted."""

    after: int = Field(ge=1, description="hand-backs and transfers from which this holds")
    to: str = Field(description="id of the department")


class DispatchTable(Strict):
    """All of it."""

    version: str = Field(min_length=1, description="changes when any row does")
    working_hours: WorkingHours = Field(description="when departments are at work")
    owners: tuple[Named, ...] = Field(description="owners of roads that rules can ask for")
    areas: tuple[Named, ...] = Field(default=(), description="areas that rules and crews can ask for")
    departments: tuple[Department, ...] = Field(min_length=1, description="all of them")
    duty_desk: str = Field(description="department that gets what no rule speaks of")
    bounces: tuple[Bounce, ...] = Field(default=(), description="rising by 'after'")
    crews: tuple[Crew, ...] = Field(default=(), description="all of them")
    rules: tuple[DispatchRule, ...] = Field(min_length=1, description="all of them")

    @model_validator(mode="after")
    def _check(self) -> Self:
        for what, rows in (("owners", self.owners), ("areas", self.areas), ("departments", self.departments)):
            require_once((row.id for row in rows), what)
        require_once((crew.id for crew in self.crews), "crews")
        require_once((rule.id for rule in self.rules), "rules")
        self._check_departments()
        self._check_crews()
        for rule in self.rules:
            require_known(rule.owners, (row.id for row in self.owners), f"rule {rule.id}", "owner")
            require_known(rule.areas, (row.id for row in self.areas), f"rule {rule.id}", "area")
        steps = [bounce.after for bounce in self.bounces]
        if steps != sorted(set(steps)):
            raise ValueError("'bounces' do not rise by 'after'")
        return self

    def _check_departments(self) -> None:
        known = [row.id for row in self.departments]
        require_known([self.duty_desk], known, "duty_desk", "department")
        for rule in self.rules:
            require_known([rule.department], known, f"rule {rule.id}", "department")
        for crew in self.crews:
            require_known([crew.department], known, f"crew {crew.id}", "department")
        for bounce in self.bounces:
            require_known([bounce.to], known, f"bounce after {bounce.after}", "department")

    def _check_crews(self) -> None:
        for crew in self.crews:
            require_known(crew.areas, (row.id for row in self.areas), f"crew {crew.id}", "area")
        for rule in self.rules:
            if rule.skill is not None:
                own = [crew for crew in self.crews if crew.department == rule.department]
                skills = (skill for crew in own for skill in crew.skills)
                require_known([rule.skill], skills, f"rule {rule.id}", f"skill of the crews of {rule.department}")

    def department(self, name: str) -> Department:
        """The department of that id, which the table must have."""
        return next(row for row in self.departments if row.id == name)
