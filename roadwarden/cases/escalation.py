"""When somebody is warned and who, ``tables/escalation.yaml``: thresholds of clocks, chains of people, quiet hours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from roadwarden.cases.answer import ASSESS, REPAIR
from roadwarden.cases.events import Severity
from roadwarden.cases.hours import QuietHours, Zone
from roadwarden.cases.policy import Stage
from roadwarden.cases.tables import Strict, Words, require_known, require_once
from roadwarden.settings import read_shipped_table, read_strict_yaml

CLOCKS = (REPAIR, ASSESS, *Stage)
_TICK = timedelta(microseconds=1)


class Recipient(StrEnum):
    """Somebody that a chain can name."""

    CREW = "crew"
    ROAD_CHIEF = "road_chief"
    DEPARTMENT = "department"
    DISTRICT_DESK = "district_desk"
    DISPATCHER = "dispatcher"
    DUTY_OFFICER = "duty_officer"
    ASSESSOR = "assessor"


class Threshold(Strict):
    """One moment in the life of a clock."""

    id: str = Field(min_length=1, description="stands in the key of a warning; never used for another moment again")
    percent: float | None = Field(default=None, gt=0, lt=100, description="of the clock that is used")
    hours_to_go: float | None = Field(default=None, gt=0, description="left; only of clocks that are longer")
    hours_over: float | None = Field(default=None, ge=0, description="late; 0: as soon as it is")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(value is not None for value in (self.percent, self.hours_to_go, self.hours_over)) != 1:
            raise ValueError(f"threshold {self.id}: give one of 'percent', 'hours_to_go' and 'hours_over'")
        return self

    @property
    def is_late(self) -> bool:
        """Whether it lies past due."""
        return self.hours_over is not None

    def passed_at(self, due_at: datetime, limit: timedelta) -> datetime | None:
        """The first moment at which it is passed, if the clock runs on; None for a clock that is too short for it.

        ``limit``: the length of the clock, parks taken off. Exactly at due is in time, so late is a microsecond later.
        """
        if self.percent is not None:
            return due_at - limit * (1 - self.percent / 100)
        if self.hours_to_go is not None:
            left = timedelta(hours=self.hours_to_go)
            return due_at - left if left < limit else None
        return due_at + timedelta(hours=self.hours_over or 0.0) + _TICK

    @property
    def words(self) -> Words:
        """What has happened when it is passed."""
        if self.percent is not None:
            return Words(english=f"{self.percent:g} % of the time is used", chinese=f"时限已用 {self.percent:g} %")
        if self.hours_to_go is not None:
            return Words(english=f"{self.hours_to_go:g} h or less to go", chinese=f"剩余不足 {self.hours_to_go:g} 小时")
        if self.hours_over:
            return Words(english=f"late by {self.hours_over:g} h or more", chinese=f"超时 {self.hours_over:g} 小时以上")
        return Words(english="late", chinese="已超时")


class Chain(Strict):
    """Who is told of each threshold of some clocks."""

    clocks: tuple[str, ...] = Field(min_length=1, description="repair, assess, or stage clocks")
    severities: tuple[Severity, ...] = Field(default=tuple(Severity), min_length=1, description="normal, severe")
    to: Mapping[str, tuple[Recipient, ...]] = Field(description="for each threshold whom")


class EscalationPolicy(Strict):
    """All of it."""

    version: str = Field(min_length=1, description="changes when any row does")
    zone: Zone = Field(description="IANA time zone of the times in the texts")
    quiet: QuietHours | None = Field(default=None, description="when normal cases wake nobody; none if left out")
    thresholds: tuple[Threshold, ...] = Field(
        min_length=1, description="of two that fall together the later one here is sent"
    )
    chains: tuple[Chain, ...] = Field(min_length=1, description="one for each clock and severity")

    @model_validator(mode="after")
    def _check(self) -> Self:
        ids = [threshold.id for threshold in self.thresholds]
        require_once(ids, "thresholds")
        for number, chain in enumerate(self.chains):
            require_known(chain.clocks, CLOCKS, f"chain {number + 1}", "clock")
            require_known(chain.to, ids, f"chain {number + 1}", "threshold")
            if missing := [name for name in ids if not chain.to.get(name)]:
                raise ValueError(f"chain {number + 1} ({', '.join(chain.clocks)}) tells nobody of {missing[0]}")
        pairs = [pair for chain in self.chains for pair in product(chain.clocks, chain.severities)]
        require_once((f"{clock} {severity}" for clock, severity in pairs), "clocks of chains")
        if lacking := sorted(set(product(CLOCKS, Severity)) - set(pairs)):
            raise ValueError(f"no chain for {lacking[0][0]} clocks of {lacking[0][1]} cases")
        return self

    @cached_property
    def _to(self) -> dict[tuple[str, str, str], tuple[Recipient, ...]]:
        return {
            (clock, severity, threshold): people
            for chain in self.chains
            for clock, severity in product(chain.clocks, chain.severities)
            for threshold, people in chain.to.items()
        }

    def recipients(self, clock: str, severity: Severity, threshold: str) -> tuple[Recipient, ...]:
        """Whom to tell, the nearest to the work first."""
        return self._to[clock, severity, threshold]


def read_escalation_policy(path: Path) -> EscalationPolicy:
    """A city's own table; raises ConfigError that lists every fault."""
    return read_strict_yaml(path, EscalationPolicy)


@cache
def shipped_escalation_policy() -> EscalationPolicy:
    """The table that comes with us."""
    return read_shipped_table("escalation.yaml", EscalationPolicy)
