"""Open cases of defects that turned out to be one: what only machines have touched becomes one case by itself.

While a camera passes, what is one hole may be two defects for a minute, each with its case; the next look joins them.
A merge keeps the earliest start, the higher severity and the deadline that binds more (DOMAIN 4.3), so no clock gains
by it, and a person can undo it. What a person has filed or worked on is left to people.

A later look may tell the two apart again. Then the merge is undone, or one of them would be a defect without a case.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.events import CaseEvent, Merged
from roadwarden.cases.permissions import Person
from roadwarden.errors import NotAllowed
from roadwarden.service.cases import Ask, CaseDesk
from roadwarden.storage.case_unit import CaseUnit, reading


@dataclass(frozen=True, slots=True)
class Twins:
    """Of the open cases of one defect: ``merged`` names for each case that goes the one that stays."""

    merged: Mapping[str, str] = field(default_factory=dict)
    left: tuple[str, ...] = ()


def sort_out(histories: Mapping[str, Sequence[CaseEvent]], machine: str) -> Twins:
    """``histories``: by case, the oldest case first; ``machine``: who files what no person files."""
    filed_by_machine = [case for case, events in histories.items() if events[0].actor == machine]
    idle = [case for case in filed_by_machine if all(event.actor == machine for event in histories[case])]
    worked_on = [case for case in filed_by_machine if case not in idle]
    if not idle:
        return Twins({}, tuple(histories))
    stays = (worked_on or idle)[0]
    merged = {case: stays for case in idle if case != stays}
    return Twins(merged, tuple(case for case in histories if case not in merged))


def merge_idle(desk: CaseDesk, machine: Person, cases: Sequence[CaseRow]) -> Twins:
    """Merges what nobody has touched. Raises StorageAway as the desk does; done again, it does nothing."""
    with reading(desk.engine) as unit:
        found = unit.events.of_cases(row.case_id for row in cases)
    histories = {row.case_id: found[row.case_id] for row in cases}
    twins, merged = sort_out(histories, machine.actor), {}
    for case, into in twins.merged.items():
        try:
            desk.merge(machine, case, into, Ask(key=f"same:{case}:{into}:{len(histories[case])}"))
        except NotAllowed:  # one of them has ended meanwhile: the next run sees how they stand
            continue
        merged[case] = into
    return Twins(merged, tuple(case for case in histories if case not in merged))


def is_parted(unit: CaseUnit, merged: CaseRow, looks: Collection[str], machine: Person) -> bool:
    """Whether a machine merged the case into one of what is another defect now.

    ``looks``: ids of the sightings of the merged case's defect; a case bears one of its own defect's.
    """
    events = unit.events.of(merged.case_id)
    merges = [(event.actor, event.data.into) for event in events if isinstance(event.data, Merged)]
    if not merges or merges[-1][0] != machine.actor:
        return False
    into = unit.rows.get(merges[-1][1])
    return into is not None and into.defect is not None and into.defect not in looks


def part(desk: CaseDesk, machine: Person, merged: CaseRow) -> CaseRow:
    """Undoes its merge; returns how it stands, also where somebody was faster. Raises StorageAway as the desk does."""
    try:
        return desk.unmerge(machine, merged.case_id, Ask(key=f"apart:{merged.case_id}:{merged.version}")).row
    except NotAllowed:
        with reading(desk.engine) as unit:
            return unit.rows.get(merged.case_id) or merged
