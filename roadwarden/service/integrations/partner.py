"""A partner's file: one other system, what it tells us and what it is told. Read strictly; typing errors are named."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from roadwarden.cases.domains import DomainTable
from roadwarden.cases.events import DATA_OF, EventType, Role
from roadwarden.cases.roles import never_records
from roadwarden.errors import ConfigError, DataError
from roadwarden.geo.coordinates import CoordinateSystem
from roadwarden.service.destinations import Secret
from roadwarden.service.integrations.fields import Plain, Strict, ValueOf
from roadwarden.settings import read_strict_yaml

When = dict[str, Plain | tuple[Plain, ...]]
ROLES: Final = frozenset({Role.CREW, Role.DISPATCHER, Role.INTAKE, Role.SYSTEM})
"""In which a machine of somebody else may act: none of them approves anything."""
TIP_FIELDS: Final = frozenset(
    {"problem", "severity", "seen_at", "latitude", "longitude", "area", "owner", "road_grade", "segment", "note"}
)
PROBLEM_PLACES: Final = ("data.stands.distress", "data.event.data.distress")


class Does(StrEnum):
    """What a message means to us. What needs somebody's approval is not among it: a machine cannot bring one."""

    TELLS_OF_A_PROBLEM = "tells_of_a_problem"  # a tip of another department, filed by filing.yaml
    NUMBERS = "numbers"  # says under which number they have our case
    NOTHING = "nothing"
    SEVERITY_CHANGED = EventType.SEVERITY_CHANGED.value
    DISPATCHED = EventType.DISPATCHED.value
    ACCEPTED = EventType.ACCEPTED.value
    REPAIR_STARTED = EventType.REPAIR_STARTED.value
    REPAIR_REPORTED = EventType.REPAIR_REPORTED.value
    SELF_HANDLED = EventType.SELF_HANDLED.value
    ASSESSED = EventType.ASSESSED.value
    EVIDENCE_REQUESTED = EventType.EVIDENCE_REQUESTED.value
    CLOSED = EventType.CLOSED.value
    REOPENED = EventType.REOPENED.value
    RESUMED = EventType.RESUMED.value
    HANDED_BACK = EventType.HANDED_BACK.value
    TRANSFERRED = EventType.TRANSFERRED.value
    SAFETY_MEASURE = EventType.SAFETY_MEASURE.value

    @property
    def event(self) -> EventType | None:
        """The event it records; None for the first three."""
        return None if self in _OF_NO_EVENT else EventType(self.value)


_OF_NO_EVENT: Final = frozenset({Does.TELLS_OF_A_PROBLEM, Does.NUMBERS, Does.NOTHING})


class Incoming(Strict):
    """A kind of message of theirs, and what we do about it."""

    when: When = Field(description="place in the message to what stands there; or a list, one of which stands there")
    does: Does = Field(description="the event that it records, or tells_of_a_problem, numbers, nothing")
    role: Role | None = Field(default=None, description="in which it is recorded; needed for events")
    fields: dict[str, ValueOf] = Field(default={}, description="data of the event, or of the tip")

    @model_validator(mode="after")
    def _check(self) -> Incoming:
        kind = self.does.event
        if (kind is None) == (self.role is not None):
            raise ValueError(f"{self.does}: 'role' is for events, and they need one")
        if kind is not None and self.role is not None:
            if self.role not in ROLES:
                raise ValueError(f"role {self.role}: a partner's system acts as {', '.join(sorted(ROLES))}")
            if why := never_records(self.role, kind):
                raise ValueError(f"{self.does}: {why}")
        self._check_fields(kind)
        return self

    def _check_fields(self, kind: EventType | None) -> None:
        if kind is not None:
            of_event = [one for one in fields(DATA_OF[kind]) if one.name != "approved_by"]
            known = [one.name for one in of_event]
            needed = [one.name for one in of_event if one.default is NO_DEFAULT and one.name != "report_seq"]
        elif self.does is Does.TELLS_OF_A_PROBLEM:
            known, needed = sorted(TIP_FIELDS), ["problem"]
        else:
            known, needed = [], []
        for name in self.fields:
            if name not in known:
                raise ValueError(f"fields: {self.does} has no '{name}'{_near(name, known)}")
        if missing := [name for name in needed if name not in self.fields]:
            raise ValueError(f"fields: {self.does} needs {', '.join(missing)}")


class Inbox(Strict):
    """What they tell us, at POST /api/v1/inbox/NAME, signed as Standard Webhooks describes."""

    secret: Secret = Field(description="they sign with: a secret of at least 16 bytes, or their public key whpk_…")
    next_secret: Secret | None = Field(default=None, description="counts as well, while the key is changed")
    areas: tuple[str, ...] = Field(default=(), description="ids of areas in which they act; '*' for all")
    department: str | None = Field(default=None, description="ours that they are; a crew acts on its own cases only")
    crew: str | None = Field(default=None, description="of that department")
    theirs: str | None = Field(default=None, description="place of their number of the case")
    ours: str | None = Field(default=None, description="place of our name of the case")
    happened_at: ValueOf | None = Field(default=None, description="when it happened; without it when we received it")
    hold_s: float = Field(default=0.0, ge=0, le=3600, description="wait so long for what happened before it")
    ignores_the_rest: bool = Field(default=False, description="what no row speaks of means nothing, and is no fault")
    messages: tuple[Incoming, ...] = Field(min_length=1, description="the first row that fits counts")

    @model_validator(mode="after")
    def _check(self) -> Inbox:
        if self.theirs is None and self.ours is None:
            raise ValueError("wanted 'theirs' or 'ours', or both: which case is it about?")
        named = {row.does for row in self.messages}
        if self.theirs is None and named & {Does.TELLS_OF_A_PROBLEM, Does.NUMBERS}:
            raise ValueError("tells_of_a_problem and numbers need 'theirs', the place of their number")
        if self.ours is None and Does.NUMBERS in named:
            raise ValueError("numbers needs 'ours', the place of our name of the case")
        if self.department is None and any(row.role is Role.CREW for row in self.messages):
            raise ValueError("what is recorded as crew needs 'department': whose cases are theirs?")
        return self


class Outgoing(Strict):
    """What they are told of one topic: places in their message to what stands there."""

    topic: str = Field(min_length=1, description="such as case.dispatched")
    when: When = Field(default={}, description="place in our message to what stands there")
    body: dict[str, ValueOf] = Field(min_length=1, description="their fields")

    @field_validator("topic")
    @classmethod
    def _known(cls, topic: str) -> str:
        known = [f"case.{kind}" for kind in EventType]
        if topic.startswith("case.") and topic not in known:
            raise ValueError(f"there is no topic '{topic}'{_near(topic, known)}")
        return topic


class Partner(Strict):
    """The file."""

    version: Literal["1"] = Field(description="of this file's form")
    name: str = Field(min_length=1, pattern=r"^[a-z0-9_-]+$", description="lower-case letters, digits, _ and -")
    english: str = Field(min_length=1, description="whose system it is")
    chinese: str = Field(min_length=1, description="the same in Chinese")
    zone: str = Field(default="Asia/Shanghai", description="of times without an offset")
    coordinates: CoordinateSystem = Field(default=CoordinateSystem.WGS84, description="wgs84, cgcs2000 or gcj02")
    inbox: Inbox | None = Field(default=None, description="what they tell us")
    outgoing: tuple[Outgoing, ...] = Field(default=(), description="what they are told; the first row that fits counts")

    @field_validator("zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"'{name}' is no time zone; write one such as Asia/Shanghai") from None
        return name


def read_partner(path: Path, domains: DomainTable) -> Partner:
    """One file; raises ConfigError that lists its faults, with problems that no domain has."""
    partner = read_strict_yaml(path, Partner)
    if faults := [*_unknown_problems(partner, domains)]:
        raise ConfigError(f"{path}: " + "; ".join(faults))
    return partner


def read_partners(folder: Path, domains: DomainTable) -> tuple[Partner, ...]:
    """Every ``*.yaml`` of a folder, by name; raises ConfigError where there is none, or two have one name."""
    if not (files := sorted(folder.glob("*.yaml"))):
        raise ConfigError(f"{folder}: no *.yaml there; one file for each other system, see docs/integrations.md")
    found: dict[str, Partner] = {}
    for file in files:
        partner = read_partner(file, domains)
        if partner.name in found:
            raise ConfigError(f"{file}: there is another partner '{partner.name}' in {folder}")
        found[partner.name] = partner
    return tuple(found[name] for name in sorted(found))


def _unknown_problems(partner: Partner, domains: DomainTable) -> Iterable[str]:
    incoming = () if partner.inbox is None else partner.inbox.messages
    tips = [row.fields["problem"] for row in incoming if row.does is Does.TELLS_OF_A_PROBLEM]
    told = [value for row in partner.outgoing for value in row.body.values() if value.at in PROBLEM_PLACES]
    problems = [str(one) for value in tips for one in value.meanings()] + [
        code for value in told for code in value.codes
    ]
    for problem in dict.fromkeys(problems):
        try:
            domains.domain_of(problem)
        except DataError as exc:
            yield str(exc)


def _near(name: str, known: Iterable[str]) -> str:
    names = [*known]
    near = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(names)}" if names else ""
