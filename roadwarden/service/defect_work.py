"""What the cases say of the defects of some roads: which are overdue, and which are mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from roadwarden.cases.answer import CaseState
from roadwarden.cases.case_row import CaseRow
from roadwarden.storage.case_unit import CaseUnit
from roadwarden.storage.defects import KeptDefect
from roadwarden.storage.unit import UnitOfWork


@dataclass(frozen=True, slots=True)
class DefectWork:
    """Ids of defects as they are now."""

    overdue: frozenset[str] = frozenset()  # an open case of it is past the due time of its repair
    mended: frozenset[str] = frozenset()  # all of its cases are closed, and it was not seen since its last repair


NO_WORK = DefectWork()
"""Nobody has cases."""


def defect_work(cases: CaseUnit, unit: UnitOfWork, segments: Sequence[str], now: datetime) -> DefectWork:
    """From the cases that were filed on those segments by ``now``, O(cases on them).

    A case names the id that its defect had when it was filed; it is followed to the defect that holds that sighting
    now.
    """
    rows = [row for row in cases.rows.of_segments(segments) if row.defect is not None and row.filed_at <= now]
    homes = unit.defects.now({row.defect for row in rows if row.defect is not None})
    of_defect: dict[str, list[CaseRow]] = {}
    for row in rows:
        home = homes.get(row.defect or "")
        if home is not None and row.state not in (CaseState.VOIDED, CaseState.MERGED):
            of_defect.setdefault(home, []).append(row)
    defects = {defect.id: defect for defect in unit.defects.get(of_defect)}
    return DefectWork(
        overdue=frozenset(name for name, own in of_defect.items() if any(_overdue(row, now) for row in own)),
        mended=frozenset(name for name, own in of_defect.items() if _mended(own, defects.get(name), now)),
    )


def _overdue(row: CaseRow, now: datetime) -> bool:
    """Of a moment of the past: whether it was open then and past the due time that holds today."""
    was_open = row.is_open or (row.closed_at is not None and row.closed_at > now)
    return was_open and row.repair_due_at is not None and min(row.repair_stopped_at or now, now) > row.repair_due_at


def _mended(rows: Sequence[CaseRow], defect: KeptDefect | None, now: datetime) -> bool:
    stops = [row.repair_stopped_at for row in rows if row.closed_at is not None and row.closed_at <= now]
    repaired = [stop for stop in stops if stop is not None]
    all_closed = len(stops) == len(rows)
    return defect is not None and all_closed and bool(repaired) and defect.last_seen_at <= max(repaired)
