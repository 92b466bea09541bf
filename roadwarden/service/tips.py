"""What becomes of tips: a case at once, or a place in the queue of intake until a person files or drops it."""

from __future__ import annotations

from dataclasses import dataclass

from roadwarden.cases.events import EventType, Filed, Severity
from roadwarden.cases.filing import Decision, Filing, Source
from roadwarden.cases.permissions import Belongs, Person
from roadwarden.cases.tips import KeptTip, Tip, TipState, decide_tip, filed_by
from roadwarden.errors import NotAllowed
from roadwarden.service.cases import Ask, CaseDesk
from roadwarden.service.filing import FILING, FilingRules, survivor
from roadwarden.storage import case_unit, tips
from roadwarden.storage import unit as unit_of_map


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of a tip: a case, or a place in the queue, or it was dropped before."""

    decision: Decision
    case: str | None = None
    dropped: str | None = None  # why

    def __str__(self) -> str:
        if self.case:
            return f"case {self.case}"
        return f"dropped: {self.dropped}" if self.dropped else f"waits for intake: {self.decision.because.english}"


def take_in_tip(desk: CaseDesk, tip: Tip, rules: FilingRules, severity: Severity | None = None) -> TakenIn:
    """Files the case of a tip, or lets it wait; one that is known stays what it became.

    Raises DataError for a problem that no domain has, CaseError and StorageAway as the desk does.
    """
    decision, data = decide_tip(tip, rules.filing), filed_by(tip, rules.domains, severity)
    if decision.filing is Filing.AT_ONCE:
        return TakenIn(decision, _case_of(desk, tip) or _case_of_defect(desk, tip) or _file(desk, FILING, tip, data))
    with tips.writing(desk.engine) as unit:
        kept = unit.add(tip, desk.now())
    return TakenIn(decision, kept.case, kept.reason)


def waiting_tips(desk: CaseDesk, area: str | None = None) -> tuple[KeptTip, ...]:
    """The queue of intake, the longest known first."""
    with tips.reading(desk.engine) as unit:
        return unit.in_state(TipState.WAITING, area)


def file_tip(
    desk: CaseDesk, who: Person, source: Source, id: str, rules: FilingRules, severity: Severity | None = None
) -> str:
    """The case that a waiting tip becomes, or became before. ``severity``: without it that of the domain's table.

    Raises UnknownCase for a tip that nobody took in, NotAllowed for one that was dropped or a person who may not file.
    """
    kept = _kept(desk, source, id)
    if kept.state is TipState.DROPPED:
        raise NotAllowed(f"tip {source} {id} was dropped by {kept.settled_by}: {kept.reason}; file a case by hand")
    case = kept.case or _case_of(desk, kept.tip) or _case_of_defect(desk, kept.tip)
    if case is None:
        data = filed_by(kept.tip, rules.domains, severity)
        case = _file(desk, who, kept.tip, data)
    if kept.state is TipState.WAITING:
        with tips.writing(desk.engine) as unit:
            unit.settle(kept.filed(case, who.actor, desk.now()))
    return case


def drop_tip(desk: CaseDesk, who: Person, source: Source, id: str, reason: str) -> KeptTip:
    """A tip that needs no case; it stays on record. Who may file cases there may drop tips.

    Raises UnknownCase for a tip that nobody took in, NotAllowed for one that is settled or a person who may not.
    """
    kept = _kept(desk, source, id)
    if not reason.strip():
        raise NotAllowed(f"tip {source} {id}: say why it is dropped")
    if why := desk.permissions.forbids(who, EventType.FILED, Belongs(kept.tip.area)):
        raise NotAllowed(f"tip {source} {id}: only who may file a case may drop a tip: {why}")
    with tips.writing(desk.engine) as unit:
        kept = unit.get(source, id)
        case = kept.case or _case_of(desk, kept.tip)
        if case is not None:
            raise NotAllowed(f"tip {source} {id} is case {case}; void that")
        if kept.state is TipState.DROPPED:
            return kept
        dropped = kept.dropped(reason, who.actor, desk.now())
        unit.settle(dropped)
        return dropped


def _file(desk: CaseDesk, who: Person, tip: Tip, data: Filed) -> str:
    return desk.file(who, data, Ask(key=f"tip:{tip.case}"), tip.case).row.case_id


def _kept(desk: CaseDesk, source: Source, id: str) -> KeptTip:
    with tips.reading(desk.engine) as unit:
        return unit.get(source, id)


def _case_of(desk: CaseDesk, tip: Tip) -> str | None:
    with case_unit.reading(desk.engine) as unit:
        row = unit.rows.get(tip.case)
    return None if row is None else row.case_id


def _case_of_defect(desk: CaseDesk, tip: Tip) -> str | None:
    """The open case of the defect that the tip is about, filed by the cameras meanwhile."""
    if tip.defect is None:
        return None
    with unit_of_map.reading(desk.engine) as known:
        now = known.defects.now([tip.defect])
        looks = known.sightings.of_defects(now.values())
    names = {tip.defect, *now.values(), *(look.id for ones in looks.values() for look in ones)}
    with case_unit.reading(desk.engine) as unit:
        rows = (survivor(unit, row) for row in unit.rows.of_defects(names))
        return next((row.case_id for row in rows if row.is_open), None)
