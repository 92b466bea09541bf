"""Tips: what sensors, citizens, patrols and other offices report, in any domain, and the case that one becomes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from roadwarden.cases.domains import DomainTable
from roadwarden.cases.event_types import parse_text
from roadwarden.cases.events import Filed, Severity, format_time
from roadwarden.cases.filing import Decision, FilingTable, Source


@dataclass(frozen=True, slots=True)
class Tip:
    """One report. ``id`` is the reporter's own: the same one twice is the same tip, and files one case.

    Raises ValueError for a time without a zone, a place that is not on Earth and text that no store can hold.
    """

    id: str
    source: Source
    problem: str  # a distress type, or a problem of another domain
    seen_at: datetime  # by the reporter's clock
    latitude: float | None = None  # WGS-84, degrees
    longitude: float | None = None
    area: str | None = None
    owner: str | None = None  # of the road
    road_grade: str | None = None
    segment: str | None = None
    note: str | None = None
    defect: str | None = None  # of the map, that it is about, where one lies near by

    def __post_init__(self) -> None:
        for text in (
            self.id,
            self.problem,
            self.area,
            self.owner,
            self.road_grade,
            self.segment,
            self.note,
            self.defect,
        ):
            if text is not None:
                parse_text(text)
        if self.seen_at.tzinfo is None:
            raise ValueError(f"tip {self.id}: time without a time zone")
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError(f"tip {self.id}: give both latitude and longitude, or neither")
        if self.latitude is not None and not (-90 <= self.latitude <= 90 and -180 <= (self.longitude or 0) <= 180):
            raise ValueError(f"tip {self.id}: {self.latitude}, {self.longitude} is not on Earth")

    @property
    def case(self) -> str:
        """Id of the case that it files, so that no tip files two."""
        return f"{self.source.value}-{self.id}"


class TipState(StrEnum):
    """What became of a tip that was not filed at once."""

    WAITING = "waiting"
    FILED = "filed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class KeptTip:
    """A tip that a person looks at, and what he made of it."""

    tip: Tip
    state: TipState
    received_at: datetime  # aware
    settled_at: datetime | None = None
    settled_by: str | None = None
    case: str | None = None  # that it became
    reason: str | None = None  # why it was dropped

    def filed(self, case: str, by: str, now: datetime) -> KeptTip:
        """As a case of that id."""
        return replace(self, state=TipState.FILED, case=case, settled_by=by, settled_at=now)

    def dropped(self, reason: str, by: str, now: datetime) -> KeptTip:
        """As nothing that needs a case."""
        return replace(self, state=TipState.DROPPED, reason=reason, settled_by=by, settled_at=now)

    def as_json(self) -> dict[str, str | float | None]:
        """For machines; what nobody told is null."""
        tip = self.tip
        return {
            "source": tip.source.value,
            "id": tip.id,
            "state": self.state.value,
            "problem": tip.problem,
            "seen_at": format_time(tip.seen_at),
            "received_at": format_time(self.received_at),
            "latitude": tip.latitude,
            "longitude": tip.longitude,
            "area": tip.area,
            "owner": tip.owner,
            "segment": tip.segment,
            "defect": tip.defect,
            "note": tip.note,
            "settled_at": None if self.settled_at is None else format_time(self.settled_at),
            "settled_by": self.settled_by,
            "case": self.case,
            "reason": self.reason,
        }


def decide_tip(tip: Tip, table: FilingTable) -> Decision:
    """Whether it is filed at once or looked at by a person first, by who reports it."""
    row = next(row for row in table.tips if row.source is tip.source)
    return Decision(row.filing, None, row.because)


def filed_by(tip: Tip, domains: DomainTable, severity: Severity | None = None) -> Filed:
    """The data of the case's first event. ``severity``: where somebody measured; otherwise the domain's table decides.

    Raises DataError for a problem that no domain has.
    """
    domain = domains.domain_of(tip.problem)
    return Filed(
        distress=tip.problem,
        severity=severity or domains.severity_of(tip.problem),
        first_seen_at=tip.seen_at,
        policy=domain.clock_policy,
        domain=domain.id,
        area=tip.area,
        road_grade=tip.road_grade,
        owner=tip.owner,
        segment=tip.segment,
        longitude=tip.longitude,
        latitude=tip.latitude,
        defect=tip.defect,
        source=tip.source.value,
        note=tip.note,
    )
