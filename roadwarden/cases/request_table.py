"""What citizens can ask for, ``tables/open311.yaml``: services, questions, what joins what, and what they are told."""

from __future__ import annotations

from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from roadwarden.cases.domains import DomainTable
from roadwarden.cases.requests import Phase, RequestStatus, UpdateStatus
from roadwarden.cases.tables import Named, Strict, Words, require_known, require_once
from roadwarden.errors import ConfigError
from roadwarden.settings import read_shipped_table, read_strict_yaml
from roadwarden.taxonomy import Language


class AnswerType(StrEnum):
    """Types of answers, as GeoReport v2 names them."""

    STRING = "string"
    NUMBER = "number"
    DATETIME = "datetime"
    TEXT = "text"
    SINGLE = "singlevaluelist"
    SEVERAL = "multivaluelist"


LISTS = frozenset({AnswerType.SINGLE, AnswerType.SEVERAL})


class Choice(Named):
    """One of the answers to choose from."""


class Question(Named):
    """What a service asks beside its place; an attribute in GeoReport's words."""

    datatype: AnswerType = Field(description="of the answer")
    required: bool = Field(default=False, description="whether a request without an answer is refused")
    choices: tuple[Choice, ...] = Field(default=(), description="of a list, in their order")

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_once((one.id for one in self.choices), f"choices of {self.id}")
        if (self.datatype in LISTS) != bool(self.choices):
            raise ValueError(f"question {self.id}: a list has choices, and nothing else has")
        return self


class Service(Strict):
    """A problem that citizens can report."""

    problem: str = Field(min_length=1, description="a distress type, or a problem of tables/domains.yaml")
    keywords: tuple[str, ...] = Field(default=(), description="other words for it, in either language")
    questions: tuple[str, ...] = Field(default=(), description="ids of questions, in their order")


class Joining(Strict):
    """When a report is about what is known already."""

    radius_m: float = Field(gt=0, le=500, description="metres: the error of a phone's position, and the hole's size")
    radius_m_of: dict[str, float] = Field(default_factory=dict, description="of problems that want another")
    alike: tuple[tuple[str, ...], ...] = Field(default=(), description="problems that people take for each other")
    source: str = Field(min_length=1, description="where the limits come from")


class PhaseRow(Words):
    """What is told of a request in a phase."""

    phase: Phase = Field(description="where its tip or case stands")
    status: RequestStatus = Field(description="open or closed")
    update: UpdateStatus = Field(description="in FixMyStreet's extension")


class RequestTable(Strict):
    """Everything that citizens and their apps are offered and told."""

    version: str = Field(min_length=1, description="changes when any row does")
    jurisdiction: str | None = Field(default=None, description="jurisdiction_id that clients may name; None: any")
    language: Language = Field(description="where a client asks for none")
    notice: Words = Field(description="said to whoever has just reported")
    services: tuple[Service, ...] = Field(min_length=1, description="in the order in which they are listed")
    questions: tuple[Question, ...] = Field(default=(), description="that services ask")
    joining: Joining = Field(description="when a report is about what is known already")
    phases: tuple[PhaseRow, ...] = Field(description="one row a phase")

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_once((one.problem for one in self.services), "services")
        require_once((one.id for one in self.questions), "questions")
        require_once((one.phase for one in self.phases), "phases")
        asked = [name for service in self.services for name in service.questions]
        require_known(asked, (one.id for one in self.questions), "services", "question")
        if missing := set(Phase) - {row.phase for row in self.phases}:
            raise ValueError(f"'phases' has no row for {', '.join(sorted(missing))}")
        if wrong := [name for name, radius in self.joining.radius_m_of.items() if not 0 < radius <= 500]:
            raise ValueError(f"radius_m_of {wrong[0]}: from 0 to 500 m")
        return self

    @cached_property
    def _services(self) -> dict[str, Service]:
        return {one.problem: one for one in self.services}

    @cached_property
    def _questions(self) -> dict[str, Question]:
        return {one.id: one for one in self.questions}

    @cached_property
    def _phases(self) -> dict[Phase, PhaseRow]:
        return {row.phase: row for row in self.phases}

    def service(self, problem: str) -> Service | None:
        """The service of a problem; None where it is not offered."""
        return self._services.get(problem)

    def questions_of(self, problem: str) -> tuple[Question, ...]:
        """What its service asks, in order."""
        service = self._services.get(problem)
        return () if service is None else tuple(self._questions[name] for name in service.questions)

    def phase(self, phase: Phase) -> PhaseRow:
        """What is told of it."""
        return self._phases[phase]

    def radius_of(self, problem: str) -> float:
        """Metres within which a report is about what is known."""
        return self.joining.radius_m_of.get(problem, self.joining.radius_m)

    def taken_for(self, problem: str) -> frozenset[str]:
        """The problem, and those that people take it for."""
        rows = (row for row in self.joining.alike if problem in row)
        return frozenset({problem}).union(*rows)

    def checked(self, domains: DomainTable) -> Self:
        """Itself; raises ConfigError where it offers a problem that no domain has."""
        known, joining = domains.types, self.joining
        try:
            require_known(self._services, known, "tables/open311.yaml services", "problem")
            alike = [name for row in joining.alike for name in row]
            require_known([*alike, *joining.radius_m_of], known, "tables/open311.yaml joining", "problem")
        except ValueError as exc:
            raise ConfigError(str(exc)) from exc
        return self


def read_request_table(path: Path) -> RequestTable:
    """A city's own table; raises ConfigError that lists every fault."""
    return read_strict_yaml(path, RequestTable)


@cache
def shipped_request_table() -> RequestTable:
    """The table that comes with us."""
    return read_shipped_table("open311.yaml", RequestTable)
