"""Which defects become cases, once, and when again: ``tables/filing.yaml`` applied to what is known of one defect.

What a defect is, how large, and whether it is severe is reckoned elsewhere (``defects.severity``); ``service.filing``
fills ``Facts`` with it, because cases and defects do not know each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from roadwarden.cases.events import Severity
from roadwarden.cases.tables import Strict, Words, require_once
from roadwarden.settings import read_shipped_table, read_strict_yaml
from roadwarden.taxonomy import DistressType, Status


class Filing(StrEnum):
    """What becomes of a defect or a tip."""

    AT_ONCE = "at_once"  # a case is filed without a person
    INTAKE = "intake"  # a person looks first
    NONE = "none"  # no case


class Source(StrEnum):
    """Who found it; it stands in the case, where it tells what a citizen saw before any patrol did (漏报)."""

    CAMERA = "camera"
    PATROL = "patrol"
    SENSOR = "sensor"
    CITIZEN = "citizen"
    DEPARTMENT = "department"


class FilingRule(Strict):
    """Holds for its problems when all of its limits are passed."""

    id: str = Field(min_length=1, description="name that reasons cite")
    problems: tuple[DistressType, ...] = Field(min_length=1, description="types of the taxonomy")
    area_m2_at_least: float = Field(default=0.0, ge=0, description="of the rectangle around it")
    sightings_at_least: int = Field(default=1, ge=1, description="looks at it in which it was found")
    passes_at_least: int = Field(default=1, ge=1, description="drives past it on which it was found")
    source: str = Field(min_length=1, description="where the limits come from")
    status: Status = Field(description="verified: read in the primary text; unverified: anything less")


class TipRule(Strict):
    """What becomes of tips of one source."""

    source: Source = Field(description="who reports")
    filing: Filing = Field(description="at_once or intake")
    because: Words = Field(description="why")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.source is Source.CAMERA or self.filing is Filing.NONE:
            raise ValueError(
                f"tips of {self.source}: a camera gives defects, not tips, and a tip is filed or looked at"
            )
        return self


class FilingTable(Strict):
    """What is filed at once."""

    version: str = Field(min_length=1, description="changes when any row does")
    at_once: tuple[FilingRule, ...] = Field(description="defects that wait for nobody")
    tips: tuple[TipRule, ...] = Field(description="one row for each source but the camera")

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_once((rule.id for rule in self.at_once), "rules")
        require_once((problem for rule in self.at_once for problem in rule.problems), "problems of rules")
        require_once((row.source for row in self.tips), "sources of tips")
        if missing := set(Source) - {Source.CAMERA} - {row.source for row in self.tips}:
            raise ValueError(f"'tips' has no row for {', '.join(sorted(missing))}")
        return self


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one defect when somebody asks whether to file it."""

    defect: str  # id
    problem: DistressType
    wanted: bool  # the severity table says that it is to be filed
    severity: Severity
    area_m2: float | None  # None where nobody measured
    sightings: int
    passes: int
    present: bool = True  # False when good passes looked and saw nothing


@dataclass(frozen=True, slots=True)
class FiledBefore:
    """A case of the same defect."""

    case: str
    round: int  # 1 for the first case of the defect
    open: bool
    warranty_until: datetime | None = None  # of a closed one; None for a voided one


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of it, and why."""

    filing: Filing
    rule: str | None
    because: Words


def decide(facts: Facts, table: FilingTable) -> Decision:
    """Whether a defect is filed at once, waits for a person, or neither."""
    if not facts.present:
        return _none("good passes saw it no more", "多次巡查未再发现")
    if not facts.wanted:
        return _none("below the filing thresholds", "未达立案条件")
    rule = next((rule for rule in table.at_once if facts.problem in rule.problems), None)
    if rule is None:
        because = Words(english=f"no rule files {facts.problem} at once", chinese="该类型须经受理")
        return Decision(Filing.INTAKE, None, because)
    if lacking := _lacking(facts, rule):
        english = f"by rule {rule.id} not at once: {'; '.join(one.english for one in lacking)}"
        chinese = f"未满足即时立案规则 {rule.id}: {'; '.join(one.chinese for one in lacking)}"
        return Decision(Filing.INTAKE, rule.id, Words(english=english, chinese=chinese))
    because = Words(english=f"filed at once by rule {rule.id}", chinese=f"按规则 {rule.id} 即时立案")
    return Decision(Filing.AT_ONCE, rule.id, because)


def next_round(last_seen_at: datetime, before: Sequence[FiledBefore]) -> int | None:
    """The number of the case that a defect may be filed as now: 1 for the first; None where it has its case.

    An open case is its case. So is a closed one within warranty: a person or a verdict re-opens that. A voided one says
    that this is nobody's work, and stays. Seen again after the warranty, it is a recurrence and filed anew.
    """
    if not before:
        return 1
    last = max(before, key=lambda one: one.round)
    if any(one.open for one in before) or last.warranty_until is None or last_seen_at <= last.warranty_until:
        return None
    return last.round + 1


def _none(english: str, chinese: str) -> Decision:
    return Decision(Filing.NONE, None, Words(english=english, chinese=chinese))


def _lacking(facts: Facts, rule: FilingRule) -> list[Words]:
    found = []
    if facts.area_m2 is None and rule.area_m2_at_least:
        found.append(Words(english="area not measured", chinese="面积未测"))
    elif facts.area_m2 is not None and facts.area_m2 < rule.area_m2_at_least:
        measured = f"{facts.area_m2:.3g} m² < {rule.area_m2_at_least:g} m²"
        found.append(Words(english=f"area {measured}", chinese=f"面积 {measured}"))
    if facts.sightings < rule.sightings_at_least:
        counted = f"{facts.sightings} < {rule.sightings_at_least}"
        found.append(Words(english=f"sightings {counted}", chinese=f"发现次数 {counted}"))
    if facts.passes < rule.passes_at_least:
        counted = f"{facts.passes} < {rule.passes_at_least}"
        found.append(Words(english=f"passes {counted}", chinese=f"巡查趟次 {counted}"))
    return found


def read_filing_table(path: Path) -> FilingTable:
    """A city's own table; raises ConfigError that lists every fault."""
    return read_strict_yaml(path, FilingTable)


@cache
def shipped_filing_table() -> FilingTable:
    """The table that comes with us."""
    return read_shipped_table("filing.yaml", FilingTable)
