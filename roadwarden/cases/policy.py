"""How long clocks run and what may move them, ``tables/clock_policies.yaml``: versioned, and a case keeps its own."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import AwareDatetime, BeforeValidator, Field, model_validator

from roadwarden.cases.events import Severity
from roadwarden.cases.hours import WorkingHours
from roadwarden.cases.tables import Strict, require_once
from roadwarden.cases.working_time import after_working
from roadwarden.errors import DataError
from roadwarden.settings import read_shipped_table, read_strict_yaml
from roadwarden.taxonomy import Status

_LONGEST_DAYS = 10 * 366


def _days(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LONGEST_DAYS:
        raise ValueError(f"wanted a number above 0, at most {_LONGEST_DAYS} days, found {value!r}")
    return timedelta(days=value)


def _hours(value: object) -> timedelta:
    return _days(value / 24 if isinstance(value, int | float) and not isinstance(value, bool) else value)


Hours = Annotated[timedelta, BeforeValidator(_hours)]
Days = Annotated[timedelta, BeforeValidator(_days)]


class Stage(StrEnum):
    """A part of the way that a policy may give a clock of its own."""

    DISPATCH = "dispatch"  # filed or handed back → dispatched
    ACCEPT = "accept"  # dispatched → accepted, started, handed back or reported
    CLOSE = "close"  # the stop is final → closed


class RepairLimit(Strict):
    """From filing to the repair."""

    normal: Hours = Field(description="hours")
    severe: Hours = Field(description="hours; also from the moment a case becomes severe")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.severe > self.normal:
            raise ValueError("'severe' is longer than 'normal'")
        return self


class ParkLimit(Strict):
    """What one cycle may be parked."""

    most: int = Field(ge=0, description="parks granted in one cycle")
    total_days: Days = Field(description="days that the parks of one cycle cover together, as granted")


class ExtensionLimit(Strict):
    """What one clock may be extended."""

    most: int | None = Field(default=None, ge=0, description="extensions of one clock in one cycle; no limit if null")


class StageLimit(Strict):
    """A clock for one part of the way; in working time if it has working hours, else day and night like the others."""

    clock: Stage = Field(description="which part")
    hours: Hours = Field(description="hours, of working time if there are working hours")
    working: WorkingHours | None = Field(default=None, description="when the desk works; day and night without")

    def due(self, started_at: datetime) -> datetime:
        """When it is due, UTC."""
        if self.working is None:
            return started_at + self.hours
        return after_working(started_at, self.hours, self.working)


class ClockPolicy(Strict):
    """One version of one policy."""

    id: str = Field(min_length=1, description="what a case names; never used for other numbers again")
    name: str = Field(min_length=1, description="the policy that this is a version of")
    valid_from: AwareDatetime = Field(description="for cases filed from then on")
    repair_hours: RepairLimit = Field(description="the repair clock")
    assess_hours: Hours = Field(description="the assess clock, hours from each repair report")
    warranty_days: Days = Field(description="how long after closing a case may be reopened")
    parks: ParkLimit = Field(description="how much may be parked")
    extensions: ExtensionLimit = Field(default_factory=ExtensionLimit, description="how much may be extended")
    stages: tuple[StageLimit, ...] = Field(default=(), description="optional clocks of parts of the way")
    source: str = Field(min_length=1, description="where the numbers come from")
    status: Status = Field(description="verified: read in the primary text; unverified: anything less")

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_once((stage.clock for stage in self.stages), f"policy {self.id}: stages")
        return self

    def repair_limit(self, severity: Severity) -> timedelta:
        """From filing to the repair."""
        return self.repair_hours.severe if severity is Severity.SEVERE else self.repair_hours.normal

    def stage_limit(self, stage: Stage) -> StageLimit | None:
        """Of a part of the way; None where it has no clock."""
        return next((row for row in self.stages if row.clock is stage), None)


class ClockPolicies(Strict):
    """All versions of all policies: old cases are judged by old ones."""

    version: str = Field(min_length=1, description="changes when a row is added")
    default: str = Field(min_length=1, description="name of the policy of cases that name none")
    policies: tuple[ClockPolicy, ...] = Field(min_length=1, description="one row a version")

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_once((policy.id for policy in self.policies), "policies")
        require_once((f"{policy.name} from {policy.valid_from}" for policy in self.policies), "policies")
        if self.default not in self._by_name:
            raise ValueError(f"default: no policy is named '{self.default}'")
        if mixed := sorted(self._by_id.keys() & self._by_name.keys()):
            raise ValueError(f"{', '.join(mixed)}: both the id of a version and the name of a policy")
        return self

    @cached_property
    def _by_id(self) -> dict[str, ClockPolicy]:
        return {policy.id: policy for policy in self.policies}

    @cached_property
    def _by_name(self) -> dict[str, tuple[ClockPolicy, ...]]:
        ordered = sorted(self.policies, key=lambda policy: policy.valid_from)
        return {name: tuple(one for one in ordered if one.name == name) for name in {one.name for one in ordered}}

    def knows(self, named: str) -> bool:
        """Whether it is the id of a version or the name of a policy."""
        return named in self._by_id or named in self._by_name

    def at_filing(self, filed_at: datetime, named: str | None = None) -> ClockPolicy:
        """The version that a case is judged by: the one it names, else the one valid at its filing.

        ``named`` is the id of a version, or the name of a policy. Cases older than the first version are judged by
        the first. Raises DataError for a name that the table does not have.
        """
        if named in self._by_id:
            return self._by_id[named]
        versions = self._by_name.get(named or self.default)
        if versions is None:
            raise DataError(f"tables/clock_policies.yaml has no policy '{named}'; it has {', '.join(self._by_id)}")
        valid = [policy for policy in versions if policy.valid_from <= filed_at]
        return valid[-1] if valid else versions[0]


def read_clock_policies(path: Path) -> ClockPolicies:
    """A city's own table; raises ConfigError that lists every fault."""
    return read_strict_yaml(path, ClockPolicies)


@cache
def shipped_clock_policies() -> ClockPolicies:
    """The table that comes with us."""
    return read_shipped_table("clock_policies.yaml", ClockPolicies)
