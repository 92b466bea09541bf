"""The rows of the lists made anew from the events: the same rows, or the projection was wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from roadwarden.cases.case_projection import row_of
from roadwarden.cases.policy import ClockPolicies
from roadwarden.storage.case_unit import CaseUnit, reading, writing

CASES_AT_ONCE = 500
"""Between two such pieces others may write."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was found."""

    rows: int
    mended: tuple[str, ...]  # cases whose row was missing or wrong, or had no events


def rebuild(
    engine: Engine,
    policies: ClockPolicies,
    now: datetime,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> Rebuilt:
    """Makes every row from the events of its case, some hundred in one transaction, while others go on writing.

    Open cases are looked at by the scheduler again. ``tell`` hears (done, total).
    """
    rows, mended, after = 0, [], ""
    with reading(engine) as unit:
        total = unit.events.count_cases()
    while True:
        with writing(engine) as unit:
            names = unit.events.cases(after, CASES_AT_ONCE)
            up_to = names[-1] if len(names) == CASES_AT_ONCE else None
            made, wrong = _piece(unit, names, after, up_to, policies, now)
        rows += made
        mended += wrong
        tell(rows, total)
        if up_to is None:
            return Rebuilt(rows, tuple(mended))
        after = up_to


def _piece(
    unit: CaseUnit, names: tuple[str, ...], after: str, up_to: str | None, policies: ClockPolicies, now: datetime
) -> tuple[int, list[str]]:
    kept = unit.rows.between(after, up_to)
    histories = unit.events.of_cases(names)
    made = {name: row for name in names if (row := row_of(histories[name], policies)) is not None}
    wrong = sorted(name for name in kept.keys() | made.keys() if kept.get(name) != made.get(name))
    unit.rows.remove(kept.keys() - made.keys())
    unit.rows.put(list(made.values()))
    unit.warnings.watch({name: now if row.is_open else None for name, row in made.items()})
    return len(made), wrong
