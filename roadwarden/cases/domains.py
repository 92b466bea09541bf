"""The domains that one closed loop serves, ``tables/domains.yaml``: pavement, drainage, lighting and the rest."""

from __future__ import annotations

from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from roadwarden.cases.events import Severity
from roadwarden.cases.tables import Named, Strict, Words, require_known, require_once
from roadwarden.errors import DataError
from roadwarden.settings import read_shipped_table, read_strict_yaml
from roadwarden.taxonomy import DistressType, Language, Status, names


class Problem(Named):
    """A kind of trouble that is no pavement distress."""

    severity: Severity = Field(description="how fast; nobody measures it, so the kind decides")


class Domain(Named):
    """Problems that are handled alike, under clocks of their own."""

    clock_policy: str = Field(min_length=1, description="name of a policy in tables/clock_policies.yaml")
    source: str = Field(min_length=1, description="where the clocks come from")
    status: Status = Field(description="verified: read in the primary text; unverified: anything less")
    pavement_types: tuple[DistressType, ...] = Field(default=(), description="types of the taxonomy")
    problems: tuple[Problem, ...] = Field(default=(), description="everything else")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.pavement_types and not self.problems:
            raise ValueError(f"domain {self.id}: has no problems; give it some, or take the row out")
        return self

    @property
    def types(self) -> tuple[str, ...]:
        """Ids of its problems, as they stand in ``filed``."""
        return (*self.pavement_types, *(problem.id for problem in self.problems))


class DomainTable(Strict):
    """Every problem that a case can be about, each in one domain."""

    version: str = Field(min_length=1, description="changes when any row does")
    domains: tuple[Domain, ...] = Field(min_length=1, description="one row a domain")

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_once((domain.id for domain in self.domains), "domains")
        require_once(chain.from_iterable(domain.types for domain in self.domains), "problems")
        shadowed = {problem.id for domain in self.domains for problem in domain.problems} & set(DistressType)
        if shadowed:
            raise ValueError(f"{', '.join(sorted(shadowed))}: a type of the taxonomy; list it in 'pavement_types'")
        placed = {distress for domain in self.domains for distress in domain.pavement_types}
        if missing := set(DistressType) - placed:
            raise ValueError(f"no domain has {', '.join(sorted(missing))}; list every type of the taxonomy once")
        return self

    @property
    def types(self) -> tuple[str, ...]:
        """Every problem, domain by domain."""
        return tuple(self._domain_of)

    @cached_property
    def _domain_of(self) -> dict[str, Domain]:
        return {name: domain for domain in self.domains for name in domain.types}

    @cached_property
    def _problems(self) -> dict[str, Problem]:
        return {problem.id: problem for domain in self.domains for problem in domain.problems}

    def domain_of(self, problem: str) -> Domain:
        """The domain of a problem; raises DataError with a suggestion for one that no domain has."""
        try:
            require_known([problem], self._domain_of, "tables/domains.yaml", "problem")
        except ValueError as exc:
            raise DataError(str(exc)) from exc
        return self._domain_of[problem]

    def severity_of(self, problem: str) -> Severity:
        """What the table says; NORMAL for a pavement type, which is measured instead (tables/severity.yaml)."""
        self.domain_of(problem)
        return self._problems[problem].severity if problem in self._problems else Severity.NORMAL

    def words_of(self, problem: str) -> Words:
        """Its name in both languages."""
        self.domain_of(problem)
        if problem in self._problems:
            return self._problems[problem]
        distress = DistressType(problem)
        return Words(english=names(distress, Language.ENGLISH), chinese=names(distress, Language.CHINESE))


def read_domain_table(path: Path) -> DomainTable:
    """A city's own table; raises ConfigError that lists every fault."""
    return read_strict_yaml(path, DomainTable)


@cache
def shipped_domain_table() -> DomainTable:
    """The table that comes with us."""
    return read_shipped_table("domains.yaml", DomainTable)
