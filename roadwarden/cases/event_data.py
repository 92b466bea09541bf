"""What the events of a case carry: one frozen dataclass a type (docs/events.md).

Names and fields are those of the replay contract. Fields that the contract does not have are optional, and absent from
JSON when they say nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictInt

from roadwarden.cases.event_types import EventType, Role, Verdict, parse_text, parse_time
from roadwarden.taxonomy import Severity

Time = Annotated[datetime, BeforeValidator(parse_time)]
Text = Annotated[str, AfterValidator(parse_text)]
Seq = Annotated[StrictInt, Field(ge=0, lt=2**53)]
_STRICT: Final = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Approver:
    """Who approved; in JSON ``{"actor": …, "role": …}``, or the person alone where the role is not told."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    actor: Text
    role: Role | None = None


def _approver(value: object) -> object:
    """Person alone, a role alone, or both as ``person:role`` in either order, beside the object form."""
    if not isinstance(value, str) or not value.strip():
        return value
    words = [word for word in re.split(r"[:/@]", value) if word]
    roles = [word for word in words if word in _ROLE_NAMES]
    others = [word for word in words if word not in _ROLE_NAMES]
    if len(roles) == 1 and len(others) <= 1:
        return Approver((others or roles)[0], Role(roles[0]))
    return Approver(value)


_ROLE_NAMES: Final = frozenset(Role)
ApprovedBy = Annotated[Approver, BeforeValidator(_approver)]


def _evidence(value: object) -> object:
    """None, one or several; what is no text is kept as its JSON, because nothing here depends on what it looks like."""
    several = value if isinstance(value, list | tuple) else [] if value is None else [value]
    return tuple(
        one if isinstance(one, str) else json.dumps(one, ensure_ascii=False, sort_keys=True) for one in several
    )


Evidence = Annotated[tuple[Text, ...], BeforeValidator(_evidence)]
"""Ids or sha256 of pictures."""


@dataclass(frozen=True, slots=True)
class EventData:
    """What the data of every type have in common: nothing."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Filed(EventData):
    """立案. The clock starts when this was received; ``first_seen_at`` is awareness only."""

    distress: Text  # a DistressType, or an id of another domain (tables/domains.yaml)
    severity: Severity
    first_seen_at: Time | None = None
    policy: Text | None = None  # version of the clock policy; without it the one valid at filing
    domain: Text | None = None  # of tables/domains.yaml
    area: Text | None = None  # that permissions and dispatch are scoped by
    road_grade: Text | None = None  # I, II, III
    owner: Text | None = None  # of the road
    segment: Text | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, strict=True)] | None = None  # WGS-84, degrees
    latitude: Annotated[float, Field(ge=-90, le=90, strict=True)] | None = None
    defect: Text | None = None  # the physical thing that it is about
    source: Text | None = None  # camera, citizen, sensor, patrol …
    recurrence_of: Text | None = None  # an earlier case of the same place, out of warranty
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class SeverityChanged(EventData):
    """Up tightens the deadline; down needs an approval."""

    to: Severity
    approved_by: ApprovedBy | None = None
    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class Dispatched(EventData):
    """派遣 to a department and, if known, its crew."""

    department: Text
    crew: Text | None = None
    rule: Text | None = None  # the dispatch rule that chose
    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class Accepted(EventData):
    """The crew takes the case on."""


@dataclass(frozen=True, slots=True)
class RepairStarted(EventData):
    """Work on the road has begun."""


@dataclass(frozen=True, slots=True)
class RepairReported(EventData):
    """The crew's claim that the work is done; its ``seq`` is the report's name."""

    evidence: Evidence = ()


@dataclass(frozen=True, slots=True)
class SelfHandled(EventData):
    """自处理: a patrol mended it on the spot; counts as a repair report."""

    evidence: Evidence = ()


@dataclass(frozen=True, slots=True)
class Assessed(EventData):
    """A verdict on one report; a machine's if the role is assessor or system, else a person's."""

    verdict: Verdict
    report_seq: Seq
    assessment: Text | None = None  # the record it stands in
    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class EvidenceRequested(EventData):
    """Rejects the report: its evidence does not show the repair."""

    report_seq: Seq
    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class TimeAccepted(EventData):
    """The report counts from ``at``: the crew was provably offline."""

    report_seq: Seq
    at: Time
    reason: Text
    approved_by: ApprovedBy | None = None


@dataclass(frozen=True, slots=True)
class Closed(EventData):
    """结案."""

    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class Reopened(EventData):
    """返工: a new cycle with its own clock."""

    reason: Text


@dataclass(frozen=True, slots=True)
class Extended(EventData):
    """延时: a later due time for one clock."""

    clock: Text  # repair, assess, or a stage clock
    due: Time
    reason: Text
    approved_by: ApprovedBy | None = None
    report_seq: Seq | None = None  # which assess clock; without it the newest that runs


@dataclass(frozen=True, slots=True)
class Parked(EventData):
    """挂账: the repair clock rests until ``until`` at the latest."""

    reason: Text
    until: Time
    approved_by: ApprovedBy | None = None


@dataclass(frozen=True, slots=True)
class Resumed(EventData):
    """挂账恢复."""

    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class HandedBack(EventData):
    """回退: the department says that it is not theirs."""

    reason: Text


@dataclass(frozen=True, slots=True)
class Transferred(EventData):
    """Between street office and district; counted."""

    to: Text
    reason: Text


@dataclass(frozen=True, slots=True)
class Voided(EventData):
    """作废."""

    reason: Text
    approved_by: ApprovedBy | None = None


@dataclass(frozen=True, slots=True)
class Absorbed(EventData):
    """On the survivor of a merge: what the other case brings with it."""

    case: Text
    filed_at: Time
    severity: Severity
    due_at: Time


@dataclass(frozen=True, slots=True)
class Released(EventData):
    """Undoes the absorption of ``case``."""

    case: Text


@dataclass(frozen=True, slots=True)
class Merged(EventData):
    """On the case that was absorbed: the survivor."""

    into: Text


@dataclass(frozen=True, slots=True)
class Unmerged(EventData):
    """Undoes ``merged``."""


@dataclass(frozen=True, slots=True)
class SafetyMeasure(EventData):
    """围挡, 看护: the place is safe although it is not mended."""

    kind: Text


DATA_OF: Final[dict[EventType, type[EventData]]] = {
    EventType.FILED: Filed,
    EventType.SEVERITY_CHANGED: SeverityChanged,
    EventType.DISPATCHED: Dispatched,
    EventType.ACCEPTED: Accepted,
    EventType.REPAIR_STARTED: RepairStarted,
    EventType.REPAIR_REPORTED: RepairReported,
    EventType.SELF_HANDLED: SelfHandled,
    EventType.ASSESSED: Assessed,
    EventType.EVIDENCE_REQUESTED: EvidenceRequested,
    EventType.TIME_ACCEPTED: TimeAccepted,
    EventType.CLOSED: Closed,
    EventType.REOPENED: Reopened,
    EventType.EXTENDED: Extended,
    EventType.PARKED: Parked,
    EventType.RESUMED: Resumed,
    EventType.HANDED_BACK: HandedBack,
    EventType.TRANSFERRED: Transferred,
    EventType.VOIDED: Voided,
    EventType.ABSORBED: Absorbed,
    EventType.RELEASED: Released,
    EventType.MERGED: Merged,
    EventType.UNMERGED: Unmerged,
    EventType.SAFETY_MEASURE: SafetyMeasure,
}
