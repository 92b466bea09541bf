"""Passes that come anyway are evidence of how long repairs last; what breaks within its warranty is rework."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from roadwarden.cases.answer import CaseState
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.durability import PassBy, Recheck, RecheckRule, broken_by, rechecks
from roadwarden.cases.durability_words import Durability
from roadwarden.cases.events import Reopened, Role
from roadwarden.cases.permissions import Person
from roadwarden.detections import Sighting
from roadwarden.service.cases import Ask, CaseDesk
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.seen import passes_over
from roadwarden.storage import case_unit
from roadwarden.storage import rechecks as kept_rechecks
from roadwarden.storage.case_rows import CaseFilter
from roadwarden.storage.rechecks import KeptRecheck
from roadwarden.storage.unit import UnitOfWork, reading
from roadwarden.taxonomy import DistressType
from roadwarden.wilson import wilson_bounds

RECHECKING = Person("passes", Role.SYSTEM)
"""Who re-opens what came back."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One repair, and the passes by it since."""

    row: CaseRow
    repaired_at: datetime
    passes: tuple[PassBy, ...]


@dataclass(slots=True)
class RecheckRun:
    """What a run came to."""

    looked_at: int = 0
    answers: Counter[str] = field(default_factory=Counter)  # new ones, by outcome
    reopened: list[str] = field(default_factory=list)
    out_of_warranty: list[str] = field(default_factory=list)  # broken, and filed anew as a recurrence


def run_rechecks(desk: CaseDesk, rule: RecheckRule | None = None) -> RecheckRun:
    """Answers what is known by now about closed cases; run again, it answers nothing twice.

    Raises CaseError and StorageAway as the desk does.
    """
    rule, run = rule or RecheckRule(), RecheckRun()
    watched = _watched(desk, rule)
    with kept_rechecks.reading(desk.engine) as store:
        known = store.of_cases(one.row.case_id for one in watched)
    for one in watched:
        run.looked_at += 1
        answered = {(kept.cycle, kept.day) for kept in known.get(one.row.case_id, ())}
        found = rechecks(one.repaired_at, one.passes, desk.now(), rule)
        if new := [answer for answer in found if (one.row.cycle, answer.day) not in answered]:
            _keep(desk, one, new, run)
        broke = broken_by(one.repaired_at, one.passes, rule)
        if broke is not None:
            _reopen(desk, one, broke, run)
    return run


def _keep(desk: CaseDesk, one: Watched, new: Sequence[Recheck], run: RecheckRun) -> None:
    """Most repairs have no new answer on most days: they wait for no disk."""
    with kept_rechecks.writing(desk.engine) as store:
        for answer in new:
            if store.add(_kept(one, answer, desk.now())):
                run.answers[answer.outcome.value] += 1


def _reopen(desk: CaseDesk, one: Watched, broke: PassBy, run: RecheckRun) -> None:
    """As rework against the crew that holds the case; after the warranty filing makes a new case of it."""
    case, closed_at = one.row.case_id, one.row.closed_at
    policy = desk.policies.at_filing(one.row.filed_at, one.row.policy)
    if closed_at is None or desk.now() > closed_at + policy.warranty_days:
        run.out_of_warranty.append(case)
        return
    days = round((broke.at - one.repaired_at) / timedelta(days=1))
    why = f"rework: seen again by {broke.pass_id}, {broke.sightings} times, {days} days after the repair"
    desk.record(
        RECHECKING, case, Reopened(f"{why} 返工：修复{days}天后再次检出"), Ask(key=f"rework:{case}:{one.row.cycle}")
    )
    run.reopened.append(case)


def _watched(desk: CaseDesk, rule: RecheckRule) -> Sequence[Watched]:
    now = desk.now()
    since = now - timedelta(days=2 * rule.days[-1] + 7)
    with case_unit.reading(desk.engine) as unit:
        names = unit.rows.names(CaseFilter(state=CaseState.CLOSED, news_since=since), now)
        rows = [row for name in names if (row := unit.rows.get(name)) is not None]
    rows = [row for row in rows if row.defect is not None and row.repair_stopped_at is not None]
    with reading(desk.engine) as defects:
        roads = KnownRoads.newest(defects)
        return [] if roads is None else [one for row in rows if (one := _watch(defects, roads, row, now)) is not None]


def _watch(unit: UnitOfWork, roads: KnownRoads, row: CaseRow, now: datetime) -> Watched | None:
    """None where the defect lies on no road of the newest network: nobody can tell who passed it."""
    repaired_at = row.repair_stopped_at
    home = unit.defects.now([row.defect or ""]).get(row.defect or "")
    found = unit.defects.get([home]) if home is not None else ()
    if not found or repaired_at is None or found[0].road is None or found[0].network != roads.number:
        return None
    defect, road = found[0], found[0].road
    looks = unit.stretches.of_segments(roads.number, [road.segment], repaired_at, now)
    over = passes_over(defect, looks, roads.roadways[road.segment], since=repaired_at)
    seen = Counter(one.pass_id for one in unit.sightings.of_defects([defect.id]).get(defect.id, ()) if _is_it(one, row))
    good = {one.pass_id: one for one in sorted(over, key=lambda one: one.at, reverse=True) if one.good}
    return Watched(row, repaired_at, tuple(PassBy(name, one.at, seen[name]) for name, one in good.items()))


def _is_it(look: Sighting, row: CaseRow) -> bool:
    """A patch where a hole was is the repair, not the defect."""
    return look.type is not DistressType.PATCH or row.distress == DistressType.PATCH


def _kept(one: Watched, answer: Recheck, now: datetime) -> KeptRecheck:
    by = answer.by
    return KeptRecheck(
        case=one.row.case_id,
        cycle=one.row.cycle,
        day=answer.day,
        outcome=answer.outcome,
        repaired_at=one.repaired_at,
        seen_at=None if by is None else by.at,
        pass_id=None if by is None else by.pass_id,
        department=one.row.department,
        crew=one.row.crew,
        recorded_at=now,
    )


@dataclass(frozen=True, slots=True)
class CrewFigure:
    """How repairs of one crew were found on one day after them."""

    department: str
    crew: str
    day: int
    held: int
    broken: int
    not_looked: int

    @property
    def looked(self) -> int:
        """Repairs that somebody passed in time, or saw broken."""
        return self.held + self.broken

    @property
    def broken_bounds(self) -> tuple[float, float]:
        """The 95 % Wilson bounds of the share that broke, of those looked at; 0 and 1 of nothing."""
        return wilson_bounds(self.broken, self.looked)


def crew_figures(desk: CaseDesk) -> tuple[CrewFigure, ...]:
    """By department, crew and day."""
    with kept_rechecks.reading(desk.engine) as store:
        counts = store.counts()
    keys = sorted({key[:3] for key in counts})
    return tuple(CrewFigure(*key, *(counts.get((*key, outcome), 0) for outcome in Durability)) for key in keys)
