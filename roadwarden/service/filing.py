"""Defects and tips that the filing table files become cases, once: however often it is run, by however many.

A defect is known by the ids of all its sightings, because its own id can become that of an earlier sighting that
arrives late, and because two defects can turn out to be one. What keeps two runs from filing at once is the key of the
command.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from roadwarden.cases.answer import CaseState
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.domains import DomainTable, shipped_domain_table
from roadwarden.cases.events import Filed, Merged, Role, Severity, SeverityChanged
from roadwarden.cases.filing import (
    Decision,
    FiledBefore,
    Filing,
    FilingTable,
    Source,
    decide,
    next_round,
    shipped_filing_table,
)
from roadwarden.cases.permissions import Person
from roadwarden.cases.request_table import RequestTable, shipped_request_table
from roadwarden.defects.severity_table import SeverityTable, shipped_severity_table
from roadwarden.detections import Position
from roadwarden.service.cases import Ask, CaseDesk
from roadwarden.service.filing_facts import Judged, pages
from roadwarden.service.near_by import box_around, metres_between
from roadwarden.service.twin_cases import is_parted, merge_idle, part
from roadwarden.storage.case_unit import CaseUnit, reading
from roadwarden.storage.defects import KeptDefect

FILING = Person("filing", Role.SYSTEM)
"""Who files what no person files."""


@dataclass(frozen=True, slots=True)
class FilingRules:
    """The tables that decide; ``area_of`` and ``owner_of`` tell what the map does not know."""

    severity: SeverityTable = field(default_factory=shipped_severity_table)
    filing: FilingTable = field(default_factory=shipped_filing_table)
    domains: DomainTable = field(default_factory=shipped_domain_table)
    requests: RequestTable = field(default_factory=shipped_request_table)  # how near is the same thing
    area_of: Callable[[KeptDefect], str | None] = lambda _defect: None
    owner_of: Callable[[KeptDefect], str | None] = lambda _defect: None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A defect that a person has to look at."""

    defect: str
    problem: str
    severity: Severity
    decision: Decision


@dataclass(slots=True)
class FilingRun:
    """What a run came to; with every defect that is looked at it grows."""

    looked_at: int = 0
    nowhere: int = 0  # on no road that is known, and so not judged
    filed: dict[str, str] = field(default_factory=dict)  # case by defect
    raised: list[str] = field(default_factory=list)  # cases that became severe
    waiting: list[Waiting] = field(default_factory=list)
    seen_again: list[str] = field(default_factory=list)  # closed cases to be re-opened by a person: within warranty
    merged: dict[str, str] = field(default_factory=dict)  # cases that nobody had touched, of what is one defect
    parted: list[str] = field(default_factory=list)  # cases merged like that, of what is another defect after all
    doubles: list[tuple[str, ...]] = field(default_factory=list)  # open cases of one defect, to be merged by a person

    @property
    def by_urgency(self) -> tuple[Waiting, ...]:
        """What waits, severe ones first."""
        return tuple(
            sorted(self.waiting, key=lambda one: (one.severity is not Severity.SEVERE, one.problem, one.defect))
        )


def file_defects(
    desk: CaseDesk,
    rules: FilingRules,
    only: Sequence[str] | None = None,
    tell: Callable[[int], None] = lambda _looked_at: None,
) -> FilingRun:
    """Files the defects of the desk's database that are to be filed at once and have no case.

    ``only``: ids, say of what a survey changed; without it all of them. An open normal case whose defect is severe now
    becomes severe; of several open cases of one defect those that nobody has touched are merged, and parted where they
    turn out to be of two. Raises CaseError and StorageAway as the desk does; run again, it goes on where it stopped.
    """
    run = FilingRun()
    for page in pages(desk.engine, rules.severity, only):
        run.looked_at += len(page.judged) + page.nowhere
        run.nowhere += page.nowhere
        wanted = [one for one in page.judged if one.facts.wanted and one.facts.present]
        with reading(desk.engine) as unit:
            before = {one.defect.id: _cases_of(unit, one) or _unnamed_near(unit, one, rules) for one in wanted}
        for one in wanted:
            _settle(run, desk, rules, one, before[one.defect.id])
        tell(run.looked_at)
    return run


def _settle(run: FilingRun, desk: CaseDesk, rules: FilingRules, one: Judged, cases: Sequence[CaseRow]) -> None:
    """One defect: its case if it has one, else what the filing table says."""
    parted = [row.case_id for row in cases if row.state == CaseState.MERGED]
    run.parted += parted
    cases = [part(desk, FILING, row) if row.case_id in parted else row for row in cases]
    before = [_filed_before(desk, row, number) for number, row in enumerate(cases, start=1)]
    if next_round(one.defect.last_seen_at, before) is not None:
        decision = decide(one.facts, rules.filing)
        if decision.filing is Filing.AT_ONCE:
            run.filed[one.defect.id] = _file(desk, rules, one, before)
        elif decision.filing is Filing.INTAKE:
            run.waiting.append(Waiting(one.defect.id, one.facts.problem, one.facts.severity, decision))
        return
    open_ones = [row for row in cases if row.is_open]
    if len(open_ones) > 1:
        twins = merge_idle(desk, FILING, open_ones)
        run.merged |= twins.merged
        open_ones = [row for row in open_ones if row.case_id in twins.left]
        if len(open_ones) > 1:
            run.doubles.append(twins.left)
    for row in open_ones:
        if row.severity is Severity.NORMAL and one.facts.severity is Severity.SEVERE:
            _raise(desk, row)
            run.raised.append(row.case_id)
    last = cases[-1]
    if not open_ones and last.closed_at is not None and one.defect.last_seen_at > last.closed_at:
        run.seen_again.append(last.case_id)


def _cases_of(unit: CaseUnit, one: Judged) -> tuple[CaseRow, ...]:
    """The cases of a defect, the oldest first; instead of one that was merged, the one that it was merged into.

    A merged one itself where the other is of another defect now, and the merge is to be undone.
    """
    ids = {one.defect.id, *(look.id for look in one.sightings)}
    rows = unit.rows.of_defects(ids)
    apart = {row.case_id for row in rows if row.state == CaseState.MERGED and is_parted(unit, row, ids, FILING)}
    found = {now.case_id: now for row in rows for now in [row if row.case_id in apart else survivor(unit, row)]}
    return tuple(sorted(found.values(), key=lambda row: (row.filed_at, row.case_id)))


def _unnamed_near(unit: CaseUnit, one: Judged, rules: FilingRules) -> tuple[CaseRow, ...]:
    """The nearest open case near by that names no defect: a citizen who was first, or a patrol."""
    problem, here = one.facts.problem.value, one.defect.position
    radius, alike = rules.requests.radius_of(problem), rules.requests.taken_for(problem)
    near = [
        (metres_between(here, Position(row.lat, row.lon)), row.case_id, row)
        for box in box_around(here, radius).parts()
        for row in unit.rows.open_in(box)
        if row.defect is None and row.distress in alike and row.lat is not None and row.lon is not None
    ]
    return tuple(row for distance, _, row in sorted(near, key=_by_distance)[:1] if distance <= radius)


def _by_distance(entry: tuple[float, str, CaseRow]) -> tuple[float, str]:
    return entry[:2]


def survivor(unit: CaseUnit, row: CaseRow) -> CaseRow:
    """The case itself, or the one that it was merged into, and so on."""
    seen = set[str]()
    while row.state == CaseState.MERGED and row.case_id not in seen:
        seen.add(row.case_id)
        into = [event.data.into for event in unit.events.of(row.case_id) if isinstance(event.data, Merged)]
        row = (unit.rows.get(into[-1]) if into else None) or row
    return row


def _filed_before(desk: CaseDesk, row: CaseRow, number: int) -> FiledBefore:
    policy = desk.policies.at_filing(row.filed_at, row.policy)
    ends = None if row.closed_at is None else row.closed_at + policy.warranty_days
    return FiledBefore(row.case_id, number, row.is_open, ends)


def _file(desk: CaseDesk, rules: FilingRules, one: Judged, before: Sequence[FiledBefore]) -> str:
    defect, domain = one.defect, rules.domains.domain_of(one.facts.problem)
    data = Filed(
        distress=one.facts.problem.value,
        severity=one.facts.severity,
        first_seen_at=_first_seen(one, before),
        policy=domain.clock_policy,
        domain=domain.id,
        area=one.area or rules.area_of(defect),
        road_grade=one.grade.value,
        owner=one.owner or rules.owner_of(defect),
        segment=None if defect.road is None else defect.road.segment,
        longitude=defect.position.lon,
        latitude=defect.position.lat,
        defect=defect.id,
        source=Source.CAMERA.value,
        recurrence_of=before[-1].case if before else None,
    )
    return desk.file(FILING, data, Ask(key=f"defect:{defect.id}:{len(before) + 1}")).row.case_id


def _first_seen(one: Judged, before: Sequence[FiledBefore]) -> datetime:
    """Awareness of the defect; of one that came back, of its return."""
    ended = before[-1].warranty_until if before else None
    since = [look.seen_at for look in one.sightings if ended is not None and look.seen_at > ended]
    return min(since, default=one.defect.first_seen_at)


def _raise(desk: CaseDesk, row: CaseRow) -> None:
    data = SeverityChanged(Severity.SEVERE, reason="the defect is severe as it was last seen")
    desk.record(FILING, row.case_id, data, Ask(key=f"severe:{row.case_id}:{row.version}"))
