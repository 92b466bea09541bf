"""What citizens found and the cameras did not, although they had just driven over it: 漏报, of the cameras alone.

A report counts where a person of intake has confirmed it, once for each case. It was *known* where the map had a defect
near by that people call the same, first seen before the report. It was *missed* where the map had none, and every lane
of the road at that place had been seen in usable quality within some days before the report. The share is missed of
missed and known. A hole that opened after the last pass counts as missed too: the share is an upper bound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine

from roadwarden.cases.event_types import format_time
from roadwarden.cases.filing import Source
from roadwarden.cases.request_table import RequestTable
from roadwarden.cases.requests import Phase, ServiceRequest, Standing
from roadwarden.defects.inspected import Inspected, Quality
from roadwarden.detections import Position
from roadwarden.errors import DataError
from roadwarden.eval.intervals import Interval, wilson
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.requests import stands_of
from roadwarden.storage import request_unit
from roadwarden.storage.requests import RequestFilter
from roadwarden.storage.unit import UnitOfWork, reading
from roadwarden.taxonomy import DistressType

MOST_REPORTS = 1_000_000


class Finding(StrEnum):
    """What the cameras knew of a citizen's report."""

    MISSED = "missed"  # they drove over it and saw nothing
    KNOWN = "known"  # they had seen it before
    NOT_LOOKED = "not_looked"  # they had not been there of late, or could see nothing
    NO_PLACE = "no_place"  # without coordinates, or on no known road
    NOT_THEIRS = "not_theirs"  # lamps, trees: nothing that a camera on a vehicle types


@dataclass(frozen=True, slots=True)
class Judged:
    """One report."""

    request: str
    case: str
    service: str
    reported_at: datetime
    finding: Finding
    last_pass_at: datetime | None = None  # of the lane that was seen longest ago


@dataclass(frozen=True, slots=True)
class Missed:
    """All reports of a time."""

    reports: tuple[Judged, ...]
    unconfirmed: int  # that wait, were dropped or voided
    repeats: int  # of a case that had a report already

    @property
    def counts(self) -> Counter[Finding]:
        """How many of each finding."""
        return Counter(one.finding for one in self.reports)

    @property
    def share(self) -> float | None:
        """Missed of those that were looked at; None of none."""
        counts = self.counts
        looked = counts[Finding.MISSED] + counts[Finding.KNOWN]
        return counts[Finding.MISSED] / looked if looked else None

    @property
    def interval(self) -> Interval:
        """Wilson's, 95 %."""
        counts = self.counts
        return wilson(counts[Finding.MISSED], counts[Finding.MISSED] + counts[Finding.KNOWN])

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        share, bounds = self.share, self.interval
        return {
            "counts": {finding.value: self.counts[finding] for finding in Finding},
            "unconfirmed": self.unconfirmed,
            "repeats": self.repeats,
            "missed_share": share,
            "interval": None if share is None else [bounds.low, bounds.high],
            "reports": [
                {
                    "request": one.request,
                    "case": one.case,
                    "service": one.service,
                    "reported_at": format_time(one.reported_at),
                    "finding": one.finding.value,
                    "last_pass_at": None if one.last_pass_at is None else format_time(one.last_pass_at),
                }
                for one in self.reports
            ],
        }


def missed(
    engine: Engine, table: RequestTable, start: datetime, end: datetime, now: datetime, within: timedelta
) -> Missed:
    """Of the reports from ``start`` to before ``end``; ``within``: how long before a report a pass counts.

    Raises DataError where no road network is imported.
    """
    with request_unit.reading(engine) as unit:
        wanted = RequestFilter(requested_from=start, requested_until=end - timedelta(microseconds=1))
        requests = unit.requests.list(wanted, MOST_REPORTS)[::-1]
        stands = stands_of(unit, requests, now)
        cameras = {row.case_id for row in unit.cases.rows.named(_cases(stands.values())) if row.source == Source.CAMERA}
    with reading(engine) as known:
        roads = KnownRoads.newest(known)
        if roads is None:
            raise DataError("no road network is imported; run 'roadwarden roads import FILE'")
        judge = _Judge(known, roads, table, within, cameras)
        confirmed = [one for one in requests if _confirmed(stands[one.id])]
        first = {case: one for one in reversed(confirmed) if (case := stands[one.id].case) is not None}
        judged = [judge.of(one, case) for case, one in first.items()]
    ordered = tuple(sorted(judged, key=lambda one: (one.reported_at, one.request)))
    return Missed(ordered, len(requests) - len(confirmed), len(confirmed) - len(ordered))


def _cases(stands: Any) -> set[str]:
    return {one.case for one in stands if one.case is not None}


def _confirmed(stands: Standing) -> bool:
    return stands.case is not None and stands.phase is not Phase.VOIDED


def last_pass(looks: Sequence[Inspected], chainage_m: float, lanes: int) -> datetime | None:
    """When the lane that was seen longest ago was seen last, in usable quality; None where one was not seen."""
    seen: list[datetime] = []
    for lane in range(lanes):
        times = [
            one.seen_at
            for one in looks
            if one.quality is Quality.USABLE and one.lane in {None, lane} and one.from_m <= chainage_m <= one.to_m
        ]
        if not times:
            return None
        seen.append(max(times))
    return min(seen)


@dataclass(frozen=True, slots=True)
class _Judge:
    unit: UnitOfWork
    roads: KnownRoads
    table: RequestTable
    within: timedelta
    cameras: set[str]  # cases that the cameras' defects filed

    def of(self, request: ServiceRequest, case: str) -> Judged:
        """One report, the first of its case."""
        asked, at = request.asked, request.requested_at

        def judged(finding: Finding, last: datetime | None = None) -> Judged:
            return Judged(request.id, case, asked.service, at, finding, last)

        if asked.service not in set(DistressType):
            return judged(Finding.NOT_THEIRS)
        if asked.latitude is None or asked.longitude is None:
            return judged(Finding.NO_PLACE)
        here = Position(asked.latitude, asked.longitude)
        (place,) = self.roads.places([here])
        if place is None:
            return judged(Finding.NO_PLACE)
        lanes = self.roads.roadways[place.segment].lanes
        looks = self.unit.stretches.of_segments(self.roads.number, [place.segment], at - self.within, at)
        last = last_pass(looks, place.chainage_m, lanes)
        if (request.case is not None and case in self.cameras) or self._seen(here, asked.service, at):
            return judged(Finding.KNOWN, last)
        return judged(Finding.NOT_LOOKED if last is None else Finding.MISSED, last)

    def _seen(self, here: Position, service: str, at: datetime) -> bool:
        alike = self.table.taken_for(service)
        near = self.unit.defects.near([here], self.table.radius_of(service))
        return any(one.vote.type.value in alike and one.first_seen_at < at for one in near)
