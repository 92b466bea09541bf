"""Whether a command was done already under its key: asked before permissions are, which may have changed by it.

A crew that hands a case back may not see it any more; when the answer was lost, the same command comes again.
"""

from __future__ import annotations

from collections.abc import Iterable

from roadwarden.cases.events import EventData
from roadwarden.cases.permissions import Person
from roadwarden.errors import KeyUsed
from roadwarden.service.cases import Ask, CaseDesk, Done, asked_of
from roadwarden.storage.case_unit import reading


def done_before(
    desk: CaseDesk, command: str, persons: Iterable[Person], case: str, data: EventData | None, ask: Ask
) -> Done | None:
    """What came of it, in whichever of his roles; None where the key is new.

    Raises KeyUsed where it stands for another command.
    """
    if ask.key is None:
        return None
    with reading(desk.engine) as unit:
        used: KeyUsed | None = None
        for person in persons:
            try:
                done = unit.commands.done(ask.key, asked_of(command, person, case, data, ask))
            except KeyUsed as exc:
                used = exc
                continue
            if done is None:
                return None
            row = unit.rows.get(done.case)
            return None if row is None else Done(row.at(desk.now()), ())
    if used is not None:
        raise used
    return None
